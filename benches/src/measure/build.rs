//! Time from objects to a table.

use std::hint::black_box;
use std::time::Duration;

use ingress_core::RouteTable;
use ingress_core::dialect::Kubernetes;

use crate::clock::Stopwatch;
use crate::router::Router;
use crate::workload::Workload;

/// Ours: Kubernetes objects, already in memory, to a table that can be looked up. Neither making the
/// objects nor dropping anything is counted.
pub fn compile_time(workload: &Workload, repeats: usize) -> Vec<Duration> {
    let objects = workload.objects();
    (0..repeats)
        .map(|_| {
            let stopwatch = Stopwatch::start();
            let made = black_box(RouteTable::compile(Kubernetes, &objects));
            let took = stopwatch.elapsed();
            drop(made);
            took
        })
        .collect()
}

/// A peer: from the neutral list, which spares it reading Kubernetes objects.
pub fn peer_build_time<R: Router>(workload: &Workload, repeats: usize) -> Vec<Duration> {
    (0..repeats)
        .map(|_| {
            let stopwatch = Stopwatch::start();
            let made = black_box(R::build(workload));
            let took = stopwatch.elapsed();
            drop(made);
            took
        })
        .collect()
}
