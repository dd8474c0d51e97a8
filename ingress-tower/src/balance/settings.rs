//! How endpoints are chosen.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ingress_core::endpoint::Endpoint;
use ingress_core::rule::ServiceRef;

use super::EVEN;
use super::cookie::Affinity;
use super::key::KeyPart;
use super::ledger::{Ejection, millis};

/// How one of the endpoints of a Service is chosen.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Policy {
    /// Of two drawn at random, the one with fewer requests in flight for its weight; of equals, the one
    /// that was sent fewer so far.
    #[default]
    LeastOfTwo,
    /// In turn, by weight, heavy ones not in a row.
    RoundRobin,
    /// The same endpoint for the same key, as long as it is there. Requests without any part of the key
    /// go to the least loaded of two.
    Hash(Arc<[KeyPart]>),
    /// The same endpoint for the same client, by a cookie.
    Cookie(Affinity),
}

impl Policy {
    /// Hashing by these parts of a request.
    pub fn hash(parts: impl IntoIterator<Item = KeyPart>) -> Self {
        Self::Hash(parts.into_iter().collect())
    }
}

/// Prefers endpoints of the caller's zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Zone {
    pub(super) name: Arc<str>,
    pub(super) at_least: usize,
}

impl Zone {
    /// This zone. The hints of EndpointSlices are heeded; where there are none, the endpoints that are in
    /// the zone are preferred.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), at_least: 1 }
    }

    /// Without hints, only if there are so many endpoints in the zone: one alone might not be able to
    /// serve all that come from it.
    #[must_use]
    pub const fn at_least(mut self, endpoints: usize) -> Self {
        self.at_least = endpoints;
        self
    }
}

type PolicyOf = Arc<dyn Fn(&ServiceRef) -> Policy + Send + Sync>;
type WeightOf = Arc<dyn Fn(&Endpoint) -> u32 + Send + Sync>;
type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;
type Draw = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The settings of a [`Balancer`](super::Balancer). The default chooses the
/// [least loaded of two](Policy::LeastOfTwo), ejects endpoints that [fail](Ejection), and knows no zones,
/// no weights and no slow start.
#[derive(Clone)]
pub struct Settings {
    policy: PolicyOf,
    weight: WeightOf,
    clock: Clock,
    draw: Draw,
    pub(super) ejection: Option<Ejection>,
    pub(super) slow_start: Option<Duration>,
    pub(super) zone: Option<Zone>,
    pub(super) seed: u64,
    pub(super) capacity: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let origin = Instant::now();
        Self {
            policy: Arc::new(|_| Policy::default()),
            weight: Arc::new(|_| EVEN),
            clock: Arc::new(move || origin.elapsed()),
            draw: Arc::new(|| fastrand::u64(..)),
            ejection: Some(Ejection::default()),
            slow_start: None,
            zone: None,
            seed: 0,
            capacity: 65_536,
        }
    }
}

impl Settings {
    /// The policy for all Services.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        self.policy_by(move |_| policy.clone())
    }

    /// The policy for each port of a Service. It is asked when the endpoints of one change, not for every
    /// request.
    #[must_use]
    pub fn policy_by(mut self, policy: impl Fn(&ServiceRef) -> Policy + Send + Sync + 'static) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// The weight of each endpoint; [`EVEN`] is that of an ordinary one. One of weight 0 is only sent
    /// requests where no other can be picked.
    #[must_use]
    pub fn weight_by(mut self, weight: impl Fn(&Endpoint) -> u32 + Send + Sync + 'static) -> Self {
        self.weight = Arc::new(weight);
        self
    }

    /// When endpoints that fail are ejected; `None`: never.
    #[must_use]
    pub fn ejection(mut self, ejection: impl Into<Option<Ejection>>) -> Self {
        self.ejection = ejection.into();
        self
    }

    /// For so long an endpoint that comes to others gets less than its share, a tenth at first. Hashing
    /// and affinity pay no heed to it.
    #[must_use]
    pub fn slow_start(mut self, window: Duration) -> Self {
        self.slow_start = (!window.is_zero()).then_some(window);
        self
    }

    /// Which zone requests come from.
    #[must_use]
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zone = Some(zone);
        self
    }

    /// Changes what hashing and affinity lead to. All replicas need the same; who does not know it cannot
    /// make up keys that all lead to one endpoint.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many ports of Services are remembered, about; 65,536 by default.
    #[must_use]
    pub const fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Where the time comes from: how long it is since any moment that stays the same.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where random numbers come from. The default is fast and, as to who may guess it, no secret; but the
    /// keys of [`Affinity`] are made of it, and name sessions, not rights.
    #[must_use]
    pub fn draw(mut self, draw: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.draw = Arc::new(draw);
        self
    }

    /// Milliseconds by the clock.
    pub(super) fn now(&self) -> u64 {
        millis((self.clock)())
    }

    #[inline]
    pub(super) fn random(&self) -> u64 {
        (self.draw)()
    }

    pub(super) fn policy_of(&self, service: &ServiceRef) -> Policy {
        (self.policy)(service)
    }

    pub(super) fn weight_of(&self, endpoint: &Endpoint) -> u32 {
        (self.weight)(endpoint)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("ejection", &self.ejection)
            .field("slow_start", &self.slow_start)
            .field("zone", &self.zone)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// A number below `bound` out of 32 random bits; 0 where there is none.
#[inline]
pub(super) const fn below(random: u32, bound: usize) -> usize {
    ((random as u64 * bound as u64) >> 32) as usize
}
