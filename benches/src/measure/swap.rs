//! What sharing a table costs its readers while a writer replaces it all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ingress_core::dialect::Kubernetes;
use ingress_core::{Compiler, RouteTable, SharedTable};

use crate::objects::{backend, paths_mut};
use crate::race::{Contestant, Effort, Entrant, race};
use crate::requests::Requests;
use crate::router::{Ours, OursShared};
use crate::statistics::Sorted;
use crate::workload::Workload;

/// One swap per millisecond.
const PERIOD: Duration = Duration::from_millis(1);

/// Lookups that are timed together when looking for a reader that was held up.
const BATCH: usize = 64;

/// Readers of a table that is replaced a thousand times a second.
#[derive(Clone, Copy, Debug)]
pub struct Sharing {
    /// Nanoseconds per lookup through a plain reference.
    pub plain: f64,
    /// Nanoseconds per lookup that loads the shared table first.
    pub shared: f64,
    /// Swaps per second that the writer really made.
    pub swaps: f64,
    /// The 99.9th percentile of a batch of lookups through a plain reference, in nanoseconds.
    pub plain_batch: f64,
    /// The same through the shared table.
    pub shared_batch: f64,
}

/// Measures both ways of reading while the same writer runs, so that only the way of reading differs.
///
/// The two tables that take turns differ in one host and share all others, as two successive tables in a
/// cluster do; tables that share nothing would measure caches.
pub fn sharing(workload: &Workload, requests: &Requests, effort: Effort) -> Sharing {
    let mut compiler = Compiler::new(Kubernetes);
    for object in workload.objects() {
        compiler.upsert(&object);
    }
    let one = compiler.compile();
    let mut changed = workload.object(0);
    if let Some(path) = paths_mut(&mut changed).and_then(|paths| paths.first_mut()) {
        path.backend = backend("frontend-v2", 8080);
    }
    compiler.upsert(&changed);
    let two = compiler.compile();

    let plain = Ours::of(Arc::clone(&one));
    let shared = OursShared::of(&plain);
    let table = shared.handle().clone();
    plain.assert_agrees(workload, requests);
    shared.assert_agrees(workload, requests);

    let tables = [one, two];
    let (stop, swaps) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| keep_swapping(&table, &tables, &stop, &swaps));
        let start = Instant::now();
        let times = race(&[&plain, &shared], requests, effort);
        let plain_batch = slow_batch(&plain, requests);
        let shared_batch = slow_batch(&shared, requests);
        let swaps = swaps.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        let [plain, shared] = times[..] else { unreachable!("two entrants, two figures") };
        Sharing { plain, shared, swaps, plain_batch, shared_batch }
    })
}

fn keep_swapping(table: &SharedTable, tables: &[Arc<RouteTable>; 2], stop: &AtomicBool, swaps: &AtomicUsize) {
    let mut due = Instant::now();
    for next in tables.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        drop(table.publish(Arc::clone(next)));
        swaps.fetch_add(1, Ordering::Relaxed);
        due += PERIOD;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

/// A reader that had to wait for the writer would show here: a lock held over a swap lasts longer than a batch.
fn slow_batch(entrant: &dyn Entrant, requests: &Requests) -> f64 {
    let heads = requests.heads();
    let batches = heads.chunks_exact(BATCH).map(|batch| {
        // Time that passed, not time on the processor: who waits does not run.
        let start = Instant::now();
        entrant.pass(batch);
        start.elapsed().as_nanos() as f64
    });
    Sorted::new(batches).quantile(0.999)
}
