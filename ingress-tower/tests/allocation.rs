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
fn allocations<S>(service: &mut S, request: impl Fn() -> Request<Body>) -> usize
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
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
}
