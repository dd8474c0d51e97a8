//! Endpoints that fail: ejected, passed over, back again.

use std::collections::BTreeSet;
use std::time::Duration;

use ingress_tower::balance::{Ejection, Picked, Policy};
use proptest::prelude::*;

use crate::world::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Failures, times and changes in any order: nobody ejected is picked while somebody is not, never
    /// more than the share is ejected, and what is in flight is what is held.
    #[test]
    fn the_ejected_rest(
        seed: u64, policy in policy(), share in 0_u32..=100, count in 1_u8..=8,
        steps in prop::collection::vec((0_u8..10, any::<prop::sample::Index>()), 1..300)
    ) {
        let world = World::with(seed, 1..=count);
        let ejection = Ejection::default().after(2).at_most(share).lasting(Duration::from_secs(1), Duration::from_secs(8));
        let balancer = world.balancer(|settings| settings.policy(policy.clone()).ejection(ejection).slow_start(Duration::from_secs(2)));
        let mut held: Vec<Picked> = Vec::new();
        let mut bad = 1;
        let mut endpoints = count;
        for (step, index) in steps {
            let before = balancer.endpoints(&web());
            let picked = pick(&balancer);
            let ejected: BTreeSet<_> = balancer.endpoints(&web()).into_iter().filter(|state| state.ejected).map(|state| state.address).collect();
            if ejected.len() < usize::from(endpoints) {
                prop_assert!(!ejected.contains(picked.address()), "{before:?} {picked:?}");
            }
            if step < 5 {
                if last(&picked) == bad { picked.failed() } else { picked.succeeded() }
            }
            if step == 5 { held.push(picked) } else { drop(picked) }
            match step {
                6 if !held.is_empty() => drop(held.swap_remove(index.index(held.len()))),
                7 => world.pass(500),
                8 => bad = 1 + index.index(usize::from(endpoints)) as u8,
                9 => {
                    endpoints = 1 + index.index(8) as u8;
                    world.publish((1..=endpoints).map(plain));
                    held.retain(|picked| last(picked) <= endpoints);
                    drop(pick(&balancer));
                }
                _ => {}
            }
            let states = balancer.endpoints(&web());
            prop_assert_eq!(states.len(), usize::from(endpoints));
            let in_flight: u32 = states.iter().map(|state| state.in_flight).sum();
            prop_assert!(in_flight as usize <= held.len());
            for state in &states {
                let in_hand = held.iter().filter(|picked| *picked.address() == state.address).count();
                prop_assert!(state.in_flight as usize <= in_hand, "{state:?} {in_hand}");
            }
        }
    }
}

#[test]
fn a_failing_endpoint_is_ejected_for_longer_and_longer() {
    for policy in [Policy::LeastOfTwo, Policy::RoundRobin] {
        let world = World::with(11, 1..=4);
        let ejection = Ejection::default().after(3).lasting(Duration::from_secs(1), Duration::from_secs(3));
        let balancer = world.balancer(|settings| settings.policy(policy.clone()).ejection(ejection));
        fail(&balancer, 2, 2);
        assert_eq!(shares(&balancer, 100).len(), 4, "two failures are not three");
        fail(&balancer, 2, 1);
        for length in [1_000, 2_000, 3_000, 3_000] {
            assert_eq!(shares(&balancer, 300).keys().copied().collect::<Vec<_>>(), [1, 3, 4]);
            world.pass(length - 1);
            assert!(!shares(&balancer, 300).contains_key(&2), "{length}");
            world.pass(1);
            assert!(shares(&balancer, 300).contains_key(&2), "{length}");
            // Back, it needs to fail only once.
            fail(&balancer, 2, 1);
        }
        // Having been well for longer than the longest, it begins anew.
        world.pass(3_000 + 3_001);
        let picked = loop {
            let picked = pick(&balancer);
            if last(&picked) == 2 {
                break picked;
            }
        };
        picked.succeeded();
        drop(picked);
        fail(&balancer, 2, 3);
        world.pass(1_000);
        assert!(shares(&balancer, 300).contains_key(&2));
    }
}

#[test]
fn a_success_in_between_forgives() {
    let world = World::with(13, 1..=2);
    let balancer = world.balancer(|settings| settings.ejection(Ejection::default().after(2)));
    for _ in 0..20 {
        fail(&balancer, 1, 1);
        let picked = loop {
            let picked = pick(&balancer);
            if last(&picked) == 1 {
                break picked;
            }
        };
        picked.succeeded();
    }
    assert!(balancer.endpoints(&web()).iter().all(|state| !state.ejected));
    fail(&balancer, 1, 2);
    assert!(balancer.endpoints(&web())[0].ejected);
    // Of two one is half: the other stays whatever it does.
    fail(&balancer, 2, 50);
    assert_eq!(shares(&balancer, 10).keys().copied().collect::<Vec<_>>(), [2]);
}

#[test]
fn if_all_are_ejected_all_are_picked() {
    for policy in policies() {
        let world = World::with(17, 1..=3);
        let ejection = Ejection::default().after(1).at_most(100);
        let balancer = world.balancer(|settings| settings.policy(policy.clone()).ejection(ejection));
        for _ in 0..3 {
            pick(&balancer).failed();
        }
        assert!(balancer.endpoints(&web()).iter().all(|state| state.ejected), "{policy:?}");
        assert_eq!(shares(&balancer, 200).len(), 3, "{policy:?}");
    }
}

#[test]
fn who_was_tried_is_not_tried_again() {
    for policy in policies() {
        let world = World::with(31, 1..=3);
        let balancer = world.balancer(|settings| settings.policy(policy.clone()));
        let mut tried = Vec::new();
        for _ in 0..3 {
            let picked = balancer.pick(&web(), &NOBODY.tried(&tried)).unwrap();
            assert!(!tried.contains(picked.address()), "{policy:?}: {picked:?} after {tried:?}");
            tried.push(picked.address().clone());
        }
        assert!(balancer.pick(&web(), &NOBODY.tried(&tried)).is_ok(), "all were tried: once more then");
    }
}
