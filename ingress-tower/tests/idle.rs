//! Ten thousand connections that say nothing: what they cost, and that nobody waits for them.
//!
//! The memory of the whole process is measured, so there is one test here. Clients are bare sockets, and take
//! none of it.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, reason = "a test says no by a panic")]

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ingress_core::endpoint::Address;
use ingress_core::{RouteTable, SharedTable, dialect::Kubernetes};
use ingress_tower::RouteLayer;
use ingress_tower::proxy::{Choice, Peer, Pick, Picked, Protocol, Proxy, Server, Target};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tower::Layer;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CONNECTIONS: usize = 10_000;
/// What the documentation of the proxy says, in bytes: of a client that has said nothing yet, and of one that has
/// been answered and is kept.
const SILENT: usize = 8 << 10;
const KEPT: usize = 24 << 10;

/// What a closed connection may leave behind, in bytes that were asked for and not given back: nothing. The last of
/// them may still be on its way, and a pool may hold a connection more than before.
const LEFT: usize = 64;
const ROUND: usize = 200;
const ROUNDS: usize = 20;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: shop.example.com\r\n\r\n";

/// Raises the limit to what may be had, and says how many connections that is: two files each, as both
/// ends are here.
fn connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).expect("up to the hard limit anybody may");
    let files = limit.maximum.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    let possible = files.saturating_sub(200) / 2;
    if possible < CONNECTIONS {
        // A macro's output is shown for failed tests only.
        let text = format!("LOWERED: {files} files are allowed, so it is {possible} connections, not 10,000");
        let _ = writeln!(std::io::stderr(), "{text}");
    }
    possible.min(CONNECTIONS)
}

/// The memory of this process that is not swapped out.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("and this line");
    let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes << 10
}

/// The memory that was asked for and not given back. Unlike what the process takes up, it does not depend on how
/// tidy an allocator is.
fn held_bytes() -> usize {
    let stats = GLOBAL.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

/// How many connections are being served.
#[derive(Clone, Default)]
struct Open(Arc<AtomicUsize>);

impl Open {
    fn enter(&self) -> Self {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.clone()
    }

    /// Waits until there are so many.
    fn wait_for(&self, count: usize) {
        let begun = Instant::now();
        while self.0.load(Ordering::SeqCst) != count {
            assert!(begun.elapsed() < Duration::from_secs(60), "{} are open", self.0.load(Ordering::SeqCst));
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

struct Always(Target);

impl Pick for Always {
    fn pick(&self, _: &Choice<'_>) -> Result<Picked, &'static str> {
        Ok(Picked::new(self.0.clone()))
    }
}

async fn endpoint() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 2048];
                // Small requests, one after the other, come in one piece.
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

async fn front(open: Open) -> SocketAddr {
    let object: k8s_openapi::api::networking::v1::Ingress = serde_saphyr::from_str(
        "metadata: {namespace: shop, name: web}
spec: {rules: [{http: {paths: [
    {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}",
    )
    .expect("a sound manifest");
    let table = SharedTable::new(RouteTable::compile(Kubernetes, [&object]).0);
    let target = Target::new(Address::Socket(endpoint().await), Protocol::Http1);
    let service = RouteLayer::new(table).layer(Proxy::new(Always(target)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        // Nobody is to be cut off while this is measured.
        let server = Server::default().head_timeout(Duration::from_secs(600));
        loop {
            // Out of files: it is the client's end that will be closed.
            let Ok((stream, client)) = listener.accept().await else { continue };
            let (server, service, entered) = (server.clone(), service.clone(), open.enter());
            tokio::spawn(async move {
                let _ = server.serve_connection(stream, Peer::new(client, 80, false), service).await;
                entered.0.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    address
}

fn ask(client: &mut TcpStream) {
    client.write_all(REQUEST).expect("the front reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nhi") {
        let mut piece = [0; 512];
        let read = client.read(&mut piece).expect("an answer");
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..read]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
}

/// Opens so many connections, and has each ask once, or not.
fn connect(front: SocketAddr, count: usize, asks: bool) -> Vec<TcpStream> {
    let one = |_| {
        let mut client = TcpStream::connect(front).expect("the front listens");
        if asks {
            ask(&mut client);
        }
        client
    };
    (0..count).map(one).collect()
}

#[test]
fn ten_thousand_idle_connections_take_little_and_leave_nothing() {
    let count = connections();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let open = Open::default();
    let front = runtime.block_on(front(open.clone()));

    // What is taken once, for the first few; then the same again must find room in it.
    let round = || {
        drop(connect(front, ROUND, true));
        open.wait_for(0);
        held_bytes()
    };
    let settled = (0..10).map(|_| round()).max().expect("some rounds");
    for _ in 0..ROUNDS {
        round();
    }
    // What was lost before is lost in each of these.
    let after = (0..5).map(|_| round()).min().expect("some rounds");
    let left = after.saturating_sub(settled) / (ROUND * ROUNDS);
    println!("{left} bytes left by each connection that has closed");
    assert!(left <= LEFT, "{left} bytes left by each connection that has closed");

    let mut before = resident();
    let mut held = Vec::new();
    let mut cost = |asks, most: usize| {
        held.extend(connect(front, count / 2, asks));
        open.wait_for(held.len());
        let now = resident();
        let each = now.saturating_sub(before) / (count / 2);
        println!("{} connections, {each} bytes for each that asked: {asks}", held.len());
        assert!(each <= most, "{each} bytes for each that asked: {asks}");
        before = now;
    };
    cost(false, SILENT);
    cost(true, KEPT);

    // Nobody waits for those that say nothing.
    let begun = Instant::now();
    let mut client = TcpStream::connect(front).expect("the front listens");
    for _ in 0..20 {
        ask(&mut client);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?} for 20 requests", begun.elapsed());
    drop((client, held));
    open.wait_for(0);
}
