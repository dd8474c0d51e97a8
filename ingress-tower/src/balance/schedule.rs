//! Smooth weighted round robin, worked out once: every endpoint as often as its weight says, and as far
//! from itself as possible.

/// The slots that can be drawn from or gone through in turn.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Schedule {
    /// All weights are alike: slot and endpoint are the same number.
    Even(usize),
    /// Which endpoint each slot stands for.
    Slots(Box<[u32]>),
}

/// Slots of one schedule. Weights that need more are rounded.
const MOST: u64 = 4_096;

impl Schedule {
    /// For these weights. Endpoints of weight 0 get no slot, unless all have it.
    pub(super) fn new(weights: &[u32]) -> Self {
        let even = weights.windows(2).all(|pair| pair.first() == pair.last());
        if even {
            return Self::Even(weights.len());
        }
        let weights = reduced(weights);
        let total: i64 = weights.iter().sum();
        let mut standing = vec![0_i64; weights.len()];
        let mut slots = Vec::new();
        // Everyone gains its weight, who stands highest has the slot and loses all that was gained.
        for _ in 0..total {
            for (standing, weight) in standing.iter_mut().zip(&weights) {
                *standing += weight;
            }
            let highest = standing.iter().enumerate().rev().max_by_key(|(_, standing)| **standing);
            let Some(winner) = highest.map(|(index, _)| index) else { break };
            if let Some(standing) = standing.get_mut(winner) {
                *standing -= total;
            }
            slots.push(u32::try_from(winner).unwrap_or(0));
        }
        Self::Slots(slots.into())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Even(count) => *count,
            Self::Slots(slots) => slots.len(),
        }
    }

    /// The endpoint of a slot.
    #[inline]
    pub(super) fn endpoint(&self, slot: usize) -> usize {
        match self {
            Self::Even(_) => slot,
            Self::Slots(slots) => slots.get(slot).map_or(0, |index| *index as usize),
        }
    }
}

/// The same proportions in numbers as small as can be, and as small as they must be.
fn reduced(weights: &[u32]) -> Vec<i64> {
    let divisor = weights.iter().fold(0, |a, b| gcd(a, *b)).max(1);
    let total: u64 = weights.iter().map(|weight| u64::from(weight / divisor)).sum();
    let fit = |weight: &u32| {
        let weight = u64::from(weight / divisor);
        // Whoever has a weight keeps one, be the others as heavy as they like.
        let scaled = if total > MOST { (weight * MOST / total).max(u64::from(weight > 0)) } else { weight };
        i64::try_from(scaled).unwrap_or(0)
    };
    weights.iter().map(fit).collect()
}

const fn gcd(a: u32, b: u32) -> u32 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slots(weights: &[u32]) -> Vec<usize> {
        let schedule = Schedule::new(weights);
        (0..schedule.len()).map(|slot| schedule.endpoint(slot)).collect()
    }

    #[test]
    fn heavy_endpoints_do_not_come_in_a_row() {
        assert_eq!(slots(&[5, 1, 1]), [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(slots(&[200, 100]), [0, 1, 0]);
        assert_eq!(slots(&[7, 7, 7]), [0, 1, 2]);
        assert_eq!(slots(&[0, 3]), [1]);
        assert_eq!(slots(&[0, 0]), [0, 1]);
        assert_eq!(slots(&[]), [0_usize; 0]);
    }

    proptest! {
        #[test]
        fn every_endpoint_has_its_share(weights in prop::collection::vec(0_u32..60, 1..12)) {
            let slots = slots(&weights);
            let total: u32 = weights.iter().sum();
            for (index, weight) in weights.iter().enumerate() {
                let count = slots.iter().filter(|slot| **slot == index).count() as u32;
                if total > 0 {
                    prop_assert_eq!(u64::from(count) * u64::from(total), u64::from(*weight) * slots.len() as u64);
                }
            }
        }

        /// In any stretch nobody is further from its share than by one for each neighbour.
        #[test]
        fn smooth(weights in prop::collection::vec(1_u32..20, 2..8)) {
            let slots = slots(&weights);
            let total: u32 = weights.iter().sum();
            for end in 1..=slots.len() {
                for (index, weight) in weights.iter().enumerate() {
                    let count = slots.iter().take(end).filter(|slot| **slot == index).count() as f64;
                    let due = f64::from(*weight) * end as f64 / f64::from(total);
                    prop_assert!((count - due).abs() < weights.len() as f64, "{index}: {count} of {due}");
                }
            }
        }

        #[test]
        fn bounded(weights in prop::collection::vec(any::<u32>(), 1..20)) {
            let slots = slots(&weights);
            prop_assert!(slots.len() <= MOST as usize + weights.len());
            if weights.iter().any(|weight| *weight > 0) {
                for (index, weight) in weights.iter().enumerate() {
                    prop_assert_eq!(*weight > 0, slots.contains(&index));
                }
            }
        }
    }
}
