//! K9 to K13: how paths are compared, which of several goes first, what is judged and forwarded.

use super::objects::{World, exact, line, object, prefix, service};
use serde_json::json;

const HOST: &str = "shop.example.com";

fn on_host(lines: impl IntoIterator<Item = serde_json::Value>) -> World {
    World::of([object("shop/web").rule(HOST, lines)])
}

/// Catches Exact without case, without the final slash, or as a prefix.
#[test]
fn k09_exact_is_byte_for_byte() {
    let world = on_host([exact("/foo", "foo"), exact("/bar/", "bar"), exact("/é", "accent")]);
    assert_eq!(world.ask(HOST, "/foo"), "shop/foo:80");
    assert_eq!(world.ask(HOST, "/foo?/"), "shop/foo:80");
    assert_eq!(world.ask(HOST, "/bar/"), "shop/bar:80");
    for path in ["/foo/", "/FOO", "/fo", "/fooo", "/foo/x", "/bar", "/bar//", "/", "/%C3%A9"] {
        assert_eq!(world.ask(HOST, path), "404", "{path}");
    }
}

/// Catches Prefix byte by byte, with the rule's final slash, or without case.
#[test]
fn k10_prefix_goes_element_by_element() {
    for rule in ["/aaa/bbb", "/aaa/bbb/"] {
        let world = on_host([prefix(rule, "web")]);
        for path in ["/aaa/bbb", "/aaa/bbb/", "/aaa/bbb/ccc", "/aaa/bbb//", "/aaa/bbb?x"] {
            assert_eq!(world.ask(HOST, path), "shop/web:80", "{rule} {path}");
        }
        for path in [
            "/aaa/bbbccc",
            "/aaa/bb",
            "/aaa",
            "/aaa/",
            "/AAA/bbb",
            "/aaa//bbb",
            "/",
            "//aaa/bbb",
            "/aaa/bbb%2Fccc",
        ] {
            assert_eq!(world.ask(HOST, path), "404", "{rule} {path}");
        }
    }
}

/// Catches a root prefix that misses something.
#[test]
fn k10_one_slash_takes_everything() {
    let world = on_host([prefix("/", "web")]);
    for path in ["/", "//", "/a", "/a/", "", "?a", "*"] {
        assert_eq!(world.ask(HOST, path), "shop/web:80", "{path}");
    }
}

/// Catches ImplementationSpecific as Exact, as byte prefix or as expression, without a path as nothing, and
/// any other reading of a line that names no type.
#[test]
fn k11_implementation_specific_is_prefix() {
    let world = on_host([line("ImplementationSpecific", "/v.", &service("web"))]);
    assert_eq!(world.ask(HOST, "/v./x"), "shop/web:80");
    assert_eq!(world.ask(HOST, "/v.x"), "404");
    assert_eq!(world.ask(HOST, "/v1"), "404");
    for empty in [
        json!({"pathType": "ImplementationSpecific", "backend": service("web")}),
        line("ImplementationSpecific", "", &service("web")),
    ] {
        let world = on_host([empty]);
        assert_eq!(world.ask(HOST, "/any/where"), "shop/web:80");
        assert!(world.findings.is_empty());
    }
    for untyped in [json!({"path": "/v", "backend": service("web")}), line("", "/v", &service("web"))] {
        let world = on_host([untyped]);
        assert_eq!(world.ask(HOST, "/v/x"), "shop/web:80");
        assert_eq!(world.ask(HOST, "/vx"), "404");
    }
}

/// Catches precedence by line, by age or by type before length; each order of writing is tried.
#[test]
fn k12_the_longest_path_wins_whatever_the_order() {
    let lines = [
        prefix("/", "root"),
        prefix("/a", "a"),
        prefix("/a/b", "b"),
        exact("/a/b/c", "c"),
        exact("/a", "exact-a"),
    ];
    for turn in 0..lines.len() {
        let mut lines = lines.clone();
        lines.rotate_left(turn);
        for lines in [lines.to_vec(), lines.iter().rev().cloned().collect()] {
            let world = on_host(lines);
            assert_eq!(world.ask(HOST, "/x"), "shop/root:80");
            assert_eq!(world.ask(HOST, "/a"), "shop/exact-a:80", "equal in length: Exact before Prefix");
            assert_eq!(world.ask(HOST, "/a/x"), "shop/a:80");
            assert_eq!(world.ask(HOST, "/a/b/x"), "shop/b:80");
            assert_eq!(world.ask(HOST, "/a/b/c"), "shop/c:80");
            assert_eq!(world.ask(HOST, "/a/b/c/x"), "shop/b:80");
            assert!(world.findings.is_empty());
        }
    }
}

/// Catches length before age, age with the wrong sign, a missing time as the oldest, and names
/// compared before times. The objects come in every order.
#[test]
fn k12_among_equals_the_older_object_wins() {
    let claim = |id: &str| object(id).rule(HOST, [prefix("/cart", "web")]);
    let cases = [
        ([claim("z/z").created(2020), claim("a/a").created(2021)], "z/web:80"),
        ([claim("z/z").created(2020), claim("a/a")], "z/web:80"),
        ([claim("b/a").created(2020), claim("a/b").created(2020)], "a/web:80"),
        ([claim("b/a"), claim("a/b")], "a/web:80"),
        // By the bytes of `namespace/name`: `-` stands before `/`.
        ([claim("a/x"), claim("a-b/x")], "a-b/web:80"),
    ];
    for (objects, winner) in cases {
        for objects in [objects.clone(), {
            let [a, b] = objects;
            [b, a]
        }] {
            let world = World::of(objects);
            assert_eq!(world.ask(HOST, "/cart/7"), winner);
            let loser = world.findings.first().map(ToString::to_string).unwrap_or_default();
            let told = ["warning[shadowed-rule]", "warning[namespace-conflict]"];
            assert!(told.iter().any(|told| loser.starts_with(told)) && world.findings.len() == 1, "{loser}");
        }
    }
}

/// Catches a later line that wins, `/foo/` and `/foo` kept apart as Prefix, and a loser that is not
/// told of its winner.
#[test]
fn k12_the_earlier_line_wins_and_the_loser_is_told() {
    let world = on_host([
        prefix("/foo/", "first"),
        exact("/foo", "exact"),
        prefix("/foo", "second"),
        exact("/foo", "again"),
    ]);
    assert_eq!(world.ask(HOST, "/foo/x"), "shop/first:80");
    assert_eq!(world.ask(HOST, "/foo"), "shop/exact:80");
    let place = "shop/web spec.rules[0].http.paths";
    assert_eq!(world.found(), [format!("shadowed-rule {place}[3]"), format!("shadowed-rule {place}[2]")]);
    assert!(world.findings[0].message().contains(&format!("{place}[1]")), "{}", world.findings[0]);
    assert!(world.findings[1].message().contains(&format!("{place}[0]")), "{}", world.findings[1]);
}

/// Catches a path that is judged as it came, decoded too far, or climbs out of the root.
#[test]
fn k13_the_normalised_path_is_judged() {
    let world = on_host([prefix("/", "open"), prefix("/admin", "admin")]);
    for target in [
        "/admin",
        "/x/../admin",
        "/x/%2e%2E/admin/y",
        "/./admin",
        "/%61dmin",
        "/../admin",
        "/x/y/../../admin",
        "/admin/.",
        "/%2e/admin",
        "/admin?a",
        "/.%2e/admin",
    ] {
        assert_eq!(world.ask(HOST, target), "shop/admin:80", "{target}");
    }
    for target in [
        "//admin",
        "/x//../admin",
        "/admin/..",
        "/admin%2Fx",
        "/x%2F..%2Fadmin",
        "/x%5C..%5Cadmin",
        "/x/..\\admin",
        "/%2561dmin",
        "/x?/../admin",
        "/...admin",
        "/x/..;/admin",
        "/adm%69n%2f",
    ] {
        assert_eq!(world.ask(HOST, target), "shop/open:80", "{target}");
    }
}

/// Catches a target that is let through although servers disagree about it.
#[test]
fn k13_what_cannot_be_judged_is_refused() {
    let world = on_host([prefix("/", "open")]);
    for (target, reason) in [
        ("/%00", "path-null"),
        ("/a/..%00/b", "path-null"),
        ("/%", "path-bad-escape"),
        ("/%a", "path-bad-escape"),
        ("/%ag", "path-bad-escape"),
        ("/%%41", "path-bad-escape"),
        ("/\u{0}", "path-control-byte"),
        ("/\r\n", "path-control-byte"),
        ("/\u{1f}", "path-control-byte"),
        ("/\u{7f}", "path-control-byte"),
    ] {
        assert_eq!(world.ask(HOST, target), format!("400 {reason}"), "{target:?}");
        assert_eq!(world.ask("unknown.example", target), format!("400 {reason}"), "{target:?}");
    }
    // In a query they mean nothing.
    assert_eq!(world.ask(HOST, "/a?%00%zz"), "shop/open:80");
}

/// Catches an upstream that gets another path than the one judged, or a query that was touched.
#[test]
fn k13_what_was_judged_is_what_is_forwarded() {
    let world = on_host([prefix("/", "open")]);
    for (target, upstream) in [
        ("/a/b", "/a/b"),
        ("/x/../a", "/a"),
        ("/%61%2Fb", "/a%2Fb"),
        ("/a%2fb", "/a%2fb"),
        ("/a//b/", "/a//b/"),
        ("/..", "/"),
        ("", "/"),
        ("?q=/../%zz", "/?q=/../%zz"),
        ("/x/../a?b=/./c?d", "/a?b=/./c?d"),
        ("/a?", "/a?"),
        ("/%7E%2D%5F%2E", "/~-_."),
        ("/%41%20%3F%23", "/A%20%3F%23"),
        ("/a/.", "/a/"),
    ] {
        assert_eq!(world.upstream(HOST, target), upstream, "{target}");
    }
}
