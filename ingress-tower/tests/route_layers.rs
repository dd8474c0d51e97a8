//! Layers for single Ingresses, poll by poll, and the list of routes.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use http::{Request, Response, StatusCode};
use ingress_core::dialect::Kubernetes;
use ingress_core::{IngressId, RouteTable, SharedTable};
use ingress_tower::{RouteLayer, RouteLayers, Routed};
use k8s_openapi::api::networking::v1::Ingress;
use tower::limit::ConcurrencyLimitLayer;
use tower::util::{MapRequestLayer, MapResponseLayer};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_test::mock::{self, Spawn};

type Req = Request<&'static str>;
type Res = Response<String>;

#[expect(clippy::expect_used, reason = "a helper of tests")]
fn ingress(name: &str) -> Ingress {
    let default = "defaultBackend: {service: {name: rest, port: {number: 80}}}";
    let default = if name == "old" { default } else { "" };
    serde_saphyr::from_str(&format!(
        "
metadata: {{namespace: shop, name: {name}}}
spec:
  {default}
  rules:
  - host: {name}.example
    http:
      paths:
      - {{path: /here, pathType: Prefix, backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}
"
    ))
    .expect("the manifest is one of ours")
}

fn layer() -> RouteLayer {
    let objects = ["web", "api", "old"].map(ingress);
    RouteLayer::new(SharedTable::new(RouteTable::compile(Kubernetes, objects).0))
}

fn id(name: &str) -> IngressId {
    IngressId::new("shop", name)
}

fn request(name: &str) -> Req {
    let mut request = Request::new("");
    *request.uri_mut() = format!("http://{name}.example/here").parse().unwrap_or_default();
    request
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Appends a word to what the inner service answers.
fn says(word: &'static str) -> MapResponseLayer<impl Fn(Res) -> Res + Clone> {
    MapResponseLayer::new(move |response: Res| response.map(|body| format!("{body} {word}")))
}

async fn name(request: Req) -> Result<Res, Infallible> {
    let routed = request.extensions().get::<Routed>();
    let name = routed.map_or("nobody", |routed| routed.origin().ingress().name());
    Ok(Response::new(name.to_owned()))
}

#[tokio::test]
async fn every_ingress_has_its_own_layer_or_none() {
    let layers = RouteLayers::new()
        .for_ingress(id("web"), says("one"))
        .for_ingress(id("nowhere"), says("never"))
        .for_ingress(id("api"), says("first"))
        // The later one stands.
        .for_ingress(id("api"), ServiceBuilder::new().layer(says("outer")).layer(says("inner")));
    let service = ServiceBuilder::new().layer(layer()).layer(layers).service_fn(name);
    for (host, expected) in [("web", "web one"), ("api", "api inner outer"), ("old", "old")] {
        let response = service.clone().oneshot(request(host)).await.unwrap();
        assert_eq!(response.body(), expected, "{host}");
    }
}

#[tokio::test]
async fn requests_that_nobody_routed_get_no_layer() {
    let layers = RouteLayers::new().for_ingress(id("web"), says("one"));
    let service = layers.layer(service_fn(name));
    assert_eq!(service.oneshot(request("web")).await.unwrap().body(), "nobody");
}

#[tokio::test]
async fn beside_the_request_it_is_found_as_well() {
    let layers = RouteLayers::new().for_ingress(id("web"), says("one"));
    let service = ServiceBuilder::new().layer(layer().beside()).layer(layers).service_fn(
        async |(request, routed): (Req, Routed)| {
            assert!(request.extensions().is_empty());
            Ok::<_, Infallible>(Response::new(routed.origin().ingress().to_string()))
        },
    );
    assert_eq!(service.clone().oneshot(request("web")).await.unwrap().body(), "shop/web one");
    assert_eq!(service.oneshot(request("api")).await.unwrap().body(), "shop/api");
}

/// The one permit of an Ingress is taken: requests for it wait in their futures, and nobody else does.
#[tokio::test]
async fn an_ingress_at_its_limit_makes_nobody_else_wait() {
    let layers = RouteLayers::new().for_ingress(id("web"), ConcurrencyLimitLayer::new(1));
    let stack = ServiceBuilder::new().layer(layer()).layer(layers);
    let (mut service, mut handle) = mock::spawn_layer::<Req, Res, _>(stack);
    handle.allow(u64::MAX);

    assert!(service.poll_ready().is_ready());
    let mut first = pin!(service.call(request("web")));
    assert!(poll(first.as_mut()).is_pending());
    let Poll::Ready(Some((_, first_reply))) = handle.poll_request() else { panic!("it was called") };

    assert!(service.poll_ready().is_ready(), "the limit is not the limit of all");
    let mut second = pin!(service.call(request("web")));
    assert!(poll(second.as_mut()).is_pending());
    assert!(handle.poll_request().is_pending(), "there is no second permit");

    assert!(service.poll_ready().is_ready());
    let mut other = pin!(service.call(request("api")));
    let Poll::Ready(Some((_, reply))) = handle.poll_request() else { panic!("it was called") };
    reply.send_response(Response::new("api".to_owned()));
    let Poll::Ready(Ok(response)) = poll(other.as_mut()) else { panic!("it was answered") };
    assert_eq!(response.body(), "api");

    first_reply.send_response(Response::new("first".to_owned()));
    assert!(poll(first.as_mut()).is_ready());
    assert!(poll(second.as_mut()).is_pending());
    let Poll::Ready(Some((_, reply))) = handle.poll_request() else { panic!("the permit was free again") };
    reply.send_response(Response::new("second".to_owned()));
    let Poll::Ready(Ok(response)) = poll(second.as_mut()) else { panic!("it was answered") };
    assert_eq!(response.body(), "second");
}

/// The inner service was ready for a call that went to a layered one.
#[tokio::test]
async fn what_the_inner_service_reserved_is_given_back() {
    let inner = ServiceBuilder::new().concurrency_limit(1).service_fn(name);
    let passed_on = MapRequestLayer::new(|request: Req| request);
    let layers = RouteLayers::new().for_ingress(id("web"), passed_on);
    let mut first = Spawn::new(ServiceBuilder::new().layer(layer()).layer(layers).service(inner));
    let mut second = first.clone();

    assert!(first.poll_ready().is_ready());
    assert!(second.poll_ready().is_pending());
    // The permit goes to who was first in the queue; had it been kept, nobody would ever get one.
    let mut waiting = pin!(first.call(request("web")));
    assert!(poll(waiting.as_mut()).is_pending());
    assert!(second.is_woken());
    assert!(second.poll_ready().is_ready());
    let Poll::Ready(Ok(response)) = poll(pin!(second.call(request("api")))) else {
        panic!("it has the permit")
    };
    assert_eq!(response.body(), "api");
    let Poll::Ready(Ok(response)) = poll(waiting) else { panic!("the permit is free again") };
    assert_eq!(response.body(), "web");
}

#[tokio::test]
async fn errors_of_a_layer_are_the_callers() {
    let layers = RouteLayers::new().for_ingress(id("web"), MapRequestLayer::new(|request: Req| request));
    let (mut service, mut handle) =
        mock::spawn_layer::<Req, Res, _>(ServiceBuilder::new().layer(layer()).layer(layers));
    handle.allow(2);
    for name in ["web", "api"] {
        assert!(service.poll_ready().is_ready());
        let mut response = pin!(service.call(request(name)));
        assert!(poll(response.as_mut()).is_pending());
        let Poll::Ready(Some((_, reply))) = handle.poll_request() else { panic!("it was called") };
        reply.send_error("broken");
        assert_eq!(response.await.unwrap_err().to_string(), "broken");
    }
}

#[test]
fn services_and_futures_cross_threads() {
    fn sound<T: Send + Sync + 'static>(_: &T) {}
    fn sent<T: Send + 'static>(_: &T) {}
    let layers = RouteLayers::new().for_ingress(id("web"), says("one"));
    sound(&layers);
    let mut service = ServiceBuilder::new().layer(layer()).layer(layers).service_fn(name);
    sound(&service);
    sent(&service.call(request("web")));
}

#[test]
fn routes_are_listed_in_the_order_in_which_they_are_asked() {
    let layer = layer();
    let routes = layer.routes();
    assert_eq!(
        routes.to_string(),
        "\
api.example #0 Prefix /here -> shop/api:80 (shop/api spec.rules[0].http.paths[0])
old.example #0 Prefix /here -> shop/old:80 (shop/old spec.rules[0].http.paths[0])
old.example #1 default any path -> shop/rest:80 (shop/old spec.defaultBackend)
web.example #0 Prefix /here -> shop/web:80 (shop/web spec.rules[0].http.paths[0])
* #0 default any path -> shop/rest:80 (shop/old spec.defaultBackend)
"
    );
    assert_eq!(routes.generation(), 1);
    // What is listed is what a lookup answers with.
    let table = layer.table().load();
    for route in routes.iter().filter(|route| !route.is_default()) {
        let head = ingress_core::RequestHead::new(route.host().as_str(), route.path().as_str());
        let hit = table.lookup(&head).matched().unwrap();
        assert_eq!((hit.host(), hit.rule_id()), (route.host(), route.rule_id()));
        assert_eq!(hit.rule(), route.rule());
        assert_eq!(
            route.forward().unwrap().backend(0).to_string(),
            format!("shop/{}:80", route.origin().ingress().name())
        );
    }
    // A list is of its moment.
    layer.table().publish(std::sync::Arc::default());
    assert_eq!(routes.iter().count(), 5);
    assert_eq!(layer.routes().iter().count(), 0);
}

#[tokio::test]
async fn replies_of_the_route_layer_never_reach_a_layer() {
    let layers = RouteLayers::new().for_ingress(id("web"), says("one"));
    let service = ServiceBuilder::new().layer(layer()).layer(layers).service_fn(name);
    let refused: Req = {
        let mut request = request("web");
        *request.uri_mut() = "http://web.example/%00".parse().unwrap();
        request
    };
    let response = service.oneshot(refused).await.unwrap();
    assert_eq!((response.status(), response.body().as_str()), (StatusCode::BAD_REQUEST, ""));
}
