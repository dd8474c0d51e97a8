//! Shapes that hurt: how one lookup grows when a table is made to hurt it.
//!
//! What to look for is the growth from N to 10 N within a group, not the figure: flat or slowly rising is
//! right, tenfold is a complexity that somebody can exploit.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ingress_benches::router::{Ours, Router, Yardstick, assert_agrees};
use ingress_benches::{Kind, PathRule, Requests, Workload, is_test_mode};

const SIZES: [usize; 5] = [1, 10, 100, 1_000, 10_000];

const HOST: &str = "victim.acme.test";

type Rules = Vec<(String, Vec<PathRule>)>;

fn prefix(path: String) -> PathRule {
    PathRule::new(path, Kind::Prefix)
}

fn one_host(rules: impl Iterator<Item = PathRule>) -> Rules {
    vec![(HOST.to_owned(), rules.collect())]
}

/// N paths that are alike but for their last characters.
fn common_prefixes(n: usize) -> (Rules, String, String) {
    let start = "/the/same/long/beginning/of/every/single/path/of/this/host/item-";
    let rules = one_host((0..n).map(|index| prefix(format!("{start}{index:05}"))));
    (rules, HOST.to_owned(), format!("{start}{:05}/below", n - 1))
}

/// N elements side by side under one parent.
fn siblings(n: usize) -> (Rules, String, String) {
    // Multiplied by an odd number: spread over the first characters, not only the last.
    let name = |index: usize| format!("/{:08x}", (index as u32).wrapping_mul(2_654_435_761));
    (one_host((0..n).map(|index| prefix(name(index)))), HOST.to_owned(), name(n / 2))
}

/// A rule below a rule below a rule, and a request that goes all the way down.
///
/// The text of N such rules grows with N squared, so the deepest has 2,000 of them.
fn nested(n: usize) -> (Rules, String, String) {
    let rules = one_host((1..=n.min(2_000)).map(|depth| prefix("/a".repeat(depth))));
    (rules, HOST.to_owned(), "/a".repeat(n))
}

/// The same rules, every one of which is left at the last moment.
fn nested_and_left(n: usize) -> (Rules, String, String) {
    let rules = one_host((1..=n.min(2_000)).map(|depth| prefix(format!("{}/b", "/a".repeat(depth)))));
    (rules, HOST.to_owned(), format!("{}/c", "/a".repeat(n)))
}

/// A request that is long where the rules are many: nothing may look at it once per rule.
fn long_request(n: usize) -> (Rules, String, String) {
    let rules = one_host((0..n).map(|index| prefix(format!("/service-{index}"))));
    (rules, HOST.to_owned(), format!("/service-0{}", "/element".repeat(1_000)))
}

/// N wildcard hosts, and N exact hosts beside each other under the last of them, none of which is meant.
fn wildcards(n: usize) -> (Rules, String, String) {
    let stars = (0..n).map(|index| (format!("*.tenant-{index}.acme.test"), vec![prefix("/".to_owned())]));
    let last = n - 1;
    let exact =
        (0..n).map(|index| (format!("app-{index}.tenant-{last}.acme.test"), vec![prefix("/api".to_owned())]));
    (stars.chain(exact).collect(), format!("app-x.tenant-{last}.acme.test"), "/api/v1".to_owned())
}

/// The exact host has N rules that all fail, and so has the wildcard over it: a request that falls through.
fn fall_through(n: usize) -> (Rules, String, String) {
    let rules = |word: &str| (0..n).map(|index| prefix(format!("/{word}/{index:05}"))).collect();
    let hosts = vec![("app.acme.test".to_owned(), rules("exact")), ("*.acme.test".to_owned(), rules("star"))];
    (hosts, "app.acme.test".to_owned(), format!("/star/{:05}", n - 1))
}

/// A host of as many labels as a name may have, in a table of N hosts: labels must not be tried one by one.
fn many_labels(n: usize) -> (Rules, String, String) {
    let hosts = (0..n).map(|index| (format!("*.h{index}.test"), vec![prefix("/".to_owned())]));
    (hosts.collect(), format!("{}h0.test", "a.".repeat(120)), "/".to_owned())
}

fn worst_case(criterion: &mut Criterion) {
    type Shape = fn(usize) -> (Rules, String, String);
    let shapes: [(&str, Shape); 8] = [
        ("common prefixes", common_prefixes),
        ("siblings", siblings),
        ("nested", nested),
        ("nested and left", nested_and_left),
        ("long request", long_request),
        ("wildcards", wildcards),
        ("fall through", fall_through),
        ("many labels", many_labels),
    ];
    let most = if is_test_mode() { 100 } else { 10_000 };
    for (name, shape) in shapes {
        for size in SIZES.into_iter().filter(|&size| size <= most) {
            let (rules, host, path) = shape(size);
            let workload = Workload::from_rules(name, rules);
            let request = Requests::one(&workload, &host, &path);
            bench::<Ours>(criterion, &workload, &request, size);
            bench::<Yardstick>(criterion, &workload, &request, size);
        }
    }
}

fn bench<R: Router>(criterion: &mut Criterion, workload: &Workload, request: &Requests, size: usize) {
    let router = R::build(workload);
    assert_agrees(&router, workload, request);
    let mut group = criterion.benchmark_group(format!("worst case/{}", workload.name()));
    group.sample_size(20);
    for head in request.heads() {
        group.bench_function(BenchmarkId::new(R::NAME, size), |bencher| {
            bencher.iter(|| router.find(black_box(head.host), black_box(head.path)));
        });
    }
    group.finish();
}

criterion_group!(benches, worst_case);
criterion_main!(benches);
