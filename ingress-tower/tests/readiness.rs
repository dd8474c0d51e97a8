//! The layer poll by poll: whose readiness counts, when futures complete, and what is given back.

use std::pin::pin;
use std::task::Poll;

use http::{Request, Response, StatusCode};
use ingress_core::dialect::Kubernetes;
use ingress_core::{RouteTable, SharedTable};
use ingress_tower::{Route, RouteLayer, Routed};
use k8s_openapi::api::networking::v1::Ingress;
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer, Service, ServiceBuilder};
use tower_test::mock::{self, Handle, Mock, Spawn};

type Req = Request<()>;
type Res = Response<&'static str>;
type Spawned = Spawn<Route<Mock<Req, Res>>>;

/// One host, one path.
#[expect(clippy::expect_used, reason = "a helper of tests")]
fn layer() -> RouteLayer {
    let object: Ingress = serde_saphyr::from_str(
        "
metadata: {namespace: shop, name: web}
spec:
  rules:
  - host: a.example
    http:
      paths:
      - {path: /here, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
",
    )
    .expect("the manifest is one of ours");
    RouteLayer::new(SharedTable::new(RouteTable::compile(Kubernetes, [object]).0))
}

fn spawn() -> (Spawned, Handle<Req, Res>) {
    mock::spawn_layer(layer())
}

fn request(path: &str) -> Req {
    let mut request = Request::new(());
    *request.uri_mut() = format!("http://a.example{path}").parse().unwrap_or_default();
    request
}

#[tokio::test]
async fn it_is_ready_when_the_inner_service_is() {
    let (mut service, mut handle) = spawn();
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    assert!(!service.is_woken());
    handle.allow(1);
    assert!(service.is_woken());
    assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))));

    // The call goes through at once, not when its future is first polled.
    let response = service.call(request("/here/x"));
    let Poll::Ready(Some((received, reply))) = handle.poll_request() else { panic!("it was called") };
    assert!(received.extensions().get::<Routed>().is_some());
    assert_eq!(received.uri(), "http://a.example/here/x");

    let mut response = pin!(response);
    assert!(poll(response.as_mut()).is_pending());
    reply.send_response(Response::new("here"));
    let Poll::Ready(Ok(response)) = poll(response.as_mut()) else { panic!("it was answered") };
    assert_eq!((response.status(), *response.body()), (StatusCode::OK, "here"));
    assert!(service.poll_ready().is_pending(), "its one call is used up");
}

#[tokio::test]
async fn replies_are_there_at_once_and_use_no_call_up() {
    let (mut service, mut handle) = spawn();
    handle.allow(1);
    for _ in 0..3 {
        assert!(service.poll_ready().is_ready());
        let mut response = pin!(service.call(request("/elsewhere")));
        let Poll::Ready(Ok(found)) = poll(response.as_mut()) else { panic!("a reply needs no waiting") };
        assert_eq!(found.status(), StatusCode::NOT_FOUND);
        assert!(poll(response.as_mut()).is_pending(), "polled once too often, it waits");
        assert!(handle.poll_request().is_pending());
    }
    assert!(service.poll_ready().is_ready());
    let _response = service.call(request("/here"));
    assert!(handle.poll_request().is_ready());
}

/// A limit hands out its permit when it is polled. If the request never gets that far, the permit may not
/// wait with an idle connection for the next one.
#[tokio::test]
async fn what_was_reserved_for_a_call_that_never_came_is_given_back() {
    let inner = ServiceBuilder::new()
        .layer(ConcurrencyLimitLayer::new(1))
        .service_fn(async |_: Req| Ok::<_, std::convert::Infallible>(Response::new("here")));
    let mut first = Spawn::new(layer().layer(inner));
    let mut second = first.clone();

    assert!(first.poll_ready().is_ready());
    assert!(second.poll_ready().is_pending());
    assert_eq!(first.call(request("/elsewhere")).await.unwrap().status(), StatusCode::NOT_FOUND);
    assert!(second.is_woken());
    assert!(second.poll_ready().is_ready());
    assert_eq!(second.call(request("/here")).await.unwrap().status(), StatusCode::OK);
    assert!(first.poll_ready().is_ready());
}

#[tokio::test]
async fn errors_of_the_inner_service_are_passed_on() {
    let (mut service, mut handle) = spawn();
    handle.send_error("not today");
    let Poll::Ready(Err(error)) = service.poll_ready() else { panic!("the inner service failed") };
    assert_eq!(error.to_string(), "not today");

    assert!(service.poll_ready().is_ready());
    let response = service.call(request("/here"));
    let Poll::Ready(Some((_, reply))) = handle.poll_request() else { panic!("it was called") };
    reply.send_error("broken");
    assert_eq!(response.await.unwrap_err().to_string(), "broken");
}

/// A call looks at the table of its own moment, not of the moment when the service was ready.
#[tokio::test]
async fn the_table_is_read_when_the_call_comes() {
    let shared = SharedTable::default();
    let (mut service, mut handle) = mock::spawn_layer::<Req, Res, _>(RouteLayer::new(shared.clone()));
    assert!(service.poll_ready().is_ready());
    shared.publish(layer().table().load().routes().clone());
    let _response = service.call(request("/here"));
    assert!(handle.poll_request().is_ready());

    // Tables that are no longer published are gone, whatever is still in flight.
    let old = std::sync::Arc::downgrade(&shared.publish(std::sync::Arc::default()));
    assert!(old.upgrade().is_none());
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

#[test]
fn services_and_futures_cross_threads() {
    fn sound<T: Send + Sync + 'static>(_: &T) {}
    let mut service = layer()
        .layer(tower::service_fn(async |_: Req| Ok::<_, std::convert::Infallible>(Response::new("here"))));
    sound(&layer());
    sound(&service);
    sound(&service.call(request("/here")));
}
