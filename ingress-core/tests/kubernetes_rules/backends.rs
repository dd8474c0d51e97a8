//! K18 and K19: what stands behind a rule. And the annotations, which mean nothing here.

#![allow(clippy::panic, reason = "outside of test functions, too, a failed expectation is a panic")]

use ingress_core::endpoint::{Cluster, EndpointSlice, Resolution, ResolveOptions, Service};
use ingress_core::port::Port;
use ingress_core::{Action, Backend, Outcome, RequestHead};
use k8s_openapi::api::{core::v1 as core, discovery::v1 as discovery};
use serde_json::json;

use super::manifest;
use super::objects::{World, line, object, prefix};

fn backend(world: &World, path: &str) -> Backend {
    let Outcome::Matched(hit) = world.table.lookup(&RequestHead::new("h", path)) else {
        panic!("no route for {path}")
    };
    let Action::Forward(forward) = hit.rule().action() else { panic!("not forwarded: {}", hit.rule()) };
    assert!(
        !forward.is_weighted() && hit.rule().path_rewrite().is_none() && hit.rule().predicates().is_empty()
    );
    forward.backend(0).clone()
}

/// Catches a number taken for a name or a name for a number, and a Service looked for elsewhere than
/// in the object's own namespace.
#[test]
fn k18_a_service_port_has_a_number_or_a_name() {
    let port = |port: serde_json::Value| json!({"service": {"name": "web", "port": port}});
    let world = World::of([
        object("shop/web").rule(
            "",
            [
                line("Prefix", "/number", &port(json!({"number": 8080}))),
                line("Prefix", "/name", &port(json!({"name": "http"}))),
                line("Prefix", "/digits", &port(json!({"name": "80"}))),
                line("Prefix", "/last", &port(json!({"number": 65535}))),
                line("Prefix", "/spaced", &json!({"service": {"name": "other/web", "port": {"number": 80}}})),
            ],
        ),
        object("default/web").set("/metadata/namespace", json!("")).rule("", [prefix("/home", "web")]),
    ]);
    for (path, namespace, name, port) in [
        ("/number", "shop", "web", Port::Number(8080)),
        ("/name", "shop", "web", Port::Name("http".into())),
        ("/digits", "shop", "web", Port::Name("80".into())),
        ("/last", "shop", "web", Port::Number(65535)),
        ("/spaced", "shop", "other/web", Port::Number(80)),
        ("/home", "default", "web", Port::Number(80)),
    ] {
        let Backend::Service(service) = backend(&world, path) else { panic!("{path} is a Service") };
        assert_eq!((service.namespace(), service.name(), service.port()), (namespace, name, &port), "{path}");
    }
}

/// Catches a resource that is dropped, taken for a Service, or moved to another namespace.
#[test]
fn k18_a_resource_is_an_outcome_of_its_own() {
    let bucket =
        json!({"resource": {"apiGroup": "k8s.example.com", "kind": "StorageBucket", "name": "icons"}});
    let core = json!({"resource": {"kind": "ConfigMap", "name": "page"}});
    let world = World::of([object("shop/web")
        .rule("", [line("ImplementationSpecific", "/icons", &bucket)])
        .set("/spec/defaultBackend", core)]);
    assert!(world.findings.is_empty());
    let resource = |path| match backend(&world, path) {
        Backend::Resource(resource) => {
            (resource.group().to_owned(), resource.kind().to_owned(), resource.id().to_string())
        }
        other => panic!("{other} is no resource"),
    };
    assert_eq!(resource("/icons/a"), ("k8s.example.com".into(), "StorageBucket".into(), "shop/icons".into()));
    assert_eq!(resource("/x"), (String::new(), "ConfigMap".into(), "shop/page".into()));
}

/// From a request to addresses, with the objects as a cluster has them; the clauses one by one are in
/// `endpoints.rs`. Catches a backend whose name or port is not the one that Services are known by.
#[test]
fn k19_a_backend_comes_to_the_addresses_of_its_service() {
    let port = |name: &str| json!({"service": {"name": "web", "port": {"name": name}}});
    let world = World::of([object("shop/web").rule(
        "",
        [
            prefix("/number", "web"),
            line("Prefix", "/name", &port("http")),
            line("Prefix", "/no-port", &port("grpc")),
            prefix("/no-service", "absent"),
        ],
    )]);
    let documents = manifest::documents(
        "
metadata: {name: web, namespace: shop}
spec: {ports: [{name: http, port: 80, targetPort: named}]}
---
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints:
- {addresses: [10.0.0.1], conditions: {ready: true}}
- {addresses: [10.0.0.2], conditions: {ready: false}}
- {addresses: [10.0.0.3]}
",
    );
    let mut cluster = Cluster::default();
    cluster.upsert_service(Service::from(&manifest::read::<core::Service>(&documents[0])));
    let endpoints = |cluster: &mut Cluster, path| {
        let Backend::Service(service) = backend(&world, path) else { panic!("{path} is a Service") };
        match cluster.endpoints().resolve(service.id(), service.port(), &ResolveOptions::default()) {
            Resolution::Endpoints(set) => set.iter().map(|endpoint| endpoint.address().to_string()).collect(),
            none => vec![none.reason().unwrap_or("").to_owned()],
        }
    };
    assert_eq!(endpoints(&mut cluster, "/number"), ["no-endpoints"]);
    cluster.upsert_slice(EndpointSlice::from(&manifest::read::<discovery::EndpointSlice>(&documents[1])));
    assert_eq!(endpoints(&mut cluster, "/number"), ["10.0.0.1:8080", "10.0.0.3:8080"]);
    assert_eq!(endpoints(&mut cluster, "/name"), ["10.0.0.1:8080", "10.0.0.3:8080"]);
    assert_eq!(endpoints(&mut cluster, "/no-port"), ["port-absent"]);
    assert_eq!(endpoints(&mut cluster, "/no-service"), ["service-absent"]);
}

/// Catches an annotation that changes a route; one that is ignored without a word, or with more than one
/// warning; a warning about an annotation that no controller reads.
#[test]
fn annotations_are_ignored_with_one_warning_each() {
    let plain = || object("shop/web").rule("shop.example.com", [prefix("/a", "web")]);
    let set = |object: super::objects::Object, key: &str, value: &str| {
        object.set(&format!("/metadata/annotations/{}", key.replace('/', "~")), json!(value))
    };
    let mut annotated = plain();
    for (key, value) in [
        ("nginx.ingress.kubernetes.io/rewrite-target", "/"),
        ("nginx.ingress.kubernetes.io/use-regex", "true"),
        ("traefik.ingress.kubernetes.io/router.priority", "1"),
        ("alb.ingress.kubernetes.io/actions.redirect", "{}"),
        ("haproxy.org/path-rewrite", "/"),
        ("konghq.com/strip-path", "true"),
        ("example.com/owner", "shop team"),
        ("cert-manager.io/cluster-issuer", "letsencrypt"),
        ("kubectl.kubernetes.io/last-applied-configuration", "{}"),
    ] {
        annotated = set(annotated, key, value);
    }
    let (without, with) = (World::of([plain()]), World::of([annotated]));
    assert_eq!(with.table.to_string(), without.table.to_string());
    for warning in &with.findings {
        assert_eq!(
            (warning.code(), warning.severity()),
            ("ignored-annotations", ingress_core::Severity::Warning)
        );
    }
    let named: Vec<_> = with.findings.iter().map(|warning| warning.field().to_string()).collect();
    let fields = [
        "alb.ingress.kubernetes.io/actions.redirect",
        "haproxy.org/path-rewrite",
        "konghq.com/strip-path",
        "nginx.ingress.kubernetes.io/rewrite-target",
        "nginx.ingress.kubernetes.io/use-regex",
        "traefik.ingress.kubernetes.io/router.priority",
    ];
    assert_eq!(named, fields.map(|key| format!("metadata.annotations[{key}]")));
    assert!(World::of([set(plain(), "example.com/owner", "x")]).findings.is_empty());
}
