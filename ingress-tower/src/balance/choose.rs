//! Which endpoint of a group.
//!
//! Every policy has a short way, which holds as long as the endpoints it comes upon are well and none has
//! been tried: it reads no clock. What it comes upon is marked when it is ejected or warming up, and then
//! the careful way is gone, which judges endpoints by the time.

use std::fmt::Write;
use std::sync::Arc;

use http::HeaderValue;

use super::cookie::{Affinity, AffinityMode, parse_hex, token};
use super::group::{Group, Tier};
use super::key::{self, Caller, Hash};
use super::ledger::FULL;
use super::member::{Load, Member};
use super::picked::Picked;
use super::settings::{Policy, below};
use super::unavailable::Unavailable;

/// Pairs that are drawn before all endpoints are gone through.
const DRAWS: usize = 4;

/// Session keys that are tried to find one which leads to an endpoint that is well.
const KEYS: usize = 16;

/// Picks an endpoint, and counts the request as in flight to it.
#[inline]
pub(super) fn choose(group: &Group, caller: &Caller<'_>) -> Result<Picked, Unavailable> {
    if let Policy::LeastOfTwo = &group.policy {
        let random = group.ledger.settings().random();
        if caller.is_first_try()
            && let Some(member) = least_of_two(&group.preferred, random)
        {
            return Ok(Picked::new(member.clone(), None));
        }
        // With the same numbers: another draw would pass over the special ones twice.
        let member = least_loaded(group, caller, random).ok_or(Unavailable::NoEndpoints)?;
        return Ok(Picked::new(member.clone(), None));
    }
    choose_by_policy(group, caller)
}

#[inline(never)]
fn choose_by_policy(group: &Group, caller: &Caller<'_>) -> Result<Picked, Unavailable> {
    let seed = group.ledger.settings().seed;
    let (member, cookie) = match &group.policy {
        Policy::RoundRobin => (in_turn(group, caller), None),
        Policy::Hash(parts) => match key::key(parts, caller, seed) {
            Some(key) => (by_key(group, caller, key), None),
            None => (any(group, caller), None),
        },
        Policy::Cookie(affinity) => by_cookie(group, caller, affinity),
        Policy::LeastOfTwo => (any(group, caller), None),
    };
    let member = member.ok_or(Unavailable::NoEndpoints)?;
    Ok(Picked::new(member.clone(), cookie))
}

/// The short way: two endpoints, drawn by weight. Nothing if one of them is special.
#[inline]
fn least_of_two(tier: &Tier, random: u64) -> Option<&Arc<Member>> {
    let (one, other) = two(tier, random)?;
    let (one_load, other_load) = (one.load(), other.load());
    if one_load.is_special() || other_load.is_special() {
        return None;
    }
    Some(lighter((one, one_load), (other, other_load)))
}

/// Two endpoints; of even weights, two different ones if there are two.
#[inline]
fn two(tier: &Tier, random: u64) -> Option<(&Arc<Member>, &Arc<Member>)> {
    let slots = tier.schedule.len();
    let one = below(random as u32, slots);
    // Any but the first.
    let other = one + 1 + below((random >> 32) as u32, slots.saturating_sub(1));
    let other = if other >= slots { other.wrapping_sub(slots) } else { other };
    let member = |slot| tier.members.get(tier.schedule.endpoint(slot));
    Some((member(one)?, member(other)?))
}

#[inline]
fn lighter<'m>(one: (&'m Arc<Member>, Load), other: (&'m Arc<Member>, Load)) -> &'m Arc<Member> {
    let (one_weight, other_weight) = (one.0.facts().weight, other.0.facts().weight);
    // In flight for its weight, without a division.
    let a = u64::from(one.1.in_flight()) * u64::from(other_weight);
    let b = u64::from(other.1.in_flight()) * u64::from(one_weight);
    let fewer_served = one_weight == other_weight && other.1.served_less_than(one.1);
    if b < a || b == a && fewer_served { other.0 } else { one.0 }
}

/// What the careful way goes by.
struct Judge<'g> {
    group: &'g Group,
    caller: &'g Caller<'g>,
    now: u64,
}

impl<'g> Judge<'g> {
    fn new(group: &'g Group, caller: &'g Caller<'g>) -> Self {
        Self { group, caller, now: group.ledger.settings().now() }
    }

    /// Neither ejected nor tried.
    fn is_usable(&self, member: &Member) -> bool {
        if self.caller.has_tried(&member.facts().address) {
            return false;
        }
        if !member.load().is_special() {
            return true;
        }
        if member.is_ejected(self.now) {
            return false;
        }
        self.group.ledger.settle(member, self.now);
        true
    }

    /// Usable; and while it warms up, only as often as it may be.
    fn takes(&self, member: &Member) -> bool {
        if !self.is_usable(member) {
            return false;
        }
        let share = self.group.ledger.share(member, self.now);
        share == FULL || below(self.group.ledger.settings().random() as u32, FULL as usize) < share as usize
    }

    /// The least loaded of all that are usable, however cold; from a random start, or all that find
    /// equals would find the same.
    fn best<'m>(&self, tier: &'m Tier) -> Option<&'m Arc<Member>> {
        self.least(tier, |member| self.is_usable(member))
    }

    fn least<'m>(&self, tier: &'m Tier, fits: impl Fn(&Member) -> bool) -> Option<&'m Arc<Member>> {
        let start = below(self.group.ledger.settings().random() as u32, tier.members.len());
        let (before, after) = tier.members.split_at_checked(start)?;
        let usable = after.iter().chain(before).filter(|member| fits(member));
        // Where only weights of 0 are left they have to do.
        let weighs = |member: &Arc<Member>| member.facts().weight > 0;
        let heavier = |a: &'m Arc<Member>, b: &'m Arc<Member>| {
            if weighs(b) && !weighs(a) { b } else { lighter((a, a.load()), (b, b.load())) }
        };
        usable.reduce(heavier)
    }

    /// Nobody is usable. Ejected endpoints are better than none, and tried ones better than nothing.
    fn last_resort(&self) -> Option<&'g Arc<Member>> {
        let group = self.group;
        let all = group.all.as_ref().unwrap_or(&group.preferred);
        let untried = |member: &Member| !self.caller.has_tried(&member.facts().address);
        self.least(all, untried).or_else(|| self.least(all, |_| true))
    }
}

fn any<'g>(group: &'g Group, caller: &'g Caller<'g>) -> Option<&'g Arc<Member>> {
    least_loaded(group, caller, group.ledger.settings().random())
}

/// The careful way of the least loaded of two: draws until two have been found that take the request, and
/// when that has been tried in vain looks at all.
#[inline(never)]
fn least_loaded<'g>(group: &'g Group, caller: &'g Caller<'g>, random: u64) -> Option<&'g Arc<Member>> {
    let judge = Judge::new(group, caller);
    let mut random = random;
    for tier in group.tiers() {
        let mut found: Option<&Arc<Member>> = None;
        for _ in 0..DRAWS {
            let (one, other) = two(tier, random)?;
            random = group.ledger.settings().random();
            for member in [one, other].into_iter().filter(|member| judge.takes(member)) {
                match found {
                    Some(found) => return Some(lighter((found, found.load()), (member, member.load()))),
                    None => found = Some(member),
                }
            }
        }
        if let Some(member) = found.or_else(|| judge.best(tier)) {
            return Some(member);
        }
    }
    judge.last_resort()
}

fn in_turn<'g>(group: &'g Group, caller: &'g Caller<'g>) -> Option<&'g Arc<Member>> {
    let tier = &group.preferred;
    let slots = tier.schedule.len();
    let turn = group.ledger.next_turn();
    let member = |tier: &'g Tier, turn: usize| {
        tier.members.get(tier.schedule.endpoint(turn.checked_rem(tier.schedule.len())?))
    };
    let first = member(tier, turn)?;
    if caller.is_first_try() && !first.load().is_special() {
        return Some(first);
    }
    let judge = Judge::new(group, caller);
    if judge.takes(first) {
        return Some(first);
    }
    // The turn of who cannot take it goes to the next; each takes a turn of its own, or the one after an
    // ejected endpoint would have two.
    for _ in 1..slots {
        let next = member(tier, group.ledger.next_turn())?;
        if judge.takes(next) {
            return Some(next);
        }
    }
    group.tiers().find_map(|tier| judge.best(tier)).or_else(|| judge.last_resort())
}

/// The first that follows the key and may be used.
fn by_key<'g>(group: &'g Group, caller: &'g Caller<'g>, key: u64) -> Option<&'g Arc<Member>> {
    let first = owner(&group.preferred, key);
    if let Some(member) = first
        && caller.is_first_try()
        && !member.load().is_special()
    {
        return Some(member);
    }
    let judge = Judge::new(group, caller);
    for tier in group.tiers() {
        // The circle is only gone round if somebody is to be found on it.
        let usable = |member: &&Arc<Member>| judge.is_usable(member);
        if let Some(ring) = tier.ring.as_ref().filter(|_| tier.members.iter().any(|member| usable(&member))) {
            let follows = ring.from(key).filter_map(|index| tier.members.get(index));
            if let Some(member) = follows.into_iter().find(usable) {
                return Some(member);
            }
        }
        if let Some(member) = judge.best(tier) {
            return Some(member);
        }
    }
    // All are ejected: the key's own is as good as any other.
    first.filter(|member| !caller.has_tried(&member.facts().address)).or_else(|| judge.last_resort())
}

fn owner(tier: &Tier, key: u64) -> Option<&Arc<Member>> {
    tier.members.get(tier.ring.as_ref()?.from(key).next()?)
}

/// The endpoint of the session, and the cookie to set if there is a new one.
fn by_cookie<'g>(
    group: &'g Group,
    caller: &'g Caller<'g>,
    affinity: &Affinity,
) -> (Option<&'g Arc<Member>>, Option<HeaderValue>) {
    let presented = affinity.presented(caller, group.tag);
    match affinity.mode {
        AffinityMode::Balanced => {
            if let Some(key) = presented {
                let key = session(group, key);
                let member = by_key(group, caller, key);
                let is_own = is_same(member, owner(&group.preferred, key));
                if is_own || !affinity.change_on_failure {
                    return (member, None);
                }
            }
            new_session(group, caller, affinity)
        }
        AffinityMode::Persistent => {
            let named = presented.and_then(parse_hex).and_then(|token| group.named(token));
            if let Some(member) = named {
                let well = caller.is_first_try() && !member.load().is_special();
                if well || Judge::new(group, caller).is_usable(member) {
                    return (Some(member), None);
                }
            }
            let member = any(group, caller);
            let keeps = named.is_some() && (!affinity.change_on_failure || is_same(member, named));
            let token = member.filter(|_| !keeps).map(|member| token(&member.facts().address, group.tag));
            (member, token.and_then(|token| affinity.set(&format!("{token:016x}"), group.tag)))
        }
    }
}

fn is_same(one: Option<&Arc<Member>>, other: Option<&Arc<Member>>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if Arc::ptr_eq(one, other))
}

/// Where a session's key stands on the circle.
fn session(group: &Group, key: &[u8]) -> u64 {
    Hash::new(group.ledger.settings().seed).bytes(key).finish()
}

/// A session that begins: with a key that leads to an endpoint which can be used now, so that it need not
/// move when the others are back.
fn new_session<'g>(
    group: &'g Group,
    caller: &'g Caller<'g>,
    affinity: &Affinity,
) -> (Option<&'g Arc<Member>>, Option<HeaderValue>) {
    let settings = group.ledger.settings();
    let mut text = String::with_capacity(32);
    let mut member = None;
    for _ in 0..KEYS {
        text.clear();
        // Writing to a string does not fail.
        let _ = write!(text, "{:016x}{:016x}", settings.random(), settings.random());
        let key = session(group, text.as_bytes());
        member = by_key(group, caller, key);
        if is_same(member, owner(&group.preferred, key)) {
            break;
        }
    }
    (member, affinity.set(&text, group.tag))
}
