//! Lookups that only answer a question allocate nothing.
//!
//! The allocator counts for the whole process, so there is one test here and no other thread that does
//! anything. What the test harness allocates nevertheless can only add to a count: that of a lookup is the
//! lowest of several attempts.

#![cfg(feature = "k8s-openapi")]
#![allow(clippy::expect_used, reason = "a test says no by a panic")]

use std::alloc::System;
use std::hint::black_box;

use ingress_core::dialect::Kubernetes;
use ingress_core::dialect::catalog::{self, Settings};
use ingress_core::{Compiler, Outcome, RequestHead, RouteTable, SharedTable};
use k8s_openapi::api::networking::v1::Ingress;
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn allocations<T>(mut measured: impl FnMut() -> T) -> usize {
    let once = |_| {
        let region = Region::new(ALLOCATOR);
        for _ in 0..100 {
            black_box(measured());
        }
        let change = region.change();
        change.allocations + change.reallocations
    };
    (0..5).map(once).min().expect("there were attempts")
}

fn table() -> SharedTable {
    let paths = |paths: &[(&str, &str)]| {
        let backend = json!({"service": {"name": "s", "port": {"number": 80}}});
        let path = |(path, kind): &(&str, &str)| json!({"path": path, "pathType": kind, "backend": backend});
        Value::from(paths.iter().map(path).collect::<Vec<_>>())
    };
    let few = paths(&[("/", "Prefix"), ("/cart", "Prefix"), ("/cart/7", "Exact")]);
    let long = format!("/{}", "l".repeat(300));
    let many: Vec<_> = (0..200).map(|number| format!("/p{number}/q")).collect();
    let many: Vec<_> =
        many.iter().map(|path| (path.as_str(), "Prefix")).chain([(long.as_str(), "Exact")]).collect();
    let object: Ingress = serde_json::from_value(json!({
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {
            "rules": [
                {"host": "shop.example.com", "http": {"paths": few}},
                {"host": "large.example.com", "http": {"paths": paths(&many)}},
                {"host": "*.example.com", "http": {"paths": paths(&[("/wild", "Prefix")])}},
            ],
            "tls": [{"hosts": ["shop.example.com", "*.example.com"], "secretName": "tls"}],
        },
    }))
    .expect("it is an Ingress");
    let mut compiler = Compiler::new(Kubernetes);
    compiler.upsert(&object);
    SharedTable::new(compiler.compile())
}

#[test]
fn lookups_allocate_nothing() {
    assert!(allocations(|| Box::new(1)) >= 100, "the allocator does not count");

    let shared = table();
    let table: &RouteTable = &shared.load();
    let long_host = format!("{}.example.com", "h".repeat(63));
    let long_path = format!("/{}", "l".repeat(300));
    let hit: fn(&Outcome<'_>) -> bool = |outcome| matches!(outcome, Outcome::Matched(_));
    let no_path: fn(&Outcome<'_>) -> bool = |outcome| matches!(outcome, Outcome::NoPath(_));
    let no_host: fn(&Outcome<'_>) -> bool = |outcome| matches!(outcome, Outcome::NoHost);
    let refused: fn(&Outcome<'_>) -> bool = |outcome| matches!(outcome, Outcome::Refused(_));
    for (what, host, target, expected) in [
        ("a hit", "shop.example.com", "/cart/9", hit),
        ("a hit on an exact path", "shop.example.com", "/cart/7", hit),
        ("a hit with a query", "shop.example.com", "/cart/7?a=b", hit),
        ("a hit with doubled slashes", "shop.example.com", "/cart//7", hit),
        ("a hit among many", "large.example.com", "/p150/q/r", hit),
        ("a hit on a long path", "large.example.com", &long_path, hit),
        ("a hit with a port", "shop.example.com:8443", "/cart", hit),
        ("a hit in upper case, with a dot and a port", "SHOP.Example.com.:8443", "/cart", hit),
        ("a wildcard hit", "other.example.com", "/wild/x", hit),
        ("a wildcard hit with a long label", &long_host, "/wild", hit),
        ("a wildcard hit after the exact host", "large.example.com", "/wild", hit),
        ("an unknown host", "shop.example.org", "/cart", no_host),
        ("a host that is none", "[::1]:80", "/cart", no_host),
        ("an unknown path", "large.example.com", "/p150/qr", no_path),
        ("an unknown path of a wildcard", "other.example.com", "/tame", no_path),
        ("a refused path", "shop.example.com", "/%00", refused),
    ] {
        let request = RequestHead::new(host, target);
        assert!(expected(&table.lookup(&request)), "{what}: {}", table.lookup(&request));
        assert_eq!(allocations(|| table.lookup(&request)), 0, "{what}");
        assert_eq!(allocations(|| shared.load().lookup(&request).matched().is_some()), 0, "{what}, loaded");
    }
    for (name, found) in
        [("shop.example.com", true), ("Other.Example.com", true), ("a.b.example.com", false), ("", false)]
    {
        assert_eq!(table.certificate(name).is_some(), found, "{name}");
        assert_eq!(allocations(|| table.certificate(name)), 0, "{name}");
    }
    among_expressions();
    let request = RequestHead::new("shop.example.com", "/cart");
    let hit = table.lookup(&request).matched().expect("it is one of the above");
    assert_eq!(allocations(|| hit.changed_upstream(&request)), 0, "a target that goes on as it came");
    assert_eq!(allocations(|| hit.detach()), 0, "a match that outlives its table");
}

/// A host of ingress-nginx whose paths are expressions, some of them under conditions.
fn among_expressions() {
    let path = |path: String| {
        let backend = json!({"service": {"name": "s", "port": {"number": 80}}});
        json!({"path": path, "pathType": "ImplementationSpecific", "backend": backend})
    };
    let shapes = ["/a{}(/|$)(.*)", "/a{}/[0-9]+/b", "/[^/]+/c{}$", "/a{}"];
    let paths: Vec<Value> =
        (0..80).map(|number| path(shapes[number % 4].replace("{}", &number.to_string()))).collect();
    for tls in [json!([]), json!([{"hosts": ["shop.example.com"]}])] {
        let object: Ingress = serde_json::from_value(json!({
            "metadata": {
                "namespace": "shop",
                "name": "web",
                "annotations": {"nginx.ingress.kubernetes.io/use-regex": "true"},
            },
            "spec": {
                "ingressClassName": "nginx",
                "rules": [{"host": "shop.example.com", "http": {"paths": paths}}],
                "tls": tls,
            },
        }))
        .expect("it is an Ingress");
        let (dialect, _) = catalog::build("ingress-nginx", &Settings::default()).expect("it exists");
        let (table, _) = RouteTable::compile(dialect, [&object]);
        for target in ["/a4", "/A4/x/y", "/a41/17/b", "/x/c42", "/a43/17", "/nothing", "/a4?b=c"] {
            let request = RequestHead::new("shop.example.com", target);
            assert!(matches!(table.lookup(&request), Outcome::Matched(_)), "{target}");
            assert_eq!(allocations(|| table.lookup(&request)), 0, "{target} with {tls}");
        }
    }
}
