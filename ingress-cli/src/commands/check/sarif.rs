//! Findings as a SARIF 2.1.0 log, which code hosts and editors read.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use crate::check;
use crate::check::finding::{Finding, styled};
use crate::manifest::{Place, ReadError};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Writes one log with one run. Only codes that occur are described. Results are written one by one: there
/// may be very many.
pub(super) fn write(findings: &[Finding<'_>], errors: &[ReadError], out: &mut impl Write) -> io::Result<()> {
    let mut rules: BTreeMap<&str, &Finding<'_>> = BTreeMap::new();
    for finding in findings {
        rules.entry(finding.code).or_insert(finding);
    }
    let described: Vec<_> = rules.iter().map(|(code, finding)| rule(code, finding)).collect();
    let index: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(at, code)| (*code, at)).collect();
    let tool = json!({"driver": {
        "name": "ingress",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": described,
    }});
    let notifications: Vec<_> = errors.iter().map(notification).collect();
    let invocations =
        json!([{"executionSuccessful": errors.is_empty(), "toolExecutionNotifications": notifications}]);
    write!(out, r#"{{"$schema":"{SCHEMA}","version":"2.1.0","runs":[{{"tool":{tool},"#)?;
    write!(out, r#""columnKind":"unicodeCodePoints","invocations":{invocations},"results":["#)?;
    for (at, finding) in findings.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(out, "{comma}\n{}", result(finding, index.get(finding.code).copied()))?;
    }
    writeln!(out, "]}}]}}")
}

fn rule(code: &str, finding: &Finding<'_>) -> Value {
    json!({
        "id": code,
        "shortDescription": {"text": check::title(code).unwrap_or(code)},
        "help": {"text": check::page(code).unwrap_or(finding.help)},
        "defaultConfiguration": {"level": styled(finding.severity).1},
    })
}

fn result(finding: &Finding<'_>, rule: Option<usize>) -> Value {
    json!({
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": styled(finding.severity).1,
        "message": {"text": format!("{}; {}", finding.message, finding.help)},
        "locations": [{
            "physicalLocation": physical(finding.file, Some(finding.place)),
            "logicalLocations": [{
                "fullyQualifiedName": format!("{} {}", finding.object, finding.field),
                "kind": "object",
            }],
        }],
    })
}

fn notification(error: &ReadError) -> Value {
    json!({
        "level": "error",
        "message": {"text": error.message()},
        "locations": [{"physicalLocation": physical(error.file_name(), error.place())}],
    })
}

fn physical(file: &str, place: Option<Place>) -> Value {
    let mut location = json!({"artifactLocation": {"uri": uri(file)}});
    if let (Some(place), Some(members)) = (place, location.as_object_mut()) {
        members
            .insert("region".to_owned(), json!({"startLine": place.line(), "startColumn": place.column()}));
    }
    location
}

/// A path as a URI: absolute where it is, else relative to where the program was started.
fn uri(file: &str) -> String {
    let mut uri = if file.starts_with('/') { "file://".to_owned() } else { String::new() };
    // What stands before a colon in the first segment would pass for a scheme.
    if file.split('/').next().is_some_and(|first| first.contains(':')) {
        uri.push_str("./");
    }
    for byte in file.strip_prefix("./").unwrap_or(file).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_of_files_are_uris() {
        for (file, uri) in [
            ("a/b c.yaml", "a/b%20c.yaml"),
            ("./a.yaml", "a.yaml"),
            ("../a.yaml", "../a.yaml"),
            ("/etc/ä#?.yaml", "file:///etc/%C3%A4%23%3F.yaml"),
            ("c:d/e.yaml", "./c:d/e.yaml"),
            ("standard input", "standard%20input"),
        ] {
            assert_eq!(super::uri(file), uri);
        }
    }
}
