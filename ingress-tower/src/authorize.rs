//! Rules that let a request through only if somebody else agrees.

use std::future::{Future, Ready, ready};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::deliver::Deliver;
use crate::replies::{Replies, Reply};
use crate::routed::Routed;

/// Decides about the requests of rules that let none through by themselves: those whose action is
/// [`Action::Authorize`](ingress_core::Action::Authorize). What is to be asked stands among the
/// [policies](ingress_core::Rule::policies) of the rule. Closures will do:
///
/// ```
/// use http::StatusCode;
/// use http::request::Parts;
/// use ingress_tower::{Denial, Grant, RouteLayer, Routed};
///
/// # let table = ingress_core::SharedTable::default();
/// let layer = RouteLayer::new(table).with_authorizer(|_: &Routed, request: &Parts| {
///     let knows = request.headers.get("x-token").is_some_and(|token| token == "secret");
///     async move { if knows { Ok(Grant::default()) } else { Err(Denial::new(StatusCode::UNAUTHORIZED)) } }
/// });
/// ```
///
/// Without an authorizer these requests are answered with 501: a program that asks nobody lets nobody
/// through.
pub trait Authorizer {
    /// The decision, when it is there.
    type Future: Future<Output = Result<Grant, Denial>>;

    /// Decides about a request. Its URI is the one that was received.
    fn authorize(&self, routed: &Routed, request: &Parts) -> Self::Future;
}

impl<F, W> Authorizer for F
where
    F: Fn(&Routed, &Parts) -> W,
    W: Future<Output = Result<Grant, Denial>>,
{
    type Future = W;

    fn authorize(&self, routed: &Routed, request: &Parts) -> W {
        self(routed, request)
    }
}

/// Nobody: 501.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAuthorizer {}

impl Authorizer for NoAuthorizer {
    type Future = Ready<Result<Grant, Denial>>;

    fn authorize(&self, _: &Routed, _: &Parts) -> Self::Future {
        ready(Err(Denial::new(StatusCode::NOT_IMPLEMENTED)))
    }
}

/// The request is let through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grant {
    request: HeaderMap,
    removed: Vec<HeaderName>,
    response: HeaderMap,
}

impl Grant {
    /// With a header that the request goes on with, in place of any of that name.
    #[must_use]
    pub fn with_request_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.request.append(name, value);
        self
    }

    /// Without what the client sent under this name.
    #[must_use]
    pub fn without_request_header(mut self, name: HeaderName) -> Self {
        self.removed.push(name);
        self
    }

    /// With a header that the response gets besides its own, such as a cookie.
    #[must_use]
    pub fn with_response_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.response.append(name, value);
        self
    }
}

/// It is not.
#[derive(Clone, Debug, PartialEq)]
pub struct Denial {
    status: StatusCode,
    headers: HeaderMap,
}

impl Denial {
    /// With this status; one of success is none, and becomes 403.
    pub fn new(status: StatusCode) -> Self {
        let status = if status.is_success() { StatusCode::FORBIDDEN } else { status };
        Self { status, headers: HeaderMap::new() }
    }

    /// With a header of the answer, such as `WWW-Authenticate` or `Location`.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// The status of the answer.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers of the answer.
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

/// A request that is being decided about.
#[derive(Debug)]
pub(crate) struct Held<B> {
    pub(crate) head: Parts,
    pub(crate) body: B,
    pub(crate) routed: Routed,
    /// What its URI becomes.
    pub(crate) uri: Option<Uri>,
}

impl<B> Held<B> {
    /// Goes on as the grant says; whatever it sets is in place of what the client sent under that name.
    fn released(self, removed: &[HeaderName], set: HeaderMap) -> (Request<B>, Routed) {
        let Self { mut head, body, mut routed, uri } = self;
        for name in removed.iter().chain(set.keys()) {
            head.headers.remove(name);
        }
        head.headers.extend(set);
        if let Some(uri) = uri {
            routed.set_received(mem::replace(&mut head.uri, uri));
        }
        (Request::from_parts(head, body), routed)
    }
}

pin_project! {
    /// Waits for the decision, then for the inner service. Part of [`ResponseFuture`](crate::ResponseFuture).
    pub struct Asking<W, S, R, D, B>
    where
        D: Deliver<B>,
        S: Service<D::Request>,
    {
        #[pin]
        stage: Stage<W, S::Future, B>,
        // Ready for one call.
        inner: S,
        replies: R,
        deliver: D,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<W, F, B> {
        Asked { #[pin] decision: W, held: Option<Held<B>> },
        Called { #[pin] future: F, headers: HeaderMap },
    }
}

impl<W, S, R, D, B> Asking<W, S, R, D, B>
where
    D: Deliver<B>,
    S: Service<D::Request>,
{
    pub(crate) const fn new(decision: W, held: Held<B>, inner: S, replies: R, deliver: D) -> Self {
        Self { stage: Stage::Asked { decision, held: Some(held) }, inner, replies, deliver }
    }
}

impl<W, S, R, D, B, C> Future for Asking<W, S, R, D, B>
where
    W: Future<Output = Result<Grant, Denial>>,
    D: Deliver<B>,
    S: Service<D::Request, Response = Response<C>>,
    R: Replies<C>,
{
    type Output = Result<Response<C>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let called = match this.stage.as_mut().project() {
                StageProjection::Asked { decision, held } => {
                    let decision = ready!(decision.poll(context));
                    let Some(held) = held.take() else { return Poll::Pending };
                    match decision {
                        Ok(grant) => {
                            let (request, routed) = held.released(&grant.removed, grant.request);
                            let future = this.inner.call(this.deliver.deliver(request, routed));
                            Stage::Called { future, headers: grant.response }
                        }
                        Err(denial) => {
                            let Held { head, body, routed, .. } = held;
                            drop(body);
                            let reply = Reply::Denied(denial);
                            return Poll::Ready(Ok(reply.answer(this.replies, &head, Some(routed))));
                        }
                    }
                }
                StageProjection::Called { future, headers } => {
                    let mut response = ready!(future.poll(context))?;
                    for (name, value) in headers.iter() {
                        response.headers_mut().append(name, value.clone());
                    }
                    return Poll::Ready(Ok(response));
                }
            };
            this.stage.set(called);
        }
    }
}
