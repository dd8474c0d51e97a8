//! What ingress-nginx answered, asked of the layer and the proxy by bytes on sockets.

use std::future::ready;
use std::time::Duration;

use http::request::Parts;
use ingress_core::rule::Policy;
use ingress_core::table::HostTable;
use ingress_core::{Rule, SharedTable};
use ingress_tower::proxy::{Config, Peer, Proxy, RoundRobin, Server};
use ingress_tower::{Denial, Grant, RouteLayer, Routed};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::Layer;

use crate::case::{self, Answer, Tally, Target, Wire};
use crate::world::World;

/// Answers with the status that is asked for, and the target that came.
async fn echo(listener: TcpListener) {
    let port = listener.local_addr().expect("bound").port();
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            while let Some(head) = head(&mut stream).await {
                let target = head.split(' ').nth(1).unwrap_or_default();
                let status = header(&head, "x-echo-status").unwrap_or("200");
                let answer = format!(
                    "HTTP/1.1 {status} Echo\r\nX-Port: {port}\r\nX-Target: {target}\r\nContent-Length: 0\r\n\r\n"
                );
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// The next head; what comes with it of a body is lost.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            read.truncate(end + 4);
            return Some(read.iter().map(|byte| char::from(*byte)).collect());
        }
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
}

fn header<'h>(head: &'h str, wanted: &str) -> Option<&'h str> {
    let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
}

/// The layer and the proxy, in the clear and as if over TLS, and the endpoints behind it.
struct Front {
    table: SharedTable,
    fronts: [u16; 2],
    /// Ports of endpoints, one for each port of a Service.
    endpoints: Vec<u16>,
}

async fn bound() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    (listener, port)
}

impl Front {
    async fn new() -> Self {
        let table = SharedTable::default();
        let agreed = |_: &Routed, _: &Parts| ready(Ok::<_, Denial>(Grant::default()));
        let proxy = Proxy::with_config(
            RoundRobin::new(table.clone()),
            Config::default().pool(Duration::from_secs(9), 4),
        );
        let service = RouteLayer::new(table.clone()).with_authorizer(agreed).layer(proxy);
        let mut fronts = [0; 2];
        for (front, tls) in fronts.iter_mut().zip([false, true]) {
            let (listener, port) = bound().await;
            *front = port;
            let service = service.clone();
            tokio::spawn(async move {
                while let Ok((stream, peer)) = listener.accept().await {
                    let service = service.clone();
                    tokio::spawn(async move {
                        let peer = Peer::new(peer, if tls { 443 } else { 80 }, tls);
                        // How it ends is for the client to see.
                        let _ = Server::default().serve_connection(stream, peer, service).await;
                    });
                }
            });
        }
        Self { table, fronts, endpoints: Vec::new() }
    }

    async fn publish(&mut self, world: &World) -> Vec<Target> {
        let targets = case::targets(&world.table, world);
        while self.endpoints.len() < targets.len() {
            let (listener, port) = bound().await;
            self.endpoints.push(port);
            tokio::spawn(echo(listener));
        }
        let endpoints = case::endpoints(&targets, |place| self.endpoints[place]);
        self.table.publish_all(world.table.clone(), endpoints);
        targets.into_keys().collect()
    }

    async fn ask(&self, wire: &Wire) -> String {
        let front = self.fronts[usize::from(wire.tls)];
        let mut stream = TcpStream::connect(("127.0.0.1", front)).await.expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        let version = if wire.http10 { "1.0" } else { "1.1" };
        let mut request = format!("{} {} HTTP/{version}\r\n", wire.method, wire.target);
        for (name, value) in &wire.headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let bytes: Vec<u8> = request.into_bytes();
        stream.write_all(&bytes).await.expect("it reads");
        tokio::time::timeout(Duration::from_secs(10), head(&mut stream))
            .await
            .unwrap_or_else(|_| panic!("no answer to {}", String::from_utf8_lossy(&bytes)))
            .unwrap_or_default()
    }
}

/// What the answer comes to; `Err` says why the case is none for this proxy.
fn answer(world: &World, targets: &[Target], front: &Front, head: &str) -> Answer {
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    if let Some(sent) = header(head, "x-target") {
        let port: u16 = header(head, "x-port").and_then(|port| port.parse().ok()).expect("it says who it is");
        let place = front.endpoints.iter().position(|one| *one == port).expect("it is one of ours");
        let target = &targets[place];
        return Answer::Backend(format!("{}:{}", target.id, target.number(world)), sent.to_owned());
    }
    if let Some(location) = header(head, "location") {
        return Answer::Redirect(status, location.to_owned());
    }
    if status == 404 { Answer::Default } else { Answer::Status(status) }
}

async fn ask(front: &mut Front, set: &Value, tally: &mut Tally) {
    let world = World::new(set);
    let targets = front.publish(&world).await;
    for case in set["cases"].as_array().expect("a list") {
        if let Some(why) = case::beyond(case) {
            tally.beyond(why);
            continue;
        }
        let wire = Wire::read(&case["request"]);
        let head = front.ask(&wire).await;
        let answer = answer(&world, &targets, front, &head);
        let excuse = case::excuse(&answer, &world).or_else(|| excuse(&wire, &answer, &world));
        tally.compare(case, &answer, excuse);
    }
}

/// Where the proxy is meant to answer otherwise than nginx does, or does less.
fn excuse(wire: &Wire, answer: &Answer, world: &World) -> Option<&'static str> {
    let host = wire.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = host.map_or("", |(_, host)| host);
    let absolute = wire.target.strip_prefix("http://").and_then(|rest| rest.split('/').next());
    match answer {
        Answer::Status(400) if wire.target.contains('#') => Some("refused: a target has no fragment"),
        Answer::Status(400) if absolute.is_some_and(|own| own != host) => Some("refused: two hosts"),
        Answer::Status(400) if host.contains(['@', '!']) || host.ends_with(":abc") => {
            Some("refused: a host that is none")
        }
        Answer::Status(405) if wire.method == "CONNECT" => Some("refused with another status"),
        Answer::Backend(..) if wire.headers.iter().any(|(name, _)| name == "X-Echo-Status") => {
            let policies = world.table.hosts().flat_map(HostTable::rules).flat_map(Rule::policies);
            let mut pages = policies.filter(|policy| matches!(policy, Policy::ErrorPages(_)));
            pages.next().map(|_| "pages for errors are not replaced")
        }
        Answer::Status(500) => Some("the target that nginx sends has no slash at its start: 500"),
        _ => None,
    }
}

#[tokio::test]
async fn over_sockets_by_topic() {
    let mut front = Front::new().await;
    let mut tally = Tally::default();
    for set in case::sets("topics.jsonl") {
        ask(&mut front, &set, &mut tally).await;
    }
    tally.settle(503, 62);
}

#[tokio::test]
async fn over_sockets_random_sets() {
    let mut front = Front::new().await;
    let mut tally = Tally::default();
    for set in case::sets("random.jsonl.gz") {
        ask(&mut front, &set, &mut tally).await;
    }
    tally.settle(9975, 282);
}
