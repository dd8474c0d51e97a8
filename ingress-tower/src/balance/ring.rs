//! Consistent hashing: keys and endpoints on a circle, and a key belongs to the endpoint that follows it.
//!
//! An endpoint's points depend on nothing but its address, its weight and the seed. So every replica draws
//! the same circle, and when an endpoint comes or goes only keys that it gains or had are moved. (Tables as
//! Maglev's move a few others; jump hashing only knows endpoints that go in the order they came in.)

use super::EVEN;
use super::key::Hash;
use super::member::Facts;

/// Points of an endpoint of even weight: its share of the keys is right to a twelfth, mostly.
const POINTS: u64 = 160;

/// The heaviest endpoint that the circle tells apart.
const HEAVIEST: u32 = 16 * EVEN;

/// The circle.
#[derive(Debug)]
pub(super) struct Ring {
    /// Sorted by place: place, endpoint.
    points: Box<[(u64, u32)]>,
    /// For each of equal parts of the circle its first point: places are spread evenly, so the point
    /// sought is at most a few further on.
    parts: Box<[u32]>,
    shift: u32,
}

impl Ring {
    /// The circle of these endpoints.
    pub(super) fn new<'f>(endpoints: impl Iterator<Item = &'f Facts>, seed: u64) -> Self {
        let mut points = Vec::new();
        for (index, facts) in (0_u32..).zip(endpoints) {
            let start = Hash::new(seed).address(&facts.address);
            let weight = u64::from(facts.weight.min(HEAVIEST));
            for number in 0..(POINTS * weight).div_ceil(u64::from(EVEN)) {
                points.push((start.number(number).finish(), index));
            }
        }
        points.sort_unstable();
        let bits = points.len().max(1).ilog2();
        let shift = (u64::BITS - bits).min(u64::BITS - 1);
        let parts = (0..1_u64 << bits).map(|part| {
            let first = points.partition_point(|(place, _)| place >> shift < part);
            u32::try_from(first).unwrap_or(0)
        });
        let parts = parts.collect();
        Self { points: points.into(), parts, shift }
    }

    /// The endpoints as they follow the key, with repetitions.
    #[inline]
    pub(super) fn from(&self, key: u64) -> impl Iterator<Item = usize> {
        let part = usize::try_from(key >> self.shift).unwrap_or(0);
        let mut first = self.parts.get(part).map_or(0, |first| *first as usize);
        while self.points.get(first).is_some_and(|(place, _)| *place < key) {
            first += 1;
        }
        let (before, after) = self.points.split_at_checked(first).unwrap_or_default();
        after.iter().chain(before).map(|(_, index)| *index as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ring(members: &[(u8, u32)], seed: u64) -> Ring {
        let facts: Vec<_> =
            members.iter().map(|(last, weight)| Facts { weight: *weight, ..Facts::example(*last) }).collect();
        Ring::new(facts.iter(), seed)
    }

    /// The literal reading: the smallest place that is not before the key, else the smallest of all.
    fn literal(ring: &Ring, key: u64) -> Option<usize> {
        let after = ring.points.iter().filter(|(place, _)| *place >= key).min();
        after.or_else(|| ring.points.iter().min()).map(|(_, index)| *index as usize)
    }

    fn owner(members: &[(u8, u32)], ring: &Ring, key: u64) -> Option<u8> {
        ring.from(key).next().and_then(|index| members.get(index)).map(|(last, _)| *last)
    }

    proptest! {
        #[test]
        fn a_key_belongs_to_what_follows_it(
            count in 0_u8..20, seed: u64, keys in prop::collection::vec(any::<u64>(), 1..200)
        ) {
            let members: Vec<_> = (0..count).map(|last| (last, EVEN)).collect();
            let ring = ring(&members, seed);
            for key in keys.into_iter().chain([0, u64::MAX]) {
                prop_assert_eq!(ring.from(key).next(), literal(&ring, key));
            }
        }

        /// Who goes leaves its keys to others, and nobody else's keys move. Read backwards: who comes takes
        /// keys, and no other key moves.
        #[test]
        fn only_the_keys_of_who_goes_are_moved(
            weights in prop::collection::vec(1_u32..400, 2..20), gone in any::<prop::sample::Index>(),
            seed: u64, keys in prop::collection::vec(any::<u64>(), 100)
        ) {
            let members: Vec<_> = (0_u8..).zip(weights).collect();
            let gone = gone.index(members.len()) as u8;
            let rest: Vec<_> = members.iter().copied().filter(|(last, _)| *last != gone).collect();
            let (before, after) = (ring(&members, seed), ring(&rest, seed));
            for key in keys {
                let (old, new) = (owner(&members, &before, key), owner(&rest, &after, key));
                prop_assert!(old == new || old == Some(gone), "{old:?} {new:?}");
                // Going on past who cannot be used leads to where the key would be without it.
                let passed = before.from(key).map(|index| members[index].0).find(|last| *last != gone);
                prop_assert_eq!(passed, new);
            }
        }
    }

    #[test]
    fn shares_follow_weights() {
        let members = [(1, EVEN), (2, EVEN), (3, 2 * EVEN), (4, 0)];
        let ring = ring(&members, 7);
        let mut counts = [0_u32; 5];
        for key in 0..40_000 {
            let owner = owner(&members, &ring, Hash::new(1).number(key).finish()).unwrap();
            counts[usize::from(owner)] += 1;
        }
        for (count, due) in counts.into_iter().zip([0, 10_000, 10_000, 20_000, 0]) {
            assert!(count.abs_diff(due) <= due / 5, "{counts:?}");
        }
    }
}
