//! What is done with what is observed.

use std::time::Duration;

use http::StatusCode;
use http::request::Parts;
use ingress_core::Backend;

use super::told::Told;
use crate::routed::Routed;

/// Looks at requests as they come. A pair of observers is one, and `()` is nobody.
pub trait Observer {
    /// What is kept for a request.
    type Watch: Watch;

    /// A request has come, and has not been routed yet.
    fn begin(&self, request: &Parts) -> Self::Watch;
}

/// Looks at one request until it has ended.
pub trait Watch {
    /// Does what has to be done for the request: a span is entered around it.
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }

    /// It has ended, in one way or another. Called once for each request.
    fn ended(self, seen: &Seen<'_>);
}

/// How a request ended.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Ending {
    /// It was given up before: the client went away, or the server shut down.
    Abandoned,
    /// The body of the response broke off.
    Broken,
    /// The inner service failed instead of answering.
    Failed,
    /// All of the response has been handed over.
    Whole,
}

impl Ending {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abandoned => "abandoned",
            Self::Broken => "broken",
            Self::Failed => "failed",
            Self::Whole => "whole",
        }
    }
}

/// What has been seen of a request that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'s> {
    pub(super) told: &'s Told,
    pub(super) status: Option<StatusCode>,
    pub(super) error: Option<&'static str>,
    pub(super) ending: Ending,
    pub(super) body_bytes: u64,
    pub(super) head_took: Option<Duration>,
    pub(super) took: Duration,
}

impl Seen<'_> {
    /// What it was routed by; `None` where no rule took it, or where nobody said so: see
    /// [`RouteLayer::observed`](crate::RouteLayer::observed).
    pub fn routed(&self) -> Option<&Routed> {
        self.told.routed()
    }

    /// The backend. Of a rule that has several, the one that was drawn, if the pick is `Counted`.
    pub fn backend(&self) -> Option<&Backend> {
        self.told.backend()
    }

    /// How many times it was sent to an endpoint, if the pick is `Counted`; else 0.
    pub fn attempts(&self) -> u32 {
        self.told.attempts()
    }

    /// The status of the response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Why the proxy answered itself: the code of its `Reason`.
    pub fn error(&self) -> Option<&'static str> {
        self.error
    }

    /// How it ended.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// How many bytes of the response's body were handed over.
    pub fn body_bytes(&self) -> u64 {
        self.body_bytes
    }

    /// How long it took to the head of the response.
    pub fn head_took(&self) -> Option<Duration> {
        self.head_took
    }

    /// How long it took to its end.
    pub fn took(&self) -> Duration {
        self.took
    }
}

impl Observer for () {
    type Watch = ();

    fn begin(&self, _: &Parts) {}
}

impl Watch for () {
    fn ended(self, _: &Seen<'_>) {}
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    type Watch = (A::Watch, B::Watch);

    fn begin(&self, request: &Parts) -> Self::Watch {
        (self.0.begin(request), self.1.begin(request))
    }
}

impl<A: Watch, B: Watch> Watch for (A, B) {
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.within(|| self.1.within(work))
    }

    /// The second first: what the first entered encloses it.
    fn ended(self, seen: &Seen<'_>) {
        let (outer, inner) = self;
        inner.ended(seen);
        outer.ended(seen);
    }
}
