//! K15 to K17: which Secret serves a name, and that it never parts from the routes.

use std::sync::Arc;

use ingress_core::endpoint::{Cluster, Service};
use ingress_core::origin::{ObjectId, SecretRef};
use ingress_core::{Compiler, Config, Outcome, RequestHead, SharedTable, dialect::Kubernetes};
use serde_json::json;

use super::objects::{World, object, prefix};

/// Catches a wrong order of exact name, wildcard, entry without hosts and configuration, a wildcard of
/// more than one label, and a comparison with case or final dot.
#[test]
fn k15_exact_then_wildcard_then_hostless_then_configured() {
    let fallback = || Config::default().default_certificate(SecretRef::new("infra", "fallback"));
    let named = || object("shop/web").tls(&["shop.example.com"], "exact").tls(&["*.example.com"], "wild");
    let world = World::with(fallback(), [named().tls(&[], "any")]);
    for (name, secret) in [
        ("shop.example.com", "shop/exact"),
        ("SHOP.example.com.", "shop/exact"),
        ("other.example.com", "shop/wild"),
        ("a.b.example.com", "shop/any"),
        ("example.com", "shop/any"),
        ("unknown.test", "shop/any"),
        ("", "shop/any"),
        ("not a name", "shop/any"),
    ] {
        assert_eq!(world.certificate(name), secret, "{name}");
    }
    let world = World::with(fallback(), [named()]);
    assert_eq!(world.certificate("unknown.test"), "infra/fallback");
    assert_eq!(world.certificate("other.example.com"), "shop/wild");
    assert_eq!(World::of([named()]).certificate("unknown.test"), "none");
}

/// Catches the younger object, or the later entry, taken; and a conflict that nobody hears of.
#[test]
fn k15_the_older_object_wins() {
    let world = World::of([
        object("a/young")
            .created(2024)
            .tls(&["shop.example.com", "young.example.com"], "young")
            .tls(&[], "young-any"),
        object("z/old")
            .created(2020)
            .tls(&["shop.example.com"], "old")
            .tls(&[], "old-any")
            .tls(&["shop.example.com"], "later"),
    ]);
    assert_eq!(world.certificate("shop.example.com"), "z/old");
    assert_eq!(world.certificate("young.example.com"), "a/young");
    assert_eq!(world.certificate("unknown.test"), "z/old-any");
    let conflicts: Vec<_> =
        world.found().into_iter().filter(|found| found.starts_with("certificate-conflict")).collect();
    assert_eq!(
        conflicts,
        [
            "certificate-conflict z/old spec.tls[2].hosts[0]",
            "certificate-conflict a/young spec.tls[0].hosts[0]",
            "certificate-conflict a/young spec.tls[1]",
        ]
    );
}

/// Catches a reference that leaves its namespace, however the name is written.
#[test]
fn k15_a_secret_is_of_the_object_s_own_namespace() {
    for name in ["tls", "other/tls", "/tls", "../other/tls"] {
        let world = World::of([object("shop/web").tls(&["shop.example.com"], name)]);
        assert_eq!(
            world.table.certificate("shop.example.com").map(SecretRef::namespace),
            Some("shop"),
            "{name}"
        );
    }
}

/// Catches an entry that lists nothing readable and is then taken for one that lists nothing.
#[test]
fn k15_an_entry_of_unreadable_hosts_is_not_for_everybody() {
    for host in ["10.0.0.1", "*", "not a name", ""] {
        let world = World::of([object("shop/web").tls(&[host], "tls").rule("", [prefix("/", "web")])]);
        assert_eq!(world.certificate("unknown.test"), "none", "{host:?}");
        assert_eq!(world.certificate(host), "none", "{host:?}");
        assert_eq!(world.findings.len(), 1, "{host:?}: {:?}", world.found());
    }
}

/// Catches a host without a rule that loses its certificate or is not mentioned, and an entry without
/// a Secret that is an error, or that hides somebody else's certificate.
#[test]
fn k16_hosts_without_rules_and_entries_without_secrets_are_notes() {
    let world = World::of([
        object("shop/web").created(2020).rule("shop.example.com", [prefix("/", "web")]).set(
            "/spec/tls",
            json!([
                {"hosts": ["shop.example.com", "static.example.com"], "secretName": "tls"},
                {"hosts": ["shop.example.com", "plain.example.com"]},
                {"hosts": ["blank.example.com"], "secretName": ""},
            ]),
        ),
        object("wild/web").created(2024).rule("", [prefix("/x", "web")]).tls(&["*.example.com"], "wild"),
    ]);
    assert_eq!(
        world.found(),
        [
            "tls-host-without-rule shop/web spec.tls[0].hosts[1]",
            "tls-host-without-rule shop/web spec.tls[1].hosts[1]",
            "tls-without-secret shop/web spec.tls[1].secretName",
            "tls-host-without-rule shop/web spec.tls[2].hosts[0]",
            "tls-without-secret shop/web spec.tls[2].secretName",
            "tls-host-without-rule wild/web spec.tls[0].hosts[0]",
        ]
    );
    assert!(world.findings.iter().all(|found| found.severity() == ingress_core::Severity::Note));
    assert_eq!(world.certificate("static.example.com"), "shop/tls");
    assert_eq!(world.certificate("plain.example.com"), "wild/wild");
    assert_eq!(world.ask("static.example.com", "/"), "404");
}

/// Catches certificates published apart from routes: a snapshot that is held keeps both as they were,
/// and a new one has both as they are.
#[test]
fn k17_routes_and_certificates_change_together() {
    let mut compiler = Compiler::new(Kubernetes);
    let version = |name: &str| {
        object("shop/web").rule("shop.example.com", [prefix("/", name)]).tls(&["shop.example.com"], name)
    };
    let _ = compiler.upsert(version("v0"));
    let shared = SharedTable::new(compiler.compile());
    let seen = |table: &ingress_core::RouteTable| {
        let Outcome::Matched(hit) = table.lookup(&RequestHead::new("shop.example.com", "/")) else {
            panic!("no route")
        };
        (hit.rule().action().to_string(), table.certificate("shop.example.com").unwrap().to_string())
    };
    for round in 1..50 {
        let before = shared.load();
        let held = seen(&before);
        let _ = compiler.upsert(version(&format!("v{round}")));
        shared.publish(compiler.compile());
        assert_eq!(seen(&before), held);
        assert_eq!(seen(&shared.load()), (format!("shop/v{round}:80"), format!("shop/v{round}")));
    }
}

/// Catches endpoints that a new table takes along, or that come apart from the table they came with.
#[test]
fn k17_endpoints_are_of_the_same_moment() {
    let mut compiler = Compiler::new(Kubernetes);
    let tables: Vec<_> = ["old", "new"]
        .map(|name| {
            let _ = compiler.upsert(object("shop/web").rule("shop.example.com", [prefix("/", name)]));
            compiler.compile()
        })
        .into();
    let mut cluster = Cluster::default();
    let mut view = |name: &str| {
        cluster.upsert_service(Service::new(ObjectId::new("shop", name)));
        cluster.endpoints()
    };
    let (some, more) = (view("old"), view("new"));

    let shared = SharedTable::new(tables[0].clone());
    let none = shared.endpoints_version();
    shared.publish_all(tables[0].clone(), some.clone());
    let first = shared.endpoints_version();
    assert!(first > none);
    let held = shared.load();

    assert!(Arc::ptr_eq(&shared.publish(tables[1].clone()), &tables[0]));
    assert!(Arc::ptr_eq(shared.load().routes(), &tables[1]));
    assert!(Arc::ptr_eq(shared.load().endpoints(), &some), "a table alone leaves them as they are");
    assert_eq!(shared.endpoints_version(), first);

    shared.publish_all(tables[0].clone(), more.clone());
    assert!(Arc::ptr_eq(shared.load().routes(), &tables[0]));
    assert!(Arc::ptr_eq(shared.load().endpoints(), &more));
    assert!(shared.endpoints_version() > first);
    assert!(Arc::ptr_eq(held.routes(), &tables[0]) && Arc::ptr_eq(held.endpoints(), &some));
}

/// Routes and certificates once more, with readers and a writer at once.
#[test]
#[expect(clippy::disallowed_methods, reason = "what is shown is that threads see no half of a change")]
fn k17_no_reader_sees_new_routes_with_old_certificates() {
    let mut compiler = Compiler::new(Kubernetes);
    let tables: Vec<_> = ["even", "odd"]
        .map(|name| {
            let _ = compiler.upsert(
                object("shop/web")
                    .rule("shop.example.com", [prefix("/", name)])
                    .tls(&["shop.example.com"], name),
            );
            compiler.compile()
        })
        .into();
    let shared = SharedTable::new(tables[0].clone());
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                for _ in 0..5_000 {
                    let snapshot = shared.load();
                    let outcome = snapshot.lookup(&RequestHead::new("shop.example.com", "/"));
                    let route = outcome.matched().map(|hit| hit.rule().action().to_string());
                    let secret =
                        snapshot.certificate("shop.example.com").map(|secret| format!("{secret}:80"));
                    assert_eq!(route, secret);
                }
            });
        }
        for round in 0..5_000 {
            shared.publish(tables[round % 2].clone());
        }
    });
}
