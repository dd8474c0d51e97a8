//! A host of expressions: ours, which tries all at once, against trying one after the other.

use std::hint::black_box;

use super::heap::{Heap, allocations_per_lookup, held_by};
use crate::clock::Stopwatch;
use crate::engine::{Engine, IngressNginx, OneByOne, Pcre, Racer, Set, Table};
use crate::expressions::Expressions;
use crate::race::{Effort, race};
use crate::statistics::median;
use crate::workload::SEED;

/// The engines in the order of every list of figures.
pub const ENGINES: [&str; 5] = [Table::NAME, IngressNginx::NAME, Pcre::NAME, OneByOne::NAME, Set::NAME];

/// The figures of all engines on one host.
#[derive(Clone, Debug)]
pub struct Tried {
    /// How many expressions the host has.
    pub count: usize,
    /// Nanoseconds per lookup.
    pub lookups: Vec<f64>,
    /// Milliseconds to make ready.
    pub builds: Vec<f64>,
    /// Bytes that our tables hold: as the expressions come, and through the dialect.
    pub held: [usize; 2],
    /// The most allocations per lookup of ours.
    pub allocations: f64,
}

impl Tried {
    /// Builds, checks and measures.
    pub fn measure(count: usize, heap: Heap, effort: Effort) -> Self {
        let expressions = Expressions::new(count, SEED);
        let requests = expressions.requests(20_000, SEED);
        let (plain, plain_held) = held_by(heap, || Racer::<Table>::new(&expressions, &requests));
        let (nginx, nginx_held) = held_by(heap, || Racer::<IngressNginx>::new(&expressions, &requests));
        let allocations = [
            allocations_per_lookup(heap, |head| plain.0.find(head.host, head.path), &requests),
            allocations_per_lookup(heap, |head| nginx.0.find(head.host, head.path), &requests),
        ];
        let pcre = Racer::<Pcre>::new(&expressions, &requests);
        let one_by_one = Racer::<OneByOne>::new(&expressions, &requests);
        let set = Racer::<Set>::new(&expressions, &requests);
        Self {
            count,
            lookups: race(&[&plain, &nginx, &pcre, &one_by_one, &set], &requests, effort),
            builds: vec![
                build_time::<Table>(&expressions),
                build_time::<IngressNginx>(&expressions),
                build_time::<Pcre>(&expressions),
                build_time::<OneByOne>(&expressions),
                build_time::<Set>(&expressions),
            ],
            held: [plain_held, nginx_held],
            allocations: allocations.into_iter().fold(0.0, f64::max),
        }
    }

    /// The slower of ours divided by what nginx does.
    pub fn ratio(&self) -> Option<f64> {
        let [plain, nginx, pcre, ..] = self.lookups.as_slice() else { return None };
        Some(plain.max(*nginx) / pcre)
    }

    /// Milliseconds to make ours ready, the slower of the two.
    pub fn build(&self) -> Option<f64> {
        let [plain, nginx, ..] = self.builds.as_slice() else { return None };
        Some(plain.max(*nginx))
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
