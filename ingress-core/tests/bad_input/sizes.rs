//! Objects that are too large, too many, or too much alike.

#![allow(clippy::panic, reason = "outside of test functions, too, a failed expectation is a panic")]

use std::sync::Arc;

use ingress_core::dialect::Kubernetes;
use ingress_core::{Compiler, Diagnostic, Ingress, Outcome, RequestHead, RouteTable};
use serde_json::{Value, json};

use super::manifest;

fn object(name: &str, spec: &Value) -> Ingress {
    manifest::ingress(&json!({"metadata": {"namespace": "shop", "name": name}, "spec": spec}))
}

fn line(kind: &str, path: &str, service: &str) -> Value {
    json!({"path": path, "pathType": kind, "backend": {"service": {"name": service, "port": {"number": 80}}}})
}

fn rule(host: &str, lines: &[Value]) -> Value {
    json!({"host": host, "http": {"paths": lines}})
}

fn compile(objects: impl IntoIterator<Item = Ingress>) -> (Arc<RouteTable>, Vec<Diagnostic>) {
    RouteTable::compile(Kubernetes, objects)
}

/// Where a request goes. Lookup and explanation are asked, so that neither is spared the size.
fn goes(table: &RouteTable, host: &str, path: &str) -> String {
    let request = RequestHead::new(host, path);
    let outcome = table.lookup(&request);
    assert_eq!(outcome, table.explain(&request).outcome());
    match outcome {
        Outcome::Matched(hit) => hit.rule().action().to_string(),
        other => other.to_string().chars().take(3).collect(),
    }
}

/// A path may be long: no rule says where to stop, so it is served like any other.
#[test]
fn long_paths_are_served() {
    for path in [
        format!("/{}", "a".repeat(64 << 10)),
        "/a".repeat(1_000_000),
        "/".repeat(64 << 10),
        "/é".repeat(64 << 10),
    ] {
        let lines = [line("Exact", &path, "exact"), line("Prefix", &format!("{path}x"), "prefix")];
        let (table, findings) = compile([object("web", &json!({"rules": [rule("a.example", &lines)]}))]);
        // What is not ASCII comes escaped from any client that follows the rules; that is said, no more.
        assert!(findings.iter().all(|finding| !path.is_ascii() && finding.code() == "unreachable-path"));
        assert_eq!(goes(&table, "a.example", &path), "shop/exact:80");
        assert_eq!(goes(&table, "a.example", &format!("{path}x/y")), "shop/prefix:80");
        assert_eq!(goes(&table, "a.example", &format!("{path}y")), "404");
        let shorter: String = path.chars().take(path.chars().count() - 1).collect();
        assert_eq!(goes(&table, "a.example", &shorter), "404");
    }
}

/// The longest names that DNS has are served; the next longer ones are not.
#[test]
fn hosts_are_served_up_to_the_length_of_a_name() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert_eq!(longest.len(), 253);
    let rules = json!({"rules": [rule(&longest, &[line("Prefix", "/", "web")])]});
    let (table, findings) = compile([object("web", &rules)]);
    assert!(findings.is_empty());
    assert_eq!(goes(&table, &longest, "/"), "shop/web:80");
    assert_eq!(goes(&table, &format!("{longest}.:65535"), "/"), "shop/web:80");
    assert_eq!(goes(&table, &format!("{longest}a"), "/"), "404");
    let wildcard = format!("*.{}", longest.split_at(64).1);
    let rules = json!({"rules": [rule(&wildcard, &[line("Prefix", "/", "wild")]), rule(&format!("{longest}a"), &[])]});
    let (table, findings) = compile([object("web", &rules)]);
    assert_eq!(findings.iter().map(Diagnostic::code).collect::<Vec<_>>(), ["invalid-host"]);
    assert_eq!(goes(&table, &longest, "/"), "shop/wild:80");
}

/// Names are text to us, however long they are.
#[test]
fn long_names_are_carried_along() {
    let long = "n".repeat(64 << 10);
    let spec = json!({
        "ingressClassName": long,
        "defaultBackend": {"service": {"name": long, "port": {"name": long}}},
        "tls": [{"hosts": ["a.example"], "secretName": long}],
        "rules": [{"host": "a.example"}],
    });
    let object = manifest::ingress(&json!({
        "metadata": {"namespace": long, "name": long, "annotations": {(long.clone()): long, "x": "y".repeat(1 << 20)}},
        "spec": spec,
    }));
    let (table, findings) = compile([object]);
    assert!(findings.is_empty());
    assert_eq!(goes(&table, "b.example", "/"), format!("{long}/{long}:{long}"));
    assert_eq!(table.certificate("a.example").unwrap().to_string(), format!("{long}/{long}"));
}

/// Ten thousand paths in one object, every one of them found.
#[test]
fn ten_thousand_paths_in_one_object() {
    let lines: Vec<_> = (0..10_000).map(|n| line("Prefix", &format!("/p{n}"), &format!("s{n}"))).collect();
    let (table, findings) = compile([object("web", &json!({"rules": [rule("a.example", &lines)]}))]);
    assert!(findings.is_empty());
    assert_eq!(table.rule_count(), 10_000);
    for n in 0..10_000 {
        let path = format!("/p{n}/x");
        let Outcome::Matched(hit) = table.lookup(&RequestHead::new("a.example", &path)) else {
            panic!("{path}")
        };
        assert_eq!(hit.rule().action().to_string(), format!("shop/s{n}:80"));
    }
    assert_eq!(goes(&table, "a.example", "/p10000"), "404");
}

/// Twenty thousand hosts in one object, with as many names in its TLS entry: what an object adds is
/// looked up by host, never searched for.
#[test]
fn twenty_thousand_hosts_in_one_object() {
    let count = 20_000;
    let rules: Vec<_> =
        (0..count).map(|n| rule(&format!("h{n}.example"), &[line("Prefix", "/", "web")])).collect();
    let hosts: Vec<_> = (0..count).map(|n| format!("h{}.example", n * 2)).collect();
    let backend = json!({"service": {"name": "lost", "port": {"number": 80}}});
    let spec = |tls: &[String]| json!({"rules": rules, "tls": [{"hosts": tls, "secretName": "tls"}]});
    let mut compiler = Compiler::new(Kubernetes);
    let _ = compiler.upsert(object("web", &spec(&hosts)));
    let table = compiler.compile();
    assert_eq!(table.host_count(), count + count / 2);
    assert_eq!(compiler.diagnostics().count(), count / 2, "every second name has no rule");
    assert_eq!(goes(&table, "h19999.example", "/"), "shop/web:80");

    let mut spec = spec(&[]);
    spec["defaultBackend"] = backend;
    let _ = compiler.upsert(object("web", &spec));
    assert_eq!(compiler.compile().rule_count(), count * 2 + 1);
    let _ = compiler.remove(object("web", &json!(null)).id());
    assert_eq!(compiler.compile().host_count(), 0);
}

/// The same line in ten thousand objects: the oldest has it, each of the others is told by whom.
#[test]
fn the_same_rule_ten_thousand_times() {
    let spec = json!({
        "rules": [rule("a.example", &[line("Prefix", "/a/", "web")])],
        "tls": [{"hosts": ["a.example"], "secretName": "tls"}],
        "defaultBackend": {"service": {"name": "lost", "port": {"number": 80}}},
    });
    let (table, findings) = compile((0..10_000).map(|n| object(&format!("web-{n:05}"), &spec)));
    assert_eq!(goes(&table, "a.example", "/a/b"), "shop/web:80");
    assert_eq!(findings.len(), 9_999);
    for finding in &findings {
        assert_eq!(finding.code(), "shadowed-rule");
        assert!(finding.message().contains("shop/web-00000 spec.rules[0].http.paths[0]"), "{finding}");
    }
}

/// The same line ten thousand times in one object, and the same host in ten thousand rules.
#[test]
fn the_same_line_ten_thousand_times() {
    let lines = vec![line("Exact", "/a", "web"); 10_000];
    let (_, findings) = compile([object("lines", &json!({"rules": [rule("a.example", &lines)]}))]);
    assert_eq!(findings.len(), 9_999);
    let rules = vec![rule("A.example", &[line("Exact", "/a", "web")]); 10_000];
    let (table, findings) = compile([object("rules", &json!({"rules": rules}))]);
    assert_eq!(findings.iter().filter(|finding| finding.code() == "shadowed-rule").count(), 9_999);
    assert_eq!(findings.iter().filter(|finding| finding.code() == "respelled-host").count(), 10_000);
    assert_eq!(goes(&table, "a.example", "/a"), "shop/web:80");
}

/// A chain of prefixes, each an element longer than the last: as deep as a tree can get.
#[test]
fn three_thousand_nested_prefixes() {
    let depth = 3_000;
    let lines: Vec<_> = (1..=depth).map(|n| line("Prefix", &"/a".repeat(n), &format!("s{n}"))).collect();
    let (table, findings) = compile([object("web", &json!({"rules": [rule("a.example", &lines)]}))]);
    assert!(findings.is_empty());
    for n in [1, 2, 127, 128, 255, 256, 1_000, depth] {
        assert_eq!(goes(&table, "a.example", &format!("{}/b", "/a".repeat(n))), format!("shop/s{n}:80"));
    }
    assert_eq!(goes(&table, "a.example", &"/a".repeat(100_000)), format!("shop/s{depth}:80"));
}

/// A finding quotes what it is about, but not all of it, and nothing that a terminal would obey.
#[test]
fn findings_stay_short_and_harmless() {
    for text in [
        "x".repeat(1 << 20),
        "\u{1b}[2J".repeat(1 << 16),
        "é\u{202e}".repeat(1 << 16),
        "\r\n".repeat(1 << 16),
    ] {
        let spec = json!({"rules": [rule(&text, &[]), rule("a.example", &[line("Prefix", &text, "web"), line(&text, "/", "web")])]});
        let (_, findings) = compile([object("web", &spec)]);
        assert_eq!(findings.len(), 3, "{findings:?}");
        for finding in findings {
            let line = finding.to_string();
            assert!(line.len() < 1_000 && !line.chars().any(char::is_control), "{line:?}");
        }
    }
}
