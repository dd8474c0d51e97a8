//! The proxy with the balancer: what the one sees of endpoints is what the other goes by.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::HeaderName;
use ingress_core::SharedTable;
use ingress_core::endpoint::{Cluster, EndpointSlice, Service, ServicePort, SliceEndpoint};
use ingress_core::origin::ObjectId;
use ingress_core::rule::ServiceRef;
use ingress_tower::balance::{Affinity, AffinityMode, Balancer, Ejection, KeyPart, Policy, Settings};
use ingress_tower::proxy::Config;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::support::{Wire, connect, echo, endpoint, front, header, nowhere, status, within};

/// Publishes these as the endpoints of the Service.
fn publish(table: &SharedTable, endpoints: &[(SocketAddr, bool)]) {
    let id = ObjectId::new("shop", "web");
    let mut cluster = Cluster::default();
    cluster.upsert_service(Service::new(id.clone()).with_port(ServicePort::new(80)));
    for (address, terminating) in endpoints {
        let name = ObjectId::new("shop", &format!("web-{}", address.port()));
        let mut endpoint = SliceEndpoint::new(address.ip());
        if *terminating {
            endpoint = endpoint.terminating(true).ready(false);
        }
        cluster.upsert_slice(
            EndpointSlice::new(name, id.clone()).with_port("", address.port()).with_endpoint(endpoint),
        );
    }
    table.publish_all(Arc::default(), cluster.endpoints());
}

/// A balancer over endpoints that stay.
fn balancer(endpoints: &[SocketAddr], settings: Settings) -> Balancer {
    let table = SharedTable::default();
    publish(&table, &endpoints.iter().map(|address| (*address, false)).collect::<Vec<_>>());
    Balancer::with(table, settings)
}

fn ejected(balancer: &Balancer) -> Vec<SocketAddr> {
    let states = balancer.endpoints(&ServiceRef::new("shop", "web", 80));
    states.iter().filter(|state| state.ejected).filter_map(|state| state.address.socket()).collect()
}

/// An endpoint that says its port, and behaves as it is told by the path.
async fn telling() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut wire = Wire::new(stream);
                while wire.head().await.is_some() {
                    let port = address.port().to_string();
                    wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{port}", port.len()))
                        .await;
                }
            });
        }
    });
    address
}

async fn get(client: &mut Wire, headers: &str) -> (String, String) {
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n")).await;
    client.response().await.expect("an answer")
}

#[tokio::test]
async fn a_dead_endpoint_costs_no_request_and_is_ejected() {
    within(async {
        let dead = nowhere();
        let endpoints = [endpoint(echo).await, dead, endpoint(echo).await];
        let settings = Settings::default().policy(Policy::RoundRobin).ejection(Ejection::default().after(3));
        let balancer = balancer(&endpoints, settings);
        let mut client = connect(front(Config::default(), balancer.clone()).await).await;
        for _ in 0..8 {
            assert!(ejected(&balancer).is_empty());
            // A method that is never sent twice, unless nobody has seen it.
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").await;
            assert_eq!(status(&client.response().await.expect("an answer").0), 200);
            if !ejected(&balancer).is_empty() {
                break;
            }
        }
        assert_eq!(ejected(&balancer), [dead]);
        for _ in 0..10 {
            assert_eq!(status(&get(&mut client, "").await.0), 200);
        }
    })
    .await;
}

/// What an endpoint does to every request but those of others.
async fn failing(answer: &'static str) -> Vec<SocketAddr> {
    let bad = endpoint(move |mut wire| async move {
        if wire.head().await.is_some() {
            wire.send(answer).await;
        }
    });
    let bad = bad.await;
    let settings = Settings::default().policy(Policy::RoundRobin).ejection(Ejection::default().after(2));
    let balancer = balancer(&[endpoint(echo).await, bad, endpoint(echo).await], settings);
    let front = front(Config::default().attempts(1), balancer.clone()).await;
    for _ in 0..9 {
        // Each has a connection of its own: an answer that breaks off takes the client's along.
        let mut client = connect(front).await;
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        client.response().await;
    }
    let found = ejected(&balancer);
    assert!(found.is_empty() || found == [bad], "{found:?}");
    found
}

#[tokio::test]
async fn what_ejects_an_endpoint_and_what_does_not() {
    within(async {
        for (answer, ejects) in [
            ("", true),
            ("HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true),
            ("HTTP/1.1 OK\r\n\r\n", true),
            ("HTTP/1.1 500 Bug\r\nContent-Length: 0\r\n\r\n", false),
            ("HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n", false),
        ] {
            assert_eq!(!failing(answer).await.is_empty(), ejects, "{answer:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_cookie_leads_back_and_is_set_anew_when_its_endpoint_is_gone() {
    within(async {
        let table = SharedTable::default();
        let endpoints = [telling().await, telling().await, telling().await];
        let all: Vec<_> = endpoints.iter().map(|address| (*address, false)).collect();
        publish(&table, &all);
        let affinity = Affinity::new("sid").unwrap().mode(AffinityMode::Persistent);
        let balancer = Balancer::with(table.clone(), Settings::default().policy(Policy::Cookie(affinity)));
        let mut client = connect(front(Config::default(), balancer).await).await;
        let (head, first) = get(&mut client, "").await;
        let cookie = header(&head, "set-cookie").expect("a cookie").split(';').next().unwrap().to_owned();
        for _ in 0..10 {
            let (head, port) = get(&mut client, &format!("Cookie: other=1; {cookie}\r\n")).await;
            assert_eq!((port, header(&head, "set-cookie")), (first.clone(), None));
        }
        let left: Vec<_> =
            all.iter().copied().filter(|(address, _)| address.port().to_string() != first).collect();
        assert_eq!(left.len(), 2);
        publish(&table, &left);
        let (head, second) = get(&mut client, &format!("Cookie: {cookie}\r\n")).await;
        let moved = header(&head, "set-cookie").expect("a new cookie").split(';').next().unwrap().to_owned();
        assert!(second != first && moved != cookie);
        for _ in 0..10 {
            assert_eq!(get(&mut client, &format!("Cookie: {moved}\r\n")).await.1, second);
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_leads_to_one_endpoint() {
    within(async {
        let endpoints = [telling().await, telling().await, telling().await];
        let user = KeyPart::Header(HeaderName::from_static("x-user"));
        for (part, bound) in [(user, false), (KeyPart::Client, true), (KeyPart::Target, true)] {
            let settings = Settings::default().policy(Policy::hash([part]));
            let mut client = connect(front(Config::default(), balancer(&endpoints, settings)).await).await;
            let mut seen = BTreeSet::new();
            for user in 0..20 {
                let mut own = BTreeSet::new();
                for _ in 0..4 {
                    own.insert(get(&mut client, &format!("X-User: {user}\r\n")).await.1);
                }
                assert_eq!(own.len(), 1, "{user}");
                seen.append(&mut own);
            }
            // One client and one target; many users.
            assert_eq!(seen.len() == 1, bound, "{seen:?}");
        }
    })
    .await;
}

/// A server that can be told to go: it finishes what it is at, and takes nothing new.
struct Pod {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    /// Requests whose answers were not through when it was told to go.
    interrupted: Arc<AtomicUsize>,
    going: watch::Sender<bool>,
}

impl Pod {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (asked, interrupted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (going, told) = watch::channel(false);
        let pod = Self { address, asked: asked.clone(), interrupted: interrupted.clone(), going };
        tokio::spawn(async move {
            let mut until = told.clone();
            loop {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted.expect("a connection").0,
                    _ = until.wait_for(|going| *going) => return,
                };
                stream.set_nodelay(true).expect("a socket");
                let (asked, interrupted, mut told) = (asked.clone(), interrupted.clone(), told.clone());
                tokio::spawn(async move {
                    let mut wire = Wire::new(stream);
                    loop {
                        let head = tokio::select! {
                            biased;
                            head = wire.head() => head,
                            _ = told.wait_for(|going| *going) => return,
                        };
                        if head.is_none() {
                            return;
                        }
                        asked.fetch_add(1, Ordering::SeqCst);
                        let before = *told.borrow();
                        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf").await;
                        sleep(Duration::from_millis(20)).await;
                        wire.send("half").await;
                        if *told.borrow() && !before {
                            interrupted.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        pod
    }
}

/// All pods are replaced, one after the other, under load. Sometimes the balancer hears of it first, sometimes
/// the pod goes first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_update_loses_nothing() {
    within(async {
        let table = SharedTable::default();
        let mut pods = vec![Pod::start().await, Pod::start().await, Pod::start().await];
        publish(&table, &pods.iter().map(|pod| (pod.address, false)).collect::<Vec<_>>());
        let front = front(Config::default(), Balancer::new(table.clone())).await;

        let stop = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let stop = stop.clone();
                tokio::spawn(async move {
                    let mut client = connect(front).await;
                    let mut count = 0;
                    while !stop.load(Ordering::SeqCst) {
                        let (head, body) = get(&mut client, "").await;
                        assert_eq!((status(&head), body.as_str()), (200, "halfhalf"), "{head}");
                        count += 1;
                    }
                    count
                })
            })
            .collect();

        let mut interrupted = 0;
        let begin = Instant::now();
        for round in 0..9 {
            sleep(Duration::from_millis(60)).await;
            let old = pods.remove(0);
            pods.push(Pod::start().await);
            let mut listed: Vec<_> = pods.iter().map(|pod| (pod.address, false)).collect();
            listed.push((old.address, true));
            match round % 3 {
                0 => {
                    publish(&table, &listed);
                    old.going.send_replace(true);
                }
                1 => {
                    old.going.send_replace(true);
                    publish(&table, &listed);
                }
                _ => {
                    // The cluster takes its time, and the pod is gone.
                    old.going.send_replace(true);
                    sleep(Duration::from_millis(15)).await;
                    publish(&table, &listed);
                }
            }
            // What was under way ends, and nothing new comes.
            sleep(Duration::from_millis(40)).await;
            let asked = old.asked.load(Ordering::SeqCst);
            assert!(asked > 0, "round {round}: it never had any");
            interrupted += old.interrupted.load(Ordering::SeqCst);
            sleep(Duration::from_millis(30)).await;
            assert_eq!(old.asked.load(Ordering::SeqCst), asked, "round {round}");
        }
        stop.store(true, Ordering::SeqCst);
        let mut count = 0;
        for client in clients {
            count += client.await.expect("every answer was whole");
        }
        println!("{count} requests in {:?}, {interrupted} on pods that went", begin.elapsed());
        assert!(count > 100 && interrupted > 0, "{count} requests, {interrupted} on pods that went");
    })
    .await;
}
