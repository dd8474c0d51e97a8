//! The pages of `ingress check --explain`: their examples do what they say.

use std::collections::BTreeSet;

use insta::assert_snapshot;

use super::program::{directory, ingress, output, shown};

fn codes() -> Vec<String> {
    let refused = shown(&["check", "--explain", "no-such-code"], "");
    let listed = refused.split_once("[possible values: ").unwrap().1.split_once(']').unwrap().0;
    listed.split(", ").map(str::to_owned).collect()
}

/// The example of a page: a manifest, and the arguments that it is checked with.
fn example(page: &str) -> (String, Vec<String>) {
    let example = page.split_once("\nExample\n").unwrap().1.split_once("\nWhat to do\n").unwrap().0;
    let lines = example.lines().map(|line| line.strip_prefix("    ").unwrap_or(line));
    let (commands, manifest): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with("$ "));
    assert_eq!(commands.len(), 1, "{commands:?}");
    let command = commands.first().unwrap();
    let arguments = command.strip_prefix("$ ingress ").unwrap().split_whitespace().map(str::to_owned);
    (manifest.join("\n"), arguments.collect())
}

#[test]
fn every_example_brings_its_code_about() {
    let help = String::from_utf8(output(ingress(&["check", "--help"]), b"").stdout).unwrap();
    let mut elsewhere = BTreeSet::new();
    for code in codes() {
        let page = output(ingress(&["check", "--explain", &code]), b"");
        assert_eq!(page.status.code(), Some(0), "{code}");
        let (manifest, arguments) = example(&String::from_utf8(page.stdout).unwrap());
        // A page may need a dialect that this program is built without.
        if let Some(at) = arguments.iter().position(|argument| argument == "--dialect")
            && !help.contains(&format!("- {}: ", arguments[at + 1]))
        {
            elsewhere.insert(code);
            continue;
        }
        let files = directory("every_example", &[("example.yaml", manifest.as_bytes())]);
        let mut command = ingress(&[]);
        command.args(&arguments).args(["-o", "json"]).current_dir(files);
        let found = output(command, b"");
        let (stdout, stderr) =
            (String::from_utf8(found.stdout).unwrap(), String::from_utf8(found.stderr).unwrap());
        assert!(stdout.contains(&format!("\"code\":\"{code}\"")), "{code}: {stdout}{stderr}");
        assert_eq!(stderr, "", "{code}");
    }
    // Only expressions can be too large, and the dialect of the specification has none.
    assert!(elsewhere.is_subset(&["oversized-pattern".to_owned()].into()), "{elsewhere:?}");
}

#[test]
fn pages_are_shown() {
    assert_snapshot!("page", shown(&["check", "--explain", "namespace-conflict"], ""));
}

#[test]
fn near_spellings_are_listed() {
    let shown = shown(&["check", "--explain", "shadow-rule"], "");
    assert!(
        shown.contains("shadowed-rule") && shown.contains("tip: ") && shown.ends_with("--- status 2\n"),
        "{shown}"
    );
    assert_snapshot!("no_page", shown);
}

#[test]
fn a_page_is_about_one_code_and_reads_nothing() {
    for arguments in [
        &["check", "--explain"][..],
        &["check", "--explain", ""],
        &["check", "--explain", "no-such-code"],
        &["check", "--explain", "shadowed-rule", "-f", "-"],
        &["check", "--explain", "shadowed-rule", "--now", "2030-01-01"],
        &["check"],
        &["check", "-f", "-", "--now", "yesterday"],
    ] {
        let shown = shown(arguments, "");
        assert!(shown.ends_with("--- status 2\n") && !shown.contains("stdout"), "{arguments:?}: {shown}");
    }
}
