//! A cluster of one Service, and what all tests ask of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ingress_core::SharedTable;
use ingress_core::endpoint::{Address, Cluster, EndpointSlice, Service, ServicePort, SliceEndpoint};
use ingress_core::origin::ObjectId;
use ingress_core::rule::ServiceRef;
use ingress_tower::balance::{Affinity, AffinityMode, Balancer, Caller, KeyPart, Picked, Policy, Settings};
use proptest::prelude::*;

pub(crate) const NOBODY: Caller<'static> = Caller::unknown();

/// A cluster of one Service, a clock that stands still, and a die with a seed.
pub(crate) struct World {
    pub(crate) table: SharedTable,
    clock: Arc<AtomicU64>,
    die: Arc<AtomicU64>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let clock = Arc::new(AtomicU64::new(1_000_000));
        Self { table: SharedTable::default(), clock, die: Arc::new(AtomicU64::new(seed)) }
    }

    pub(crate) fn with(seed: u64, endpoints: impl IntoIterator<Item = u8>) -> Self {
        let world = Self::new(seed);
        world.publish(endpoints.into_iter().map(plain));
        world
    }

    pub(crate) fn settings(&self) -> Settings {
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

    pub(crate) fn balancer(&self, settings: impl FnOnce(Settings) -> Settings) -> Balancer {
        Balancer::with(self.table.clone(), settings(self.settings()))
    }

    pub(crate) fn pass(&self, milliseconds: u64) {
        self.clock.fetch_add(milliseconds, Ordering::Relaxed);
    }

    pub(crate) fn publish(&self, endpoints: impl IntoIterator<Item = SliceEndpoint>) {
        let id = web().id().clone();
        let mut cluster = Cluster::default();
        cluster.upsert_service(Service::new(id.clone()).with_port(ServicePort::new(80)));
        let slice = EndpointSlice::new(ObjectId::new("shop", "web-1"), id).with_port("", 80);
        cluster.upsert_slice(endpoints.into_iter().fold(slice, EndpointSlice::with_endpoint));
        self.table.publish_all(Arc::default(), cluster.endpoints());
    }
}

pub(crate) fn web() -> ServiceRef {
    ServiceRef::new("shop", "web", 80)
}

pub(crate) fn plain(last: u8) -> SliceEndpoint {
    SliceEndpoint::new([10, 0, 0, last])
}

pub(crate) fn address(last: u8) -> Address {
    Address::Socket(([10, 0, 0, last], 80).into())
}

pub(crate) fn last(picked: &Picked) -> u8 {
    match picked.address().socket().map(|socket| socket.ip()) {
        Some(std::net::IpAddr::V4(ip)) => ip.octets()[3],
        _ => panic!("all endpoints are IPv4: {picked:?}"),
    }
}

pub(crate) fn pick(balancer: &Balancer) -> Picked {
    balancer.pick(&web(), &NOBODY).expect("there are endpoints")
}

/// How often each is picked, one request after the other.
pub(crate) fn shares(balancer: &Balancer, requests: usize) -> BTreeMap<u8, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..requests {
        *shares.entry(last(&pick(balancer))).or_default() += 1;
    }
    shares
}

pub(crate) fn fail(balancer: &Balancer, which: u8, times: usize) {
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

pub(crate) fn policies() -> [Policy; 5] {
    let affinity = || Affinity::new("sid").expect("it is a name");
    [
        Policy::LeastOfTwo,
        Policy::RoundRobin,
        Policy::hash([KeyPart::Path]),
        Policy::Cookie(affinity()),
        Policy::Cookie(affinity().mode(AffinityMode::Persistent)),
    ]
}

pub(crate) fn policy() -> impl Strategy<Value = Policy> {
    prop::sample::select(policies().to_vec())
}
