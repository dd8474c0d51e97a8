//! A [`tower`](https://docs.rs/tower) layer that routes requests by a Kubernetes Ingress table.
//!
//! The table comes from [`ingress_core`]; whoever makes it [publishes](ingress_core::SharedTable::publish)
//! it into a [`SharedTable`](ingress_core::SharedTable), and the layer looks every request up in what is
//! published at that moment.
//!
//! # What the layer does with a request
//!
//! 1. It loads one snapshot, and lets go of it before the inner service is called: no request that takes
//!    long keeps an old table alive.
//! 2. It looks the request up. The host is that of the URI, else of the `Host` header. What else rules ask
//!    for, such as the address of the client, is in the [`Peer`] among the request's extensions. Rules that
//!    ask whether a Service has endpoints are told by those of the snapshot; where none have been published,
//!    all are taken to have some.
//! 3. A rule that forwards: [`Routed`] goes into the request's extensions, the URI is changed to the
//!    target that the rule sends on, and the inner service is called. Where the target stays as it was
//!    received, the URI is not touched. What the inner service does with the request, whether it
//!    serves it itself or sends it to the backend, is its own business.
//! 4. A rule that forwards only if somebody else agrees: the [`Authorizer`] is asked first. Without one the
//!    answer is 501.
//! 5. Everything else is answered by the layer, as [`Reply`] says: a redirect, a fixed status, 404 where
//!    no rule matches, 400 where the request target is refused. The inner service is not called.
//!    [`Replies`] builds the responses; a closure will do.
//!
//! # By default
//!
//! ```
//! use http::{Request, Response};
//! use ingress_core::{RouteTable, SharedTable, dialect::Kubernetes};
//! use ingress_tower::{RouteLayer, Routed};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # let shop: k8s_openapi::api::networking::v1::Ingress = serde_saphyr::from_str("
//! # metadata: {namespace: shop, name: web}
//! # spec: {rules: [{host: shop.example.com, http: {paths: [
//! #     {path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}]}}]}
//! # ").unwrap();
//! let (table, _findings) = RouteTable::compile(Kubernetes, [&shop]);
//!
//! let service = ServiceBuilder::new().layer(RouteLayer::new(SharedTable::new(table))).service_fn(
//!     async |request: Request<String>| {
//!         let routed = request.extensions().get::<Routed>().expect("the layer has been here");
//!         let backend = routed.backend(0).expect("rules that come here forward");
//!         Ok::<_, std::convert::Infallible>(Response::new(format!("to {backend}")))
//!     },
//! );
//!
//! let request = Request::get("http://shop.example.com/cart/7").body(String::new()).unwrap();
//! let response = service.clone().oneshot(request).await.unwrap();
//! assert_eq!(response.body(), "to shop/cart:80");
//!
//! let request = Request::get("http://shop.example.com/").body(String::new()).unwrap();
//! assert_eq!(service.oneshot(request).await.unwrap().status(), 404);
//! # }
//! ```
//!
//! # Configured
//!
//! Replies of one's own, and a table that changes while requests are served:
//!
//! ```
//! use http::{Request, Response, request::Parts};
//! use ingress_core::{Compiler, SharedTable, dialect::Kubernetes};
//! use ingress_tower::{Reply, RouteLayer, Routed};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # let shop: k8s_openapi::api::networking::v1::Ingress = serde_saphyr::from_str("
//! # metadata: {namespace: shop, name: web}
//! # spec: {rules: [{host: shop.example.com, http: {paths: [
//! #     {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
//! # ").unwrap();
//! let shared = SharedTable::default();
//! let layer = RouteLayer::new(shared.clone()).with_replies(|reply: &Reply, request: &Parts| {
//!     reply.response(format!("{reply}: {}\n", request.uri))
//! });
//! let service = layer.layer(service_fn(async |request: Request<String>| {
//!     let routed = request.extensions().get::<Routed>().expect("the layer has been here");
//!     Ok::<_, std::convert::Infallible>(Response::new(routed.origin().to_string()))
//! }));
//! let get = || Request::get("http://shop.example.com/").body(String::new()).unwrap();
//!
//! let response = service.clone().oneshot(get()).await.unwrap();
//! assert_eq!(response.status(), 404);
//! assert_eq!(response.body(), "404, no such host: http://shop.example.com/\n");
//!
//! let mut compiler = Compiler::new(Kubernetes);
//! compiler.upsert(&shop);
//! shared.publish(compiler.compile());
//! let response = service.oneshot(get()).await.unwrap();
//! assert_eq!(response.body(), "shop/web spec.rules[0].http.paths[0]");
//! # }
//! ```
//!
//! # With axum
//!
//! The layer may change the URI, so it goes around the router, not into it: `Router::layer` runs after the
//! router has chosen by the URI. `examples/axum.rs` is an application that is its own ingress.
//!
//! # Readiness
//!
//! [`Route`] is ready when its inner service is. A request that the layer answers itself uses no readiness
//! up; what the inner service had reserved for it is given back at once, by putting a fresh clone in its
//! place, and not kept until a next request comes. This is why the inner service must be `Clone`.
//!
//! # Layers for some routes, and a list of all
//!
//! [`RouteLayers`] puts layers around the inner service for the routes of single Ingresses.
//! [`RouteLayer::routes`] lists what is published, for a page that shows it.
//!
//! # Features
//!
//! Without any, routing and nothing else. Each further part is a feature of its own:
//!
//! - `balance`: which endpoint of a Service a request goes to.
//! - `proxy`: forwards routed requests to endpoints, and serves connections strictly.
//! - `proxy-protocol`: the header by which a load balancer says who the client is.
//! - `upstream-tls`: TLS with endpoints, for the proxy.
//! - `tls`: certificates for TLS handshakes, from the published table and a store that changes at run time.
//!
//! # Cost
//!
//! A lookup, one reference count for the match, and one allocation: the value that
//! [`Extensions::insert`](http::Extensions::insert) boxes. Where nobody has put anything into the
//! extensions before, their map takes two more, which somebody has to pay; axum's `Router` would have.
//! [`RouteLayer::beside`] hands the rule over without extensions, and allocates nothing. The future is that
//! of the inner service in an enum: nothing is boxed, and any body type will do.

mod authorize;
#[cfg(feature = "balance")]
pub mod balance;
mod deliver;
mod future;
mod layer;
mod peer;
#[cfg(feature = "proxy")]
pub mod proxy;
#[cfg(feature = "proxy-protocol")]
pub mod proxy_protocol;
mod replies;
mod route_layers;
mod routed;
mod routes;
mod service;
#[cfg(feature = "tls")]
pub mod tls;

pub use authorize::{Asking, Authorizer, Denial, Grant, NoAuthorizer};
pub use deliver::{AsRouted, Beside, Deliver, InExtensions};
pub use future::ResponseFuture;
pub use layer::RouteLayer;
pub use peer::Peer;
pub use replies::{DefaultReplies, Miss, Replies, Reply};
pub use route_layers::{PerRoute, PerRouteFuture, RouteLayers};
pub use routed::Routed;
pub use routes::{ListedRoute, Routes};
pub use service::Route;
