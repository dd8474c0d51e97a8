//! The examples of the page "ingress-nginx, precisely": a manifest, then commands with what they print.

use std::fmt::Write as _;

use super::program::{ingress, output, workspace};

const PAGE: &str = "ingress-core/src/docs/ingress_nginx.md";

/// What the commands of an example really print, each behind its own line.
fn printed(manifest: &str, session: &str) -> String {
    let mut printed = String::new();
    for command in session.lines().filter_map(|line| line.strip_prefix("$ ingress ")) {
        let mut words = command.split(' ');
        let first = words.next().unwrap();
        let arguments: Vec<_> =
            [first, "--dialect", "ingress-nginx", "-f", "-"].into_iter().chain(words).collect();
        let output = output(ingress(&arguments), manifest.as_bytes());
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(!stdout.is_empty(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        writeln!(printed, "$ ingress {command}\n{}", stdout.trim_end()).unwrap();
    }
    printed
}

#[test]
fn the_page_shows_what_the_program_prints() {
    let page = std::fs::read_to_string(workspace().join(PAGE)).unwrap();
    let mut examples = 0;
    for example in page.split("```yaml\n").skip(1) {
        let (manifest, rest) = example.split_once("```\n\n```text\n").expect("commands follow a manifest");
        let (session, _) = rest.split_once("```\n").expect("the commands end");
        assert_eq!(session, printed(manifest, session), "\n{manifest}");
        examples += 1;
    }
    // Each surprise has one, and nothing else is shown that is not run.
    let surprises = page.split("\n# ").nth(1).unwrap();
    assert_eq!(examples, surprises.matches("\n## ").count());
    assert_eq!(page.matches("```text").count(), examples);
}
