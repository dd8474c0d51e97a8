//! K6 to K8: the host of a request, wildcards, and which host goes first.

use super::objects::{World, exact, object, prefix};

/// Catches a comparison with case, with the port or with the final dot.
#[test]
fn k06_case_port_and_one_final_dot_are_dropped() {
    let world = World::of([object("shop/web").rule("shop.example.com", [prefix("/", "web")])]);
    for host in [
        "shop.example.com",
        "SHOP.example.COM",
        "shop.example.com:80",
        "shop.example.com:",
        "shop.example.com.",
        "Shop.example.com.:65535",
    ] {
        assert_eq!(world.ask(host, "/"), "shop/web:80", "{host}");
    }
    for host in ["shop.example.com..", "shop.example.co", "xshop.example.com", "shop.example.com.x", "shop"] {
        assert_eq!(world.ask(host, "/"), "404", "{host}");
    }
}

/// Catches a request without a readable host that is turned away, or that meets a rule of some host.
#[test]
fn k06_without_a_readable_host_only_nameless_rules_and_defaults_apply() {
    let world = World::of([object("shop/web")
        .default_backend("lost")
        .rule("shop.example.com", [prefix("/", "named")])
        .rule("*.example.com", [prefix("/", "wild")])
        .rule("", [prefix("/open", "open")])]);
    for host in [
        "",
        ".",
        "..",
        "a b",
        "a/b",
        "shop.example.com:http",
        "shop.example.com:80:80",
        "shop.example.com:800000",
        "user@shop.example.com",
        "shop.example.com,shop.example.com",
        "é.example.com",
        "shop\u{0}.example.com",
        "[::1",
        "::1",
        "[]",
        "[::1]x",
        "[shop.example.com]",
        ".example.com",
        "-.example.com/",
    ] {
        assert_eq!(world.ask(host, "/open/x"), "shop/open:80", "{host:?}");
        assert_eq!(world.ask(host, "/x"), "default shop/lost:80", "{host:?}");
    }
    assert_eq!(world.ask_without_host("/open/x"), "shop/open:80");
    assert_eq!(world.ask_without_host("/x"), "default shop/lost:80");
    assert_eq!(world.ask("any.example.com", "/open/x"), "shop/wild:80", "so that the above means something");
}

/// Catches an IPv6 literal cut at one of its colons, or taken for a name.
#[test]
fn k06_addresses_meet_rules_without_a_host() {
    let world = World::of([object("shop/web")
        .rule("", [prefix("/", "open")])
        .rule("db8.example", [prefix("/", "no")])]);
    for host in
        ["[::1]", "[::1]:8443", "[2001:db8::1]", "[2001:DB8::1%25eth0]", "203.0.113.7", "203.0.113.7:80"]
    {
        assert_eq!(world.ask(host, "/"), "shop/open:80", "{host}");
    }
}

/// Catches a wildcard that takes no label, more than one, or half of one.
#[test]
fn k07_a_wildcard_stands_for_one_label() {
    let world = World::of([object("shop/web").rule("*.example.com", [prefix("/", "wild")])]);
    for host in [
        "a.example.com",
        "A.EXAMPLE.COM",
        "a-b.example.com:80",
        "xn--bcher-kva.example.com.",
        "_x.example.com",
    ] {
        assert_eq!(world.ask(host, "/"), "shop/wild:80", "{host}");
    }
    for host in
        ["example.com", "a.b.example.com", ".example.com", "aexample.com", "a.example.org", "*.example.com"]
    {
        assert_eq!(world.ask(host, "/"), "404", "{host}");
    }
}

/// Catches wildcards of different depth that are mistaken for one another.
#[test]
fn k07_each_wildcard_has_its_own_depth() {
    let world = World::of([object("shop/web")
        .rule("*.com", [prefix("/", "one")])
        .rule("*.example.com", [prefix("/", "two")])
        .rule("*.a.example.com", [prefix("/", "three")])]);
    assert_eq!(world.ask("example.com", "/"), "shop/one:80");
    assert_eq!(world.ask("a.example.com", "/"), "shop/two:80");
    assert_eq!(world.ask("b.a.example.com", "/"), "shop/three:80");
    assert_eq!(world.ask("c.b.a.example.com", "/"), "404");
    assert_eq!(world.ask("com", "/"), "404");
}

/// Catches precedence by path, by age or by line where it is the host's.
#[test]
fn k08_exact_host_then_wildcard_then_none() {
    let world = World::of([
        object("old/any").created(2000).rule("", [exact("/long/path", "any")]),
        object("mid/wild").created(2010).rule("*.example.com", [exact("/long/path", "wild")]),
        object("new/exact").created(2020).rule("shop.example.com", [prefix("/", "exact")]),
    ]);
    assert_eq!(world.ask("shop.example.com", "/long/path"), "new/exact:80");
    assert_eq!(world.ask("other.example.com", "/long/path"), "mid/wild:80");
    assert_eq!(world.ask("other.test", "/long/path"), "old/any:80");
}

/// Catches a lookup that stops at the first host that exists, at the wildcard, or before the default
/// backend; and one that asks defaults before rules.
#[test]
fn k08_a_host_without_the_path_gives_way() {
    let world = World::of([object("shop/web")
        .default_backend("lost")
        .rule("shop.example.com", [prefix("/a", "exact")])
        .rule("*.example.com", [prefix("/b", "wild")])
        .rule("", [prefix("/c", "any")])]);
    let ask = |path| world.ask("shop.example.com", path);
    assert_eq!((&*ask("/a"), &*ask("/b"), &*ask("/c")), ("shop/exact:80", "shop/wild:80", "shop/any:80"));
    assert_eq!(ask("/d"), "default shop/lost:80");
    assert_eq!(world.ask("x.example.com", "/a"), "default shop/lost:80");
    assert_eq!(world.ask("x.example.com", "/c"), "shop/any:80");
}
