//! Why a request was not answered by an endpoint, and who words the answer.

use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response, StatusCode};

use super::strict::Flaw;

const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// Why the proxy answers itself. Every such response carries it in its extensions, whoever built it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// The request is one that servers read differently, or none at all: 400.
    Malformed(Flaw),
    /// `CONNECT` and `TRACE` are not forwarded: 405.
    Method,
    /// What the client sends as the body is broken, or it went away: 400.
    RequestBody,
    /// The client stopped sending the body: 408.
    RequestBodyTimeout,
    /// The body is longer than is allowed: 413.
    RequestBodyTooLarge,
    /// No layer routed the request: 500, a mistake of the program.
    NotRouted,
    /// There is nothing to send the request to; the code says why: 503.
    NoEndpoints(&'static str),
    /// As many requests as allowed are under way: 503.
    Overloaded,
    /// The name of the endpoint has no address: 502.
    Lookup,
    /// The name of the endpoint leads where the proxy must not go: 502.
    AddressRefused,
    /// Nothing listens at the endpoint: 502.
    ConnectionRefused,
    /// No connection for another cause: 502.
    ConnectFailed,
    /// No connection in time: 504.
    ConnectTimeout,
    /// No agreement with the endpoint about TLS: 502.
    Tls,
    /// The endpoint's certificate is not trusted: 502.
    Certificate,
    /// The endpoint closed the connection before it answered: 502.
    ConnectionClosed,
    /// The endpoint's answer is no sound HTTP: 502.
    BadResponse,
    /// The endpoint switched to a protocol that nobody asked for: 502.
    Upgrade,
    /// The head of the response did not come in time: 504.
    ResponseTimeout,
    /// The whole took longer than a request may: 504.
    RequestTimeout,
}

impl Reason {
    /// The status of the answer.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Malformed(_) | Self::RequestBody => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestBodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::RequestBodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotRouted => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoEndpoints(_) | Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Lookup
            | Self::AddressRefused
            | Self::ConnectionRefused
            | Self::ConnectFailed
            | Self::Tls
            | Self::Certificate
            | Self::ConnectionClosed
            | Self::BadResponse
            | Self::Upgrade => StatusCode::BAD_GATEWAY,
            Self::ConnectTimeout | Self::ResponseTimeout | Self::RequestTimeout => {
                StatusCode::GATEWAY_TIMEOUT
            }
        }
    }

    /// Whether it says something about the endpoint, and not about the client or our own limits.
    pub const fn blames_endpoint(self) -> bool {
        matches!(
            self,
            Self::Lookup
                | Self::ConnectionRefused
                | Self::ConnectFailed
                | Self::ConnectTimeout
                | Self::Tls
                | Self::Certificate
                | Self::ConnectionClosed
                | Self::BadResponse
                | Self::ResponseTimeout
        )
    }

    /// A stable word for logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed(flaw) => flaw.code(),
            Self::Method => "method",
            Self::RequestBody => "request-body",
            Self::RequestBodyTimeout => "request-body-timeout",
            Self::RequestBodyTooLarge => "request-body-too-large",
            Self::NotRouted => "not-routed",
            Self::NoEndpoints(code) => code,
            Self::Overloaded => "overloaded",
            Self::Lookup => "lookup",
            Self::AddressRefused => "address-refused",
            Self::ConnectionRefused => "connection-refused",
            Self::ConnectFailed => "connect-failed",
            Self::ConnectTimeout => "connect-timeout",
            Self::Tls => "tls",
            Self::Certificate => "certificate",
            Self::ConnectionClosed => "connection-closed",
            Self::BadResponse => "bad-response",
            Self::Upgrade => "upgrade",
            Self::ResponseTimeout => "response-timeout",
            Self::RequestTimeout => "request-timeout",
        }
    }

    /// The error type of RFC 9209, section 2.3, that says it best.
    pub const fn proxy_error(self) -> &'static str {
        match self {
            Self::Malformed(_)
            | Self::Method
            | Self::RequestBody
            | Self::RequestBodyTimeout
            | Self::RequestBodyTooLarge => "http_request_error",
            Self::NotRouted => "proxy_internal_error",
            Self::NoEndpoints(_) => "destination_unavailable",
            Self::Overloaded => "connection_limit_reached",
            Self::Lookup => "dns_error",
            Self::AddressRefused => "destination_ip_prohibited",
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectFailed => "destination_unavailable",
            Self::ConnectTimeout => "connection_timeout",
            Self::Tls => "tls_protocol_error",
            Self::Certificate => "tls_certificate_error",
            Self::ConnectionClosed => "connection_terminated",
            Self::BadResponse => "http_protocol_error",
            Self::Upgrade => "http_upgrade_failed",
            Self::ResponseTimeout | Self::RequestTimeout => "http_response_timeout",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Builds the responses that the proxy gives itself. Closures do, too:
///
/// ```
/// use http::Response;
/// use ingress_tower::proxy::{Config, Reason};
///
/// let config = Config::default().respond_with(|reason: Reason| {
///     let mut response = Response::new(format!("sorry: {reason}\n").into());
///     *response.status_mut() = reason.status();
///     response
/// });
/// # drop(config);
/// ```
pub trait Respond: Send + Sync + 'static {
    /// The response. What is wrong with the request, if anything, closes the connection; the proxy sees
    /// to that.
    fn respond(&self, reason: Reason) -> Response<Bytes>;
}

impl<F> Respond for F
where
    F: Fn(Reason) -> Response<Bytes> + Send + Sync + 'static,
{
    fn respond(&self, reason: Reason) -> Response<Bytes> {
        self(reason)
    }
}

/// The status, a line of text, and a `Proxy-Status` header as RFC 9209 has it. None of them names an
/// address: who asks from outside is told what happened, not where.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultResponses {}

impl Respond for DefaultResponses {
    fn respond(&self, reason: Reason) -> Response<Bytes> {
        let status = reason.status();
        let mut response = Response::new(format!("{} {reason}\n", status.as_u16()).into());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        let text = format!("ingress; error={}; details=\"{reason}\"", reason.proxy_error());
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(PROXY_STATUS, value);
        }
        response
    }
}
