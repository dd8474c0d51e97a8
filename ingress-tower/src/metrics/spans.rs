//! Spans with the names that OpenTelemetry gives to what is known of HTTP requests.

use http::header::USER_AGENT;
use http::request::Parts;
use ingress_core::RequestHead;
use ingress_core::request::Scheme;
use tracing::field::{Empty, display};
use tracing::{Span, info_span};

use super::observer::{Ending, Observer, Seen, Watch};
use super::words;
use crate::peer::Peer;

/// A `tracing` span around each request: level INFO, target `ingress_tower`, name `request`.
///
/// Its fields are named as in OpenTelemetry's semantic conventions for HTTP servers:
/// `http.request.method` (and `http.request.method_original` for one that is not known), `url.scheme`,
/// `url.path`, `server.address`, `client.address`, `network.protocol.version`, `user_agent.original`; and when
/// it has ended `http.route`, `http.response.status_code`, `http.response.body.size` and `error.type`. What
/// has no name there is `ingress.object`, `ingress.field`, `ingress.backend` and `ingress.ending`. For bridges
/// to OpenTelemetry there are `otel.kind`, `otel.name` and `otel.status_code`.
///
/// `http.route` is the path of the rule as written, without its host. `url.query` is left out: secrets
/// travel in it. `url.path` is as it was received.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default)]
pub struct Spans {}

impl Spans {
    /// Spans around requests.
    pub const fn new() -> Self {
        Self {}
    }
}

impl Observer for Spans {
    type Watch = Spanned;

    fn begin(&self, request: &Parts) -> Spanned {
        let method = words::method(&request.method);
        let peer = request.extensions.get::<Peer>();
        let span = info_span!(
            target: "ingress_tower",
            "request",
            otel.kind = "server",
            otel.name = method,
            otel.status_code = Empty,
            http.request.method = method,
            http.request.method_original = Empty,
            http.route = Empty,
            http.response.status_code = Empty,
            http.response.body.size = Empty,
            url.scheme = peer.map_or(Scheme::Http, Peer::scheme).as_str(),
            url.path = request.uri.path(),
            server.address = Empty,
            client.address = Empty,
            network.protocol.version = words::version(request.version),
            user_agent.original = Empty,
            error.type = Empty,
            ingress.object = Empty,
            ingress.field = Empty,
            ingress.backend = Empty,
            ingress.ending = Empty,
        );
        if !span.is_disabled() {
            if method != request.method.as_str() {
                span.record("http.request.method_original", request.method.as_str());
            }
            if let Some(host) = RequestHead::from(request).host() {
                span.record("server.address", host);
            }
            if let Some(peer) = peer {
                span.record("client.address", display(peer.ip()));
            }
            if let Some(agent) = request.headers.get(USER_AGENT) {
                span.record("user_agent.original", &*String::from_utf8_lossy(agent.as_bytes()));
            }
        }
        Spanned { span, method }
    }
}

/// One request with a span around it.
#[derive(Debug)]
pub struct Spanned {
    span: Span,
    method: &'static str,
}

impl Watch for Spanned {
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        self.span.in_scope(work)
    }

    fn ended(self, seen: &Seen<'_>) {
        let Self { span, method } = self;
        if span.is_disabled() {
            return;
        }
        if let Some(routed) = seen.routed() {
            let path = words::route(routed);
            span.record("http.route", path);
            span.record("otel.name", display(format_args!("{method} {path}")));
            span.record("ingress.object", routed.origin().ingress().as_str());
            span.record("ingress.field", display(routed.origin().field()));
        }
        if let Some(backend) = seen.backend() {
            span.record("ingress.backend", display(backend));
        }
        span.record("http.response.body.size", seen.body_bytes());
        span.record("ingress.ending", seen.ending().as_str());
        let status = seen.status();
        if let Some(status) = status {
            span.record("http.response.status_code", status.as_u16());
        }
        let is_error = status.is_none_or(|status| status.is_server_error()) || seen.ending() != Ending::Whole;
        if is_error {
            span.record("otel.status_code", "ERROR");
            match (seen.error(), seen.ending(), status) {
                (Some(code), _, _) => span.record("error.type", code),
                (None, Ending::Whole, Some(status)) => span.record("error.type", status.as_str()),
                (None, ending, _) => span.record("error.type", ending.as_str()),
            };
        }
    }
}
