//! One workload, every router: built, checked, measured.

use crate::access::Access;
use crate::measure::{Heap, allocations_per_lookup, held_by};
use crate::race::{Contestant, Effort, Entrant, race};
use crate::requests::Requests;
use crate::router::{Ours, OursShared, PathTree, PerHost, Router, SortedList, Wayfind, Yardstick};
use crate::workload::{SEED, Shape, Workload};

/// The routers in the order of every figure of a [`Contest`].
pub const ROUTERS: [&str; 6] = [
    Ours::NAME,
    <Yardstick as Router>::NAME,
    <PerHost<Wayfind> as Router>::NAME,
    <PerHost<PathTree> as Router>::NAME,
    <PerHost<SortedList> as Router>::NAME,
    OursShared::NAME,
];

/// The figures of all routers on one workload.
#[derive(Clone, Debug)]
pub struct Contest {
    /// The workload's letter.
    pub workload: &'static str,
    /// Its number of rules.
    pub rules: usize,
    /// Nanoseconds per lookup by access, one per router.
    pub lookups: Vec<(Access, Vec<f64>)>,
    /// Bytes held on the heap, one per router; the shared table holds no second copy.
    pub held: Vec<usize>,
    /// What `memory_usage` says of ours: the index, and all of it.
    pub usage: (usize, usize),
    /// Allocations per lookup of ours.
    pub allocations: f64,
}

impl Contest {
    /// Builds, checks and measures. `say` hears what is being done.
    pub fn run(shape: Shape, accesses: &[Access], plan: &Plan, say: &mut dyn FnMut(&str)) -> Self {
        let heap = plan.heap;
        let workload = Workload::new(shape, SEED);
        let (ours, ours_held) = held_by(heap, || Ours::build(&workload));
        let (yardstick, yardstick_held) = held_by(heap, || Yardstick::build(&workload));
        let (wayfind, wayfind_held) = held_by(heap, || PerHost::<Wayfind>::build(&workload));
        let (path_tree, path_tree_held) = held_by(heap, || PerHost::<PathTree>::build(&workload));
        let (sorted, sorted_held) = held_by(heap, || PerHost::<SortedList>::build(&workload));
        let shared = OursShared::of(&ours);
        let contestants: [&dyn Contestant; 6] = [&ours, &yardstick, &wayfind, &path_tree, &sorted, &shared];

        let entrants = contestants.map(|contestant| contestant as &dyn Entrant);
        let mut allocations: f64 = 0.0;
        let lookups = accesses.iter().map(|&access| {
            let requests = Requests::new(&workload, access, plan.requests(&workload));
            for contestant in contestants {
                contestant.assert_agrees(&workload, &requests);
            }
            allocations = allocations.max(allocations_per_lookup(
                heap,
                |head| ours.find(head.host, head.path),
                &requests,
            ));
            let figures = race(&entrants, &requests, plan.effort);
            say(&format!("{}, {}: {}", shape.name(), access.name(), in_words(&figures)));
            (access, figures)
        });
        let lookups = lookups.collect();
        let usage = ours.table().memory_usage();
        Self {
            workload: shape.name(),
            rules: workload.rule_count(),
            lookups,
            held: vec![ours_held, yardstick_held, wayfind_held, path_tree_held, sorted_held],
            usage: (usage.index(), usage.total()),
            allocations,
        }
    }

    /// The figures for one access.
    pub fn figures(&self, access: Access) -> Option<&[f64]> {
        self.lookups.iter().find(|(measured, _)| *measured == access).map(|(_, figures)| figures.as_slice())
    }

    /// Ours divided by the yardstick.
    pub fn ratio(&self, access: Access) -> Option<f64> {
        let [ours, yardstick, ..] = self.figures(access)? else { return None };
        Some(ours / yardstick)
    }
}

fn in_words(figures: &[f64]) -> String {
    let words: Vec<String> =
        ROUTERS.iter().zip(figures).map(|(name, figure)| format!("{name} {figure:.1}")).collect();
    words.join(", ")
}

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The allocator that counts.
    pub heap: Heap,
    /// Rounds and passes of a race.
    pub effort: Effort,
    /// Whether to ask fewer requests.
    pub quick: bool,
}

impl Plan {
    /// More for tables that fit no cache, so that the requests reach a good part of them. Not more than
    /// needed for small ones, where reading the list would begin to count.
    fn requests(&self, workload: &Workload) -> usize {
        if workload.rule_count() >= 500_000 && !self.quick { 300_000 } else { 100_000 }
    }
}
