//! Requests made to be read differently by two servers: smuggled requests, confused paths, forged
//! headers. Each line of `corpus/*.jsonl` is one, with its documented answer:
//!
//! - `raw`: the bytes on the connection; after them the client closes its sending side. `{long}` is as
//!   many letters as `long` says.
//! - `answers`: the statuses of all responses that come.
//! - `seen`: the requests that endpoints saw, as service, method and target.
//! - `body`, `present`, `absent`: what the first of them had, and which lines.
//!
//! After each, another client asks for something harmless on what may be the same connection to the
//! endpoint, and must get just that.

mod http2;
mod peers;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ingress_core::rule::Backend;
use ingress_core::{RouteTable, SharedTable, dialect::Kubernetes};
use ingress_tower::RouteLayer;
use ingress_tower::proxy::{Choice, Config, Peer, Pick, Picked, Proxy, Server, Target};
use serde_json::Value;
use tokio::net::TcpListener;
use tower::Layer;

use crate::support::*;

/// A case of the corpus.
struct Case(Value);

impl Case {
    fn all(text: &str) -> Vec<Self> {
        text.lines().map(|line| Self(serde_json::from_str(line).expect("a line of JSON"))).collect()
    }

    fn name(&self) -> String {
        let group = self.0["group"].as_str().map_or(String::new(), |group| format!("{group}: "));
        format!("{group}{}", self.0["name"].as_str().expect("a name"))
    }

    /// Letters up to 255 are bytes.
    fn raw(&self) -> Vec<u8> {
        let long = "a".repeat(self.0["long"].as_u64().unwrap_or(0) as usize);
        bytes(&self.0["raw"].as_str().expect("bytes").replace("{long}", &long))
    }

    fn answers(&self) -> Vec<u16> {
        let answers = self.0["answers"].as_array().expect("answers");
        answers.iter().map(|status| status.as_u64().expect("a status") as u16).collect()
    }

    fn strings(&self, field: &str) -> Vec<&str> {
        let list = self.0[field].as_array().map_or(&[][..], Vec::as_slice);
        list.iter().map(|text| text.as_str().expect("a string")).collect()
    }

    /// What is wrong with what the endpoints saw.
    fn check_seen(&self, seen: &[Seen]) -> Result<(), String> {
        let lines: Vec<&str> = seen.iter().map(|seen| seen.line.as_str()).collect();
        if lines != self.strings("seen") {
            return Err(format!("endpoints saw {lines:?}"));
        }
        let Some(first) = seen.first() else { return Ok(()) };
        if self.0["body"].as_str().is_some_and(|body| bytes(body) != first.body) {
            return Err(format!("the body was {:?}", String::from_utf8_lossy(&first.body)));
        }
        for line in self.strings("present") {
            if !first.head.contains(&format!("\r\n{line}\r\n")) {
                return Err(format!("{line:?} is not in {:?}", first.head));
            }
        }
        match self.strings("absent").iter().find(|text| first.head.contains(**text)) {
            Some(text) => Err(format!("{text:?} is in {:?}", first.head)),
            None => Ok(()),
        }
    }
}

fn bytes(text: &str) -> Vec<u8> {
    text.chars()
        .flat_map(|letter| {
            u8::try_from(letter).map_or_else(|_| letter.to_string().into_bytes(), |byte| vec![byte])
        })
        .collect()
}

/// A request as an endpoint saw it.
#[derive(Clone, Debug)]
struct Seen {
    line: String,
    /// In small letters.
    head: String,
    body: Vec<u8>,
}

/// What the endpoints saw since the last look.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Vec<Seen>>>);

impl Record {
    /// An endpoint that writes everything down. It reads heads and bodies as RFC 9112 has them, and what
    /// is neither as garbage.
    async fn endpoint(&self, service: &'static str) -> SocketAddr {
        let record = self.clone();
        endpoint(move |mut wire| {
            let record = record.clone();
            async move {
                loop {
                    let Some(head) = wire.head().await else {
                        let rest = wire.rest().await;
                        if !rest.is_empty() {
                            record.write(
                                format!("{service} garbage {:?}", String::from_utf8_lossy(&rest)),
                                "",
                                Vec::new(),
                            );
                        }
                        return;
                    };
                    // A body that breaks off is a request that was given up.
                    let Some((body, _)) = wire.body(&head).await else { return };
                    let line = head.split("\r\n").next().unwrap_or("");
                    let line = line.strip_suffix(" HTTP/1.1").unwrap_or("garbage");
                    record.write(format!("{service} {line}"), &head.to_lowercase(), body);
                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
                }
            }
        })
        .await
    }

    fn write(&self, line: String, head: &str, body: Vec<u8>) {
        self.0.lock().expect("no panic").push(Seen { line, head: head.to_owned(), body });
    }

    fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

/// By the name of the backend.
struct ByName(Vec<(&'static str, Target)>);

impl Pick for ByName {
    fn pick(&self, choice: &Choice<'_>) -> Result<Picked, &'static str> {
        let Some(Backend::Service(service)) = choice.routed().backend(0) else {
            return Err("backend-unknown");
        };
        let found = self.0.iter().find(|(name, _)| *name == service.name());
        found.map(|(_, target)| Picked::new(target.clone())).ok_or("service-absent")
    }
}

/// `/admin` and what is below goes to one service, everything else to another.
async fn judged(record: &Record) -> SocketAddr {
    let object: k8s_openapi::api::networking::v1::Ingress = serde_saphyr::from_str(
        "metadata: {namespace: shop, name: web}
spec: {rules: [{http: {paths: [
    {path: /admin, pathType: Prefix, backend: {service: {name: admin, port: {number: 80}}}},
    {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}",
    )
    .expect("a sound manifest");
    let table = SharedTable::new(RouteTable::compile(Kubernetes, [&object]).0);
    let pick = ByName(vec![
        ("admin", http1(record.endpoint("admin").await)),
        ("web", http1(record.endpoint("web").await)),
    ]);
    let service = RouteLayer::new(table).layer(Proxy::with_config(Arc::new(pick), Config::default()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let _ = Server::default().serve_connection(stream, Peer::new(peer, 80, false), service).await;
            });
        }
    });
    address
}

/// Sends bytes, closes the sending side, and returns the statuses of all that comes back.
async fn play(front: SocketAddr, raw: &[u8]) -> Vec<u16> {
    use tokio::io::AsyncWriteExt;
    let mut client = connect(front).await;
    // It may be closed before all is sent.
    let _ = client.stream.write_all(raw).await;
    client.finish().await;
    let mut answers = Vec::new();
    while let Some(head) = client.head().await {
        answers.push(status(&head));
        if status(&head) >= 200 && client.body(&head).await.is_none() {
            break;
        }
    }
    answers
}

/// A request that nobody has tampered with, after one that somebody has.
async fn is_sound_after(front: SocketAddr, record: &Record) -> Result<Vec<Seen>, String> {
    for path in ["/admin/after", "/after"] {
        let answers =
            play(front, format!("GET {path} HTTP/1.1\r\nHost: shop.example.com\r\n\r\n").as_bytes()).await;
        if answers != [200] {
            return Err(format!("a request afterwards was answered {answers:?}"));
        }
    }
    let mut seen = record.take();
    let after: Vec<String> =
        seen.split_off(seen.len().saturating_sub(2)).into_iter().map(|seen| seen.line).collect();
    if after != ["admin GET /admin/after", "web GET /after"] {
        return Err(format!("requests afterwards arrived as {after:?}"));
    }
    Ok(seen)
}

#[tokio::test]
async fn every_request_of_the_corpus_is_answered_as_documented() {
    let cases = Case::all(include_str!("corpus/http1.jsonl"));
    assert!(cases.len() >= 200, "{} cases", cases.len());
    let record = Record::default();
    let front = judged(&record).await;
    let mut wrong = Vec::new();
    for case in &cases {
        let judged = within(async {
            let answers = play(front, &case.raw()).await;
            let seen = is_sound_after(front, &record).await?;
            if answers != case.answers() {
                return Err(format!(
                    "answered {answers:?}, and endpoints saw {:?}",
                    seen.iter().map(|seen| &seen.line).collect::<Vec<_>>()
                ));
            }
            case.check_seen(&seen)
        })
        .await;
        if let Err(why) = judged {
            wrong.push(format!("{}: {why}", case.name()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
