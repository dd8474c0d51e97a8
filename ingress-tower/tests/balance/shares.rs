//! Who gets how much, when all are well.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ingress_core::SharedTable;
use ingress_core::endpoint::{Cluster, Endpoint, Service};
use ingress_core::origin::ObjectId;
use ingress_core::rule::ServiceRef;
use ingress_tower::balance::{Affinity, AffinityMode, Balancer, EVEN, Ejection, Policy, Unavailable, Zone};
use proptest::prelude::*;

use crate::world::*;

#[test]
fn nothing_to_pick_says_why() {
    let world = World::new(1);
    let balancer = world.balancer(|settings| settings);
    assert_eq!(balancer.pick(&web(), &NOBODY).unwrap_err(), Unavailable::NoService);
    world.publish([]);
    assert_eq!(balancer.pick(&web(), &NOBODY).unwrap_err().reason(), "no-endpoints");
    let other = ServiceRef::new("shop", "web", 81);
    assert_eq!(balancer.pick(&other, &NOBODY).unwrap_err(), Unavailable::NoPort);
    assert_eq!(balancer.remembered(), 0);

    world.publish([plain(1)]);
    assert_eq!(last(&pick(&balancer)), 1);
    assert_eq!(balancer.remembered(), 1);
    world.publish([]);
    assert_eq!(balancer.pick(&web(), &NOBODY).unwrap_err(), Unavailable::NoEndpoints);
    assert_eq!(balancer.remembered(), 0, "what is gone is forgotten");
}

#[test]
fn names_outside_of_the_cluster_are_picked_as_they_are() {
    let table = SharedTable::default();
    let mut cluster = Cluster::default();
    let id = ObjectId::new("shop", "web");
    cluster.upsert_service(Service::new(id).external_name("db.example.com"));
    table.publish_all(Arc::default(), cluster.endpoints());
    let balancer = Balancer::new(table);
    let picked = balancer.pick(&web(), &NOBODY).unwrap();
    assert_eq!(picked.address().to_string(), "db.example.com:80");
    assert_eq!(balancer.endpoints(&web())[0].in_flight, 1);
}

#[test]
fn turns_follow_weights_smoothly() {
    let world = World::with(3, 1..=3);
    let weigh = |endpoint: &Endpoint| {
        if *endpoint.address() == address(1) { 5 * EVEN } else { EVEN }
    };
    let balancer = world.balancer(|settings| settings.policy(Policy::RoundRobin).weight_by(weigh));
    let turns: Vec<_> = (0..70).map(|_| last(&pick(&balancer))).collect();
    assert_eq!(turns.iter().filter(|turn| **turn == 1).count(), 50);
    assert_eq!(turns.iter().filter(|turn| **turn == 2).count(), 10);
    // The slots 1 1 2 1 3 1 1, wherever they began.
    assert!(turns.windows(5).all(|window| window.iter().any(|turn| *turn != 1)), "{turns:?}");
}

/// One endpoint is slow: what is sent to it stays in flight.
#[test]
fn the_slow_one_gets_less() {
    let world = World::with(5, 1..=10);
    let balancer = world.balancer(|settings| settings);
    let mut held = Vec::new();
    let mut to_slow = 0;
    for _ in 0..1_000 {
        let picked = pick(&balancer);
        if last(&picked) == 1 {
            to_slow += 1;
            held.push(picked);
            if held.len() > 3 {
                drop(held.remove(0));
            }
        }
    }
    assert!(to_slow <= 20, "{to_slow} of 1000 for one that always has some in flight");
}

#[test]
fn weights_hold_under_load() {
    let world = World::with(7, 1..=2);
    let weigh = |endpoint: &Endpoint| {
        if *endpoint.address() == address(1) { 3 * EVEN } else { EVEN }
    };
    let balancer = world.balancer(|settings| settings.weight_by(weigh));
    let held: Vec<_> = (0..400).map(|_| pick(&balancer)).collect();
    let heavy = held.iter().filter(|picked| last(picked) == 1).count();
    assert!((280..=320).contains(&heavy), "{heavy} of 400 in flight to three quarters of the weight");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the seed: all of ten are used by a hundred requests, and nobody is far from its share.
    #[test]
    fn shares_are_even(seed: u64) {
        for policy in [Policy::LeastOfTwo, Policy::RoundRobin] {
            let world = World::with(seed, 1..=10);
            let balancer = world.balancer(|settings| settings.policy(policy.clone()));
            prop_assert_eq!(shares(&balancer, 100).len(), 10);
            let shares = shares(&balancer, 1_000);
            let even = |share: &usize| (85..=115).contains(share);
            prop_assert!(shares.values().all(even), "{policy:?}: {shares:?}");
        }
        for policy in [Policy::Cookie(Affinity::new("sid").expect("it is a name")), Policy::Cookie(Affinity::new("sid").expect("it is a name").mode(AffinityMode::Persistent))] {
            // Without their cookie all requests are new sessions.
            let world = World::with(seed, 1..=10);
            let balancer = world.balancer(|settings| settings.policy(policy.clone()));
            let shares = shares(&balancer, 2_000);
            prop_assert!(shares.len() == 10 && shares.values().all(|share| (100..=320).contains(share)), "{policy:?}: {shares:?}");
        }
    }

    /// The endpoints that are about to go get nothing new, unless there is nobody else.
    #[test]
    fn who_drains_gets_nothing_new(seed: u64, policy in policy(), draining in 1_u8..5, staying in 0_u8..5) {
        let world = World::new(seed);
        let leaving = (1..=draining).map(|last| plain(last).terminating(true).ready(staying > 0));
        world.publish(leaving.chain((101..101 + staying).map(plain)));
        let balancer = world.balancer(|settings| settings.policy(policy));
        let shares = shares(&balancer, 100);
        prop_assert!(shares.keys().all(|last| (*last > 100) == (staying > 0)), "{shares:?}");
    }
}

#[test]
fn who_comes_is_warmed_up() {
    for policy in [Policy::LeastOfTwo, Policy::RoundRobin] {
        let world = World::with(23, 1..=4);
        let balancer =
            world.balancer(|settings| settings.policy(policy.clone()).slow_start(Duration::from_secs(100)));
        assert_eq!(shares(&balancer, 400).len(), 4, "who was there from the start is warm");
        world.publish((1..=5).map(plain));
        let mut got = Vec::new();
        for _ in 0..5 {
            let shares = shares(&balancer, 1_000);
            got.push(shares.get(&5).copied().unwrap_or_default());
            world.pass(25_000);
        }
        // Of 200: a tenth, a quarter, a half, three quarters, all; drawn twice, a little more.
        let bounds = [10..=50, 30..=110, 75..=170, 120..=215, 165..=235];
        for (got, bound) in got.iter().zip(bounds) {
            assert!(bound.contains(got), "{policy:?}: {got} not in {bound:?}");
        }
        // If all are new, nobody has to be spared.
        world.publish((6..=9).map(plain));
        assert!(shares(&balancer, 400).values().all(|share| (70..=130).contains(share)));
    }
}

#[test]
fn the_own_zone_is_preferred() {
    let near = |last: u8| plain(last).in_zone("a");
    let far = |last: u8| plain(last).in_zone("b");
    for policy in policies() {
        let world = World::new(29);
        world.publish([near(1), near(2), far(3), far(4)]);
        let zone = Zone::new("a").at_least(2);
        let ejection = Ejection::default().after(1);
        let balancer =
            world.balancer(|settings| settings.policy(policy.clone()).zone(zone).ejection(ejection));
        let of = |shares: BTreeMap<u8, usize>| shares.into_keys().collect::<Vec<_>>();
        assert_eq!(of(shares(&balancer, 100)), [1, 2], "{policy:?}");
        // Of four endpoints two may be ejected: then there is nobody left in the zone.
        fail(&balancer, 1, 1);
        assert_eq!(of(shares(&balancer, 100)), [2], "{policy:?}");
        fail(&balancer, 2, 1);
        assert_eq!(of(shares(&balancer, 100)), [3, 4], "{policy:?}");
        world.pass(60_000);
        assert_eq!(of(shares(&balancer, 100)), [1, 2], "{policy:?}");
        // One alone would be too few.
        world.publish([near(1), far(3), far(4)]);
        assert_eq!(of(shares(&balancer, 100)), [1, 3, 4], "{policy:?}");
        // Unless the cluster says that it is meant so.
        world.publish([near(1).hinted_for("a"), far(3).hinted_for("b"), far(4).hinted_for("b")]);
        assert_eq!(of(shares(&balancer, 100)), [1], "{policy:?}");
        fail(&balancer, 1, 1);
        assert_eq!(of(shares(&balancer, 100)), [3, 4], "{policy:?}");
    }
}
