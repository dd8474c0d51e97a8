//! The suites of `tests/data`: manifests, requests, and where each of them goes.
//!
//! A suite is a file of manifests. Its last document is `requests:`, a list of `request`, what to
//! `expect`, and `because`. The request is what `ingress route --requests` reads; the expectation is
//! held against what it prints, and says as much of it as matters.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::program::{ingress, output};

#[derive(Deserialize)]
struct Suite {
    requests: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    request: Value,
    expect: Value,
    because: Option<String>,
}

fn suites(dialect: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(dialect);
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn kubernetes() {
    let count: usize = suites("kubernetes").iter().map(|suite| run("kubernetes", suite)).sum();
    assert!(count >= 64, "{count} requests");
}

/// Asks all requests of a suite, and gives their number.
fn run(dialect: &str, path: &Path) -> usize {
    let text = fs::read_to_string(path).unwrap();
    let (_, requests) = text.rsplit_once("\n---\n").unwrap();
    let suite: Suite = serde_saphyr::from_str(requests).unwrap();
    let lines: String = suite.requests.iter().map(|case| format!("{}\n", case.request)).collect();
    let file = path.to_str().unwrap();
    let arguments = ["route", "-f", file, "--dialect", dialect, "--requests", "-", "-o", "json"];
    let output = output(ingress(&arguments), lines.as_bytes());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{file}");
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), suite.requests.len(), "{file}");
    for (case, answer) in suite.requests.iter().zip(answers.lines()) {
        let answer: Value = serde_json::from_str(answer).unwrap();
        assert!(
            says(&answer, &case.expect),
            "{file}\n  {}\n  expected {}\n  got {answer}\n  because {}",
            case.request,
            case.expect,
            case.because.as_deref().unwrap_or("of the specification")
        );
    }
    suite.requests.len()
}

/// Whether an answer says everything that is expected. It may say more.
fn says(answer: &Value, expected: &Value) -> bool {
    match (answer, expected) {
        (Value::Object(answer), Value::Object(expected)) => {
            expected.iter().all(|(key, value)| answer.get(key).is_some_and(|found| says(found, value)))
        }
        _ => answer == expected,
    }
}
