//! What the layer answers itself, and who builds the response.

use std::fmt;

use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use ingress_core::HostPattern;
use ingress_core::path::Refusal;
use ingress_core::rule::{Redirect, RewriteError};

use crate::authorize::Denial;
use crate::routed::Routed;

/// An answer that the layer gives without the inner service.
///
/// Every such response carries it in its extensions, whoever built the response.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// No rule takes the request: 404.
    NotFound(Miss),
    /// The rule sends the client elsewhere: here.
    Redirect(Redirect, String),
    /// The request is one that servers read differently, or that none would answer: mostly 400.
    Refused(Refusal),
    /// The rule answers with this status.
    Respond(StatusCode),
    /// What the rule makes of the path is no request target: 500.
    Rewrite(RewriteError),
    /// The rule wants somebody to agree, who does not; or there is [nobody](crate::NoAuthorizer) to ask.
    Denied(Denial),
}

/// Why no rule takes a request.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Miss {
    /// No host of the table is the request's.
    Host,
    /// This was the most specific host asked, and no host has the path.
    Path(HostPattern),
}

impl Reply {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            // Without its location a redirect would be one to nowhere.
            Self::Redirect(..) if self.location().is_none() => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Redirect(redirect, _) => redirect.status(),
            Self::Refused(refusal) => refusal.status(),
            Self::Respond(status) => *status,
            Self::Rewrite(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Denied(denial) => denial.status(),
        }
    }

    /// Where a redirect leads; `None` too where the rule's text can stand in no header.
    pub fn location(&self) -> Option<HeaderValue> {
        match self {
            Self::Redirect(_, location) => HeaderValue::from_bytes(location.as_bytes()).ok(),
            _ => None,
        }
    }

    /// A response with this reply's status, location and other headers, and a body.
    pub fn response<B>(&self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status();
        if let Self::Denied(denial) = self {
            *response.headers_mut() = denial.headers().clone();
        }
        if let Some(location) = self.location() {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }

    /// The response that `replies` builds, with what it came of.
    pub(crate) fn answer<B>(
        self,
        replies: &impl Replies<B>,
        head: &Parts,
        routed: Option<Routed>,
    ) -> Response<B> {
        let mut response = replies.reply(&self, head);
        if let Some(routed) = routed {
            response.extensions_mut().insert(routed);
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status().as_u16())?;
        match self {
            Self::NotFound(Miss::Host) => f.write_str(", no such host"),
            Self::NotFound(Miss::Path(host)) => write!(f, ", no such path on host {host}"),
            Self::Redirect(_, location) => write!(f, " {location}"),
            Self::Refused(refusal) => write!(f, ", {refusal}"),
            Self::Respond(_) => Ok(()),
            Self::Rewrite(error) => write!(f, ", {error}"),
            Self::Denied(_) => f.write_str(", not let through"),
        }
    }
}

/// Builds the responses of the layer. Closures do, too:
///
/// ```
/// use http::{Response, request::Parts};
/// use ingress_tower::{Reply, RouteLayer};
///
/// # let table = ingress_core::SharedTable::default();
/// let layer = RouteLayer::new(table).with_replies(|reply: &Reply, request: &Parts| -> Response<String> {
///     reply.response(format!("{reply}\n"))
/// });
/// ```
///
/// [`Reply::response`] sets the status and the location; a response that goes without them is sent as it
/// is.
pub trait Replies<B> {
    /// The response. The request's body has been dropped.
    fn reply(&self, reply: &Reply, request: &Parts) -> Response<B>;
}

impl<B, F> Replies<B> for F
where
    F: Fn(&Reply, &Parts) -> Response<B>,
{
    fn reply(&self, reply: &Reply, request: &Parts) -> Response<B> {
        self(reply, request)
    }
}

/// Status, location, and an empty body.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultReplies {}

impl<B: Default> Replies<B> for DefaultReplies {
    fn reply(&self, reply: &Reply, _: &Parts) -> Response<B> {
        reply.response(B::default())
    }
}
