//! The endpoint that was picked, for as long as the request is in flight to it.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;
use ingress_core::endpoint::Address;

use super::member::Member;

/// One endpoint, with one more request in flight to it until this is dropped. Keep it until the last byte
/// of the response, and say how it went: [`succeeded`](Self::succeeded) or [`failed`](Self::failed).
/// Dropped without a word it says nothing, as when the client went away.
#[must_use]
pub struct Picked {
    member: Arc<Member>,
    set_cookie: Option<HeaderValue>,
}

impl Picked {
    #[inline]
    pub(super) fn new(member: Arc<Member>, set_cookie: Option<HeaderValue>) -> Self {
        member.take();
        Self { member, set_cookie }
    }

    /// Where to send the request.
    pub fn address(&self) -> &Address {
        &self.member.facts().address
    }

    /// The zone that the endpoint is in, if that is known.
    pub fn zone(&self) -> Option<&str> {
        self.member.facts().zone.as_deref()
    }

    /// What is spoken on the port, if the Service says.
    pub fn app_protocol(&self) -> Option<&str> {
        self.member.facts().app_protocol.as_deref()
    }

    /// The `Set-Cookie` that the response is to carry, where affinity begins or moves.
    pub const fn set_cookie(&self) -> Option<&HeaderValue> {
        self.set_cookie.as_ref()
    }

    /// How many requests are in flight to the endpoint, this one included.
    pub fn in_flight(&self) -> u32 {
        self.member.load().in_flight()
    }

    /// The endpoint has answered. What it answered is no matter, unless it says of itself that it cannot
    /// serve.
    pub fn succeeded(&self) {
        self.member.succeeded();
    }

    /// The endpoint could not be reached, broke off, took too long, or says that it cannot serve. Enough
    /// of these in a row [eject](super::Ejection) it.
    pub fn failed(&self) {
        self.member.ledger().failed(&self.member);
    }
}

impl Drop for Picked {
    #[inline]
    fn drop(&mut self) {
        self.member.give_back();
    }
}

impl fmt::Debug for Picked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picked").field("address", self.address()).finish_non_exhaustive()
    }
}
