//! The cost of the tower layer per call, over the inner service alone; and of picking an endpoint.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ingress_benches::middleware::{Form, Middleware, Picks};
use ingress_benches::{Access, Requests, SEED, Shape, Workload, is_test_mode};
use ingress_tower::balance::Caller;

fn layer(criterion: &mut Criterion) {
    let quick = is_test_mode();
    for shape in [Shape::S, Shape::M] {
        let shape = if quick { shape.at_most(200, 10) } else { shape };
        let workload = Workload::new(shape, SEED);
        for access in [Access::Zipf, Access::Uniform] {
            let requests = Requests::new(&workload, access, if quick { 500 } else { 50_000 });
            let middleware = Middleware::new(&workload, &requests);
            let name = format!("{}/{}", workload.name(), access.name());
            for form in Form::ALL {
                middleware.assert_agrees(form);
                let added = middleware.added(form, if quick { 1 } else { 9 });
                println!(
                    "middleware: {name}, {}: bare {:.1?} ns; a lookup adds {:.1?} ns, the layer {:.1?} ns, beside the request {:.1?} ns",
                    form.name(),
                    added.bare,
                    added.lookup,
                    added.layer,
                    added.beside,
                );
            }
            let mut group = criterion.benchmark_group(format!("middleware/{name}"));
            group.bench_function("a call through the layer", |bencher| {
                bencher.iter_custom(|calls| middleware.time_layer(Form::Http2, calls));
            });
            group.finish();
        }
    }
}

fn pick(criterion: &mut Criterion) {
    let quick = is_test_mode();
    let shape = if quick { Shape::M.at_most(200, 10) } else { Shape::M };
    let workload = Workload::new(shape, SEED);
    for access in [Access::Zipf, Access::Uniform] {
        let requests = Requests::new(&workload, access, if quick { 500 } else { 100_000 });
        let services = Middleware::new(&workload, &requests).services();
        assert!(services.len() * 10 > requests.heads().len() * 9, "most requests are forwarded");
        let mut group = criterion.benchmark_group(format!("pick/M/{}", access.name()));
        let names = [Picks::new(services.clone()), Picks::new(services.clone()).sharing_names()];
        for (picks, whose) in names.iter().zip(["each rule's own name", "shared names"]) {
            for (name, policy) in Picks::policies() {
                let balancer = picks.balancer(policy);
                picks.assert_agrees(&balancer);
                let time = picks.time(&balancer, if quick { 1 } else { 21 });
                println!("pick: M/{}, {whose}, {name}: {time:.1?} ns with its end", access.name());
            }
        }
        let [picks, _] = &names;
        for (name, policy) in Picks::policies() {
            let balancer = picks.balancer(policy);
            let request = http::Request::new(());
            let caller = Caller::of(&request);
            let mut next = services.iter().cycle();
            group.bench_function(name, |bencher| {
                bencher.iter(|| black_box(next.next()).map(|service| balancer.pick(service, &caller)));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, layer, pick);
criterion_main!(benches);
