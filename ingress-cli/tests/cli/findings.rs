//! Every finding of `ingress check`, and what comes near it without being it.
//!
//! `tests/data/check` holds a manifest that brings each finding about, and one that must not. What `check`
//! says about both is kept as snapshots.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use ingress_core::DiagnosticKind;
use insta::assert_snapshot;

use super::program::{directory, shown, workspace};

const DATA: &str = "ingress-cli/tests/data/check";

/// The manifests, as code and whether they are good, with the arguments that they ask for.
fn cases() -> Vec<(String, bool, String, Vec<String>)> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(workspace().join(DATA)).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let (code, good) = match name.strip_suffix(".bad.yaml") {
            Some(code) => (code, false),
            None => (name.strip_suffix(".good.yaml").unwrap(), true),
        };
        let text = fs::read_to_string(&path).unwrap();
        let arguments = text.lines().find_map(|line| line.strip_prefix("# $ ")).unwrap_or("");
        let arguments = arguments.split_whitespace().map(str::to_owned).collect();
        cases.push((code.to_owned(), good, format!("{DATA}/{name}"), arguments));
    }
    cases.sort();
    cases
}

#[test]
fn each_is_found_where_it_is_and_nowhere_else() {
    for (code, good, file, arguments) in cases() {
        let mut command = vec!["check", "-f", &file];
        command.extend(arguments.iter().map(String::as_str));
        let text = shown(&command, "");
        assert_eq!(text.contains(&format!("[{code}]")), !good, "{file}: {text}");
        assert_snapshot!(format!("{code}_{}", if good { "good" } else { "bad" }), text);
        // All formats find the same.
        let quiet = shown(&[&command[..], &["-q"]].concat(), "");
        let count = quiet.lines().filter(|line| line.contains("]: ")).count();
        let json = shown(&[&command[..], &["-o", "json"]].concat(), "");
        assert_eq!(json.lines().filter(|line| line.starts_with('{')).count(), count, "{json}");
        let sarif = shown(&[&command[..], &["-o", "sarif"]].concat(), "");
        assert_eq!(sarif.matches("\"ruleIndex\":").count(), count, "{sarif}");
    }
}

#[test]
fn every_finding_of_the_command_line_has_both_manifests() {
    let refused = shown(&["check", "--explain", "no-such-code"], "");
    let listed = refused.split_once("[possible values: ").unwrap().1.split_once(']').unwrap().0;
    let core: BTreeSet<_> = DiagnosticKind::ALL.iter().map(|kind| kind.code()).collect();
    let codes: BTreeSet<_> = listed.split(", ").filter(|code| !core.contains(code)).collect();
    assert!(codes.len() > 15, "{codes:?}");
    let has: BTreeSet<_> = cases().into_iter().map(|(code, good, ..)| (code, good)).collect();
    for code in codes {
        for good in [true, false] {
            assert!(has.contains(&(code.to_owned(), good)), "{code} has no manifest, good: {good}");
        }
    }
}

/// What is not among the input at all is taken to be elsewhere.
#[test]
fn without_services_and_secrets_none_is_missing() {
    let text = shown(&["check", "-f", "-"], INGRESS);
    assert_eq!(
        text,
        "--- stdout\nnothing to find fault with in 1 Ingress and 1 rule in 1 file\n--- status 0\n"
    );
}

const INGRESS: &str = r#"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"web"},
"spec":{"tls":[{"hosts":["a.example.com"],"secretName":"tls"}],"rules":[{"host":"a.example.com","http":{"paths":[
{"path":"/","pathType":"Prefix","backend":{"service":{"name":"web","port":{"number":80}}}}]}}]}}"#;

#[test]
fn many_findings_of_one_cause_are_folded_for_people_only() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: other}\n";
    let mut documents = vec![service.to_owned()];
    for index in 0..25 {
        documents.push(
            INGRESS
                .replace("\"web\"},", &format!("\"web-{index}\"}},"))
                .replace("a.example", &format!("a{index}.example")),
        );
    }
    let input = documents.join("\n---\n");
    let text = shown(&["check", "-f", "-"], &input);
    assert_eq!(text.matches("error[service-missing]").count(), 10, "{text}");
    assert!(
        text.contains("not shown, but listed by -o json:\n  15 more of service-missing: default/web\n"),
        "{text}"
    );
    assert!(text.contains("25 errors in 25 Ingresses"), "{text}");
    assert_eq!(shown(&["check", "-f", "-", "-o", "json"], &input).matches("service-missing").count(), 25);
}

/// A key is printed nowhere: not beside a finding in the same line, not with a mistake in the Secret.
#[test]
fn keys_are_never_shown() {
    const KEY: &str = "c2VjcmV0LWtleS1tYXRlcmlhbA";
    let secret = format!(
        r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"tls"}},"type":"Opaque","data":{{"tls.crt":"aGVsbG8=","tls.key":"{KEY}=="}}}}"#
    );
    let bad = INGRESS.replace("\"Prefix\"", "\"prefix\"").replace('\n', "");
    let near = r#"{"metadata":{"name":"near"},"kind":"Ingress","apiVersion":"networking.k8s.io/v1"}"#;
    let backwards = format!(
        r#"{{"data":{{"tls.key":"{KEY}=="}},"kind":"Secret","apiVersion":"v1","metadata":{{"name":"tls"}}}}"#
    );
    let list = |items: &[&str], between: &str| {
        format!(r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, items.join(between))
    };
    let inputs = [
        list(&[&secret, &bad], ","),
        list(&[&bad, &secret], ","),
        list(&[&secret, &bad, &secret], ",\n"),
        // Right behind the key, and right before it.
        list(&[&secret, near, &bad], ","),
        list(&[&bad, near, &backwards], ","),
        format!("{secret}\n---\n{bad}"),
        // Broken in the very line, and in another one.
        format!(
            "{bad}\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: tls}}\ndata: {{tls.key: {KEY}, tls.key: {KEY}}}\n"
        ),
        format!("{bad}\n---\nkind: Secret\ndata: {{tls.crt: [, tls.key: {KEY}}}\n"),
        format!("{bad}\n---\nkind: Secret\nmetadata: {{name: tls}}\ndata: {KEY}\n"),
        format!(
            "{bad}\n---\nkind: Secret\nmetadata: {{name: tls}}\nstringData: {{tls.key: {KEY}, tls.crt: {KEY}}}\n"
        ),
    ];
    for (index, input) in inputs.iter().enumerate() {
        let files = directory("keys_are_never_shown", &[("in.yaml", input.as_bytes())]);
        for format in ["text", "json", "sarif"] {
            let said = shown(&["check", "-v", "-f", files.to_str().unwrap(), "-o", format], "");
            assert!(said.contains("unknown-path-type"), "{index}: {said}");
            assert!(!said.contains(&KEY[..8]) && !said.contains("secret-key"), "{index}: {said}");
        }
    }
    // The lines of other objects are shown all the same.
    let pretty = list(&[&secret, &bad], ",\n").replace("\"pathType\"", "\n\"pathType\"");
    let said = shown(&["check", "-f", "-"], &pretty);
    assert!(said.contains("3 | \"pathType\":\"prefix\""), "{said}");
}
