//! What the security holes of ingress-nginx taught: none of those objects is served as it was meant, and each is
//! reported.

#![cfg(feature = "k8s-openapi")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test says no by a panic")]

use ingress_core::dialect::{IngressNginx, catalog::Settings};
use ingress_core::request::Scheme;
use ingress_core::{Compiler, Outcome, RequestHead};
use serde_json::{Value, json};

const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// What becomes of requests for the object's own path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Served {
    /// As if the annotation were not there.
    Without,
    /// 503, or 403.
    Denied,
    /// Not at all.
    Not,
}

fn object() -> Value {
    json!({
        "metadata": {"namespace": "shop", "name": "web", "annotations": {}},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": "a.example", "http": {"paths": [
            {"path": "/p", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
        ]}}]},
    })
}

/// The findings of an object, as `severity code field`, and what becomes of a request for `/p`.
fn judge(object: Value, settings: &Settings) -> (Vec<String>, Served) {
    let object: k8s_openapi::api::networking::v1::Ingress =
        serde_json::from_value(object).expect("it is an Ingress");
    let (dialect, _) = IngressNginx::new(settings);
    let mut compiler = Compiler::new(dialect);
    compiler.upsert(&object);
    let table = compiler.compile();
    let found = compiler
        .diagnostics()
        .map(|finding| format!("{} {} {}", finding.severity(), finding.code(), finding.field()))
        .collect();
    let request = RequestHead::new("a.example", "/p").scheme(Scheme::Https);
    let served = match table.lookup(&request) {
        Outcome::Matched(hit) => match hit.rule().action().to_string() {
            action if action.contains("shop/web:80") => Served::Without,
            action if action.starts_with("503") || action.starts_with("403") => Served::Denied,
            action if action.starts_with("404") => Served::Not,
            action => panic!("{action}"),
        },
        _ => Served::Not,
    };
    (found, served)
}

#[test]
fn no_annotation_becomes_configuration() {
    use Served::{Denied, Not, Without};
    let cases: &[(&str, &str, &str, &[&str], Served)] = &[
        ("CVE-2021-25742", "server-snippet", "return 200;", &["error nginx-not-loaded"], Not),
        ("CVE-2021-25746", "auth-realm", "x\"; } location / {", &["error nginx-not-loaded"], Not),
        ("CVE-2023-5043", "configuration-snippet", "return 200;", &["error nginx-not-loaded"], Not),
        ("CVE-2023-5044", "permanent-redirect", "https://b.example/;}\nx", &["error nginx-not-loaded"], Not),
        ("CVE-2024-7646", "permanent-redirect", "https://b.example/\n", &["error nginx-not-loaded"], Not),
        ("CVE-2024-7646", "server-alias", "b.example\r\n; }", &["error nginx-not-loaded"], Not),
        ("CVE-2025-1097", "auth-tls-match-cn", "CN=a #(\n;}", &["error nginx-not-loaded"], Not),
        ("CVE-2025-1098", "mirror-target", "https://b.example/;}\n#", &["warning nginx-bad-value"], Without),
        ("CVE-2025-1098", "mirror-host", "b.example;}\n#", &["warning nginx-bad-value"], Without),
        ("CVE-2025-24513", "auth-secret", "../../etc/passwd", &["error nginx-denied"], Denied),
        ("CVE-2026-24513", "auth-url", "https://b.example/;}", &["error nginx-not-loaded"], Not),
        ("CVE-2025-24514", "auth-url", "https://b.example/#;}\n", &["error nginx-not-loaded"], Not),
        ("CVE-2025-15566", "auth-proxy-set-headers", "shop/a;}\n", &["warning nginx-bad-value"], Without),
        ("CVE-2026-1580", "auth-method", "GET;}", &["error nginx-denied"], Denied),
        ("CVE-2026-3288", "rewrite-target", "/x\";}", &["warning nginx-bad-value"], Without),
        ("CVE-2026-4342", "upstream-vhost", "b.example#\n", &["error nginx-not-loaded"], Not),
    ];
    for (cve, name, value, codes, served) in cases {
        let key = format!("{PREFIX}{name}");
        let mut object = object();
        object["metadata"]["annotations"] = json!({
            format!("{PREFIX}auth-type"): "basic",
            format!("{PREFIX}custom-http-errors"): "503",
            &key: value,
        });
        if !name.starts_with("auth-secret") {
            object["metadata"]["annotations"][format!("{PREFIX}auth-type")] = json!("");
        }
        let (found, what) = judge(object, &Settings::default());
        for code in *codes {
            let wanted = format!("{code} metadata.annotations[{key}]");
            assert!(found.contains(&wanted), "{cve}: {found:?}");
        }
        assert_eq!(what, *served, "{cve}");
    }
}

#[test]
fn snippets_stay_text_where_the_cluster_allows_them() {
    let settings = Settings::default()
        .config_map([("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")]);
    for name in ["configuration-snippet", "server-snippet", "stream-snippet", "auth-snippet"] {
        let key = format!("{PREFIX}{name}");
        let mut object = object();
        object["metadata"]["annotations"] = json!({&key: "return 200;"});
        let (found, served) = judge(object, &settings);
        assert_eq!(found, [format!("warning nginx-not-acted-on metadata.annotations[{key}]")]);
        assert_eq!(served, Served::Without, "{name}");
    }
}

#[test]
fn no_path_and_no_name_becomes_configuration() {
    let path = "spec.rules[0].http.paths[0].path";
    for (cve, text, kind, finding) in [
        ("CVE-2021-25745", "/p{alias /var/run/;}", "ImplementationSpecific", "error nginx-not-loaded"),
        ("CVE-2021-25748", "/p root\n/var;", "ImplementationSpecific", "error nginx-not-loaded"),
        ("CVE-2021-25745", "/var/run/secrets/x", "Prefix", "error nginx-not-loaded"),
        ("CVE-2021-25745", "/etc/passwd", "Prefix", "error nginx-not-loaded"),
        ("CVE-2021-25745", "/content_by_lua_block", "Exact", "error nginx-not-loaded"),
        ("CVE-2022-4886", "/p;} log_format x {", "Prefix", "error nginx-not-admitted"),
        ("CVE-2026-24512", "/p\"} location /", "Exact", "error nginx-not-admitted"),
    ] {
        let mut object = object();
        object["spec"]["rules"][0]["http"]["paths"][0]["path"] = json!(text);
        object["spec"]["rules"][0]["http"]["paths"][0]["pathType"] = json!(kind);
        let (found, served) = judge(object, &Settings::default());
        assert!(found.contains(&format!("{finding} {path}")), "{cve}: {found:?}");
        assert_eq!(served, Served::Not, "{cve}");
    }
    // The same as data: it matches what it says, and nothing else.
    let mut object = object();
    object["spec"]["rules"][0]["http"]["paths"][0] = json!({
        "path": "/p\"} location /q {", "pathType": "ImplementationSpecific",
        "backend": {"service": {"name": "web", "port": {"number": 80}}},
    });
    let object: k8s_openapi::api::networking::v1::Ingress = serde_json::from_value(object).expect("valid");
    let (dialect, _) = IngressNginx::new(&Settings::default());
    let (table, _) = ingress_core::RouteTable::compile(dialect, [&object]);
    let takes = |path| {
        let request = RequestHead::new("a.example", path);
        let hit = table.lookup(&request).matched().expect("each host has a root");
        hit.rule().action().to_string().contains("shop/web:80")
    };
    assert!(takes("/p%22%7D%20location%20/q%20%7B"));
    assert!(!takes("/p") && !takes("/q") && !takes("/"));
}

#[test]
fn other_strings_of_an_object_are_judged_too() {
    let mut named = object();
    named["metadata"]["uid"] = json!("x\n}");
    let (found, _) = judge(named, &Settings::default());
    assert!(found.contains(&"error nginx-not-admitted metadata".to_owned()), "{found:?}");

    for name in ["../../etc/passwd", "a;}", "a\n"] {
        let mut secret = object();
        secret["spec"]["tls"] = json!([{"hosts": ["a.example"], "secretName": name}]);
        let (found, _) = judge(secret, &Settings::default());
        let refused =
            |finding: &String| finding.starts_with("error") && finding.contains("spec.tls[0].secretName");
        assert!(found.iter().any(refused), "CVE-2025-24513: {found:?}");
    }
}

#[test]
fn foreign_annotations_are_named() {
    let mut object = object();
    object["metadata"]["annotations"] = json!({
        format!("{PREFIX}rewrite-targt"): "/",
        format!("{PREFIX}proxy-buffer-size"): "8k",
        format!("{PREFIX}proxy-body-size"): "8m",
        "haproxy.org/path-rewrite": "/",
        "example.com/owner": "shop",
    });
    let (found, _) = judge(object, &Settings::default());
    assert_eq!(
        found,
        [
            "warning ignored-annotations metadata.annotations[haproxy.org/path-rewrite]".to_owned(),
            format!("warning ignored-annotations metadata.annotations[{PREFIX}rewrite-targt]"),
            format!("warning nginx-not-acted-on metadata.annotations[{PREFIX}proxy-buffer-size]"),
        ]
    );
}

#[test]
fn the_page_lists_what_is_not_acted_on() {
    let page = include_str!("../src/docs/ingress_nginx.md");
    let (_, table) = page.split_once("| annotation | what is lost |\n|---|---|\n").expect("it has the table");
    let (table, _) = table.split_once("\n\n").expect("something follows");
    let rows: Vec<String> =
        IngressNginx::not_acted_on().map(|(name, lost)| format!("| `{name}` | {lost} |")).collect();
    assert_eq!(table.lines().collect::<Vec<_>>(), rows);
    assert!(IngressNginx::acted_on().all(|name| !rows.iter().any(|row| row.contains(&format!("`{name}`")))));
}
