//! One change in a large cluster, and what reading costs while changes are published.

use criterion::{Criterion, criterion_group, criterion_main};
use ingress_benches::measure::{Changes, sharing};
use ingress_benches::race::Effort;
use ingress_benches::statistics::Sorted;
use ingress_benches::{Access, Requests, SEED, Shape, Workload, is_test_mode};

/// One changed Ingress: read, compiled, published, the old table dropped.
fn change(criterion: &mut Criterion) {
    let shape = if is_test_mode() { Shape::L.at_most(500, 10) } else { Shape::L };
    let workload = Workload::new(shape, SEED);
    let mut changes = Changes::new(&workload);

    let count = if is_test_mode() { 50 } else { 5_000 };
    let sorted = Sorted::new((0..count).map(|_| changes.make().passed.as_nanos() as f64 / 1e3));
    let [median, p99, worst] = [0.5, 0.99, 1.0].map(|q| sorted.quantile(q));
    println!(
        "publish: {count} changes among {} hosts: median {median:.1} us, p99 {p99:.1} us, worst {worst:.1} us",
        workload.hosts().len(),
    );

    criterion.bench_function("publish/one change", |bencher| {
        bencher.iter_custom(|changes_wanted| (0..changes_wanted).map(|_| changes.make().worked).sum());
    });
}

/// Lookups through a plain reference and through the shared table, while the same writer swaps 1,000 times
/// a second.
fn read_while_swapping(_: &mut Criterion) {
    let workload = Workload::new(Shape::S, SEED);
    let requests = Requests::new(&workload, Access::Zipf, if is_test_mode() { 2_000 } else { 100_000 });
    let effort = if is_test_mode() { Effort::QUICK } else { Effort::FULL };
    let found = sharing(&workload, &requests, effort);
    println!(
        "publish: {:.0} swaps a second: plain {:.1} ns, shared {:.1} ns; 64 lookups at p99.9: {:.1} and {:.1} us",
        found.swaps,
        found.plain,
        found.shared,
        found.plain_batch / 1e3,
        found.shared_batch / 1e3,
    );
}

criterion_group!(benches, change, read_while_swapping);
criterion_main!(benches);
