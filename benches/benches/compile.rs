//! From a million rules to a table, on one core.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use ingress_benches::router::{PathTree, PerHost, Router, SortedList, Wayfind, Yardstick};
use ingress_benches::{SEED, Shape, Workload, is_test_mode};
use ingress_core::RouteTable;
use ingress_core::dialect::Kubernetes;

fn compile(criterion: &mut Criterion) {
    for shape in [Shape::M, Shape::L, Shape::W, Shape::X] {
        let shape = if is_test_mode() { shape.at_most(200, 200) } else { shape };
        let workload = Workload::new(shape, SEED);
        let objects = workload.objects();
        let mut group = criterion.benchmark_group(format!("compile/{}", shape.name()));
        group.sample_size(10).throughput(Throughput::Elements(workload.rule_count() as u64));
        group.bench_function("ingress, from Kubernetes objects", |bencher| {
            bencher.iter_with_large_drop(|| RouteTable::compile(Kubernetes, black_box(&objects)));
        });
        drop(objects);
        peer::<Yardstick>(&mut group, &workload);
        peer::<PerHost<Wayfind>>(&mut group, &workload);
        peer::<PerHost<PathTree>>(&mut group, &workload);
        peer::<PerHost<SortedList>>(&mut group, &workload);
        group.finish();
    }
}

/// The peers read a list of strings: no objects, no diagnostics.
fn peer<R: Router>(group: &mut BenchmarkGroup<'_, WallTime>, workload: &Workload) {
    group.bench_function(R::NAME, |bencher| bencher.iter_with_large_drop(|| R::build(black_box(workload))));
}

/// The conversion of objects alone, the part that no index can make faster.
fn convert(criterion: &mut Criterion) {
    let shape = if is_test_mode() { Shape::M.at_most(200, 10) } else { Shape::M };
    let objects = Workload::new(shape, SEED).objects();
    let mut group = criterion.benchmark_group("convert");
    group.throughput(Throughput::Elements(shape.rule_count() as u64));
    group.bench_function("Kubernetes objects to the model", |bencher| {
        bencher.iter_batched_ref(
            || Vec::with_capacity(objects.len()),
            |parsed| parsed.extend(objects.iter().map(ingress_core::Ingress::from)),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, compile, convert);
criterion_main!(benches);
