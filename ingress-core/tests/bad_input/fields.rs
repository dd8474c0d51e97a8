//! Every field of an Ingress, wrong in every way that its type allows.

#![allow(clippy::panic, reason = "outside of test functions, too, a failed expectation is a panic")]

use ingress_core::{Outcome, RequestHead, RouteTable, Severity};
use serde_json::{Value, json};

use super::crowd::{Crowd, SHARED_HOST, Visit};
use super::manifest;

/// The one object, before it goes bad. It is the oldest of all, so that it wins whatever it may.
const OBJECT: &str = "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  namespace: visitor
  name: bad
  creationTimestamp: '2000-01-01T00:00:00Z'
  annotations: {example.com/owner: nobody}
spec:
  ingressClassName: edge
  defaultBackend: {resource: {apiGroup: k8s.example.com, kind: Bucket, name: page}}
  rules:
  - host: shop-7.example.com
    http:
      paths:
      - {path: /bad, pathType: Prefix, backend: {service: {name: bad, port: {number: 80}}}}
      - {path: /fine, pathType: Exact, backend: {service: {name: fine, port: {name: http}}}}
  - host: bad.example.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: bad, port: {number: 80}}}}
  tls:
  - {hosts: [bad.example.com], secretName: bad-tls}
";

fn object() -> Value {
    manifest::documents(OBJECT).remove(0)
}

/// The object with another value at one place.
fn with(place: &str, value: &Value) -> Value {
    let mut object = object();
    let Some(at) = object.pointer_mut(place) else { panic!("no {place}") };
    *at = value.clone();
    object
}

fn texts(length: usize) -> [String; 5] {
    [
        "a".repeat(length),
        "a.".repeat(length / 2),
        "é".repeat(length / 2),
        "\0".repeat(length),
        "*.".repeat(length / 2),
    ]
}

/// Hosts that are none, and what is said about them.
fn hosts() -> Vec<(Value, &'static str)> {
    let mut hosts: Vec<(Value, &str)> = [
        ("10.0.0.1", "address-host"),
        ("0.0.0.0", "address-host"),
        ("::", "address-host"),
        ("[::1]", "address-host"),
        ("::ffff:10.0.0.1", "address-host"),
        ("１０.0.0.1", "address-host"),
        ("*", "wildcard-host"),
        ("**", "wildcard-host"),
        ("*a.com", "wildcard-host"),
        ("a*.com", "wildcard-host"),
        ("a.*", "wildcard-host"),
        ("a.*.com", "wildcard-host"),
        ("*.*.com", "wildcard-host"),
        ("＊.example.com", "wildcard-host"),
        ("*.", "invalid-host"),
        ("*..com", "invalid-host"),
        (".", "invalid-host"),
        ("..", "invalid-host"),
        (".a.com", "invalid-host"),
        ("a..com", "invalid-host"),
        ("a.com..", "invalid-host"),
        (" ", "invalid-host"),
        (" a.com", "invalid-host"),
        ("a.com ", "invalid-host"),
        ("a b.com", "invalid-host"),
        ("a_b.com", "invalid-host"),
        ("-a.com", "invalid-host"),
        ("a-.com", "invalid-host"),
        ("a.com:80", "invalid-host"),
        ("a.com/", "invalid-host"),
        ("http://a.com", "invalid-host"),
        ("user@a.com", "invalid-host"),
        ("a%2ecom", "invalid-host"),
        ("a\u{0}.com", "invalid-host"),
        ("a\r\n.com", "invalid-host"),
        ("a\u{1b}[31m.com", "invalid-host"),
        ("a\u{202e}.com", "invalid-host"),
        ("xn--a\u{ff}.com", "invalid-host"),
        ("💥..com", "invalid-host"),
        ("{{ .Values.host }}", "invalid-host"),
        ("$(rm -rf)", "invalid-host"),
    ]
    .map(|(host, code)| (json!(host), code))
    .into();
    let length = 64 << 10;
    hosts.extend(texts(length).map(|text| (json!(text), "invalid-host")));
    hosts.push((json!("a.".repeat(1_000_000)), "invalid-host"));
    hosts.push((json!(format!("{}.com", "a".repeat(64))), "invalid-host"));
    hosts.push((json!(format!("{}com", "a.".repeat(126))), "invalid-host"));
    hosts
}

/// Lines that cannot be served: path, type, and what is said about them.
fn paths() -> Vec<(Value, &'static str, &'static str)> {
    let mut paths: Vec<(Value, &str, &str)> = vec![
        (json!(null), "Prefix", "missing-path"),
        (json!(""), "Prefix", "missing-path"),
        (json!(""), "Exact", "missing-path"),
        (json!("/\u{0}"), "Prefix", "invalid-path"),
        (json!("/a\nb"), "Exact", "invalid-path"),
        (json!("/\u{7f}"), "ImplementationSpecific", "invalid-path"),
        (json!("/"), "prefix", "unknown-path-type"),
        (json!("/"), "Regex", "unknown-path-type"),
        (json!("/"), " ", "unknown-path-type"),
        (json!("/"), "Exact\u{0}", "unknown-path-type"),
    ];
    for relative in ["a", " /", "*", "~/", "../", "%2f", "?", "#", "http://a.com/", "\\", "é", "{{ .path }}"]
    {
        paths.push((json!(relative), "Prefix", "relative-path"));
    }
    for unreachable in
        ["/..", "/a/./b", "/a/../b", "/?", "/a?b", "/#", "/%61", "/%2e", "/%zz", "/%", "/%00", "/%2"]
    {
        paths.push((json!(unreachable), "Prefix", "unreachable-path"));
    }
    let length = 64 << 10;
    paths.extend(texts(length).map(|text| (json!(text), "Prefix", "relative-path")));
    paths.push((json!(format!("/{}", "\u{1}".repeat(length))), "Prefix", "invalid-path"));
    paths.push((json!(format!("/{}", "%".repeat(length))), "Prefix", "unreachable-path"));
    paths.push((json!("/..".repeat(length)), "Exact", "unreachable-path"));
    paths
}

/// Backends that are none.
fn backends() -> Vec<(Value, &'static str)> {
    let service = |service: Value| json!({"service": service});
    let mut backends: Vec<_> = [
        json!(null),
        json!({}),
        json!({"name": null, "number": null}),
        json!({"name": ""}),
        json!({"number": 0}),
        json!({"number": -1}),
        json!({"number": 65536}),
        json!({"number": i32::MAX}),
        json!({"number": i32::MIN}),
        json!({"name": "http", "number": 80}),
        json!({"name": "http", "number": 0}),
    ]
    .into_iter()
    .map(|port| (service(json!({"name": "bad", "port": port})), "invalid-port"))
    .collect();
    backends.extend([
        (json!({}), "ambiguous-backend"),
        (json!({"service": null, "resource": null}), "ambiguous-backend"),
        (json!({"service": {"name": "a"}, "resource": {"kind": "A", "name": "a"}}), "ambiguous-backend"),
        (json!({"unknown": {}}), "ambiguous-backend"),
        (service(json!({})), "missing-service-name"),
        (service(json!({"name": ""})), "missing-service-name"),
        (service(json!({"name": null, "port": {"number": 80}})), "missing-service-name"),
        (json!({"resource": {}}), "incomplete-resource"),
        (json!({"resource": {"kind": "A"}}), "incomplete-resource"),
        (json!({"resource": {"name": "a", "kind": ""}}), "incomplete-resource"),
    ]);
    backends
}

/// The whole table: what it is, the object, and the code that must be among the findings.
fn variants() -> Vec<(String, Value, &'static str)> {
    let mut variants = Vec::new();
    let mut add = |place: &str, value: &Value, code: &'static str| {
        let shown: String = value.to_string().chars().take(60).collect();
        variants.push((format!("{place} = {shown}"), with(place, value), code));
    };
    for (host, code) in hosts() {
        add("/spec/rules/0/host", &host, code);
        add("/spec/rules/1/host", &host, code);
        add("/spec/tls/0/hosts/0", &host, code);
    }
    add("/spec/tls/0/hosts/0", &json!(""), "invalid-host");
    for (path, kind, code) in paths() {
        let backend = json!({"service": {"name": "bad", "port": {"number": 80}}});
        add("/spec/rules/0/http/paths/0", &json!({"path": path, "pathType": kind, "backend": backend}), code);
    }
    for (backend, code) in backends() {
        add("/spec/rules/0/http/paths/0/backend", &backend, code);
        add("/spec/rules/1/http/paths/0/backend", &backend, code);
        add("/spec/defaultBackend", &backend, code);
    }
    for name in ["", "a/b", "/", "visitor/bad/"] {
        add("/metadata/name", &json!(name), "unnamed-ingress");
    }
    add("/metadata/name", &json!(null), "unnamed-ingress");
    add("/metadata/namespace", &json!("shop/web"), "unnamed-ingress");
    add("/metadata", &json!(null), "unnamed-ingress");
    add("/spec", &json!(null), "empty-ingress");
    add("/spec", &json!({}), "empty-ingress");
    add("/spec", &json!({"rules": null, "tls": null, "defaultBackend": null}), "empty-ingress");
    add("/spec", &json!({"rules": [], "tls": []}), "empty-ingress");
    add("/spec/tls/0/secretName", &json!(null), "tls-without-secret");
    add("/spec/tls/0/secretName", &json!(""), "tls-without-secret");
    add("/spec/tls/0", &json!({}), "tls-without-secret");
    add("/metadata/annotations", &json!({"kubernetes.io/ingress.class": "other"}), "class-conflict");
    add("/metadata/annotations", &json!({"nginx.ingress.kubernetes.io/": ""}), "ignored-annotations");
    variants
}

/// The bad object among 9,999 good ones, one variant after the other: it is named, with the code;
/// what is right about it works, and everything else is as it was.
#[test]
fn each_way_of_being_wrong_is_named_and_hurts_nobody_else() {
    let mut crowd = Crowd::new();
    let variants = variants();
    assert!(variants.len() > 200, "{}", variants.len());
    for (what, object, code) in &variants {
        let bad = manifest::ingress(object);
        let id = bad.id().clone();
        let Visit { table, findings } = crowd.visit(what, bad);
        let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert!(findings.iter().any(|finding| finding.code() == *code), "{what}: {code} not in {found:?}");
        for line in &found {
            assert!(line.len() < 2_000 && !line.chars().any(char::is_control), "{what}: {line:?}");
        }
        let broken_line = what.starts_with("/spec/rules/0/http/paths/0") || what.starts_with("/spec/rules/1");
        assert!(!broken_line || goes(&table, SHARED_HOST, "/fine") == "visitor/fine:http", "{what}");
        crowd.part(what, &id);
    }
    let last = crowd.visit("nothing wrong", manifest::ingress(&object()));
    assert!(last.findings.is_empty(), "{:?}", last.findings);
    assert_eq!(goes(&last.table, SHARED_HOST, "/bad/x"), "visitor/bad:80");
    crowd.everybody_is_served(&last.table);
}

/// Each field gone, and each field null: where that costs the object a rule, somebody says so.
#[test]
fn what_a_missing_field_costs_is_told() {
    let mut crowd = Crowd::new();
    let whole = manifest::ingress(&object());
    let id = whole.id().clone();
    let whole = crowd.visit("nothing wrong", whole).table.rule_count();
    crowd.part("nothing wrong", &id);
    let mut places = Vec::new();
    walk(&object(), "", &mut places);
    assert!(places.len() > 30, "{places:?}");
    for place in places.iter().filter(|place| !matches!(place.as_str(), "/apiVersion" | "/kind")) {
        let (parent, key) = place.rsplit_once('/').unwrap_or_default();
        let mut without = object();
        if let Some(Value::Object(fields)) = without.pointer_mut(parent) {
            fields.remove(key);
        }
        // Null is no value of an annotation: the object as a whole could not be read.
        let null = (!place.starts_with("/metadata/annotations/")).then(|| with(place, &Value::Null));
        for object in std::iter::once(without).chain(null) {
            let bad = manifest::ingress(&object);
            let id = bad.id().clone();
            let Visit { table, findings } = crowd.visit(place, bad);
            let told = findings.iter().any(|finding| finding.severity() < Severity::Note);
            // Parts that an object may do without: nobody missed them, so nobody says anything.
            let optional = [
                "/spec/defaultBackend",
                "/spec/rules",
                "/spec/rules/0/host",
                "/spec/rules/1/host",
                "/spec/rules/0/http",
                "/spec/rules/1/http",
                "/spec/rules/0/http/paths",
                "/spec/rules/1/http/paths",
                "/spec/tls",
                "/spec/tls/0/hosts",
            ];
            assert!(
                told || table.rule_count() == whole || optional.contains(&place.as_str()),
                "{place}: {findings:?}"
            );
            crowd.part(place, &id);
        }
    }
}

/// The places of all fields, as JSON pointers.
fn walk(value: &Value, place: &str, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let place = format!("{place}/{}", key.replace('/', "~1"));
                places.push(place.clone());
                walk(value, &place, places);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                walk(value, &format!("{place}/{index}"), places);
            }
        }
        _ => {}
    }
}

fn goes(table: &RouteTable, host: &str, path: &str) -> String {
    match table.lookup(&RequestHead::new(host, path)) {
        Outcome::Matched(hit) => hit.rule().action().to_string(),
        other => other.to_string(),
    }
}

/// The dropped API versions, whose ports are numbers or texts and whose lists may all be null.
#[cfg(feature = "serde")]
#[test]
fn old_spellings_are_as_forgiving() {
    let read = |spec: &Value| -> ingress_core::Ingress {
        manifest::ingress(&json!({
            "apiVersion": "extensions/v1beta1", "metadata": {"namespace": "visitor", "name": "bad"}, "spec": spec,
        }))
    };
    let codes = |spec: &Value| -> Vec<&'static str> {
        read(spec).diagnostics().iter().map(ingress_core::Diagnostic::code).collect()
    };
    for (port, code) in [
        (json!(0), "invalid-port"),
        (json!(-1), "invalid-port"),
        (json!(65536), "invalid-port"),
        (json!(i64::MAX), "invalid-port"),
        (json!(i64::MIN), "invalid-port"),
        (json!(""), "invalid-port"),
        (json!(null), "invalid-port"),
    ] {
        assert_eq!(codes(&json!({"backend": {"serviceName": "a", "servicePort": port}})), [code], "{port}");
    }
    assert_eq!(codes(&json!({"backend": {"servicePort": 80}})), ["missing-service-name"]);
    assert_eq!(codes(&json!({"backend": {}})), ["ambiguous-backend"]);
    assert_eq!(codes(&json!({"backend": {"resource": {}}})), ["incomplete-resource"]);
    for spec in [json!(null), json!({}), json!({"backend": null, "rules": null, "tls": null})] {
        assert_eq!(codes(&spec), ["empty-ingress"], "{spec}");
    }
    for rules in [
        json!([{"host": null, "http": null}]),
        json!([{"http": {"paths": null}}]),
        json!([{"host": "a.example", "http": {"paths": []}}]),
    ] {
        assert!(
            codes(&json!({"rules": rules, "tls": [{"hosts": null, "secretName": "a"}]})).is_empty(),
            "{rules}"
        );
    }
    let line = json!({"rules": [{"http": {"paths": [{"path": null, "pathType": null, "backend": null}]}}]});
    assert_eq!(codes(&line), ["ambiguous-backend"]);
    let nobody =
        json!({"apiVersion": "networking.k8s.io/v1beta1", "metadata": null, "spec": {"rules": [{}]}});
    let found: Vec<_> = manifest::ingress(&nobody).diagnostics().iter().map(ToString::to_string).collect();
    assert!(found.len() == 1 && found[0].starts_with("error[unnamed-ingress]"), "{found:?}");
}
