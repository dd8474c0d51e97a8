//! Which rules the requests ask for: a few of them most of the time, or all alike.

use crate::random::Random;

/// How requests spread over the rules of a table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Every rule alike: the worst case for caches.
    Uniform,
    /// The rule of rank k is asked for in proportion to 1/k. The popular rules lie on many hosts, which is
    /// harder than popular hosts, whose rules would all stay in the cache together.
    Zipf,
}

impl Access {
    /// The word used in tables and benchmark names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Zipf => "Zipf",
        }
    }
}

/// Draws indices below a fixed bound with the given skew. Which index has which rank is shuffled, so
/// that what is popular does not lie together in memory because it was generated together.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
    by_rank: Vec<u32>,
    /// Sums of 1/k, scaled to end at 1; empty for uniform access.
    cumulative: Vec<f64>,
}

impl Sampler {
    pub(crate) fn new(access: Access, bound: usize, random: &mut Random) -> Self {
        let mut by_rank: Vec<u32> = (0..bound as u32).collect();
        random.shuffle(&mut by_rank);
        let mut cumulative = Vec::new();
        if access == Access::Zipf {
            let mut sum = 0.0;
            cumulative.extend((1..=bound).map(|rank| {
                sum += 1.0 / rank as f64;
                sum
            }));
            cumulative.iter_mut().for_each(|value| *value /= sum);
        }
        Self { by_rank, cumulative }
    }

    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        let rank = if self.cumulative.is_empty() {
            random.below(self.by_rank.len())
        } else {
            let point = random.unit();
            self.cumulative.partition_point(|&end| end <= point).min(self.by_rank.len() - 1)
        };
        self.by_rank.get(rank).map_or(0, |&index| index as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zipf_gives_the_first_rank_its_share() {
        let mut random = Random::new(3);
        let sampler = Sampler::new(Access::Zipf, 100, &mut random);
        let favourite = sampler.by_rank[0] as usize;
        let hits = (0..10_000).filter(|_| sampler.draw(&mut random) == favourite).count();
        // 1 / (1 + 1/2 + .. + 1/100) = 0.193
        assert!((1_750..2_100).contains(&hits), "{hits}");
    }

    #[test]
    fn uniform_reaches_everything() {
        let mut random = Random::new(4);
        let sampler = Sampler::new(Access::Uniform, 50, &mut random);
        let mut seen = [false; 50];
        (0..2_000).for_each(|_| seen[sampler.draw(&mut random)] = true);
        assert!(seen.iter().all(|&hit| hit));
    }
}
