//! The same work on many things, on all cores, with the answers in order.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many things a thread takes at a time, at most.
const BATCH: usize = 64;

/// More threads than this gain nothing: reading is bound by memory long before.
const THREADS: usize = 8;

/// Applies `work` to the items batch by batch. It is given the index of the first item of its batch.
pub(super) fn batches<T: Sync, R: Send>(items: &[T], work: impl Fn(usize, &[T]) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS);
    let size = (items.len() / (4 * cores)).clamp(1, BATCH);
    let batches: Vec<&[T]> = items.chunks(size).collect();
    let threads = cores.min(batches.len());
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(batch) = batches.get(at) else { return done };
            done.push((at, work(at * size, batch)));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut done = run();
        for other in others {
            match other.join() {
                Ok(results) => done.extend(results),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn answers_come_in_order() {
        for count in [0, 1, 15, 16, 17, 1000, 10_000] {
            let items: Vec<usize> = (0..count).collect();
            let parts = super::batches(&items, |first, batch| {
                assert_eq!(batch.first(), Some(&first));
                batch.to_vec()
            });
            assert_eq!(parts.concat(), items);
        }
    }
}
