//! K14: what becomes of a request that no rule takes.

use ingress_core::Config;
use ingress_core::rule::{Backend, ServiceRef};
use serde_json::json;

use super::objects::{World, object, prefix};

/// Catches a default backend that goes before a rule, or that is not asked at all.
#[test]
fn k14_a_default_backend_comes_after_every_rule() {
    let world = World::of([
        object("shop/web")
            .created(2020)
            .default_backend("lost")
            .rule("shop.example.com", [prefix("/a", "a")]),
        object("any/web").created(2024).rule("", [prefix("/b", "b")]),
    ]);
    assert_eq!(world.ask("shop.example.com", "/a"), "shop/a:80");
    assert_eq!(world.ask("shop.example.com", "/b"), "any/b:80");
    assert_eq!(world.ask("shop.example.com", "/c"), "default shop/lost:80");
}

/// Catches the oldest object of all asked before those that name the host; the youngest of these
/// taken; one that has no default backend taken as an end; and a host without paths that is not named.
#[test]
fn k14_the_oldest_object_that_names_the_host_goes_first() {
    let world = World::of([
        object("all/web").created(2000).default_backend("lost"),
        object("a/none").created(2010).rule("shop.example.com", [prefix("/a", "a")]),
        object("b/young").created(2022).default_backend("lost").rule("shop.example.com", [prefix("/b", "b")]),
        object("z/old")
            .created(2021)
            .default_backend("lost")
            .set("/spec/rules", json!([{"host": "shop.example.com"}])),
    ]);
    assert_eq!(world.ask("shop.example.com", "/x"), "default z/lost:80");
    assert_eq!(world.ask("other.example.com", "/x"), "default all/lost:80");
    assert_eq!(world.ask_without_host("/x"), "default all/lost:80");
}

/// Catches hosts that are not ranked among default backends: exact, then wildcard, then the rest.
#[test]
fn k14_hosts_have_the_same_precedence_as_for_rules() {
    let world = World::of([
        object("all/web").created(2000).default_backend("lost"),
        object("wild/web").created(2001).default_backend("lost").rule("*.example.com", [prefix("/w", "w")]),
        object("exact/web")
            .created(2002)
            .default_backend("lost")
            .rule("shop.example.com", [prefix("/e", "e")]),
        object("bare/web").created(2003).rule("bare.example.com", [prefix("/e", "e")]),
    ]);
    assert_eq!(world.ask("shop.example.com", "/x"), "default exact/lost:80");
    assert_eq!(world.ask("bare.example.com", "/x"), "default wild/lost:80");
    assert_eq!(world.ask("a.b.example.com", "/x"), "default all/lost:80");
}

/// Catches an object that names hosts and therefore serves nobody else.
#[test]
fn k14_else_the_oldest_object_that_has_one_whatever_hosts_it_names() {
    let world = World::of([
        object("b/young").created(2021).default_backend("lost"),
        object("z/old").created(2020).default_backend("lost").rule("z.example.com", [prefix("/z", "z")]),
        object("a/timeless").default_backend("lost"),
    ]);
    assert_eq!(world.ask("unknown.example", "/x"), "default z/lost:80");
    assert_eq!(world.ask_without_host("/x"), "default z/lost:80");
}

/// Catches a configured default that goes before an object's, that an empty table does not have, or
/// that is missing although nobody else has one; and a 404 that is none.
#[test]
fn k14_then_the_configured_one_then_no_route() {
    let config =
        || Config::default().default_backend(Backend::Service(ServiceRef::new("infra", "lost", 8080)));
    let rule = || object("shop/web").rule("shop.example.com", [prefix("/a", "a")]);
    let world = World::with(config(), [rule()]);
    assert_eq!(world.ask("shop.example.com", "/a"), "shop/a:80");
    assert_eq!(world.ask("shop.example.com", "/x"), "default infra/lost:8080");
    assert_eq!(world.ask_without_host("/x"), "default infra/lost:8080");
    assert_eq!(World::with(config(), []).ask("h", "/x"), "default infra/lost:8080");
    let own = World::with(config(), [rule().default_backend("own")]);
    assert_eq!(own.ask("shop.example.com", "/x"), "default shop/own:80");
    assert_eq!(own.ask("other.example.com", "/x"), "default shop/own:80");
    assert_eq!(World::of([rule()]).ask("shop.example.com", "/x"), "404");
    assert_eq!(World::of([rule()]).ask("unknown.example", "/a"), "404");
    assert_eq!(World::of([]).ask("h", "/"), "404");
}
