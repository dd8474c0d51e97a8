//! What the layer allocates for a request, counted.
//!
//! The allocator counts for the whole process, so there is one test here and no other thread that does
//! anything. What the test harness allocates nevertheless can only add to a count, so the lowest of several
//! attempts is taken.

#![allow(clippy::expect_used, reason = "a test says no by a panic")]

use std::alloc::System;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use http::{Request, Response};
use ingress_core::dialect::Kubernetes;
use ingress_core::{IngressId, RouteTable, SharedTable};
use ingress_tower::{RouteLayer, RouteLayers, Routed};
use k8s_openapi::api::networking::v1::Ingress;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer, Service};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What a server has put into the extensions before anybody routes.
#[derive(Clone, Copy)]
struct Connection(#[expect(dead_code, reason = "it only takes its place")] u64);

fn table() -> SharedTable {
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
    SharedTable::new(RouteTable::compile(Kubernetes, [object]).0)
}

fn request(path: &str, known: bool) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = format!("http://a.example{path}").parse().expect("it is a URI");
    if known {
        request.extensions_mut().insert(Connection(7));
    }
    request
}

/// Allocations of one call, without those of making the request.
fn allocations<S, B>(service: &mut S, request: impl Fn() -> Request<Body>) -> usize
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
{
    let mut once = || {
        let request = request();
        let region = Region::new(ALLOCATOR);
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(service.poll_ready(&mut context), Poll::Ready(Ok(()))));
        let response = pin!(service.call(request)).poll(&mut context);
        assert!(black_box(response).is_ready(), "nothing here waits");
        let change = region.change();
        change.allocations + change.reallocations
    };
    (0..20).map(|_| once()).min().expect("there were attempts")
}

fn bare(_: Request<Body>) -> Ready<Result<Response<Body>, Infallible>> {
    ready(Ok(Response::new(Body::default())))
}

fn pair(_: (Request<Body>, Routed)) -> Ready<Result<Response<Body>, Infallible>> {
    ready(Ok(Response::new(Body::default())))
}

#[test]
fn a_call_allocates_one_value() {
    let bare = tower::service_fn(bare);
    let here = |known| move || request("/here", known);
    let boxing = tower::service_fn(|_: Request<Body>| {
        black_box(Box::new(1));
        ready(Ok(Response::new(Body::default())))
    });
    assert_eq!(allocations(&mut boxing.clone(), here(true)), 1, "the allocator does not count");
    assert_eq!(allocations(&mut bare.clone(), here(true)), 0);
    let layer = RouteLayer::new(table());

    // The value of the extension, where the server has begun a map.
    assert_eq!(allocations(&mut layer.layer(bare), here(true)), 1);
    // Where it has not, the box of the map and its table come on top. That is `http`'s.
    assert_eq!(allocations(&mut layer.layer(bare), here(false)), 3);
    let beside = layer.clone().beside();
    assert_eq!(allocations(&mut beside.layer(tower::service_fn(pair)), here(false)), 0);

    // A router of axum's begins a map itself.
    let router = axum::Router::new().route("/here", axum::routing::get(async || ""));
    let alone = allocations(&mut router.clone(), here(false));
    let routed = allocations(&mut layer.layer(router), here(false));
    assert!(routed <= alone + 1, "{routed} against {alone}");

    // Layers of other Ingresses cost nothing; that of the own costs the box of its future.
    let limit = |name: &str| {
        RouteLayers::new().for_ingress(IngressId::new("shop", name), ConcurrencyLimitLayer::new(9))
    };
    assert_eq!(allocations(&mut layer.layer(limit("else").layer(bare)), here(true)), 1);
    let own_layer = allocations(&mut layer.layer(limit("web").layer(bare)), here(true));
    assert_eq!(own_layer, 2);

    #[cfg(feature = "metrics")]
    {
        use ingress_tower::metrics::{Metrics, ObserveLayer, Spans};
        let counts = Metrics::with_recorder(std::sync::Arc::new(metrics::NoopRecorder));
        let layers = (ObserveLayer::new((counts, Spans::new())), layer.clone().observed());
        // What is told from within, and the box of it as an extension; labels are written out once.
        assert_eq!(allocations(&mut layers.layer(bare), here(true)), 1 + 2);
        assert_eq!(allocations(&mut layers.layer(bare), here(false)), 3 + 2);
    }
    #[cfg(feature = "balance")]
    a_pick_allocates_nothing();
}

#[cfg(feature = "balance")]
fn a_pick_allocates_nothing() {
    use ingress_core::endpoint::{Cluster, EndpointSlice, Service as Endpoints, ServicePort, SliceEndpoint};
    use ingress_core::rule::ServiceRef;
    use ingress_tower::balance::{Affinity, AffinityMode, Balancer, Caller, KeyPart, Policy, Settings};

    let service = ServiceRef::new("shop", "web", 80);
    let id = service.id().clone();
    let mut cluster = Cluster::default();
    cluster.upsert_service(Endpoints::new(id.clone()).with_port(ServicePort::new(80)));
    let slice = EndpointSlice::new(id.clone(), id).with_port("", 80);
    let endpoints = (1..=10).map(|last| SliceEndpoint::new([10, 0, 0, last]));
    cluster.upsert_slice(endpoints.fold(slice, EndpointSlice::with_endpoint));
    let table = SharedTable::default();
    table.publish_all(std::sync::Arc::default(), cluster.endpoints());

    let sticky = |mode| Policy::Cookie(Affinity::new("sid").expect("it is a name").mode(mode));
    for policy in [
        Policy::LeastOfTwo,
        Policy::RoundRobin,
        Policy::hash([KeyPart::Path]),
        sticky(AffinityMode::Balanced),
        sticky(AffinityMode::Persistent),
    ] {
        let balancer = Balancer::with(table.clone(), Settings::default().policy(policy.clone()));
        let mut request = Request::get("/here").body(()).expect("it is a request");
        // The first pick gets the endpoints ready, and the cookie that the others come with.
        let first = balancer.pick(&service, &Caller::of(&request)).expect("there are endpoints");
        if let Some(cookie) = first.set_cookie().and_then(|set| set.to_str().ok()) {
            let pair = cookie.split(';').next().unwrap_or_default();
            request.headers_mut().insert("cookie", pair.parse().expect("it is a header"));
        }
        let once = |_| {
            let region = Region::new(ALLOCATOR);
            for _ in 0..100 {
                let picked = balancer.pick(&service, &Caller::of(&request)).expect("there are endpoints");
                assert!(picked.set_cookie().is_none());
                picked.succeeded();
            }
            let change = region.change();
            change.allocations + change.reallocations
        };
        assert_eq!((0..5).map(once).min(), Some(0), "{policy:?}");
    }
}
