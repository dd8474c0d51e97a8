//! One endpoint while it is known: what is in flight to it, and whether it is well.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use ingress_core::endpoint::Address;

use super::ledger::Ledger;

/// Requests in flight: the low half of the word.
const IN_FLIGHT: u64 = u32::MAX as u64;

/// The endpoint is ejected or warming up, or was a moment ago: who picks has to look closer.
const SPECIAL: u64 = 1 << 32;

/// One more that was ever sent. The count stands at the top, where it wraps into nothing.
const SERVED: u64 = 1 << 33;

/// How far behind an endpoint may be and still be helped to catch up.
const FEW: u32 = 32;

/// What is counted and remembered of one endpoint. It outlives tables: as long as the endpoint stays in its
/// Service, and as long as a request is in flight to it.
pub(super) struct Member {
    /// In flight, `SPECIAL` and served in one word: one load to judge an endpoint, one addition to take it.
    word: AtomicU64,
    facts: Facts,
    /// Failures since the last success.
    failures: AtomicU32,
    /// How many ejections have followed each other.
    ejections: AtomicU32,
    /// When the last ejection ends or ended, in milliseconds of the clock; 0 if there was none.
    ejected_until: AtomicU64,
    /// When it began to warm up, in milliseconds of the clock, plus one; 0 if it was there from the start.
    warming_since: AtomicU64,
    ledger: Arc<Ledger>,
}

/// What tables say of an endpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Facts {
    pub(super) address: Address,
    pub(super) zone: Option<Arc<str>>,
    pub(super) app_protocol: Option<Arc<str>>,
    pub(super) weight: u32,
}

/// What one load of the word says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load(u64);

impl Load {
    #[inline]
    pub(super) const fn is_special(self) -> bool {
        self.0 & SPECIAL != 0
    }

    #[inline]
    pub(super) const fn in_flight(self) -> u32 {
        (self.0 & IN_FLIGHT) as u32
    }

    const fn served(self) -> u32 {
        (self.0 >> 33) as u32
    }

    /// Whether it was sent a few less so far. One that is far behind was away, or is slow, and is not to
    /// catch up all at once: then it is no less. The counts wrap after 31 bits.
    #[inline]
    pub(super) const fn served_less_than(self, other: Self) -> bool {
        let ahead = other.served().wrapping_sub(self.served()) & (u32::MAX >> 1);
        ahead != 0 && ahead <= FEW
    }
}

impl Member {
    pub(super) fn new(facts: Facts, ledger: Arc<Ledger>) -> Self {
        Self {
            word: AtomicU64::new(0),
            facts,
            failures: AtomicU32::new(0),
            ejections: AtomicU32::new(0),
            ejected_until: AtomicU64::new(0),
            warming_since: AtomicU64::new(0),
            ledger,
        }
    }

    /// One that comes to others, which have been serving for a while: it begins where they are, or it would
    /// win every tie until it had caught up.
    pub(super) fn beginning_at(self, other: &Self) -> Self {
        let served = u64::from(other.load().served()) << 33;
        Self { word: AtomicU64::new(served), ..self }
    }

    /// It is new at `now`, and gets less than its share for a while.
    pub(super) fn warming_since(self, now: u64) -> Self {
        self.word.fetch_or(SPECIAL, Ordering::Relaxed);
        Self { warming_since: AtomicU64::new(now.saturating_add(1)), ..self }
    }

    pub(super) const fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(super) const fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    #[inline]
    pub(super) fn load(&self) -> Load {
        Load(self.word.load(Ordering::Relaxed))
    }

    /// One more in flight.
    #[inline]
    pub(super) fn take(&self) {
        self.word.fetch_add(SERVED + 1, Ordering::Relaxed);
    }

    /// One less in flight.
    #[inline]
    pub(super) fn give_back(&self) {
        self.word.fetch_sub(1, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn succeeded(&self) {
        // Mostly it is zero already, and the line stays unwritten.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// How many failures this makes in a row.
    pub(super) fn failed(&self) -> u32 {
        self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    pub(super) fn is_ejected(&self, now: u64) -> bool {
        now < self.ejected_until.load(Ordering::Relaxed)
    }

    /// When its last ejection ends, and how many have followed each other.
    pub(super) fn ejection(&self) -> (u64, u32) {
        (self.ejected_until.load(Ordering::Relaxed), self.ejections.load(Ordering::Relaxed))
    }

    /// Only called by who holds the ledger's lock. `failures` are what is remembered when it comes back.
    pub(super) fn eject(&self, until: u64, ejections: u32, failures: u32) {
        self.failures.store(failures, Ordering::Relaxed);
        self.ejections.store(ejections, Ordering::Relaxed);
        self.ejected_until.store(until, Ordering::Relaxed);
        self.word.fetch_or(SPECIAL, Ordering::Release);
    }

    /// Counts as sent what one like it was sent, so that it has nothing to catch up with. Only called by
    /// who holds the ledger's lock.
    pub(super) fn draws_level_with(&self, other: &Self) {
        let behind = u64::from(other.load().served()).wrapping_sub(u64::from(self.load().served()));
        self.word.fetch_add(behind << 33, Ordering::Relaxed);
    }

    /// Only called by who holds the ledger's lock.
    pub(super) fn is_well(&self) {
        self.word.fetch_and(!SPECIAL, Ordering::Relaxed);
    }

    /// Since when it is warming up.
    pub(super) fn warming(&self) -> Option<u64> {
        self.warming_since.load(Ordering::Relaxed).checked_sub(1)
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("address", &self.facts.address)
            .field("in_flight", &self.load().in_flight())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Facts {
    pub(super) fn example(last: u8) -> Self {
        let address = Address::Socket(([10, 0, 0, last], 80).into());
        Self { address, zone: None, app_protocol: None, weight: super::EVEN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_word_stay_apart() {
        let member = Member::new(Facts::example(1), Arc::default());
        for _ in 0..5 {
            member.take();
        }
        member.eject(7, 1, 0);
        member.give_back();
        let load = member.load();
        assert_eq!((load.in_flight(), load.served(), load.is_special()), (4, 5, true));
        member.is_well();
        assert_eq!((member.load().in_flight(), member.load().is_special()), (4, false));
    }

    #[test]
    fn served_counts_wrap() {
        let at = |served: u64| Load(served << 33);
        let last = (1 << 31) - 1;
        assert!(at(last).served_less_than(at(0)) && !at(0).served_less_than(at(last)));
        assert!(at(1).served_less_than(at(2)) && !at(2).served_less_than(at(2)));
        let few = u64::from(FEW);
        assert!(at(1).served_less_than(at(1 + few)) && !at(1).served_less_than(at(2 + few)));
        let member = Member::new(Facts::example(1), Arc::default());
        member.word.store(at(last).0 | 3, Ordering::Relaxed);
        member.take();
        assert_eq!((member.load().in_flight(), member.load().served()), (4, 0));
        let other = Member::new(Facts::example(2), Arc::default());
        for served in [5, last, 0, 77] {
            other.word.store(at(served).0 | 9, Ordering::Relaxed);
            member.draws_level_with(&other);
            assert_eq!((member.load().in_flight(), u64::from(member.load().served())), (4, served));
        }
    }

    /// Every endpoint of a cluster that is in use is one of these.
    #[test]
    fn size_is_a_speed_bump() {
        assert!(size_of::<Member>() <= 128, "{}", size_of::<Member>());
    }
}
