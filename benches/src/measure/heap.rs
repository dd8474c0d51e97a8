//! Memory and allocations, by an allocator that counts.

use std::alloc::System;

use stats_alloc::{Region, StatsAlloc};

use crate::race::sum_of_answers;
use crate::requests::{Head, Requests};

/// The counting allocator of the running program. It counts the bytes that were asked for; what the
/// allocator under it adds per block (about 16 bytes) is in nobody's figure.
pub type Heap = &'static StatsAlloc<System>;

/// Runs `make` and says how many bytes its result holds on the heap.
pub fn held_by<T>(heap: Heap, make: impl FnOnce() -> T) -> (T, usize) {
    let region = Region::new(heap);
    let made = make();
    let change = region.change();
    (made, change.bytes_allocated.saturating_sub(change.bytes_deallocated))
}

/// Allocations and reallocations over all requests, divided by their number.
pub fn allocations_per_lookup(
    heap: Heap,
    find: impl Fn(Head<'_>) -> Option<u32>,
    requests: &Requests,
) -> f64 {
    let heads = requests.heads();
    let region = Region::new(heap);
    std::hint::black_box(sum_of_answers(find, &heads));
    let change = region.change();
    (change.allocations + change.reallocations) as f64 / heads.len().max(1) as f64
}
