//! Expressions of one host: ours, which tries all at once, against trying one after the other.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ingress_benches::engine::{Engine, OneByOne, Pcre, Racer, Set, Table};
use ingress_benches::{Expressions, Requests, SEED, is_test_mode};

fn regex(criterion: &mut Criterion) {
    for count in [50, 500] {
        let expressions = Expressions::new(count, SEED);
        let requests = expressions.requests(if is_test_mode() { 200 } else { 20_000 }, SEED);
        bench::<Table>(criterion, &expressions, &requests);
        bench::<Pcre>(criterion, &expressions, &requests);
        bench::<OneByOne>(criterion, &expressions, &requests);
        bench::<Set>(criterion, &expressions, &requests);
    }
}

/// Every iteration of a lookup is another request of the list.
fn bench<E: Engine>(criterion: &mut Criterion, expressions: &Expressions, requests: &Requests) {
    let Racer(engine) = Racer::<E>::new(expressions, requests);
    let count = expressions.texts().len();
    let heads = requests.heads();
    let mut next = heads.iter().cycle();
    criterion.benchmark_group(format!("regex/{count}/lookup")).bench_function(E::NAME, |bencher| {
        bencher.iter(|| black_box(next.next()).and_then(|head| engine.find(head.host, head.path)));
    });
    let mut group = criterion.benchmark_group(format!("regex/{count}/build"));
    group.sample_size(10).bench_function(E::NAME, |bencher| {
        bencher.iter_with_large_drop(|| E::build(black_box(expressions)));
    });
}

criterion_group!(benches, regex);
criterion_main!(benches);
