//! Conditions, weights, redirects and fixed responses.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use ingress_core::explain::Verdict;
use ingress_core::origin::FieldPath;
use ingress_core::rule::{Predicate, ValueTest};
use ingress_core::{Action, RequestHead, Rule};

use crate::closures::{ask, dialect, exact, get, host, literal, prefix, regex, service, to, verdict};

#[test]
fn when_a_condition_fails_the_next_number_is_tried() {
    let table = dialect(|_, out| {
        let at = host("a.example");
        let canary = HeaderName::from_static("x-canary");
        for rule in [
            to("post", prefix("/"), out).when(Predicate::method(Method::POST)),
            to("header", prefix("/"), out)
                .when(Predicate::header(canary.clone(), ValueTest::equals("always"))),
            to("like", prefix("/"), out)
                .when(Predicate::header(canary.clone(), ValueTest::regex("^v[0-9]+$").unwrap())),
            to("cookie", prefix("/"), out).when(Predicate::cookie("canary", ValueTest::present())),
            to("both", prefix("/"), out)
                .when(Predicate::query("beta", ValueTest::equals("1")))
                .when(Predicate::header(canary, ValueTest::absent())),
            to("main", prefix("/"), out),
        ] {
            out.rule(&at, rule);
        }
    })
    .table();

    let request = RequestHead::new("a.example", "/x");
    let with = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    };
    assert_eq!(ask(&table, &request), "main");
    assert_eq!(ask(&table, &request.method(&Method::POST)), "post");
    assert_eq!(ask(&table, &request.headers(&with("x-canary", "always"))), "header");
    assert_eq!(ask(&table, &request.headers(&with("x-canary", "v12"))), "like");
    assert_eq!(ask(&table, &request.headers(&with("x-canary", "v12!"))), "main");
    assert_eq!(ask(&table, &request.headers(&with("cookie", "a=1; canary="))), "cookie");
    assert_eq!(get(&table, "a.example", "/x?beta=1"), "both");
    let odd = with("x-canary", "never");
    assert_eq!(ask(&table, &RequestHead::new("a.example", "/x?beta=1").headers(&odd)), "main");

    let wanted = Verdict::Predicate { wanted: "method POST".to_owned(), found: Some("GET".to_owned()) };
    assert_eq!(verdict(&table, "/x", 0), wanted);
}

/// More candidates than fit on the stack, in tries of both kinds and among expressions.
#[test]
fn many_conditional_rules_are_tried_in_order() {
    let table = dialect(|_, out| {
        for index in 0..60 {
            let path = match index % 4 {
                0 => prefix("/a"),
                1 => literal("/a").ignore_case(),
                2 => regex("/a|/ab"),
                _ => exact("/a/b"),
            };
            let condition = Predicate::query("n", ValueTest::equals(index.to_string()));
            out.rule(&host("a.example"), to(&format!("n{index}"), path, out).when(condition));
        }
        out.rule(&host("a.example"), to("main", prefix("/"), out));
    })
    .table();
    for index in 0..60 {
        assert_eq!(get(&table, "a.example", &format!("/a/b?n={index}")), format!("n{index}"));
    }
    assert_eq!(get(&table, "a.example", "/A?n=1"), "n1");
    assert_eq!(get(&table, "a.example", "/A?n=2"), "main");
    assert_eq!(get(&table, "a.example", "/a/b"), "main");
}

#[test]
fn weights_choose_among_backends() {
    let table = dialect(|_, out| {
        let split = Action::split([(service("main"), 3), (service("never"), 0), (service("canary"), 1)]);
        out.rule(&host("a.example"), Rule::new(prefix("/"), split, out.origin(FieldPath::path(0, 0))));
        let none = Action::split([(service("never"), 0)]);
        out.rule(&host("b.example"), Rule::new(prefix("/"), none, out.origin(FieldPath::path(0, 1))));
    })
    .table();
    assert_eq!(get(&table, "a.example", "/"), "3 x ns/main:80, 0 x ns/never:80, 1 x ns/canary:80");
    assert_eq!(get(&table, "b.example", "/"), "503");

    let hit = table.lookup(&RequestHead::new("a.example", "/")).matched().unwrap();
    let Action::Forward(forward) = hit.rule().action() else { panic!("it forwards") };
    let drawn: Vec<_> = (0..5).map(|draw| forward.backend(draw).to_string()).collect();
    assert_eq!(drawn, ["ns/main:80", "ns/main:80", "ns/main:80", "ns/canary:80", "ns/main:80"]);
}

#[test]
fn redirects_and_fixed_responses() {
    let table = dialect(|_, out| {
        let origin = out.origin(FieldPath::annotation("redirect"));
        let moved = Action::redirect(StatusCode::PERMANENT_REDIRECT, "https://b.example/");
        out.rule(&host("a.example"), Rule::new(prefix("/old"), moved, origin.clone()));
        let forbidden = Action::respond(StatusCode::FORBIDDEN);
        out.rule(&host("a.example"), Rule::new(prefix("/admin"), forbidden, origin));
    })
    .table();
    assert_eq!(get(&table, "a.example", "/old/x"), "308 https://b.example/");
    assert_eq!(get(&table, "a.example", "/admin"), "403");
    assert_eq!(get(&table, "a.example", "/"), "no path on a.example");
}
