//! A host of expressions: ours, which tries all at once, against trying one after the other.

use std::hint::black_box;

use super::heap::{Heap, allocations_per_lookup, held_by};
use crate::clock::Stopwatch;
use crate::engine::{Engine, OneByOne, Pcre, Racer, Set, Table};
use crate::expressions::Expressions;
use crate::race::{Effort, race};
use crate::statistics::median;
use crate::workload::SEED;

/// The engines in the order of every list of figures.
pub const ENGINES: [&str; 4] = [Table::NAME, Pcre::NAME, OneByOne::NAME, Set::NAME];

/// The figures of all engines on one host.
#[derive(Clone, Debug)]
pub struct Tried {
    /// How many expressions the host has.
    pub count: usize,
    /// Nanoseconds per lookup.
    pub lookups: Vec<f64>,
    /// Milliseconds to make ready.
    pub builds: Vec<f64>,
    /// Bytes that our table holds.
    pub held: usize,
    /// Allocations per lookup of ours.
    pub allocations: f64,
}

impl Tried {
    /// Builds, checks and measures.
    pub fn measure(count: usize, heap: Heap, effort: Effort) -> Self {
        let expressions = Expressions::new(count, SEED);
        let requests = expressions.requests(20_000, SEED);
        let (ours, held) = held_by(heap, || Table::build(&expressions));
        let allocations = allocations_per_lookup(heap, |head| ours.find(head.host, head.path), &requests);
        drop(ours);
        let ours = Racer::<Table>::new(&expressions, &requests);
        let pcre = Racer::<Pcre>::new(&expressions, &requests);
        let one_by_one = Racer::<OneByOne>::new(&expressions, &requests);
        let set = Racer::<Set>::new(&expressions, &requests);
        Self {
            count,
            lookups: race(&[&ours, &pcre, &one_by_one, &set], &requests, effort),
            builds: vec![
                build_time::<Table>(&expressions),
                build_time::<Pcre>(&expressions),
                build_time::<OneByOne>(&expressions),
                build_time::<Set>(&expressions),
            ],
            held,
            allocations,
        }
    }

    /// Ours divided by what nginx does.
    pub fn ratio(&self) -> Option<f64> {
        let [ours, pcre, ..] = self.lookups.as_slice() else { return None };
        Some(ours / pcre)
    }
}

fn build_time<E: Engine>(expressions: &Expressions) -> f64 {
    let times = (0..9).map(|_| {
        let stopwatch = Stopwatch::start();
        let made = black_box(E::build(expressions));
        let took = stopwatch.elapsed();
        drop(made);
        took.as_secs_f64() * 1e3
    });
    median(times)
}
