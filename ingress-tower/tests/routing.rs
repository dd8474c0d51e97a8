//! The layer around axum applications, in process: what reaches the routes inside, and what does not.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Extension;
use axum::routing::get;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use ingress_core::dialect::{Contributions, Kubernetes};
use ingress_core::origin::FieldPath;
use ingress_core::path::Refusal;
use ingress_core::rule::{Predicate, Rewrite, ServiceRef, ValueTest};
use ingress_core::{
    Action, Backend, Compiler, Dialect, HostPattern, Ingress, PathPattern, RouteTable, Rule, SharedTable,
};
use ingress_tower::{Miss, Reply, RouteLayer, Routed};
use k8s_openapi::api::networking::v1 as api;
use tower::{Layer, Service, ServiceExt};

const SHOP: &str = "
metadata: {namespace: shop, name: web}
spec:
  defaultBackend: {service: {name: rest, port: {number: 80}}}
  rules:
  - host: shop.example
    http:
      paths:
      - {path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {name: http}}}}
      - {path: /, pathType: Exact, backend: {service: {name: home, port: {number: 80}}}}
";

#[expect(clippy::expect_used, reason = "a helper of tests")]
fn shop() -> Ingress {
    let object: api::Ingress = serde_saphyr::from_str(SHOP).expect("the manifest is one of ours");
    Ingress::from(&object)
}

fn table(dialect: impl Dialect) -> SharedTable {
    SharedTable::new(RouteTable::compile(dialect, [shop()]).0)
}

/// Says which route of the application and which rule of the table a request came to.
async fn report(Extension(routed): Extension<Routed>, request: Request<Body>) -> String {
    let backend = routed.backend(0).map(ToString::to_string).unwrap_or_default();
    format!("{} -> {backend}", request.uri())
}

fn application() -> Router {
    Router::new().route("/", get(report)).route("/cart", get(report)).route("/cart/{*rest}", get(report))
}

#[expect(clippy::expect_used, reason = "a helper of tests")]
fn request(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).expect("it is a request")
}

#[expect(clippy::expect_used, reason = "a helper of tests")]
async fn text(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 16).await.expect("the body is there");
    String::from_utf8(bytes.to_vec()).expect("the body is text")
}

/// The same answer as text: status, and location or body.
#[expect(clippy::expect_used, reason = "a helper of tests")]
async fn answer<S>(service: &S, request: Request<Body>) -> String
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone,
    S::Error: std::fmt::Debug,
{
    let response = service.clone().oneshot(request).await.expect("it answers");
    let status = response.status().as_u16();
    let location = response.headers().get(http::header::LOCATION);
    let location = location.and_then(|location| location.to_str().ok()).map(str::to_owned);
    let rest = match location {
        Some(location) => location,
        None => text(response).await,
    };
    format!("{status} {rest}").trim_end().to_owned()
}

#[tokio::test]
async fn requests_reach_the_routes_inside_with_their_rule() {
    let service = RouteLayer::new(table(Kubernetes)).layer(application());
    for (uri, expected) in [
        ("http://shop.example/", "200 http://shop.example/ -> shop/home:80"),
        ("http://SHOP.example.:8080/cart", "200 http://SHOP.example.:8080/cart -> shop/cart:http"),
        ("http://shop.example/cart/7?q=%2F", "200 http://shop.example/cart/7?q=%2F -> shop/cart:http"),
        // What was judged is what the routes inside see.
        ("http://shop.example/x/../%63art/7?q=/..", "200 http://shop.example/cart/7?q=/.. -> shop/cart:http"),
        // The default backend takes it, and the application has no such route.
        ("http://shop.example/other", "404"),
        ("http://else.example/", "200 http://else.example/ -> shop/rest:80"),
        ("http://shop.example/%00", "400"),
        ("http://shop.example/%zz", "400"),
    ] {
        assert_eq!(answer(&service, request(uri)).await, expected, "{uri}");
    }
}

#[tokio::test]
async fn the_host_header_is_read_where_the_target_has_no_host() {
    let service = RouteLayer::new(table(Kubernetes)).layer(application());
    let with = |hosts: &[&str]| {
        let mut request = request("/cart");
        for host in hosts {
            request.headers_mut().append("host", host.parse().unwrap());
        }
        request
    };
    assert_eq!(answer(&service, with(&["shop.example:80"])).await, "200 /cart -> shop/cart:http");
    // Two servers could read this differently: it names no host.
    assert_eq!(answer(&service, with(&["shop.example", "else.example"])).await, "200 /cart -> shop/rest:80");
    assert_eq!(answer(&service, with(&[])).await, "200 /cart -> shop/rest:80");
}

#[tokio::test]
async fn the_extension_says_what_happened() {
    let shared = table(Kubernetes);
    let service = RouteLayer::new(shared.clone()).layer(tower::service_fn(async |request: Request<Body>| {
        Ok::<_, std::convert::Infallible>(Response::new(request.extensions().get::<Routed>().cloned()))
    }));
    let routed = async |uri: &str| {
        let uri = uri.parse().unwrap();
        let mut request = request("/");
        *request.uri_mut() = uri;
        service.clone().oneshot(request).await.unwrap().into_body()
    };

    let plain = routed("http://shop.example/cart?q").await.unwrap();
    assert_eq!(plain.origin().to_string(), "shop/web spec.rules[0].http.paths[0]");
    assert_eq!((plain.host().as_str(), plain.rule_id().to_string()), ("shop.example", "#0".to_owned()));
    assert!(!plain.is_default() && plain.received().is_none());
    assert_eq!(plain.generation(), 1);

    let changed = routed("http://shop.example/./cart?q").await.unwrap();
    assert_eq!(changed.received().unwrap(), "http://shop.example/./cart?q");
    assert!(routed("http://shop.example/zzz").await.unwrap().is_default());

    // What is held of an old table goes on to be valid.
    shared.publish(std::sync::Arc::default());
    assert!(routed("http://shop.example/cart").await.is_none());
    assert_eq!(plain.rule().to_string(), "Prefix /cart -> shop/cart:http");
}

/// Redirects, fixed responses, rewrites, conditions: what the specification has none of.
#[derive(Debug)]
struct Rich;

impl Dialect for Rich {
    fn name(&self) -> &'static str {
        "rich"
    }

    #[expect(clippy::expect_used, reason = "all texts are constants")]
    fn expand(&self, _: &Ingress, out: &mut Contributions<'_>) {
        let forward = || Action::forward(Backend::Service(ServiceRef::new("ns", "web", 80)));
        let moved = |location| Action::redirect(StatusCode::PERMANENT_REDIRECT, location);
        let template = |text| Rewrite::template(text).expect("it is a template");
        let origin = out.origin(FieldPath::path(0, 0));
        let rule = |path, action| Rule::new(path, action, origin.clone());
        let prefix = |text| PathPattern::prefix(text).expect("it is a path");
        let regex = |text| PathPattern::regex(text).expect("it is an expression");
        let beta = Predicate::header(http::HeaderName::from_static("x-beta"), ValueTest::present());
        for rule in [
            rule(prefix("/"), Action::respond(StatusCode::IM_A_TEAPOT)).when(beta),
            rule(prefix("/old"), moved("https://new.example/ü?a=b")),
            rule(prefix("/nowhere"), moved("https://new.example/\r\nx: y")),
            rule(prefix("/admin"), Action::respond(StatusCode::FORBIDDEN)),
            rule(regex("/api(/|$)(.*)"), forward()).rewrite(template("/$2")),
            rule(regex("/broken/(.*)"), forward()).rewrite(template("$1")),
        ] {
            out.rule(&HostPattern::any(), rule);
        }
    }

    /// They stay in the order they are written in.
    fn arrange(&self, _: &mut ingress_core::dialect::HostRules<'_>) {}
}

#[tokio::test]
async fn the_layer_answers_what_the_rules_answer() {
    let service = RouteLayer::new(table(Rich)).layer(application());
    for (uri, expected) in [
        ("http://a.example/api/cart/7?q", "200 http://a.example/cart/7?q -> ns/web:80"),
        ("http://a.example/api", "200 http://a.example/ -> ns/web:80"),
        ("/api/cart", "200 /cart -> ns/web:80"),
        ("http://a.example/admin/x", "403"),
        ("http://a.example/else", "404"),
        // A location that no header can carry, and a rewrite that gives no target.
        ("http://a.example/nowhere", "500"),
        ("http://a.example/broken/x", "500"),
    ] {
        assert_eq!(answer(&service, request(uri)).await, expected, "{uri}");
    }
    let mut beta = request("http://a.example/api");
    beta.headers_mut().insert("x-beta", http::HeaderValue::from_static("1"));
    assert_eq!(answer(&service, beta).await, "418");

    let response = service.clone().oneshot(request("http://a.example/old/x")).await.unwrap();
    assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(response.headers()["location"].as_bytes(), "https://new.example/ü?a=b".as_bytes());
}

/// `CONNECT` has a host and no path; there is nothing to rewrite.
#[tokio::test]
async fn a_target_without_a_path_stays_as_it_is() {
    let service = RouteLayer::new(table(Rich)).layer(tower::service_fn(async |request: Request<Body>| {
        Ok::<_, std::convert::Infallible>(Response::new(request.uri().to_string()))
    }));
    let mut connect = request("/");
    *connect.method_mut() = Method::CONNECT;
    *connect.uri_mut() = "a.example:443".parse().unwrap();
    // No rule of this table takes `/`.
    assert_eq!(service.oneshot(connect).await.unwrap().status(), StatusCode::NOT_FOUND);

    let service =
        RouteLayer::new(table(Kubernetes)).layer(tower::service_fn(async |request: Request<Body>| {
            Ok::<_, std::convert::Infallible>(Response::new(request.uri().to_string()))
        }));
    let mut connect = request("/");
    *connect.method_mut() = Method::CONNECT;
    *connect.uri_mut() = "shop.example:443".parse().unwrap();
    assert_eq!(service.clone().oneshot(connect).await.unwrap().body(), "shop.example:443");

    let mut options = request("/");
    *options.method_mut() = Method::OPTIONS;
    *options.uri_mut() = "*".parse().unwrap();
    assert_eq!(service.oneshot(options).await.unwrap().body(), "*");
}

#[tokio::test]
async fn replies_say_why_whoever_builds_them() {
    let reply = async |service: tower::util::BoxCloneService<_, Response<Body>, _>, uri: &str| {
        let response: Result<Response<Body>, std::convert::Infallible> = service.oneshot(request(uri)).await;
        let response = response.unwrap();
        let routed = response.extensions().get::<Routed>().map(|routed| routed.origin().to_string());
        (response.extensions().get::<Reply>().unwrap().clone(), routed, text(response).await)
    };
    let plain = || RouteLayer::new(table(Rich)).layer(application()).boxed_clone();
    let own = || {
        // This one forgets the status, and says everything in the body.
        let replies = |reply: &Reply, head: &Parts| {
            Response::new(Body::from(format!("{} {}: {reply}", head.method, head.uri.path())))
        };
        RouteLayer::new(table(Rich)).with_replies(replies).layer(application()).boxed_clone()
    };

    let rule = Some("shop/web spec.rules[0].http.paths[0]".to_owned());
    let forbidden = Reply::Respond(StatusCode::FORBIDDEN);
    assert_eq!(
        reply(plain(), "http://a.example/admin").await,
        (forbidden.clone(), rule.clone(), String::new())
    );
    assert_eq!(reply(own(), "http://a.example/admin").await, (forbidden, rule, "GET /admin: 403".to_owned()));
    let missing = Reply::NotFound(Miss::Path(HostPattern::any()));
    assert_eq!(
        reply(own(), "http://a.example/x").await,
        (missing, None, "GET /x: 404, no such path on host *".to_owned())
    );
    let refused = Reply::Refused(Refusal::Null);
    assert_eq!(
        reply(own(), "http://a.example/%00").await,
        (refused, None, "GET /%00: 400, the path holds `%00`".to_owned())
    );
    let redirect = reply(own(), "http://a.example/old").await;
    assert_eq!(redirect.2, "GET /old: 308 https://new.example/ü?a=b");
}

#[tokio::test]
async fn every_call_takes_the_table_that_is_published() {
    let mut compiler = Compiler::new(Kubernetes);
    let shared = SharedTable::new(compiler.compile());
    let service = RouteLayer::new(shared.clone()).layer(application());
    assert_eq!(answer(&service, request("http://shop.example/cart")).await, "404");
    compiler.upsert(shop());
    shared.publish(compiler.compile());
    assert_eq!(
        answer(&service, request("http://shop.example/cart")).await,
        "200 http://shop.example/cart -> shop/cart:http"
    );
    assert!(std::sync::Arc::ptr_eq(shared.load().routes(), RouteLayer::new(shared).table().load().routes()));
}

/// Any body will do, also one without a default, when the replies build it.
#[tokio::test]
async fn bodies_of_any_type() {
    #[derive(Debug, PartialEq)]
    struct Bytes(Vec<u8>);
    let replies = |reply: &Reply, _: &Parts| reply.response(Bytes(reply.to_string().into_bytes()));
    let service = RouteLayer::new(table(Kubernetes)).with_replies(replies).layer(tower::service_fn(
        async |request: Request<u32>| {
            Ok::<_, std::convert::Infallible>(Response::new(Bytes(vec![request.into_body() as u8])))
        },
    ));
    let send = async |uri: &str| {
        let request = Request::get(uri).body(7_u32).unwrap();
        service.clone().oneshot(request).await.unwrap().into_body()
    };
    assert_eq!(send("http://shop.example/").await, Bytes(vec![7]));
    assert_eq!(send("http://shop.example/%00").await, Bytes(b"400, the path holds `%00`".to_vec()));
}
