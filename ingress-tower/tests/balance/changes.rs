//! Endpoints come and go; what is known stays, and what is gone is forgotten.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use ingress_core::SharedTable;
use ingress_core::endpoint::{Cluster, EndpointSlice, Service, ServicePort};
use ingress_core::origin::ObjectId;
use ingress_core::rule::ServiceRef;
use ingress_tower::balance::{Balancer, Caller, Ejection, KeyPart, Policy, Settings};
use proptest::prelude::*;

use crate::world::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The same seed, the same world: the same picks, failures and times included.
    #[test]
    fn everything_happens_again(seed: u64, policy in policy(), steps in prop::collection::vec(0_u8..6, 1..200)) {
        let run = || {
            let world = World::with(seed, 1..=5);
            let balancer = world.balancer(|settings| settings.policy(policy.clone()).slow_start(Duration::from_secs(3)));
            let mut held = Vec::new();
            let mut picks = Vec::new();
            for step in &steps {
                let picked = pick(&balancer);
                picks.push((last(&picked), picked.set_cookie().cloned()));
                match step {
                    0 => picked.failed(),
                    1 => held.push(picked),
                    2 => drop(held.pop()),
                    3 => world.pass(700),
                    4 => world.publish((1..=3 + (picks.len() % 5) as u8).map(plain)),
                    _ => picked.succeeded(),
                }
            }
            picks
        };
        prop_assert_eq!(run(), run());
    }

    /// A key stays where it is while its endpoint is there.
    #[test]
    fn keys_move_as_little_as_can_be(seed: u64, count in 2_u8..12, gone in any::<prop::sample::Index>(), keys in prop::collection::vec("[a-z]{1,8}", 50)) {
        let gone = 1 + gone.index(usize::from(count)) as u8;
        let world = World::with(seed, 1..=count);
        let balancer = world.balancer(|settings| settings.policy(Policy::hash([KeyPart::Path])).seed(seed));
        // Another replica has other dice and the same seed.
        let replica = World::with(!seed, 1..=count);
        let other = replica.balancer(|settings| settings.policy(Policy::hash([KeyPart::Path])).seed(seed));
        let of = |balancer: &Balancer, key: &str| {
            let request = Request::get(format!("/{key}")).body(()).expect("it is a request");
            last(&balancer.pick(&web(), &Caller::of(&request)).expect("there are endpoints"))
        };
        let before: Vec<_> = keys.iter().map(|key| of(&balancer, key)).collect();
        prop_assert_eq!(&before, &keys.iter().map(|key| of(&other, key)).collect::<Vec<_>>());
        world.publish((1..=count).filter(|last| *last != gone).map(plain));
        for (key, old) in keys.iter().zip(&before) {
            let new = of(&balancer, key);
            prop_assert!(new == *old || *old == gone && new != gone);
        }
        world.publish((1..=count).map(plain));
        prop_assert_eq!(&before, &keys.iter().map(|key| of(&balancer, key)).collect::<Vec<_>>());
    }
}

/// What is known of an endpoint stays when others come and go, and when only routes change.
#[test]
fn who_stays_is_remembered() {
    let world = World::with(19, 1..=3);
    let balancer = world.balancer(|settings| settings.ejection(Ejection::default().after(1)));
    fail(&balancer, 1, 1);
    let held: Vec<_> = (0..6).map(|_| pick(&balancer)).collect();
    world.publish([plain(1), plain(2), plain(4)]);
    drop(pick(&balancer));
    let states = balancer.endpoints(&web());
    let in_hand = held.iter().filter(|picked| last(picked) == 2).count();
    assert!((2..=4).contains(&in_hand));
    assert_eq!(states.iter().map(|state| state.in_flight).collect::<Vec<_>>(), [0, in_hand as u32, 0]);
    assert!(states[0].ejected);
    drop(held);
    world.table.publish(Arc::default());
    drop(pick(&balancer));
    assert_eq!(balancer.endpoints(&web()).iter().map(|state| state.in_flight).collect::<Vec<_>>(), [0, 0, 0]);
    assert!(balancer.endpoints(&web())[0].ejected);
}

#[test]
fn ports_are_forgotten_over_the_bound() {
    let table = SharedTable::default();
    let mut cluster = Cluster::default();
    let id = |number: usize| ObjectId::new("shop", &format!("s{number}"));
    for number in 0..2_000 {
        cluster.upsert_service(Service::new(id(number)).with_port(ServicePort::new(80)));
        let slice = EndpointSlice::new(id(number), id(number)).with_port("", 80);
        cluster.upsert_slice(slice.with_endpoint(plain(1)));
    }
    table.publish_all(Arc::default(), cluster.endpoints());
    let balancer = Balancer::with(table.clone(), Settings::default().capacity(640));
    let pick = |number: usize| balancer.pick(&ServiceRef::new("shop", &format!("s{number}"), 80), &NOBODY);
    for number in 0..2_000 {
        assert!(pick(number).is_ok());
        assert!(balancer.remembered() <= 640);
    }
    assert!(balancer.remembered() > 100);

    // Those that are gone from the cluster make room, although nobody asks for them.
    let roomy = Balancer::new(table.clone());
    let pick = |number: usize| roomy.pick(&ServiceRef::new("shop", &format!("s{number}"), 80), &NOBODY);
    (0..1_500).for_each(|number| assert!(pick(number).is_ok()));
    assert_eq!(roomy.remembered(), 1_500);
    for number in 0..1_500 {
        cluster.remove_service(&id(number));
    }
    table.publish_all(Arc::default(), cluster.endpoints());
    (1_500..2_000).for_each(|number| assert!(pick(number).is_ok()));
    assert!(roomy.remembered() < 1_500, "{}", roomy.remembered());
}

/// Threads pick, fail and hold while endpoints are replaced: all come back, and nothing is counted for ever.
#[test]
fn counts_come_back_from_all_threads() {
    let world = World::with(47, 1..=5);
    let balancer = world.balancer(|settings| settings.ejection(Ejection::default().after(2)));
    std::thread::scope(|scope| {
        for thread in 0..4_usize {
            let balancer = &balancer;
            scope.spawn(move || {
                let mut held = Vec::new();
                for round in 0..20_000_usize {
                    let picked = pick(balancer);
                    if (round + thread) % 7 == 0 {
                        picked.failed();
                    } else {
                        picked.succeeded();
                    }
                    held.push(picked);
                    if held.len() > 10 {
                        held.clear();
                    }
                }
            });
        }
        for round in 0..200_u8 {
            world.publish((1..=5 + round % 3).map(plain));
            world.pass(300);
            std::thread::yield_now();
        }
    });
    drop(pick(&balancer));
    let states = balancer.endpoints(&web());
    assert!(states.len() >= 5 && states.iter().all(|state| state.in_flight == 0), "{states:?}");
}
