//! The service: look up, then forward or reply.

use std::mem;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode, Uri};
use ingress_core::request::Circumstances;
use ingress_core::{Action, Outcome, RequestHead, SharedTable};
use tower_service::Service;

use crate::deliver::{Deliver, InExtensions};
use crate::future::ResponseFuture;
use crate::peer::Peer;
use crate::replies::{DefaultReplies, Miss, Replies, Reply};
use crate::routed::Routed;

/// Routes requests before they reach `S`. Made by [`RouteLayer`](crate::RouteLayer); see the
/// [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct Route<S, R = DefaultReplies, D = InExtensions> {
    inner: S,
    table: SharedTable,
    replies: R,
    deliver: D,
}

/// What is to be done with a request. Owned: the snapshot that it was read from is gone.
enum Decision {
    Forward { routed: Routed, uri: Option<Uri> },
    Reply { reply: Reply, routed: Option<Routed> },
}

impl<S, R, D> Route<S, R, D> {
    pub(crate) const fn new(inner: S, table: SharedTable, replies: R, deliver: D) -> Self {
        Self { inner, table, replies, deliver }
    }

    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service, by itself.
    pub fn into_inner(self) -> S {
        self.inner
    }

    /// Looks the request up in the table of this moment. The snapshot lives no longer than this.
    fn decide<B>(&self, request: &Request<B>) -> Decision {
        // Before the snapshot, which then is at least as new as this says.
        let knows_endpoints = self.table.endpoints_version() > 0;
        let table = self.table.load();
        let mut circumstances = Circumstances::default();
        if knows_endpoints {
            circumstances = circumstances.services(&**table.endpoints());
        }
        let mut head = RequestHead::from(request);
        if let Some(peer) = request.extensions().get::<Peer>() {
            circumstances = peer.told(circumstances);
            head = head.scheme(peer.scheme());
        }
        let head = head.circumstances(&circumstances);
        let hit = match table.lookup(&head) {
            Outcome::Matched(hit) => hit,
            Outcome::NoHost => return Decision::reply(Reply::NotFound(Miss::Host)),
            Outcome::NoPath(host) => return Decision::reply(Reply::NotFound(Miss::Path(host.clone()))),
            Outcome::Refused(refusal) => return Decision::reply(Reply::Refused(refusal)),
            // An outcome that this version does not know of is none that it could forward.
            _ => return Decision::reply(Reply::Respond(StatusCode::NOT_IMPLEMENTED)),
        };
        let routed = Routed::new(&hit, table.generation());
        if hit.passes_on(&head) {
            return Decision::Forward { routed, uri: None };
        }
        let reply = match hit.rule().action() {
            Action::Forward(_) => match hit.changed_upstream(&head) {
                Ok(None) => return Decision::Forward { routed, uri: None },
                // A request without a path, as `CONNECT` has none, keeps its target.
                Ok(Some(_)) if request.uri().path_and_query().is_none() => {
                    return Decision::Forward { routed, uri: None };
                }
                Ok(Some(target)) => {
                    let mut parts = request.uri().clone().into_parts();
                    parts.path_and_query = Some(target);
                    match Uri::from_parts(parts) {
                        Ok(uri) => return Decision::Forward { routed, uri: Some(uri) },
                        Err(_) => Reply::Respond(StatusCode::INTERNAL_SERVER_ERROR),
                    }
                }
                Err(error) => Reply::Rewrite(error),
            },
            Action::Redirect(redirect) => {
                Reply::Redirect((**redirect).clone(), hit.location(&head).unwrap_or_default())
            }
            Action::Respond(status) => Reply::Respond(*status),
            _ => Reply::Respond(StatusCode::NOT_IMPLEMENTED),
        };
        Decision::Reply { reply, routed: Some(routed) }
    }
}

impl Decision {
    const fn reply(reply: Reply) -> Self {
        Self::Reply { reply, routed: None }
    }
}

impl<S, R, D, B, C> Service<Request<B>> for Route<S, R, D>
where
    D: Deliver<B>,
    S: Service<D::Request, Response = Response<C>> + Clone,
    R: Replies<C>,
{
    type Response = Response<C>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.decide(&request) {
            Decision::Forward { mut routed, uri } => {
                if let Some(uri) = uri {
                    let received = mem::replace(request.uri_mut(), uri);
                    routed.set_received(received);
                }
                let request = self.deliver.deliver(request, routed);
                ResponseFuture::forwarded(self.inner.call(request))
            }
            Decision::Reply { reply, routed } => {
                // The inner service may hold something back for the call that it was ready for, such as
                // a permit. That call will not come, and the next may be long in coming. So a clone, which
                // inherits no readiness, takes its place, and what was reserved is dropped.
                let clone = self.inner.clone();
                drop(mem::replace(&mut self.inner, clone));

                let (head, body) = request.into_parts();
                drop(body);
                let mut response = self.replies.reply(&reply, &head);
                if let Some(routed) = routed {
                    response.extensions_mut().insert(routed);
                }
                response.extensions_mut().insert(reply);
                ResponseFuture::replied(response)
            }
        }
    }
}
