//! Expressions of one host: ours, which tries all at once, against trying one after the other.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ingress_benches::engine::{Engine, IngressNginx, OneByOne, Pcre, Racer, Set, Table, compile};
use ingress_benches::{Expressions, Requests, SEED, is_test_mode};

fn regex(criterion: &mut Criterion) {
    for count in [50, 500] {
        let expressions = Expressions::new(count, SEED);
        let requests = expressions.requests(if is_test_mode() { 200 } else { 20_000 }, SEED);
        bench::<Table>(criterion, &expressions, &requests);
        bench::<IngressNginx>(criterion, &expressions, &requests);
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

/// Expressions that are made to cost: what to look for is that time stops growing with their number.
fn hostile(criterion: &mut Criterion) {
    type Shape = fn(usize) -> String;
    let shapes: [(&str, Shape); 4] = [
        ("each too large", |number| format!("/{number}(a|b)*a(a|b){{18}}")),
        ("large together", |number| format!("/{number}(a|b)*a(a|b){{12}}$")),
        ("anything between", |number| format!("/.*{number}.*x{number}.*y")),
        ("counted", |number| format!("/[a-z]{{1,{}}}/{number}", 20 + number % 200)),
    ];
    for (name, shape) in shapes {
        for count in if is_test_mode() { vec![3] } else { vec![10, 100, 500] } {
            let texts: Vec<_> = (0..count).map(shape).collect();
            for conditions in [false, true] {
                let (table, findings) = compile(&texts, conditions);
                let megabytes = table.memory_usage().index() as f64 / 1e6;
                eprintln!("{name}, {count}: {} findings, {megabytes:.1} MB", findings.len());
                let mut group = criterion.benchmark_group(format!("regex/hostile/{name}/{count}"));
                let what = if conditions { "with conditions" } else { "without" };
                group.sample_size(10).bench_function(what, |bencher| {
                    bencher.iter_with_large_drop(|| compile(black_box(&texts), conditions));
                });
            }
        }
    }
}

criterion_group!(benches, regex, hostile);
criterion_main!(benches);
