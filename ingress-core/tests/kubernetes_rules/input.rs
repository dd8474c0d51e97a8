//! K1 to K4: what is read, what is left out, what is respelled.

use serde_json::{Value, json};

use super::manifest;
use super::objects::{Object, World, exact, line, object, prefix, service};
use ingress_core::{Config, Ingress, Severity};

/// Catches a spelling that loses its default backend, the name or the port of a Service, a path type,
/// a path or a certificate.
#[cfg(feature = "serde")]
#[test]
fn k01_three_spellings_make_one_table() {
    let spelled = |version: &str, backend: &str, service: fn(&str, Value) -> Value| {
        let mut object = json!({
            "apiVersion": version,
            "kind": "Ingress",
            "metadata": {"namespace": "shop", "name": "web", "creationTimestamp": "2024-01-01T00:00:00Z"},
            "spec": {
                "tls": [{"hosts": ["shop.example.com"], "secretName": "shop-tls"}],
                "rules": [{"host": "shop.example.com", "http": {"paths": [
                    {"path": "/number", "pathType": "Prefix", "backend": service("web", json!(8080))},
                    {"path": "/name", "pathType": "Exact", "backend": service("web", json!("http"))},
                    {"path": "/free", "pathType": "ImplementationSpecific", "backend": service("web", json!(1))},
                ]}}],
            },
        });
        object["spec"][backend] = service("lost", json!(80));
        World::compile(Config::default(), [manifest::ingress(&object)])
    };
    let present = spelled("networking.k8s.io/v1", "defaultBackend", |name, port| {
        let key = if port.is_number() { "number" } else { "name" };
        json!({"service": {"name": name, "port": {key: port}}})
    });
    assert_eq!(present.ask("shop.example.com", "/number/x"), "shop/web:8080");
    assert_eq!(present.ask("shop.example.com", "/name"), "shop/web:http");
    assert_eq!(present.ask("other.example.com", "/"), "default shop/lost:80");
    assert_eq!(present.certificate("shop.example.com"), "shop/shop-tls");
    for version in ["networking.k8s.io/v1beta1", "extensions/v1beta1"] {
        let old = spelled(version, "backend", |name, port| json!({"serviceName": name, "servicePort": port}));
        assert_eq!(old.table.to_string(), present.table.to_string(), "{version}");
        assert_eq!(old.found(), present.found(), "{version}");
    }
}

/// Catches an absent path type read as Exact or refused, and an absent path refused beside it.
#[cfg(feature = "serde")]
#[test]
fn k01_old_spellings_need_neither_path_nor_path_type() {
    let object = json!({
        "apiVersion": "extensions/v1beta1",
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"rules": [
            {"host": "whole.example.com", "http": {"paths": [{"backend": {"serviceName": "whole", "servicePort": 80}}]}},
            {"host": "part.example.com", "http": {"paths": [
                {"path": "/part", "backend": {"serviceName": "part", "servicePort": 80}},
            ]}},
        ]},
    });
    let world = World::compile(Config::default(), [manifest::ingress(&object)]);
    assert_eq!(world.ask("whole.example.com", "/any"), "shop/whole:80");
    assert_eq!(world.ask("part.example.com", "/part/x"), "shop/part:80");
    assert_eq!(world.ask("part.example.com", "/"), "404");
    assert!(world.findings.is_empty(), "{:?}", world.found());
}

/// Catches age lost in one of the two readers: the old spelling is older here, then younger.
#[cfg(feature = "serde")]
#[test]
fn k01_age_counts_across_spellings() {
    for (year, winner) in [(2019, "old/old:80"), (2029, "new/new:80")] {
        let old = json!({
            "apiVersion": "networking.k8s.io/v1beta1",
            "metadata": {"namespace": "old", "name": "web", "creationTimestamp": format!("{year}-01-01T00:00:00Z")},
            "spec": {"rules": [{"http": {"paths": [
                {"path": "/", "backend": {"serviceName": "old", "servicePort": 80}},
            ]}}]},
        });
        let new = object("new/web").created(2024).rule("", [prefix("/", "new")]);
        let world = World::compile(Config::default(), [manifest::ingress(&old), new.into()]);
        assert_eq!(world.ask("any.example", "/"), winner);
    }
}

/// Reading files is the command line's part. What the core has to offer it: each item of a list and
/// each document stands by itself, in YAML as in JSON, and order plays no part.
#[test]
fn k02_lists_and_documents_come_to_the_same_table() {
    let text = "
apiVersion: v1
kind: List
items:
- metadata: {name: a}
  spec: {defaultBackend: {service: {name: lost, port: {number: 80}}}}
- metadata: {name: b}
  spec: {rules: [{http: {paths: [{path: /b, pathType: Exact, backend: {service: {name: b, port: {name: web}}}}]}}]}
";
    let list = manifest::documents(text).remove(0);
    let items = list["items"].as_array().unwrap();
    let from_list = World::compile(Config::default(), items.iter().map(manifest::ingress));
    let documents: Vec<String> = items.iter().rev().map(|item| format!("---\n{item}\n")).collect();
    let from_json = manifest::documents(&documents.concat());
    let from_documents = World::compile(Config::default(), from_json.iter().map(manifest::ingress));
    assert_eq!(from_list.ask("h", "/b"), "default/b:web");
    assert_eq!(from_list.table.to_string(), from_documents.table.to_string());
}

fn broken_lines() -> Vec<(Value, &'static str, &'static str)> {
    let port = |port: Value| json!({"service": {"name": "bad", "port": port}});
    vec![
        (prefix("relative", "bad"), "relative-path", ".path"),
        (prefix("*", "bad"), "relative-path", ".path"),
        (exact("", "bad"), "missing-path", ".path"),
        (json!({"pathType": "Prefix", "backend": service("bad")}), "missing-path", ".path"),
        (json!({"pathType": "Exact", "backend": service("bad")}), "missing-path", ".path"),
        (prefix("/a\u{0}", "bad"), "invalid-path", ".path"),
        (exact("/a\nb", "bad"), "invalid-path", ".path"),
        (line("Regex", "/a", &service("bad")), "unknown-path-type", ".pathType"),
        (line("prefix", "/a", &service("bad")), "unknown-path-type", ".pathType"),
        (line("Prefix", "/a", &port(json!({"number": 0}))), "invalid-port", ".backend.service.port"),
        (line("Prefix", "/a", &port(json!({"number": 65536}))), "invalid-port", ".backend.service.port"),
        (line("Prefix", "/a", &port(json!({"number": -80}))), "invalid-port", ".backend.service.port"),
        (
            line("Prefix", "/a", &port(json!({"name": "x", "number": 1}))),
            "invalid-port",
            ".backend.service.port",
        ),
        (line("Prefix", "/a", &port(json!({"name": ""}))), "invalid-port", ".backend.service.port"),
        (line("Prefix", "/a", &port(Value::Null)), "invalid-port", ".backend.service.port"),
        (prefix("/a", ""), "missing-service-name", ".backend.service.name"),
        (line("Prefix", "/a", &json!({})), "ambiguous-backend", ".backend"),
        (line("Prefix", "/a", &json!({"resource": {"name": "a"}})), "incomplete-resource", ".backend"),
        (
            line("Prefix", "/a", &json!({"resource": {"kind": "A", "name": ""}})),
            "incomplete-resource",
            ".backend",
        ),
        (
            line("Prefix", "/a", &json!({"service": {"name": "a"}, "resource": {"kind": "b", "name": "c"}})),
            "ambiguous-backend",
            ".backend",
        ),
    ]
}

/// Catches a broken line that is served, that takes its neighbours or another object with it, or that
/// is left out without a word or with the wrong place.
#[test]
fn k03_a_broken_line_is_left_out_alone() {
    for (broken, code, field) in broken_lines() {
        let world = World::of([
            object("shop/web").created(2020).rule(
                "shop.example.com",
                [prefix("/before", "good"), broken.clone(), prefix("/after", "good")],
            ),
            object("other/web").created(2024).rule("shop.example.com", [prefix("/a", "neighbour")]),
        ]);
        assert_eq!(
            world.found(),
            [format!("{code} shop/web spec.rules[0].http.paths[1]{field}")],
            "{broken}"
        );
        assert_eq!(world.findings[0].severity(), Severity::Error);
        assert_eq!(world.ask("shop.example.com", "/before"), "shop/good:80", "{broken}");
        assert_eq!(world.ask("shop.example.com", "/after"), "shop/good:80", "{broken}");
        assert_eq!(world.ask("shop.example.com", "/a"), "other/neighbour:80", "{broken}");
        assert_eq!(world.table.rule_count(), 3, "{broken}");
    }
}

/// Catches a broken host that is served, as itself or, worse, as every host.
#[test]
fn k03_a_broken_host_takes_its_own_rules_only() {
    for (host, code) in [
        ("10.0.0.1", "address-host"),
        ("::1", "address-host"),
        ("[2001:db8::1]", "address-host"),
        ("*", "wildcard-host"),
        ("**.example.com", "wildcard-host"),
        ("*a.example.com", "wildcard-host"),
        ("a.*.example.com", "wildcard-host"),
        ("*.*.example.com", "wildcard-host"),
        ("*.", "invalid-host"),
        ("a b", "invalid-host"),
        ("under_score.com", "invalid-host"),
        ("a..b", "invalid-host"),
        ("-a.b", "invalid-host"),
        ("shop.example.com:80", "invalid-host"),
        ("http://shop.example.com", "invalid-host"),
        (".", "invalid-host"),
    ] {
        let world = World::of([object("shop/web")
            .rule(host, [prefix("/", "bad")])
            .rule("good.example.org", [prefix("/", "good")])]);
        assert_eq!(world.found(), [format!("{code} shop/web spec.rules[0].host")], "{host}");
        assert_eq!(world.ask("good.example.org", "/"), "shop/good:80", "{host}");
        assert_eq!(world.ask(host, "/"), "404", "{host}");
        assert_eq!(world.table.host_count(), 1, "{host}");
    }
}

/// Catches a broken default backend that is served, and one that costs the object its rules.
#[test]
fn k03_a_broken_default_backend_is_left_out_alone() {
    let broken = json!({"service": {"name": "bad", "port": {"number": 0}}});
    let world =
        World::of([object("shop/web").set("/spec/defaultBackend", broken).rule("", [prefix("/a", "good")])]);
    assert_eq!(world.found(), ["invalid-port shop/web spec.defaultBackend.service.port"]);
    assert_eq!(world.ask("h", "/a"), "shop/good:80");
    assert_eq!(world.ask("h", "/b"), "404");
}

/// Catches a finding without help, and one that does not say what it is about.
#[test]
fn k03_a_finding_says_what_to_do() {
    let world = World::of([object("shop/web").rule("", [prefix("cart", "bad")])]);
    let [finding] = &*world.findings else { panic!("one finding: {:?}", world.found()) };
    assert!(
        finding.message().contains("cart") && finding.help().contains('/'),
        "{finding}: {}",
        finding.help()
    );
}

/// Catches hosts that keep their case, their final dot or their Unicode form, and a respelling that
/// nobody is told of.
#[test]
fn k04_hosts_are_respelled_with_a_warning() {
    for (written, served) in [
        ("SHOP.Example.com", "shop.example.com"),
        ("*.Example.com", "*.example.com"),
        ("shop.example.com.", "shop.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.BÜCHER.example.", "*.xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
    ] {
        let world = World::of([object("shop/web").rule(written, [prefix("/", "web")])]);
        assert_eq!(world.found(), ["respelled-host shop/web spec.rules[0].host"], "{written}");
        assert_eq!(world.findings[0].severity(), Severity::Warning);
        assert_eq!(world.ask(&served.replace('*', "any"), "/"), "shop/web:80", "{written}");
    }
    let canonical = World::of([object("shop/web").rule("xn--bcher-kva.example", [prefix("/", "web")])]);
    assert!(canonical.findings.is_empty());
}

/// Catches two spellings of one host kept apart.
#[test]
fn k04_spellings_of_one_host_share_their_rules() {
    let object: Object = object("shop/web")
        .rule("Shop.example.com", [prefix("/a", "a")])
        .rule("shop.example.com.", [prefix("/a/b", "b")])
        .tls(&["SHOP.EXAMPLE.COM"], "shop-tls");
    let world = World::of([object.clone()]);
    assert_eq!(world.table.host_count(), 1);
    assert_eq!(world.ask("shop.example.com", "/a/b"), "shop/b:80");
    assert_eq!(world.certificate("shop.example.com"), "shop/shop-tls");
    assert!(world.findings.iter().all(|found| found.code() == "respelled-host"), "{:?}", world.found());
    assert_eq!(Ingress::from(object).rules().len(), 2);
}
