//! Annotations of ingress-nginx as clusters really have them: what is only read beside another one, values with
//! spaces, and the variables that manuals recommend.

#![cfg(feature = "k8s-openapi")]
#![allow(clippy::expect_used, reason = "a test says no by a panic")]

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderMap, Method};
use ingress_core::dialect::{IngressNginx, SecretFacts, Surroundings, catalog::Settings};
use ingress_core::origin::ObjectId;
use ingress_core::request::Scheme;
use ingress_core::rule::Policy;
use ingress_core::{Compiler, Diagnostic, RequestHead, RouteTable};
use k8s_openapi::api::networking::v1::Ingress;
use serde_json::{Value, json};

/// An object with a path on host `a.example`, and annotations without their prefix.
fn object(name: &str, path: &str, age: u8, annotations: &[(&str, &str)]) -> Value {
    let prefixed =
        annotations.iter().map(|(name, value)| (format!("nginx.ingress.kubernetes.io/{name}"), *value));
    let annotations: BTreeMap<String, &str> = prefixed.collect();
    json!({
        "metadata": {
            "namespace": "shop", "name": name, "annotations": annotations,
            "creationTimestamp": format!("2024-01-01T00:00:{age:02}Z"),
        },
        "spec": {"ingressClassName": "nginx", "rules": [{"host": "a.example", "http": {"paths": [
            {"path": path, "pathType": "ImplementationSpecific",
             "backend": {"service": {"name": name, "port": {"number": 80}}}},
        ]}}]},
    })
}

/// What comes of objects.
struct Compiled {
    table: Arc<RouteTable>,
    diagnostics: Vec<Diagnostic>,
}

fn compiled(objects: &[Value], around: Surroundings) -> Compiled {
    let (dialect, _) = IngressNginx::new(&Settings::default());
    let mut compiler = Compiler::new(dialect);
    compiler.set_surroundings(around);
    for object in objects {
        let object: Ingress = serde_json::from_value(object.clone()).expect("it is an Ingress");
        compiler.upsert(&object);
    }
    let table = compiler.compile();
    Compiled { table, diagnostics: compiler.diagnostics().cloned().collect() }
}

/// What becomes of a request, in short, with the codes of all findings.
fn told(made: &Compiled, request: &RequestHead<'_>) -> (String, Vec<&'static str>) {
    let table = &made.table;
    let hit = table.lookup(request).matched().expect("each host has a root");
    let action = hit.rule().action();
    let told = if action.as_forward().is_some() {
        hit.sent_target(request).expect("the request was not refused")
    } else {
        action.to_string()
    };
    (told, made.diagnostics.iter().map(Diagnostic::code).collect())
}

fn one(path: &str, annotations: &[(&str, &str)], target: &str) -> (String, Vec<&'static str>) {
    let made = compiled(&[object("web", path, 0, annotations)], Surroundings::default());
    told(&made, &RequestHead::new("a.example", target).scheme(Scheme::Https))
}

#[test]
fn what_manuals_recommend_is_served() {
    let none: [&str; 0] = [];
    let sign_in = ("auth-signin", "https://$host/oauth2/start?rd=$escaped_request_uri");
    let served = one("/", &[("auth-url", "https://$host/oauth2/auth"), sign_in], "/x?a=b");
    assert_eq!(served, ("/x?a=b".to_owned(), none.to_vec()));
    // There is no such variable here: answers are not kept, and nobody is turned away for it.
    let key = ("auth-cache-key", "$remote_user$http_authorization");
    let served = one("/", &[("auth-url", "https://b.example/"), key], "/x");
    assert_eq!(served, ("/x".to_owned(), vec!["nginx-not-acted-on"]));
    assert_eq!(
        one("/", &[("upstream-hash-by", "$binary_remote_addr")], "/x"),
        ("/x".to_owned(), none.to_vec())
    );
    let mirror = [("mirror-target", "https://b.example/$request_id")];
    assert_eq!(one("/", &mirror, "/x"), ("/x".to_owned(), vec!["nginx-not-acted-on"]));
}

#[test]
fn a_location_knows_its_service() {
    let annotations = [
        ("upstream-vhost", "$service_name.$namespace.svc:$service_port"),
        ("rewrite-target", "/$ingress_name$uri"),
    ];
    let mut object = object("web", "/a", 0, &annotations);
    object["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = json!("cart");
    let made = compiled(&[object], Surroundings::default());
    let table = &made.table;
    let request = RequestHead::new("a.example", "/a/b");
    let hit = table.lookup(&request).matched().expect("each host has a root");
    let host = hit.rule().policies().iter().find_map(|policy| match policy {
        Policy::UpstreamHost(template) => Some(hit.render(template, &request)),
        _ => None,
    });
    assert_eq!(host.as_deref(), Some("cart.shop.svc:80"));
    assert_eq!(hit.sent_target(&request).as_deref(), Ok("/web/a/b"));
    assert_eq!(made.diagnostics, []);
}

#[test]
fn named_groups_are_variables() {
    let (told, found) = one("/u/(?<user>[a-z]+)/(.*)", &[("rewrite-target", "/$2/of/$user")], "/u/bob/cart");
    assert_eq!((told.as_str(), found), ("/cart/of/bob", vec![]));
    let (_, found) = one("/u/(?<user>[a-z]+)", &[("rewrite-target", "/$users")], "/u/bob");
    assert!(found.contains(&"nginx-refuses-configuration"));
}

#[test]
fn some_are_only_read_beside_others() {
    for (name, value, beside, told_beside) in [
        ("auth-method", "get it", ("auth-url", "https://b.example/"), "503"),
        ("auth-response-headers", "a;b", ("auth-url", "https://b.example/"), "503"),
        ("auth-secret", "a;b", ("auth-type", "basic"), "503"),
        ("auth-realm", "a;b", ("auth-type", "basic"), "404"),
        ("auth-tls-match-cn", "a", ("auth-tls-secret", "shop/ca"), "404"),
        ("temporal-redirect-code", "abc", ("temporal-redirect", "http://b.example"), "404"),
    ] {
        let (told, found) = one("/", &[(name, value)], "/x");
        assert_eq!((told.as_str(), found), ("/x", vec!["nginx-bad-value"]), "{name}");
        let (told, _) = one("/", &[(name, value), beside], "/x");
        assert!(told.starts_with(told_beside), "{name}: {told}");
    }
    // A permanent redirect is not looked at where there is a temporal one.
    for bad in ["", "http://b.example/$host"] {
        let both = [("temporal-redirect", "http://b.example"), ("permanent-redirect", bad)];
        assert_eq!(one("/", &both, "/x").0, "302 http://b.example");
    }
}

#[test]
fn spaces_are_passed_over_where_the_controller_does() {
    let canary = [("canary", "true"), ("canary-by-header", "x-c"), ("canary-by-header-value", "yes sir")];
    let objects = [object("web", "/", 0, &[]), object("next", "/", 1, &canary)];
    let made = compiled(&objects, Surroundings::default());
    for (value, service) in [("yes sir", "next"), ("always", "web")] {
        let headers =
            HeaderMap::from_iter([("x-c".parse().expect("a name"), value.parse().expect("a value"))]);
        let request = RequestHead::new("a.example", "/").headers(&headers);
        let table = &made.table;
        let hit = table.lookup(&request).matched().expect("each host has a root");
        assert_eq!(hit.rule().action().to_string(), format!("shop/{service}:80"));
    }
    assert_eq!(one("/", &[("upstream-hash-by", "$host $uri")], "/x").0, "/x");
    assert!(one("/", &[("upstream-hash-by", "$host:80")], "/x").0.starts_with("404"));
    assert!(one("/", &[("limit-rps", "5"), ("limit-allowlist", "10.0.0.0/8, x")], "/x").0.starts_with("404"));
}

#[test]
fn a_prefix_is_told_only_where_something_is_rewritten() {
    for (path, told) in [("/", false), ("/a", true)] {
        let annotations = [("rewrite-target", "/"), ("x-forwarded-prefix", "/p")];
        let made = compiled(&[object("web", path, 0, &annotations)], Surroundings::default());
        let table = &made.table;
        let hit = table.lookup(&RequestHead::new("a.example", "/a")).matched().expect("there is one");
        let header = hit.rule().policies().iter().any(|policy| matches!(policy, Policy::RequestHeader(..)));
        assert_eq!(header, told, "{path}");
    }
}

#[test]
fn config_maps_have_to_be_there() {
    let map = |name: &str, data: &[(&str, &str)]| {
        let data = data.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        (ObjectId::new("shop", name), data.collect::<BTreeMap<_, _>>())
    };
    let around =
        || Surroundings::default().with_config_maps([map("known", &[("X-A", "1")]), map("empty", &[])]);
    for (name, value, told_of) in [
        ("custom-headers", "shop/none", "503"),
        ("custom-headers", "other/known", "503"),
        // Of these headers none is allowed for the whole cluster.
        ("custom-headers", "shop/known", "503"),
        ("custom-headers", "shop/empty", "/x"),
        ("fastcgi-params-configmap", "shop/none", "503"),
        ("fastcgi-params-configmap", "shop/known", "/x"),
    ] {
        let made = compiled(&[object("web", "/", 0, &[(name, value)])], around());
        let (told, _) = told(&made, &RequestHead::new("a.example", "/x").scheme(Scheme::Https));
        assert!(told.starts_with(told_of), "{name} {value}: {told}");
    }
}

#[test]
fn one_broken_secret_closes_a_host() {
    let secret = |name: &str, keys: &[&str]| {
        (ObjectId::new("shop", name), SecretFacts::with_keys(keys.iter().copied()))
    };
    let around = || {
        let pair = secret("pair", &["tls.crt", "tls.key"]);
        Surroundings::default().with_secrets([secret("ca", &["ca.crt"]), pair, secret("odd", &["x"])])
    };
    for (secret, told_of) in
        [("shop/none", "403"), ("shop/odd", "403"), ("shop/pair", "/y"), ("shop/ca", "/y")]
    {
        let good = object("web", "/", 0, &[("auth-tls-secret", "shop/ca")]);
        let other = object("other", "/y", 1, &[("auth-tls-secret", secret)]);
        let made = compiled(&[good, other], around());
        let (told, _) = told(&made, &RequestHead::new("a.example", "/y").scheme(Scheme::Https));
        assert!(told.starts_with(told_of), "{secret}: {told}");
    }
}

#[test]
fn origins() {
    let asked = |origins: &str, origin: &'static str| {
        let annotations = [("enable-cors", "true"), ("cors-allow-origin", origins)];
        let made = compiled(&[object("web", "/", 0, &annotations)], Surroundings::default());
        let headers = HeaderMap::from_iter([(http::header::ORIGIN, http::HeaderValue::from_static(origin))]);
        let options = RequestHead::new("a.example", "/").method(&Method::OPTIONS).headers(&headers);
        told(&made, &options).0.starts_with("204")
    };
    for (origins, origin, taken) in [
        ("https://*.b.example, http://c.example:80", "https://x.b.example", true),
        ("https://*.b.example, http://c.example:80", "https://x.y.b.example", false),
        ("null, https://b.example", "null", true),
        ("https://b.example", "null", false),
        // What is no origin is passed over, and a list with a path in it counts for nothing.
        ("b.example, https://c.example", "https://b.example", false),
        ("https://b.example/path, https://c.example", "https://d.example", true),
    ] {
        assert_eq!(asked(origins, origin), taken, "{origins} {origin}");
    }
}

#[test]
fn the_webhook_on_overlaps() {
    let typed = |name: &str, kind: &str, age| {
        let mut object = object(name, "/x", age, &[]);
        object["spec"]["rules"][0]["http"]["paths"][0]["pathType"] = json!(kind);
        object
    };
    let refused = |objects: &[Value]| {
        let made = compiled(objects, Surroundings::default());
        made.diagnostics.iter().any(|finding| finding.code() == "nginx-not-admitted")
    };
    // An exact path takes the place of the prefix without its slash, which another object then does not have.
    assert!(!refused(&[typed("a", "Prefix", 0), typed("b", "Exact", 1)]));
    assert!(refused(&[typed("a", "Exact", 0), typed("b", "Prefix", 1)]));
    assert!(refused(&[typed("a", "Prefix", 0), typed("b", "Prefix", 1)]));
    let mut resource = typed("a", "Exact", 0);
    resource["spec"]["rules"][0]["http"]["paths"][0]["backend"] =
        json!({"resource": {"apiGroup": "x.example", "kind": "Bucket", "name": "b"}});
    assert!(!refused(&[resource, typed("b", "Exact", 1)]));
    let mut canary = object("a", "/x", 0, &[("canary", "true")]);
    canary["spec"]["rules"][0].as_object_mut().expect("a rule").remove("http");
    assert!(refused(&[canary, typed("b", "Exact", 1)]));
}

#[test]
fn a_certificate_for_an_alias_covers_one_label() {
    let mut web = object("web", "/", 0, &[("server-alias", "*.b.example")]);
    web["spec"]["tls"] = json!([{"hosts": ["a.example"], "secretName": "pair"}]);
    let facts = SecretFacts::certificate(["a.example", "*.b.example"], None);
    let around = Surroundings::default().with_secrets([(ObjectId::new("shop", "pair"), facts)]);
    let made = compiled(&[web], around);
    let shown = |name: &str| made.table.certificate(name).map(ToString::to_string);
    assert_eq!(shown("a.example").as_deref(), Some("shop/pair"));
    assert_eq!(shown("x.b.example").as_deref(), Some("shop/pair"));
    assert_eq!(shown("y.x.b.example"), None);
    assert_eq!(shown("b.example"), None);
}
