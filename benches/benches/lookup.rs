//! One lookup: ours against the peers, on every workload.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use ingress_benches::router::{
    Ours, OursShared, PathTree, PerHost, Router, SortedList, Wayfind, Yardstick, assert_agrees,
};
use ingress_benches::{Access, Requests, SEED, Shape, Workload, is_test_mode};

fn lookup(criterion: &mut Criterion) {
    let quick = is_test_mode();
    for shape in [Shape::S, Shape::M, Shape::L, Shape::W, Shape::X] {
        let shape = if quick { shape.at_most(300, 300) } else { shape };
        let workload = Workload::new(shape, SEED);
        let accesses = [Access::Zipf, Access::Uniform];
        let requests = accesses
            .map(|access| (access, Requests::new(&workload, access, if quick { 500 } else { 200_000 })));
        // One router after the other, so that the largest tables are never in memory together.
        bench::<Ours>(criterion, &workload, &requests);
        bench::<OursShared>(criterion, &workload, &requests);
        bench::<Yardstick>(criterion, &workload, &requests);
        bench::<PerHost<Wayfind>>(criterion, &workload, &requests);
        bench::<PerHost<PathTree>>(criterion, &workload, &requests);
        bench::<PerHost<SortedList>>(criterion, &workload, &requests);
    }
}

fn bench<R: Router>(criterion: &mut Criterion, workload: &Workload, requests: &[(Access, Requests)]) {
    let router = R::build(workload);
    for (access, requests) in requests {
        assert_agrees(&router, workload, requests);
        let mut group = criterion.benchmark_group(format!("lookup/{}/{}", workload.name(), access.name()));
        in_turn(&mut group, &router, requests);
        group.finish();
    }
}

/// Every iteration is another request of the list.
fn in_turn<R: Router>(group: &mut BenchmarkGroup<'_, WallTime>, router: &R, requests: &Requests) {
    let heads = requests.heads();
    let mut next = heads.iter().cycle();
    group.bench_function(R::NAME, |bencher| {
        bencher.iter(|| black_box(next.next()).and_then(|head| router.find(head.host, head.path)));
    });
}

criterion_group!(benches, lookup);
criterion_main!(benches);
