//! The service: look up, then forward or reply.

use std::mem;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode, Uri};
use ingress_core::request::Circumstances;
use ingress_core::table::Match;
use ingress_core::{Action, Outcome, RequestHead, SharedTable};
use tower_service::Service;

use crate::authorize::{Asking, Authorizer, Held, NoAuthorizer};
use crate::deliver::{Deliver, InExtensions};
use crate::future::ResponseFuture;
use crate::peer::Peer;
use crate::replies::{DefaultReplies, Miss, Replies, Reply};
use crate::routed::Routed;

/// Routes requests before they reach `S`. Made by [`RouteLayer`](crate::RouteLayer); see the
/// [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct Route<S, R = DefaultReplies, D = InExtensions, A = NoAuthorizer> {
    inner: S,
    table: SharedTable,
    replies: R,
    deliver: D,
    authorizer: A,
}

/// What is to be done with a request. Owned: the snapshot that it was read from is gone.
enum Decision {
    PassOn(Routed),
    Forward { routed: Routed, uri: Uri },
    Reply { reply: Reply, routed: Option<Routed> },
    Ask { routed: Routed, uri: Option<Uri> },
}

impl<S, R, D, A> Route<S, R, D, A> {
    pub(crate) const fn new(inner: S, table: SharedTable, replies: R, deliver: D, authorizer: A) -> Self {
        Self { inner, table, replies, deliver, authorizer }
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
    ///
    /// Most requests are forwarded as they are; all else is worked out where it is in nobody's way.
    #[inline]
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
        match table.pass_on(&head) {
            Ok(hit) => Decision::PassOn(Routed::new(&hit, table.generation())),
            Err(outcome) => Decision::of(outcome, &head, request.uri(), table.generation()),
        }
    }
}

impl Decision {
    #[inline(never)]
    fn of(outcome: Outcome<'_>, head: &RequestHead<'_>, received: &Uri, generation: u64) -> Self {
        let hit = match outcome {
            Outcome::Matched(hit) => hit,
            Outcome::NoHost => return Self::reply(Reply::NotFound(Miss::Host)),
            Outcome::NoPath(host) => return Self::reply(Reply::NotFound(Miss::Path(host.clone()))),
            Outcome::Refused(refusal) => return Self::reply(Reply::Refused(refusal)),
            // An outcome that this version does not know of is none that it could forward.
            _ => return Self::reply(Reply::Respond(StatusCode::NOT_IMPLEMENTED)),
        };
        let routed = Routed::new(&hit, generation);
        let reply = match hit.rule().action() {
            Action::Forward(_) => match changed(&hit, head, received) {
                Ok(None) => return Self::PassOn(routed),
                Ok(Some(uri)) => return Self::Forward { routed, uri },
                Err(reply) => reply,
            },
            Action::Authorize(_) => match changed(&hit, head, received) {
                Ok(uri) => return Self::Ask { routed, uri },
                Err(reply) => reply,
            },
            Action::Redirect(redirect) => {
                Reply::Redirect((**redirect).clone(), hit.location(head).unwrap_or_default())
            }
            Action::Respond(status) => Reply::Respond(*status),
            _ => Reply::Respond(StatusCode::NOT_IMPLEMENTED),
        };
        Self::Reply { reply, routed: Some(routed) }
    }

    const fn reply(reply: Reply) -> Self {
        Self::Reply { reply, routed: None }
    }
}

/// What the URI of a request becomes, where the rule changes it.
fn changed(hit: &Match<'_>, head: &RequestHead<'_>, received: &Uri) -> Result<Option<Uri>, Reply> {
    let Some(target) = hit.changed_upstream(head).map_err(Reply::Rewrite)? else { return Ok(None) };
    // A request without a path, as `CONNECT` has none, keeps its target.
    if received.path_and_query().is_none() {
        return Ok(None);
    }
    let mut parts = received.clone().into_parts();
    parts.path_and_query = Some(target);
    Uri::from_parts(parts).map(Some).map_err(|_| Reply::Respond(StatusCode::INTERNAL_SERVER_ERROR))
}

impl<S, R, D, A, B, C> Service<Request<B>> for Route<S, R, D, A>
where
    D: Deliver<B> + Clone,
    S: Service<D::Request, Response = Response<C>> + Clone,
    R: Replies<C> + Clone,
    A: Authorizer,
{
    type Response = Response<C>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, C, Asking<A::Future, S, R, D, B>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.decide(&request) {
            Decision::PassOn(routed) => {
                ResponseFuture::forwarded(self.inner.call(self.deliver.deliver(request, routed)))
            }
            decision => self.act_on(decision, request),
        }
    }
}

impl<S, R, D, A> Route<S, R, D, A> {
    /// All that is not forwarded as it is.
    #[inline(never)]
    fn act_on<B, C>(
        &mut self,
        decision: Decision,
        mut request: Request<B>,
    ) -> <Self as Service<Request<B>>>::Future
    where
        D: Deliver<B> + Clone,
        S: Service<D::Request, Response = Response<C>> + Clone,
        R: Replies<C> + Clone,
        A: Authorizer,
    {
        match decision {
            Decision::PassOn(routed) => {
                ResponseFuture::forwarded(self.inner.call(self.deliver.deliver(request, routed)))
            }
            Decision::Forward { mut routed, uri } => {
                routed.set_received(mem::replace(request.uri_mut(), uri));
                ResponseFuture::forwarded(self.inner.call(self.deliver.deliver(request, routed)))
            }
            Decision::Reply { reply, routed } => {
                // The inner service may hold something back for the call that it was ready for, such as
                // a permit. That call will not come, and the next may be long in coming.
                drop(self.take_ready());

                let (head, body) = request.into_parts();
                drop(body);
                ResponseFuture::replied(reply.answer(&self.replies, &head, routed))
            }
            Decision::Ask { routed, uri } => {
                let (head, body) = request.into_parts();
                let decision = self.authorizer.authorize(&routed, &head);
                let held = Held { head, body, routed, uri };
                let (replies, deliver) = (self.replies.clone(), self.deliver.clone());
                ResponseFuture::asking(Asking::new(decision, held, self.take_ready(), replies, deliver))
            }
        }
    }
}

impl<S: Clone, R, D, A> Route<S, R, D, A> {
    /// The inner service that was polled, with what it reserved. A clone, which inherits no readiness, takes
    /// its place.
    fn take_ready(&mut self) -> S {
        let clone = self.inner.clone();
        mem::replace(&mut self.inner, clone)
    }
}
