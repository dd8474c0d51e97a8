//! What those further in find out about a request, for those outside.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use http::Request;
use ingress_core::Backend;

use crate::deliver::{Deliver, InExtensions};
use crate::routed::Routed;

/// A request extension that is written to from within, so that a request that is given up half way is
/// known by its route, too.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Arc<Findings>);

#[derive(Debug, Default)]
struct Findings {
    routed: OnceLock<Routed>,
    backend: OnceLock<Backend>,
    attempts: AtomicU32,
}

impl Told {
    /// The first rule stays: a layer within another would only tell of what the first has made of the
    /// request.
    pub(super) fn tell(&self, routed: &Routed) {
        self.0.routed.get_or_init(|| routed.clone());
    }

    #[cfg(feature = "proxy")]
    pub(super) fn attempt(&self, backend: Option<&Backend>) {
        self.0.attempts.fetch_add(1, Ordering::Relaxed);
        if let Some(backend) = backend {
            self.0.backend.get_or_init(|| backend.clone());
        }
    }

    pub(super) fn routed(&self) -> Option<&Routed> {
        self.0.routed.get()
    }

    /// The one that was drawn, if somebody said so; else the only one that the rule has.
    pub(super) fn backend(&self) -> Option<&Backend> {
        self.0.backend.get().or_else(|| {
            let mut backends = self.routed()?.forward()?.backends();
            let (first, _) = backends.next()?;
            backends.next().is_none().then_some(first)
        })
    }

    pub(super) fn attempts(&self) -> u32 {
        self.0.attempts.load(Ordering::Relaxed)
    }
}

/// Hands the rule to the inner service, and tells the [`ObserveLayer`](super::ObserveLayer)s outside of it.
///
/// [`RouteLayer::observed`](crate::RouteLayer::observed) puts it in place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noted<D = InExtensions>(D);

impl<D> Noted<D> {
    pub(crate) const fn new(deliver: D) -> Self {
        Self(deliver)
    }
}

impl<B, D: Deliver<B>> Deliver<B> for Noted<D> {
    type Request = D::Request;

    #[inline]
    fn deliver(&self, request: Request<B>, routed: Routed) -> D::Request {
        if let Some(told) = request.extensions().get::<Told>() {
            told.tell(&routed);
        }
        self.0.deliver(request, routed)
    }
}
