//! Counts, times, spans and log lines of requests. Feature `metrics`.
//!
//! [`ObserveLayer`] watches requests, and an [`Observer`] does something with what is seen: [`Metrics`] counts
//! and measures with the [`metrics`](https://docs.rs/metrics) facade, [`Spans`] makes spans of
//! [`tracing`](https://docs.rs/tracing), [`AccessLog`] writes lines. A pair of observers is one, so that one
//! layer does for all.
//!
//! # What is seen of a request
//!
//! 1. The layer belongs around the [`RouteLayer`](crate::RouteLayer), so that redirects and other replies are
//!    seen. Which rule took a request that was forwarded comes from within:
//!    [`RouteLayer::observed`](crate::RouteLayer::observed) sees to that.
//! 2. A request begins when the service is called, and **ends with the last frame of the response's body**: a
//!    slow download is a slow request. How long the head took is known as well
//!    ([`Seen::head_took`]). A response without a body ends with its head, as does an upgrade: what is
//!    said after `101 Switching Protocols` is no part of the request.
//! 3. The last frame is passed on when the server takes it, not when the client has it.
//! 4. How it ended is one of the four of [`Ending`]. A client that goes away leaves a request that was
//!    abandoned, with its route; with its status too, if there was an answer already.
//! 5. What [`Server`](https://docs.rs/ingress-tower/latest/ingress_tower/proxy/struct.Server.html) refuses never
//!    becomes a request, and is seen by who serves the connection, as a `ServeError`.
//!
//! # What is counted
//!
//! | name | labels |
//! |---|---|
//! | `ingress_requests_total` | `ingress`, `field`, `backend`, `status`, `method`, `ending` |
//! | `ingress_request_duration_seconds`, a histogram of those that ended whole | `ingress`, `field`, `backend`, `status` |
//! | `ingress_requests_in_flight` | |
//! | `ingress_attempts_total` by `Counted` | `backend`, `result` |
//! | `ingress_retries_total` by `Counted` | `backend` |
//! | `ingress_endpoints` by `EndpointGauges` | `backend`, `state` |
//! | `ingress_endpoint_requests_in_flight` by `EndpointGauges` | `backend` |
//! | `ingress_certificate_expiry_timestamp_seconds` by `CertificateGauges` | `secret` |
//!
//! Buckets of the histogram are the recorder's business.
//!
//! # Labels are bounded
//!
//! No label holds what a client or an endpoint can choose freely:
//! - `ingress` and `field` are those of a rule in a table that was published, such as `shop/web` and
//!   `spec.rules[0].http.paths[1]`: stable while the object is, whatever other objects do. Requests that no
//!   rule took share one pair of empty labels, whatever they asked for.
//! - `backend` is one of the rule's, as `shop/cart:80`; empty for a rule without, and where it is not known
//!   which of several was drawn.
//! - `status` is the number of a registered status, else the class, as `4xx`; empty without an answer. With
//!   [`by_status_class`](Metrics::by_status_class) always the class.
//! - `method` is one of nine, or `_OTHER`.
//! - `ending` is one of four, and `result` and `state` are words of this crate.
//!
//! So requests make 10 x 4 x about 70 counters for each rule at most, and in practice a handful. A table
//! that changes leaves the series of old rules behind in the recorder: let it forget what is idle
//! (`idle_timeout` of the Prometheus exporter).
//!
//! # By default
//!
//! ```
//! use http::{Request, Response};
//! # use axum::body::Body;
//! use ingress_core::{RouteTable, SharedTable, dialect::Kubernetes};
//! use ingress_tower::RouteLayer;
//! use ingress_tower::metrics::{Metrics, ObserveLayer};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # let shop: k8s_openapi::api::networking::v1::Ingress = serde_saphyr::from_str("
//! # metadata: {namespace: shop, name: web}
//! # spec: {rules: [{host: shop.example.com, http: {paths: [
//! #     {path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}]}}]}
//! # ").unwrap();
//! # let recorder = metrics_util::debugging::DebuggingRecorder::new();
//! # let snapshotter = recorder.snapshotter();
//! // The program's recorder first, as that of metrics-exporter-prometheus.
//! metrics::set_global_recorder(recorder).unwrap();
//!
//! let table = SharedTable::new(RouteTable::compile(Kubernetes, [&shop]).0);
//! let service = ServiceBuilder::new()
//!     .layer(ObserveLayer::new(Metrics::new()))
//!     .layer(RouteLayer::new(table).observed())
//!     .service_fn(async |_: Request<()>| Ok::<_, std::convert::Infallible>(Response::new(Body::empty())));
//!
//! let request = Request::get("http://shop.example.com/cart/7").body(()).unwrap();
//! assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
//! # let counted = snapshotter.snapshot().into_vec();
//! # let (key, ..) = counted.iter().find(|(key, ..)| key.key().name() == "ingress_requests_total").unwrap();
//! # let labels: Vec<_> = key.key().labels().map(|label| label.value()).collect();
//! // ingress_requests_total{ingress="shop/web", field="spec.rules[0].http.paths[0]",
//! //     backend="shop/cart:80", status="200", method="GET", ending="whole"} 1
//! # assert_eq!(labels, ["shop/web", "spec.rules[0].http.paths[0]", "shop/cart:80", "200", "GET", "whole"]);
//! # }
//! ```
//!
//! # Configured
//!
//! All three, a recorder of one's own, and lines without queries:
//!
//! ```
//! use http::{Request, Response};
//! # use axum::body::Body;
//! use ingress_core::{RouteTable, SharedTable, dialect::Kubernetes};
//! use ingress_tower::RouteLayer;
//! use ingress_tower::metrics::{AccessLog, Metrics, ObserveLayer, Spans};
//! use std::sync::{Arc, mpsc};
//! use std::time::{Duration, UNIX_EPOCH};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # let shop: k8s_openapi::api::networking::v1::Ingress = serde_saphyr::from_str("
//! # metadata: {namespace: shop, name: web}
//! # spec: {rules: [{host: shop.example.com, http: {paths: [
//! #     {path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}]}}]}
//! # ").unwrap();
//! # let table = SharedTable::new(RouteTable::compile(Kubernetes, [&shop]).0);
//! # let recorder = metrics_util::debugging::DebuggingRecorder::new();
//! let counts = Metrics::with_recorder(Arc::new(recorder)).by_status_class();
//! // Another thread takes the lines and writes them.
//! let (lines, written) = mpsc::channel();
//! let log = AccessLog::common(move |line: &str| drop(lines.send(line.to_owned()))).without_query();
//! # let log = log.with_time(|| UNIX_EPOCH + Duration::from_secs(1_791_640_536));
//! let service = ServiceBuilder::new()
//!     .layer(ObserveLayer::new((Spans::new(), (counts, log))))
//!     .layer(RouteLayer::new(table).observed())
//!     .service_fn(async |_: Request<()>| Ok::<_, std::convert::Infallible>(Response::new(Body::from("hi"))));
//!
//! let request = Request::get("http://shop.example.com/cart/7?card=4711").body(()).unwrap();
//! let response = service.oneshot(request).await.unwrap();
//! assert!(written.try_recv().is_err(), "it has not ended");
//! drop(response);
//! assert_eq!(written.recv().unwrap(), r#"- - - [10/Oct/2026:13:55:36 +0000] "GET /cart/7 HTTP/1.1" 200 -"#);
//! # }
//! ```
//!
//! # Cost
//!
//! Two allocations for what is told from within, and two more where the request's extensions are empty, which
//! the [`RouteLayer`](crate::RouteLayer) then spares. Three reads of the clock. [`Metrics`] adds one lookup of
//! its handles by their labels, which are written out once for each series. [`Spans`] that nobody
//! subscribes to cost a look at whether anybody does; [`AccessLog`] costs the line. Bodies are not boxed, and not
//! copied.

mod access_log;
#[cfg(feature = "proxy")]
mod attempts;
mod body;
#[cfg(feature = "tls")]
mod certificates;
mod clock;
mod counts;
#[cfg(feature = "balance")]
mod endpoints;
mod future;
mod layer;
mod live;
mod observer;
mod series;
mod spans;
mod told;
mod words;

pub use access_log::{AccessLog, Logged};
#[cfg(feature = "proxy")]
pub use attempts::Counted;
pub use body::ObservedBody;
#[cfg(feature = "tls")]
pub use certificates::CertificateGauges;
pub use counts::{Counting, Metrics};
#[cfg(feature = "balance")]
pub use endpoints::EndpointGauges;
pub use future::ObserveFuture;
pub use layer::{Observe, ObserveLayer};
pub use observer::{Ending, Observer, Seen, Watch};
pub use spans::{Spanned, Spans};
pub use told::Noted;
