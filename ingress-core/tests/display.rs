//! Tables and explanations as people read them. These texts are what the command line prints, so a
//! change of them is a change that users see.

#![cfg(feature = "k8s-openapi")]

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use ingress_core::dialect::{Contributions, Dialect, HostChoice, Kubernetes, Semantics};
use ingress_core::origin::{FieldPath, SecretRef};
use ingress_core::path::PathPattern;
use ingress_core::rule::{Action, Backend, Predicate, Rewrite, Rule, ServiceRef, ValueTest};
use ingress_core::{Compiler, Config, Ingress, RequestHead, RouteTable};
use insta::assert_snapshot;

#[path = "suite/manifest.rs"]
mod manifest;

fn table(dialect: impl Dialect, config: Config, manifest: &str) -> Arc<RouteTable> {
    let mut compiler = Compiler::with_config(dialect, config);
    for document in manifest::documents(manifest) {
        let _ = compiler.upsert(manifest::ingress(&document));
    }
    compiler.compile()
}

const SHOP: &str = "
metadata: {name: web, namespace: shop, creationTimestamp: '2024-01-01T00:00:00Z'}
spec:
  defaultBackend: {service: {name: lost, port: {name: http}}}
  tls:
  - {hosts: [shop.example.com], secretName: shop-tls}
  - {hosts: [static.example.com], secretName: static-tls}
  - {secretName: any-tls}
  rules:
  - host: shop.example.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
      - {path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {number: 8080}}}}
      - {path: /cart, pathType: Exact, backend: {service: {name: basket, port: {number: 8080}}}}
      - {path: /icons, pathType: ImplementationSpecific, backend: {resource: {apiGroup: k8s.example.com, kind: Bucket, name: icons}}}
  - host: '*.example.com'
    http:
      paths:
      - {path: /status/health, pathType: Exact, backend: {service: {name: health, port: {number: 80}}}}
---
metadata: {name: late, namespace: zoo, creationTimestamp: '2024-06-01T00:00:00Z'}
spec:
  rules:
  - host: shop.example.com
    http:
      paths:
      - {path: /cart/, pathType: Prefix, backend: {service: {name: late, port: {number: 80}}}}
  - http:
      paths:
      - {path: /status, pathType: Prefix, backend: {service: {name: status, port: {number: 80}}}}
";

fn shop() -> Arc<RouteTable> {
    let config = Config::default()
        .default_backend(Backend::Service(ServiceRef::new("infra", "not-found", 8080)))
        .default_certificate(SecretRef::new("infra", "fallback-tls"));
    table(Kubernetes, config, SHOP)
}

#[test]
fn a_table() {
    assert_snapshot!(shop(), @r"
    shop.example.com  (certificate shop/shop-tls)
      #0 Prefix /icons -> Bucket.k8s.example.com shop/icons  [shop/web spec.rules[0].http.paths[3]]
      #1 Exact /cart -> shop/basket:8080  [shop/web spec.rules[0].http.paths[2]]
      #2 Prefix /cart -> shop/cart:8080  [shop/web spec.rules[0].http.paths[1]]
      #3 Prefix /cart/ -> zoo/late:80  [zoo/late spec.rules[0].http.paths[0]]
      #4 Prefix / -> shop/web:80  [shop/web spec.rules[0].http.paths[0]]
      #5 default: any path -> shop/lost:http  [shop/web spec.defaultBackend]
    static.example.com  (certificate shop/static-tls)
    *.example.com
      #0 Exact /status/health -> shop/health:80  [shop/web spec.rules[1].http.paths[0]]
      #1 default: any path -> shop/lost:http  [shop/web spec.defaultBackend]
    *  (certificate shop/any-tls)
      #0 Prefix /status -> zoo/status:80  [zoo/late spec.rules[1].http.paths[0]]
      #1 default: any path -> shop/lost:http  [shop/web spec.defaultBackend]
      #2 default: any path -> infra/not-found:8080  [configuration]
    default certificate infra/fallback-tls
    ");
}

#[test]
fn a_table_without_anything() {
    assert_snapshot!(table(Kubernetes, Config::default(), ""), @"");
}

#[test]
fn why_a_rule_wins() {
    assert_snapshot!(shop().explain(&RequestHead::new("shop.example.com", "/cart/7")), @r"
    GET shop.example.com/cart/7
      host shop.example.com   5 rules
      #0 Prefix /icons     no    the path differs at byte 1
      #1 Exact /cart       no    the request goes on after byte 5
      #2 Prefix /cart      WON   shop/web spec.rules[0].http.paths[1] -> shop/cart:8080
      #3 Prefix /cart/     late  matches, but #2 comes first
      #4 Prefix /          late  matches, but #2 comes first
      #5 default backend   spare another one takes the request
      host *.example.com   1 rule
      #0 Exact /status/health   no    the path differs at byte 1
      #1 default backend        spare another one takes the request
      host *   1 rule
      #0 Prefix /status    no    the path differs at byte 1
      #1 default backend   spare another one takes the request
      #2 default backend   spare another one takes the request
    ");
    assert_snapshot!(shop().explain(&RequestHead::new("shop.example.com", "/cart")), @r"
    GET shop.example.com/cart
      host shop.example.com   5 rules
      #0 Prefix /icons     no    the path differs at byte 1
      #1 Exact /cart       WON   shop/web spec.rules[0].http.paths[2] -> shop/basket:8080
      #2 Prefix /cart      late  matches, but #1 comes first
      #3 Prefix /cart/     late  matches, but #1 comes first
      #4 Prefix /          late  matches, but #1 comes first
      #5 default backend   spare another one takes the request
      host *.example.com   1 rule
      #0 Exact /status/health   no    the path differs at byte 1
      #1 default backend        spare another one takes the request
      host *   1 rule
      #0 Prefix /status    no    the path differs at byte 1
      #1 default backend   spare another one takes the request
      #2 default backend   spare another one takes the request
    ");
}

#[test]
fn why_a_request_goes_on_to_the_next_host() {
    let request = RequestHead::new("Other.Example.com:8443", "/x/../status/%61?verbose");
    assert_snapshot!(shop().explain(&request), @r"
    GET Other.Example.com:8443/x/../status/%61?verbose
      path /status/a   as normalised
      host *.example.com   1 rule
      #0 Exact /status/health   no    the path differs at byte 8
      #1 default backend        spare another one takes the request
      host *   1 rule
      #0 Prefix /status    WON   zoo/late spec.rules[1].http.paths[0] -> zoo/status:80
      #1 default backend   spare another one takes the request
      #2 default backend   spare another one takes the request
    ");
}

#[test]
fn why_a_default_backend_answers() {
    assert_snapshot!(shop().explain(&RequestHead::new("other.example.com", "/stat")), @r"
    GET other.example.com/stat
      host *.example.com   1 rule
      #0 Exact /status/health   no    the path ends at byte 5
      #1 default backend        WON   shop/web spec.defaultBackend -> shop/lost:http
      host *   1 rule
      #0 Prefix /status    no    the path ends at byte 5
      #1 default backend   spare another one takes the request
      #2 default backend   spare another one takes the request
    ");
    assert_snapshot!(shop().explain(&RequestHead::without_host("/")), @r"
    GET (no host)/
      host *   1 rule
      #0 Prefix /status    no    the path ends at byte 1
      #1 default backend   WON   shop/web spec.defaultBackend -> shop/lost:http
      #2 default backend   spare another one takes the request
    ");
}

#[test]
fn why_there_is_no_route() {
    let manifest = "
metadata: {name: web, namespace: shop}
spec: {rules: [{host: shop.example.com, http: {paths: [{path: /cart/items, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}]}}]}";
    let table = table(Kubernetes, Config::default(), manifest);
    assert_snapshot!(table.explain(&RequestHead::new("shop.example.com", "/cart")), @r"
    GET shop.example.com/cart
      host shop.example.com   1 rule
      #0 Prefix /cart/items   no    the path ends at byte 5
      404, no such path on host shop.example.com
    ");
    assert_snapshot!(table.explain(&RequestHead::new("other.example.com", "/cart")), @r"
    GET other.example.com/cart
      404, no such host
    ");
    assert_snapshot!(table.explain(&RequestHead::new("shop example", "/cart")), @r"
    GET shop example/cart
      the host cannot be read: only rules without a host apply
      404, no such host
    ");
    assert_snapshot!(table.explain(&RequestHead::new("shop.example.com", "/cart%00")), @r"
    GET shop.example.com/cart%00
      refused: the path holds `%00`
    ");
}

/// A dialect with all that `Kubernetes` has not. Annotations set what a rule is beyond its path, and
/// `ImplementationSpecific` is an expression.
#[derive(Debug)]
struct Rich(HostChoice);

impl Dialect for Rich {
    fn name(&self) -> &'static str {
        "rich"
    }

    fn semantics(&self) -> Semantics {
        Semantics::default().with_choice(self.0)
    }

    fn expand(&self, ingress: &Ingress, out: &mut Contributions<'_>) {
        for rule in ingress.rules() {
            for path in rule.paths().unwrap_or_default() {
                let text = path.path().cloned().unwrap_or_default();
                let pattern = match path.path_type() {
                    Some(ingress_core::ingress::PathType::Prefix) => PathPattern::prefix(text),
                    _ => PathPattern::regex(text).map(PathPattern::ignore_case),
                };
                let Ok(pattern) = pattern else { continue };
                let mut made = Rule::new(
                    pattern,
                    action(ingress, path.backend()),
                    out.origin(FieldPath::path(rule.index(), path.index())),
                );
                if let Some(value) = ingress.annotation("rich/canary") {
                    made = made.when(Predicate::header(
                        HeaderName::from_static("x-canary"),
                        ValueTest::equals(value),
                    ));
                }
                if let Some(Ok(rewrite)) = ingress.annotation("rich/rewrite").map(Rewrite::template) {
                    made = made.rewrite(rewrite);
                }
                if let Some(order) = ingress.annotation("rich/order") {
                    made = made.order_key(order);
                }
                out.rule(rule.host(), made);
            }
        }
    }
}

fn action(ingress: &Ingress, backend: &Backend) -> Action {
    match ingress.annotation("rich/answer") {
        Some("forbidden") => Action::respond(StatusCode::FORBIDDEN),
        Some("moved") => Action::redirect(StatusCode::PERMANENT_REDIRECT, "https://new.example.com/"),
        Some("split") => {
            let canary = Backend::Service(ServiceRef::new(ingress.id().namespace(), "canary", 80));
            Action::split([(backend.clone(), 90), (canary, 10)])
        }
        _ => Action::forward(backend.clone()),
    }
}

const RICH: &str = r"
metadata: {name: canary, namespace: shop, annotations: {rich/canary: always, rich/order: '3'}}
spec: {rules: [{host: shop.example.com, http: {paths: [{path: /cart, pathType: Prefix, backend: {service: {name: canary, port: {number: 80}}}}]}}]}
---
metadata: {name: plain, namespace: shop, annotations: {rich/order: '4', rich/answer: split}}
spec: {rules: [{host: shop.example.com, http: {paths: [{path: /cart, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
---
metadata: {name: regex, namespace: shop, annotations: {rich/order: '5', rich/rewrite: /v2/$1}}
spec:
  rules:
  - host: shop.example.com
    http:
      paths:
      - {path: '/api/([0-9]+)', pathType: ImplementationSpecific, backend: {service: {name: api, port: {number: 80}}}}
      - {path: '/huge{1000}{1000}', pathType: ImplementationSpecific, backend: {service: {name: api, port: {number: 80}}}}
---
metadata: {name: moved, namespace: shop, annotations: {rich/order: '1', rich/answer: moved}}
spec: {rules: [{host: '*.example.com', http: {paths: [{path: /cart/old, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
---
metadata: {name: closed, namespace: shop, annotations: {rich/order: '2', rich/answer: forbidden}}
spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
";

#[test]
fn a_table_with_everything() {
    assert_snapshot!(table(Rich(HostChoice::FallThrough), Config::default(), RICH), @r#"
    shop.example.com
      #0 Regex~* /huge{1000}{1000} -> shop/api:80 as /v2/$1  [shop/regex spec.rules[0].http.paths[1]]
      #1 Regex~* /api/([0-9]+) -> shop/api:80 as /v2/$1  [shop/regex spec.rules[0].http.paths[0]]
      #2 Prefix /cart, header x-canary = "always" -> shop/canary:80  [shop/canary spec.rules[0].http.paths[0]]
      #3 Prefix /cart -> 90 x shop/web:80, 10 x shop/canary:80  [shop/plain spec.rules[0].http.paths[0]]
    *.example.com
      #0 Prefix /cart/old -> 308 https://new.example.com/  [shop/moved spec.rules[0].http.paths[0]]
    *
      #0 Prefix / -> 403  [shop/closed spec.rules[0].http.paths[0]]
    "#);
}

#[test]
fn why_conditions_and_expressions_do_not_match() {
    let table = table(Rich(HostChoice::FallThrough), Config::default(), RICH);
    assert_snapshot!(table.explain(&RequestHead::new("shop.example.com", "/cart/old")), @r#"
    GET shop.example.com/cart/old
      host shop.example.com   4 rules
      #0 Regex~* /huge{1000}{1000}   dead  the expression is too large to be served
      #1 Regex~* /api/([0-9]+)       no    the expression does not match
      #2 Prefix /cart                no    wants header x-canary = "always", got nothing
      #3 Prefix /cart                WON   shop/plain spec.rules[0].http.paths[0] -> 90 x shop/web:80, 10 x shop/canary:80
      host *.example.com   1 rule
      #0 Prefix /cart/old   late  matches, but a rule of another host has precedence
      host *   1 rule
      #0 Prefix /   late  matches, but a rule of another host has precedence
    "#);
    let mut headers = HeaderMap::new();
    headers.insert("x-canary", HeaderValue::from_static("never"));
    let request = RequestHead::new("shop.example.com", "/API/42");
    assert_snapshot!(table.explain(&request.headers(&headers)), @r"
    GET shop.example.com/API/42
      host shop.example.com   4 rules
      #0 Regex~* /huge{1000}{1000}   dead  the expression is too large to be served
      #1 Regex~* /api/([0-9]+)       WON   shop/regex spec.rules[0].http.paths[0] -> shop/api:80
      #2 Prefix /cart                no    the path differs at byte 1
      #3 Prefix /cart                no    the path differs at byte 1
      host *.example.com   1 rule
      #0 Prefix /cart/old   no    the path differs at byte 1
      host *   1 rule
      #0 Prefix /   late  matches, but a rule of another host has precedence
    ");
    let request = RequestHead::new("shop.example.com", "/cart");
    assert_snapshot!(table.explain(&request.headers(&headers)), @r#"
    GET shop.example.com/cart
      host shop.example.com   4 rules
      #0 Regex~* /huge{1000}{1000}   dead  the expression is too large to be served
      #1 Regex~* /api/([0-9]+)       no    the expression does not match
      #2 Prefix /cart                no    wants header x-canary = "always", got "never"
      #3 Prefix /cart                WON   shop/plain spec.rules[0].http.paths[0] -> 90 x shop/web:80, 10 x shop/canary:80
      host *.example.com   1 rule
      #0 Prefix /cart/old   no    the path ends at byte 5
      host *   1 rule
      #0 Prefix /   late  matches, but a rule of another host has precedence
    "#);
}

#[test]
fn why_a_rule_of_another_host_has_precedence() {
    let table = table(Rich(HostChoice::Best), Config::default(), RICH);
    assert_snapshot!(table.explain(&RequestHead::new("shop.example.com", "/cart/old")), @r#"
    GET shop.example.com/cart/old
      host shop.example.com   4 rules
      #0 Regex~* /huge{1000}{1000}   dead  the expression is too large to be served
      #1 Regex~* /api/([0-9]+)       no    the expression does not match
      #2 Prefix /cart                no    wants header x-canary = "always", got nothing
      #3 Prefix /cart                late  matches, but a rule of another host has precedence
      host *.example.com   1 rule
      #0 Prefix /cart/old   WON   shop/moved spec.rules[0].http.paths[0] -> 308 https://new.example.com/
      host *   1 rule
      #0 Prefix /   late  matches, but a rule of another host has precedence
    "#);
}

#[test]
fn why_a_host_is_not_asked() {
    let table = table(Rich(HostChoice::MostSpecific), Config::default(), RICH);
    assert_snapshot!(table.explain(&RequestHead::new("shop.example.com", "/car")), @r"
    GET shop.example.com/car
      host shop.example.com   4 rules
      #0 Regex~* /huge{1000}{1000}   dead  the expression is too large to be served
      #1 Regex~* /api/([0-9]+)       no    the expression does not match
      #2 Prefix /cart                no    the path ends at byte 4
      #3 Prefix /cart                no    the path ends at byte 4
      host *.example.com   1 rule, not asked: the request stays with the host above
      host *   1 rule, not asked: the request stays with the host above
      404, no such path on host shop.example.com
    ");
}
