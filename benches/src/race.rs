//! Lookups against the clock: all routers on the same requests, taking turns.

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::clock::Stopwatch;
use crate::requests::{Head, Requests};
use crate::router::{Router, assert_agrees};
use crate::statistics::median;
use crate::workload::Workload;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    rounds: usize,
    passes: usize,
}

impl Effort {
    /// For a look at where things stand.
    pub const QUICK: Self = Self { rounds: 3, passes: 3 };

    /// For figures that are written down.
    pub const FULL: Self = Self { rounds: 9, passes: 5 };
}

/// What takes part, whatever its type.
pub trait Entrant: fmt::Debug {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Looks every request up once, one after the other, none waiting for the answer before it; the time
    /// that this took the processor.
    fn pass(&self, heads: &[Head<'_>]) -> Duration;
}

impl<R: Router + fmt::Debug> Entrant for R {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn pass(&self, heads: &[Head<'_>]) -> Duration {
        timed(|head| self.find(head.host, head.path), heads)
    }
}

/// A router that takes part: one that can be wrong about a workload.
pub trait Contestant: Entrant {
    /// Panics at the first answer that is not the oracle's.
    fn assert_agrees(&self, workload: &Workload, requests: &Requests);
}

impl<R: Router + fmt::Debug> Contestant for R {
    fn assert_agrees(&self, workload: &Workload, requests: &Requests) {
        assert_agrees(self, workload, requests);
    }
}

/// How long it takes to answer all requests.
pub(crate) fn timed(find: impl Fn(Head<'_>) -> Option<u32>, heads: &[Head<'_>]) -> Duration {
    let stopwatch = Stopwatch::start();
    black_box(sum_of_answers(find, heads));
    stopwatch.elapsed()
}

/// The timed loop, one copy per router. The sum keeps the compiler from dropping lookups and the processor
/// from having to wait for one before it begins the next.
#[inline(never)]
pub fn sum_of_answers(find: impl Fn(Head<'_>) -> Option<u32>, heads: &[Head<'_>]) -> u64 {
    let mut sum = 0_u64;
    for head in heads {
        let head = black_box(*head);
        sum = sum.wrapping_add(find(head).map_or(1 << 32, u64::from));
    }
    sum
}

/// Nanoseconds per lookup of each entrant: the median of the medians of its turns.
///
/// In every round each entrant has one turn of several passes over all requests, so that a disturbance
/// hits all of them alike, and the rounds begin with a different one each. The first pass of a turn finds the caches
/// full of the entrant before; the median leaves it out.
pub fn race(entrants: &[&dyn Entrant], requests: &Requests, effort: Effort) -> Vec<f64> {
    let heads = requests.heads();
    let mut turns = vec![Vec::with_capacity(effort.rounds); entrants.len()];
    for round in 0..effort.rounds {
        for offset in 0..entrants.len() {
            let index = (round + offset) % entrants.len();
            if let (Some(entrant), Some(turns)) = (entrants.get(index), turns.get_mut(index)) {
                turns.push(turn(*entrant, &heads, effort));
            }
        }
    }
    turns.into_iter().map(median).collect()
}

fn turn(entrant: &dyn Entrant, heads: &[Head<'_>], effort: Effort) -> f64 {
    // A scan of ten thousand routes needs no fifth pass to be known as slow.
    let patience = Duration::from_secs(2);
    let start = Instant::now();
    let mut passes = Vec::with_capacity(effort.passes);
    while passes.len() < effort.passes && (passes.is_empty() || start.elapsed() < patience) {
        passes.push(entrant.pass(heads).as_nanos() as f64 / heads.len().max(1) as f64);
    }
    median(passes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Access;
    use crate::router::{PerHost, SortedList, Yardstick};
    use crate::workload::Shape;

    #[test]
    fn every_entrant_gets_a_figure() {
        let workload = Workload::new(Shape::S, 1);
        let requests = Requests::new(&workload, Access::Zipf, 500);
        let (one, two) = (Yardstick::build(&workload), PerHost::<SortedList>::build(&workload));
        let figures = race(&[&one, &two], &requests, Effort::QUICK);
        assert_eq!(figures.len(), 2);
        assert!(figures.iter().all(|&figure| figure > 0.0));
    }
}
