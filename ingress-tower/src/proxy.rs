//! Forwards routed requests to endpoints, and serves connections strictly. Feature `proxy`.
//!
//! [`Proxy`] is the service to put into a [`RouteLayer`](crate::RouteLayer): it reads the
//! [`Routed`](crate::Routed) that the layer leaves. [`Server`] serves connections with it. The parts can be used
//! apart: the proxy under another server, the server around another service.
//!
//! # What happens to a request
//!
//! 1. [`Server`] refuses what two servers could read differently: 400, and the connection closes. See
//!    [`Flaw`].
//! 2. The layer routes it. What is not forwarded never comes here.
//! 3. Limits: requests under way, and the length of the body as far as it is announced. A rule may allow less
//!    than the settings do.
//! 4. Hop-by-hop headers are removed, those that `Connection` names too. What the client claims about
//!    itself is removed, unless it is a trusted proxy, and what is known about it is written:
//!    [`Forwarding`].
//! 5. [`Pick`] chooses the endpoint. `RoundRobin` is one; with the feature `balance` its `Balancer` is another,
//!    which hears from the proxy how endpoints do.
//! 6. A connection: one that is idle, or a new one. HTTP/1.1, HTTP/2 known beforehand, or what a
//!    [`Connect`] agrees upon over TLS.
//! 7. Bodies go both ways as they come, with their trailers. Each side is read no faster than the other
//!    takes. A client that expects `100 Continue` gets the endpoint's.
//! 8. `101 Switching Protocols`, if asked for: from then on bytes are carried both ways. Never to another
//!    version of HTTP: later requests would not be routed.
//! 9. What fails is answered with a [`Reason`]: 502, 503, 504, or 4xx where the client is to blame.
//!    [`Respond`] words it.
//!
//! # Stricter than others
//!
//! [`Server`] reads the bytes of HTTP/1 itself before the parser does, and lets pass what has one reading:
//! every line ends in CR LF, one `Content-Length` of digits or one `Transfer-Encoding: chunked` and never
//! both, chunk sizes of digits, one host that the target does not contradict. Identical lengths in two
//! lines, codings beside `chunked`, and white space where the grammar has none are refused although the
//! standard leaves a choice: no client in use sends them. `tests/proxy/corpus` has some 450 requests
//! with their answers, and lists where nginx and haproxy answer otherwise.
//!
//! # When a request is sent again
//!
//! To another endpoint if there is one, and [`attempts`](Config::attempts) times in all at most:
//! - if the endpoint has seen nothing of it, as when it refused the connection;
//! - if the connection closed without an answer, the method is idempotent, and all of the body that was
//!   sent is still [kept](Config::replay_bytes).
//!
//! Never after a time limit of the response, and never once an answer has begun.
//!
//! # By default
//!
//! ```
//! use http::Request;
//! use http_body_util::Empty;
//! use ingress_core::{RouteTable, SharedTable, dialect::Kubernetes};
//! use ingress_tower::RouteLayer;
//! use ingress_tower::proxy::{Proxy, Reason, RoundRobin};
//! use tower::{Layer, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # let shop: k8s_openapi::api::networking::v1::Ingress = serde_saphyr::from_str("
//! # metadata: {namespace: shop, name: web}
//! # spec: {rules: [{host: shop.example.com, http: {paths: [
//! #     {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
//! # ").unwrap();
//! let table = SharedTable::new(RouteTable::compile(Kubernetes, [&shop]).0);
//! let proxy = Proxy::new(RoundRobin::new(table.clone()));
//! let service = RouteLayer::new(table).layer(proxy);
//!
//! // No endpoints have been published.
//! let request = Request::get("http://shop.example.com/").body(Empty::new()).unwrap();
//! let response = service.oneshot(request).await.unwrap();
//! assert_eq!(response.status(), 503);
//! assert_eq!(response.extensions().get(), Some(&Reason::NoEndpoints("service-absent")));
//! # }
//! ```
//!
//! # Configured
//!
//! A pick of one's own, limits, and a proxy in front that is believed:
//!
//! ```
//! use std::time::Duration;
//! use http::Request;
//! use http_body_util::{BodyExt, Full};
//! use ingress_core::{RouteTable, SharedTable, dialect::Kubernetes, endpoint::Address};
//! use ingress_tower::RouteLayer;
//! use ingress_tower::proxy::{Choice, Config, Forwarding, Pick, Picked, Protocol, Proxy, Target};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tower::{Layer, ServiceExt};
//!
//! struct Always(std::net::SocketAddr);
//!
//! impl Pick for Always {
//!     fn pick(&self, _: &Choice<'_>) -> Result<Picked, &'static str> {
//!         Ok(Picked::new(Target::new(Address::Socket(self.0), Protocol::Http1)))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # let shop: k8s_openapi::api::networking::v1::Ingress = serde_saphyr::from_str("
//! # metadata: {namespace: shop, name: web}
//! # spec: {rules: [{host: shop.example.com, http: {paths: [
//! #     {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
//! # ").unwrap();
//! # let table = SharedTable::new(RouteTable::compile(Kubernetes, [&shop]).0);
//! let endpoint = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
//! let proxy = Proxy::with_config(
//!     Always(endpoint.local_addr().unwrap()),
//!     Config::default()
//!         .response_timeout(Duration::from_secs(5))
//!         .body_limit(1 << 20)
//!         .forwarding(Forwarding::default().trust(["10.0.0.0/8".parse().unwrap()])),
//! );
//! let service = RouteLayer::new(table).layer(proxy);
//!
//! tokio::spawn(async move {
//!     let (mut stream, _) = endpoint.accept().await.unwrap();
//!     let mut request = [0; 1024];
//!     let length = stream.read(&mut request).await.unwrap();
//!     assert!(request[..length].starts_with(b"POST /cart HTTP/1.1\r\n"));
//!     stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
//! });
//! let request = Request::post("http://shop.example.com/cart").body(Full::from("seven")).unwrap();
//! let response = service.oneshot(request).await.unwrap();
//! assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hi");
//! # }
//! ```
//!
//! # Requests that somebody has to let through
//!
//! come here only once the layer's [`Authorizer`](crate::Authorizer) has agreed. [`ExternalAuthorizer`] asks the
//! service that a rule names by a URL.
//!
//! # TLS with endpoints
//!
//! A rule, or the `appProtocol` of a port, may say that endpoints speak TLS. With the feature `upstream-tls`
//! `TlsConnect` does that. Without, or with a [`Connect`] that cannot, such requests are answered 502.
//!
//! `examples/hyper_proxy.rs` is a whole reverse proxy.
//!
//! # Runtimes
//!
//! It works in any tokio runtime. What is fastest is a current-thread runtime for each core, each with
//! listeners of its own (`SO_REUSEPORT`) and a `Proxy` of its own: then no connection changes threads and no
//! lock is waited for. Connections of a proxy belong to the runtime that opened them, so one proxy must
//! not outlive it in another.
//!
//! # Cost
//!
//! A request that finds an idle HTTP/1 connection is one task from its head to its end: the task of the
//! client's connection drives the endpoint's too. It takes one boxed future, one timer, the headers that
//! are written, and a copy of the headers where the request may have to be sent again. Memory for a
//! connection is bounded by the limits of the heads, for bodies by what one read takes.
//!
//! # What it does not do
//!
//! WebSockets over HTTP/2 (RFC 8441), `CONNECT`, HTTP/3, caching, compression. Informational responses
//! other than 100 and 101 are not passed on.

#[cfg(feature = "balance")]
mod balanced;
mod body;
mod config;
mod connect;
mod exchange;
mod external_auth;
mod forward;
mod forwarded;
mod framing;
mod gate;
mod headers;
mod pick;
mod pool;
mod reason;
mod request_id;
mod serve;
mod strict;
#[cfg(feature = "upstream-tls")]
mod tls_connect;
mod tunnel;
mod upload;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

pub use crate::peer::Peer;
pub use body::{BodyError, ProxyBody};
pub use config::Config;
pub use connect::{Connect, Connected, Connecting, TcpConnect};
pub use external_auth::ExternalAuthorizer;
pub use forwarded::Forwarding;
pub(crate) use forwarded::PeerTexts;
pub use pick::{Choice, Guard, Pick, Picked, Protocol, RoundRobin, Target, Trust};
pub use reason::{DefaultResponses, Reason, Respond};
pub use serve::{ServeError, Server};
pub use strict::Flaw;
#[cfg(feature = "upstream-tls")]
pub use tls_connect::{TlsConnect, UpstreamTls};

use forward::Inner;
use pool::Pool;
use upload::BoxError;

/// Forwards routed requests to endpoints. See the [module's documentation](self).
///
/// It is always ready, and never fails: what goes wrong is answered. A clone is a reference count;
/// clones share their connections.
pub struct Proxy<P>(Arc<Inner<P>>);

impl<P: Pick> Proxy<P> {
    /// With the default settings.
    pub fn new(pick: P) -> Self {
        Self::with_config(pick, Config::default())
    }

    /// With other settings.
    pub fn with_config(pick: P, config: Config) -> Self {
        let pool = Arc::new(Pool::new(config.pool_idle, config.pool_size));
        Self(Arc::new(Inner { pick, config, pool, in_flight: Arc::default(), draws: AtomicU32::new(0) }))
    }
}

impl<P> Clone for Proxy<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P> fmt::Debug for Proxy<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl<P, B> Service<Request<B>> for Proxy<P>
where
    P: Pick,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ProxyBody>;
    type Error = Infallible;
    type Future = ProxyFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ProxyFuture {
        let inner = self.0.clone();
        let (head, body) = request.into_parts();
        let is_http1 = head.version < http::Version::HTTP_2;
        let has_body = !body.is_end_stream();
        let prepared = inner.prepare(head, body);
        ProxyFuture(Box::pin(async move { inner.forward(prepared, is_http1, has_body).await }))
    }
}

/// A request at the proxy. Dropped, it gives the request up.
pub struct ProxyFuture(forward::Forwarded);

impl Future for ProxyFuture {
    type Output = Result<Response<ProxyBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for ProxyFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyFuture")
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Empty;

    use super::*;

    struct Nobody;

    impl Pick for Nobody {
        fn pick(&self, _: &Choice<'_>) -> Result<Picked, &'static str> {
            Err("no-endpoints")
        }
    }

    #[test]
    fn what_is_allocated_for_each_request_stays_small() {
        let Proxy(inner) = Proxy::new(Nobody);
        let (head, body) = Request::new(Empty::<Bytes>::new()).into_parts();
        let future = inner.forward(inner.prepare(head, body), true, false);
        // It was 3,944 before the rare parts had boxes of their own.
        assert!(size_of_val(&future) <= 2560, "{}", size_of_val(&future));
    }
}
