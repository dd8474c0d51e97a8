//! Affinity by cookie, as browsers see it.

use http::Request;
use ingress_tower::balance::{Affinity, AffinityMode, Balancer, Caller, Ejection, Picked, Policy};

use crate::world::*;

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
