//! A thousand times the table, the endpoints and the certificates are swapped while requests come, from `wrk`
//! over HTTP/1.1 and from clients that speak HTTP/2 over TLS. None fails, and none goes where no table of
//! its time would have sent it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says no by a panic")]

#[path = "../support/authority.rs"]
mod authority;
mod clients;
mod world;
mod wrk;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clients::Client;
use world::World;

const SWAPS: usize = 1000;
/// So long after each swap, so that requests come in between.
const PACE: Duration = Duration::from_millis(3);
const CLIENTS: usize = 3;
/// How long `wrk` makes requests, whole seconds: nearly as long as the swaps take.
const LOAD: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_swaps_under_load_fail_and_misroute_nothing() {
    let all = async {
        let world = Arc::new(World::start().await);
        let clients: Vec<_> =
            (0..CLIENTS).map(|number| tokio::spawn(Client::new(world.clone(), number).run())).collect();
        let mut wrk = wrk::start(world.plain, LOAD);

        let begun = Instant::now();
        let swapped = world.clone();
        // A thread of its own, as the watcher of a cluster might have: it does not wait for requests.
        let swapping = tokio::task::spawn_blocking(move || {
            let mut swaps = 0;
            while swaps < SWAPS || wrk.as_mut().is_some_and(wrk::Wrk::is_running) {
                std::thread::sleep(PACE);
                swaps += 1;
                swapped.swap(swaps);
            }
            (swaps, wrk)
        });
        let (swaps, wrk) = swapping.await.expect("every object was sound");
        let took = begun.elapsed();
        world.over.store(true, Ordering::SeqCst);

        let (mut requests, mut handshakes) = (0, 0);
        for client in clients {
            let done = client.await.expect("every answer was right");
            requests += done.requests;
            handshakes += done.handshakes;
        }
        let by_wrk = wrk.map_or(0, wrk::Wrk::judge);
        println!(
            "{swaps} swaps in {took:?}; {requests} requests and {handshakes} handshakes over HTTP/2, {by_wrk} \
             requests by wrk"
        );
        assert!(requests >= 1000 && handshakes >= 20, "{requests} requests, {handshakes} handshakes");
        let counted = world.counted();
        assert!(counted >= requests + by_wrk, "{counted} were counted");
    };
    tokio::time::timeout(Duration::from_secs(120), all).await.expect("it ends");
}
