//! Requests that no client means to send.

use ingress_core::dialect::Kubernetes;
use ingress_core::{Outcome, RequestHead, RouteTable};
use serde_json::json;

use super::manifest;
use super::random::Random;

fn table() -> std::sync::Arc<RouteTable> {
    let backend = |name: &str| json!({"service": {"name": name, "port": {"number": 80}}});
    let object = manifest::ingress(&json!({
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {
            "tls": [{"hosts": ["a.example", "*.example"], "secretName": "tls"}],
            "rules": [
                {"host": "a.example", "http": {"paths": [
                    {"path": "/a", "pathType": "Prefix", "backend": backend("a")},
                    {"path": "/admin", "pathType": "Prefix", "backend": backend("admin")},
                    {"path": "/a/%2F", "pathType": "Exact", "backend": backend("escaped")},
                ]}},
                {"host": "*.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend("wild")}]}},
                {"http": {"paths": [{"path": "/any", "pathType": "Prefix", "backend": backend("any")}]}},
            ],
        },
    }));
    let (table, findings) = RouteTable::compile(Kubernetes, [object]);
    assert!(findings.is_empty(), "{findings:?}");
    table
}

/// Asks every way there is to ask. What is forwarded is a target that would be judged alike.
fn ask<'t>(table: &'t RouteTable, host: &str, target: &str) -> Outcome<'t> {
    let request = RequestHead::new(host, target);
    let outcome = table.lookup(&request);
    let explanation = table.explain(&request);
    assert_eq!(outcome, explanation.outcome());
    let _ = table.certificate(host);
    if let Outcome::Matched(hit) = outcome {
        let upstream = hit.upstream(&request).map(|target| target.to_string());
        if let Ok(upstream) = upstream {
            assert!(!upstream.split(['?']).next().is_some_and(|path| path.contains("/../")), "{upstream}");
            assert_eq!(table.lookup(&RequestHead::new(host, &upstream)), outcome, "{upstream}");
        }
    }
    outcome
}

fn is_refused(outcome: &Outcome<'_>) -> bool {
    matches!(outcome, Outcome::Refused(_))
}

fn backend(outcome: &Outcome<'_>) -> String {
    outcome.matched().map_or_else(|| "none".to_owned(), |hit| hit.rule().action().to_string())
}

#[test]
fn long_paths() {
    let (table, length) = (table(), 64 << 10);
    for (target, expected) in [
        (format!("/a/{}", "x".repeat(length)), "shop/a:80"),
        (format!("/a{}", "x".repeat(length)), "shop/wild:80"),
        (format!("/a{}", "/".repeat(length)), "shop/a:80"),
        ("/".repeat(length), "shop/wild:80"),
        (format!("{}/admin", "/..".repeat(length)), "shop/admin:80"),
        (format!("{}/admin", "/.".repeat(length)), "shop/admin:80"),
        (format!("{}{}/admin", "/x".repeat(length), "/..".repeat(length)), "shop/admin:80"),
        (format!("/a{}", "/%2e%2E/a".repeat(length)), "shop/a:80"),
        (format!("/a{}", "/%2F".repeat(length)), "shop/a:80"),
        (format!("/{}", "%61".repeat(length)), "shop/wild:80"),
        (format!("/a?{}", "%".repeat(length)), "shop/a:80"),
        ("/a".repeat(1_000_000), "shop/a:80"),
        (format!("/a/{}", "é".repeat(length)), "shop/a:80"),
    ] {
        assert_eq!(backend(&ask(&table, "a.example", &target)), expected, "{}...", target.split_at(20).0);
    }
    for target in [
        "a".repeat(length),
        format!("/{}", "%".repeat(length)),
        format!("/{}%", "%25".repeat(length)),
        format!("/{}%00", "a".repeat(length)),
        format!("/{}\u{0}", "a".repeat(length)),
        format!("/{}#", "a".repeat(length)),
        format!("/{}\r\n", "/..".repeat(length)),
    ] {
        assert!(is_refused(&ask(&table, "a.example", &target)), "{}...", target.split_at(20).0);
    }
}

#[test]
fn long_hosts() {
    let (table, length) = (table(), 64 << 10);
    for host in [
        "a".repeat(length),
        "a.".repeat(500_000),
        format!("{}example", "a.".repeat(1_000_000)),
        ".".repeat(length),
        format!("a.example{}", ".".repeat(length)),
        format!("a.example:{}", "0".repeat(length)),
        format!("a.example:80{}", ":80".repeat(length)),
        "[".repeat(length),
        format!("[{}]", ":".repeat(length)),
        format!("{}@a.example", "a".repeat(length)),
        "é".repeat(length),
        "\u{0}".repeat(length),
        format!("{}.example", "a".repeat(64)),
        " ".repeat(length),
    ] {
        let shown = host.chars().take(20).collect::<String>();
        assert_eq!(backend(&ask(&table, &host, "/any")), "shop/any:80", "{shown}...");
        assert_eq!(backend(&ask(&table, &host, "/a")), "none", "{shown}...");
        assert_eq!(table.certificate(&host), None, "{shown}...");
    }
    let longest_label = format!("{}.example", "a".repeat(63));
    assert_eq!(backend(&ask(&table, &longest_label, "/a")), "shop/wild:80");
    assert!(table.certificate(&longest_label).is_some());
}

/// Pieces that mean something somewhere, put together at random. Nothing panics, both readings agree,
/// and what is forwarded goes where it was meant to.
#[test]
fn garbage() {
    const HOSTS: &[&str] = &[
        "a",
        "example",
        ".",
        "..",
        "*",
        "-",
        "_",
        ":",
        ":80",
        "[",
        "]",
        "::1",
        "@",
        "/",
        "%",
        "%2e",
        " ",
        "\0",
        "\u{7f}",
        "É",
        "xn--",
        "A",
        "EXAMPLE",
        "\u{3002}",
        ",",
        "a.example",
        "10.0.0.1",
    ];
    const PATHS: &[&str] = &[
        "/", "//", "a", "admin", "any", ".", "..", "/..", "/.", "%2e", "%2E%2e", "%2F", "%2f", "%5C", "\\",
        "%61", "%", "%0", "%00", "%zz", "%25", "?", "#", "*", ";", " ", "\0", "\r\n", "\u{7f}", "é",
        "%C3%A9", "%ff", "|", "^", "`", "<", ">", "\"", "{", "}", "http://", "~",
    ];
    let table = table();
    for seed in 0..4 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        for _ in 0..5_000 {
            let mut text = |pieces: &[&str], most: usize| -> String {
                (0..random.below(most)).map(|_| pieces[random.below(pieces.len())]).collect()
            };
            let (host, mut target) = (text(HOSTS, 6), text(PATHS, 9));
            if random.below(4) > 0 {
                target.insert(0, '/');
            }
            let host = if random.below(2) == 0 { "a.example" } else { &host };
            let _ = ask(&table, host, &target);
        }
    }
}

/// Every single byte that a text can hold, at the start, in the middle and at the end.
#[test]
fn every_character() {
    let table = table();
    for byte in 0..=0x2ff_u32 {
        let Some(odd) = char::from_u32(byte) else { continue };
        for target in [
            format!("{odd}/a"),
            format!("/a{odd}"),
            format!("/{odd}a"),
            format!("/a/b{odd}c"),
            format!("/a%{odd}1"),
        ] {
            let outcome = ask(&table, "a.example", &target);
            let path = target.split('?').next().unwrap_or("");
            let control = path.bytes().any(|byte| byte < 0x20 || byte == 0x7f);
            assert!(!control || is_refused(&outcome), "{target:?}");
        }
        for host in [format!("{odd}a.example"), format!("a{odd}.example"), format!("a.example{odd}")] {
            let outcome = ask(&table, &host, "/any");
            assert!(outcome.matched().is_some(), "{host:?}");
        }
    }
}
