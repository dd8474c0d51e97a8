//! What is remembered of one port of one Service, whatever becomes of its endpoints; and who is ejected.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::member::Member;
use super::settings::Settings;

/// When endpoints are ejected, and for how long.
///
/// An endpoint that fails so many times in a row is sent nothing for a while. When it is back one more
/// failure is enough, and it is gone for twice as long; a success makes it an endpoint like others again.
/// The length of the first ejection comes back after it has stayed for as long as the longest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ejection {
    failures: u32,
    base: Duration,
    longest: Duration,
    share: u32,
}

impl Default for Ejection {
    /// After 5 failures, for 5 seconds to 5 minutes, and never more than half of the endpoints.
    fn default() -> Self {
        Self { failures: 5, base: Duration::from_secs(5), longest: Duration::from_secs(300), share: 50 }
    }
}

impl Ejection {
    /// Ejects after so many failures in a row; at least 1.
    #[must_use]
    pub const fn after(mut self, failures: u32) -> Self {
        self.failures = if failures == 0 { 1 } else { failures };
        self
    }

    /// How long the first ejection lasts, and the longest.
    #[must_use]
    pub fn lasting(mut self, first: Duration, longest: Duration) -> Self {
        self.base = first;
        self.longest = longest.max(first);
        self
    }

    /// Per cent of the endpoints that may be ejected at a time, rounded down: of one, none is.
    #[must_use]
    pub const fn at_most(mut self, percent: u32) -> Self {
        self.share = percent;
        self
    }

    fn length(&self, before: u32) -> u64 {
        let factor = 1_u64.checked_shl(before).unwrap_or(u64::MAX);
        millis(self.base).saturating_mul(factor).min(millis(self.longest))
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The memory of a Service's port.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    settings: Arc<Settings>,
    /// Whose turn it is.
    turn: AtomicUsize,
    /// All endpoints of the moment, for the bound on the ejected share. The lock also guards the changes
    /// of an endpoint's state; nobody takes it to pick one that is well.
    members: Mutex<Vec<Weak<Member>>>,
}

impl Ledger {
    pub(super) fn new(settings: Arc<Settings>, turn: usize) -> Self {
        Self { settings, turn: AtomicUsize::new(turn), members: Mutex::default() }
    }

    pub(super) const fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    #[inline]
    pub(super) fn next_turn(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Member>>> {
        // A list of pointers is whole whatever happened to who held it.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_now(&self, members: &[Arc<Member>]) {
        *self.lock() = members.iter().map(Arc::downgrade).collect();
    }

    /// A request to `member` failed. Ejects it if that is due and may be.
    pub(super) fn failed(&self, member: &Member) {
        let failures = member.failed();
        let Some(ejection) = self.settings.ejection.filter(|ejection| failures >= ejection.failures) else {
            return;
        };
        let now = self.settings.now();
        let members = self.lock();
        if member.is_ejected(now) {
            return;
        }
        let ejected = members.iter().filter_map(Weak::upgrade).filter(|other| other.is_ejected(now)).count();
        if (ejected as u64 + 1) * 100 > u64::from(ejection.share) * members.len() as u64 {
            return;
        }
        let (last, count) = member.ejection();
        let forgotten = now.saturating_sub(last) > millis(ejection.longest);
        let before = if forgotten { 0 } else { count };
        let until = now.saturating_add(ejection.length(before));
        member.eject(until, before.saturating_add(1), ejection.failures - 1);
    }

    /// Takes the mark off an endpoint that is neither ejected nor warming up any more.
    pub(super) fn settle(&self, member: &Member, now: u64) {
        let is_well = || !member.is_ejected(now) && self.share(member, now) == FULL;
        if !is_well() {
            return;
        }
        // Again under the lock, or the mark of an ejection of this very moment would be lost.
        let members = self.lock();
        if is_well() {
            let mut others = members.iter().filter_map(Weak::upgrade);
            if let Some(other) = others.find(|other| !other.load().is_special()) {
                member.draws_level_with(&other);
            }
            member.is_well();
        }
    }

    /// How much of its share a member is to have while it warms up, out of [`FULL`].
    pub(super) fn share(&self, member: &Member, now: u64) -> u32 {
        let (Some(since), Some(window)) = (member.warming(), self.settings.slow_start) else { return FULL };
        let window = millis(window).max(1);
        let passed = now.saturating_sub(since);
        if passed >= window {
            return FULL;
        }
        // A tenth from the start: with nothing it would not warm up.
        let share = u64::from(FULL) * passed / window;
        u32::try_from(share).unwrap_or(FULL).max(FULL / 10)
    }
}

/// A whole share.
pub(super) const FULL: u32 = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ejections_double_up_to_the_longest() {
        let ejection = Ejection::default().lasting(Duration::from_secs(1), Duration::from_secs(10));
        let lengths: Vec<_> = [0, 1, 2, 3, 4, 63, 64, u32::MAX].map(|before| ejection.length(before)).into();
        assert_eq!(lengths, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000, 10_000]);
        let never_less = Ejection::default().lasting(Duration::from_secs(9), Duration::ZERO);
        assert_eq!(never_less.length(0), 9_000);
        assert_eq!(Ejection::default().after(0).failures, 1);
    }
}
