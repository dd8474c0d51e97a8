//! Which endpoints requests go to: shares, sessions, failures, changes, all by a clock and a die of our own.

#![cfg(feature = "balance")]
#![allow(clippy::expect_used, reason = "a test says no by a panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Request;
use ingress_core::SharedTable;
use ingress_core::endpoint::{Address, Cluster, EndpointSlice, Service, ServicePort, SliceEndpoint};
use ingress_core::origin::ObjectId;
use ingress_core::rule::ServiceRef;
use ingress_tower::balance::{
    Affinity, AffinityMode, Balancer, Caller, EVEN, Ejection, KeyPart, Picked, Policy, Settings, Unavailable,
    Zone,
};
use proptest::prelude::*;

const NOBODY: Caller<'static> = Caller::unknown();

/// A cluster of one Service, a clock that stands still, and a die with a seed.
struct World {
    table: SharedTable,
    clock: Arc<AtomicU64>,
    die: Arc<AtomicU64>,
}

impl World {
    fn new(seed: u64) -> Self {
        let clock = Arc::new(AtomicU64::new(1_000_000));
        Self { table: SharedTable::default(), clock, die: Arc::new(AtomicU64::new(seed)) }
    }

    fn with(seed: u64, endpoints: impl IntoIterator<Item = u8>) -> Self {
        let world = Self::new(seed);
        world.publish(endpoints.into_iter().map(plain));
        world
    }

    fn settings(&self) -> Settings {
        let (clock, die) = (self.clock.clone(), self.die.clone());
        Settings::default().clock(move || Duration::from_millis(clock.load(Ordering::Relaxed))).draw(
            move || {
                // SplitMix64.
                let state = die.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
                let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed ^ (mixed >> 31)
            },
        )
    }

    fn balancer(&self, settings: impl FnOnce(Settings) -> Settings) -> Balancer {
        Balancer::with(self.table.clone(), settings(self.settings()))
    }

    fn pass(&self, milliseconds: u64) {
        self.clock.fetch_add(milliseconds, Ordering::Relaxed);
    }

    fn publish(&self, endpoints: impl IntoIterator<Item = SliceEndpoint>) {
        let id = web().id().clone();
        let mut cluster = Cluster::default();
        cluster.upsert_service(Service::new(id.clone()).with_port(ServicePort::new(80)));
        let slice = EndpointSlice::new(ObjectId::new("shop", "web-1"), id).with_port("", 80);
        cluster.upsert_slice(endpoints.into_iter().fold(slice, EndpointSlice::with_endpoint));
        self.table.publish_all(Arc::default(), cluster.endpoints());
    }
}

fn web() -> ServiceRef {
    ServiceRef::new("shop", "web", 80)
}

fn plain(last: u8) -> SliceEndpoint {
    SliceEndpoint::new([10, 0, 0, last])
}

fn address(last: u8) -> Address {
    Address::Socket(([10, 0, 0, last], 80).into())
}

fn last(picked: &Picked) -> u8 {
    match picked.address().socket().map(|socket| socket.ip()) {
        Some(std::net::IpAddr::V4(ip)) => ip.octets()[3],
        _ => panic!("all endpoints are IPv4: {picked:?}"),
    }
}

fn pick(balancer: &Balancer) -> Picked {
    balancer.pick(&web(), &NOBODY).expect("there are endpoints")
}

/// How often each is picked, one request after the other.
fn shares(balancer: &Balancer, requests: usize) -> BTreeMap<u8, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..requests {
        *shares.entry(last(&pick(balancer))).or_default() += 1;
    }
    shares
}

fn fail(balancer: &Balancer, which: u8, times: usize) {
    let mut left = times;
    for _ in 0..10_000 {
        if left == 0 {
            return;
        }
        let picked = pick(balancer);
        if last(&picked) == which {
            picked.failed();
            left -= 1;
        }
    }
    panic!("{which} is not picked any more");
}

fn policies() -> [Policy; 5] {
    let affinity = || Affinity::new("sid").expect("it is a name");
    [
        Policy::LeastOfTwo,
        Policy::RoundRobin,
        Policy::hash([KeyPart::Path]),
        Policy::Cookie(affinity()),
        Policy::Cookie(affinity().mode(AffinityMode::Persistent)),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    prop::sample::select(policies().to_vec())
}

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
    let weigh = |endpoint: &ingress_core::endpoint::Endpoint| {
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
    let weigh = |endpoint: &ingress_core::endpoint::Endpoint| {
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

/// A client that keeps its cookie.
struct Browser(Option<String>);

impl Browser {
    fn visit(&mut self, balancer: &Balancer) -> Picked {
        let mut request = Request::get("/").body(()).expect("it is a request");
        if let Some(cookie) = &self.0 {
            request.headers_mut().insert("cookie", cookie.parse().expect("it is a header"));
        }
        let picked = balancer.pick(&web(), &Caller::of(&request)).expect("there are endpoints");
        if let Some(set) = picked.set_cookie() {
            let set = set.to_str().expect("it is text");
            self.0 = set.split(';').next().map(str::to_owned);
        }
        picked
    }
}

fn sessions(world: &World, mode: AffinityMode, change: bool) -> Balancer {
    let affinity = Affinity::new("sid").expect("it is a name").mode(mode).change_on_failure(change);
    world
        .balancer(|settings| settings.policy(Policy::Cookie(affinity)).ejection(Ejection::default().after(1)))
}

#[test]
fn sessions_stay() {
    for mode in [AffinityMode::Balanced, AffinityMode::Persistent] {
        let world = World::with(37, 1..=4);
        let balancer = sessions(&world, mode, false);
        let mut browsers: Vec<_> = (0..200).map(|_| Browser(None)).collect();
        let mut homes = Vec::new();
        for browser in &mut browsers {
            let picked = browser.visit(&balancer);
            assert!(picked.set_cookie().is_some());
            homes.push(last(&picked));
        }
        let mut visit = |balancer: &Balancer| -> (Vec<u8>, usize) {
            let visits: Vec<_> = browsers.iter_mut().map(|browser| browser.visit(balancer)).collect();
            (
                visits.iter().map(last).collect(),
                visits.iter().filter(|picked| picked.set_cookie().is_some()).count(),
            )
        };
        assert_eq!(visit(&balancer), (homes.clone(), 0), "{mode:?}");

        // Another replica finds the same.
        let replica = World::with(38, 1..=4);
        assert_eq!(visit(&sessions(&replica, mode, false)), (homes.clone(), 0), "{mode:?}");

        // Somebody comes: only the balanced mode gives it old sessions, and moves no other.
        world.publish((1..=5).map(plain));
        let (after, set) = visit(&balancer);
        let moved: Vec<_> = homes.iter().zip(&after).filter(|(old, new)| old != new).collect();
        assert!(moved.iter().all(|(_, new)| **new == 5) && set == 0);
        assert_eq!(moved.is_empty(), mode == AffinityMode::Persistent, "{moved:?}");

        // Somebody goes: its sessions move, no other.
        let homes = after;
        world.publish((2..=5).map(plain));
        let (after, set) = visit(&balancer);
        let orphans = homes.iter().filter(|home| **home == 1).count();
        assert!(homes.iter().zip(&after).all(|(old, new)| old == new || *old == 1) && orphans > 0);
        assert_eq!(set, if mode == AffinityMode::Persistent { orphans } else { 0 });
        assert_eq!(visit(&balancer), (after, 0));
    }
}

#[test]
fn sessions_of_an_ejected_endpoint() {
    for mode in [AffinityMode::Balanced, AffinityMode::Persistent] {
        for change in [false, true] {
            let world = World::with(41, 1..=4);
            let balancer = sessions(&world, mode, change);
            let mut browser = Browser(None);
            let picked = browser.visit(&balancer);
            let home = last(&picked);
            picked.failed();
            let picked = browser.visit(&balancer);
            let away = last(&picked);
            assert_ne!(away, home);
            assert_eq!(picked.set_cookie().is_some(), change, "{mode:?}");
            drop(picked);
            world.pass(60_000);
            let back = last(&browser.visit(&balancer));
            assert_eq!(back, if change { away } else { home }, "{mode:?} {change}");
        }
    }
}

#[test]
fn the_cookie_of_somebody_else_is_none() {
    for mode in [AffinityMode::Balanced, AffinityMode::Persistent] {
        let world = World::with(43, 1..=4);
        let balancer = sessions(&world, mode, false);
        let forged = "sid=0000000000000000|0000000000000000";
        let mut browser = Browser(Some(forged.to_owned()));
        assert!(browser.visit(&balancer).set_cookie().is_some());
        assert_ne!(browser.0.as_deref(), Some(forged));
        assert!(browser.visit(&balancer).set_cookie().is_none());
    }
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
                        picked.failed()
                    } else {
                        picked.succeeded()
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
