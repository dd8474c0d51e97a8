//! What the endpoint sees, and what the client gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Empty};
use ingress_core::endpoint::{Cluster, EndpointSlice, Service, ServicePort, SliceEndpoint};
use ingress_core::origin::ObjectId;
use ingress_tower::RouteLayer;
use ingress_tower::proxy::{Config, Forwarding, Proxy, RoundRobin};
use tower::{Layer, ServiceExt};

use crate::support::*;

fn ids() -> Config {
    Config::default().request_ids(|| HeaderValue::from_static("id-1"))
}

#[tokio::test]
async fn the_endpoint_sees_the_request_and_who_sent_it() {
    within(async {
        let front = front(ids(), InOrder(vec![http1(endpoint(echo).await)])).await;
        let mut client = connect(front).await;
        client
            .send(
                "GET /a/b?c=d HTTP/1.1\r\nHost: shop.example.com:81\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\n\
                 Keep-Alive: 5\r\nX-Kept: 1\r\nX-Forwarded-For: 6.6.6.6\r\nX_Real_IP: 6.6.6.6\r\n\
                 Upgrade: h2c\r\nHTTP2-Settings: AAA\r\nTE: trailers, gzip\r\n\r\n",
            )
            .await;
        let (head, seen) = client.response().await.expect("an answer");
        assert_eq!(status(&head), 200);
        let mut lines: Vec<String> = seen.trim_end().lines().map(str::to_lowercase).collect();
        let first = lines.remove(0);
        lines.sort();
        let port = front.port();
        assert_eq!(first, "get /a/b?c=d http/1.1");
        assert_eq!(
            lines,
            [
                "host: shop.example.com:81",
                "te: trailers",
                "x-forwarded-for: 127.0.0.1",
                "x-forwarded-host: shop.example.com:81",
                &format!("x-forwarded-port: {port}"),
                "x-forwarded-proto: http",
                "x-kept: 1",
                "x-real-ip: 127.0.0.1",
                "x-request-id: id-1",
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_trusted_proxy_is_believed() {
    within(async {
        let trusted = Forwarding::default().trust(["127.0.0.0/8".parse().unwrap()]).with_forwarded();
        let front = front(ids().forwarding(trusted), InOrder(vec![http1(endpoint(echo).await)])).await;
        let mut client = connect(front).await;
        client
            .send(
                "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n\
                 X-Request-ID: theirs\r\nForwarded: for=6.6.6.6\r\n\r\n",
            )
            .await;
        let (_, seen) = client.response().await.expect("an answer");
        assert_eq!(header(&seen, "x-forwarded-for"), Some("6.6.6.6, 127.0.0.1"));
        assert_eq!(header(&seen, "x-real-ip"), Some("6.6.6.6"));
        assert_eq!(header(&seen, "x-forwarded-proto"), Some("https"));
        assert_eq!(header(&seen, "x-request-id"), Some("theirs"));
        assert_eq!(header(&seen, "forwarded"), Some("for=6.6.6.6, for=127.0.0.1;host=\"a\";proto=http"));
    })
    .await;
}

#[tokio::test]
async fn hop_by_hop_headers_of_the_response_stay_behind() {
    within(async {
        let endpoint = endpoint(|mut wire| async move {
            while wire.head().await.is_some() {
                wire.send(
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\
                     Keep-Alive: timeout=5\r\nX-Kept: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nhi",
                )
                .await;
            }
        })
        .await;
        let front = front(Config::default(), InOrder(vec![http1(endpoint)])).await;
        let mut client = connect(front).await;
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let (head, body) = client.response().await.expect("an answer");
        assert_eq!((header(&head, "x-kept"), body.as_str()), (Some("1"), "hi"));
        for gone in ["connection", "keep-alive", "x-hop"] {
            assert_eq!(header(&head, gone), None, "{gone}");
        }
        assert_eq!(head.matches("set-cookie: ").count(), 2);
    })
    .await;
}

#[tokio::test]
async fn connections_are_used_again_and_old_ones_are_noticed() {
    within(async {
        let opened = Arc::new(AtomicUsize::new(0));
        let count = opened.clone();
        // Each connection serves three requests; before the fourth it is gone, without a word.
        let endpoint = endpoint(move |mut wire| {
            count.fetch_add(1, Ordering::SeqCst);
            async move {
                for _ in 0..3 {
                    let Some(_) = wire.head().await else { return };
                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
                }
            }
        })
        .await;
        let front = front(Config::default(), InOrder(vec![http1(endpoint)])).await;
        let mut client = connect(front).await;
        for turn in 0..12 {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
            let (head, body) = client.response().await.expect("an answer");
            assert_eq!((status(&head), body.as_str()), (200, "hi"), "{turn}");
        }
        assert_eq!(opened.load(Ordering::SeqCst), 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_at_once_in_a_runtime_of_many_threads() {
    within(async {
        let front = front(Config::default(), InOrder(vec![http1(endpoint(echo).await)])).await;
        let clients: Vec<_> = (0..32)
            .map(|number| {
                tokio::spawn(async move {
                    let mut client = connect(front).await;
                    for turn in 0..50 {
                        let body = format!("{number}-{turn}-").repeat(turn * 20);
                        let request = format!(
                            "POST /{number}/{turn} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
                            body.len()
                        );
                        client.send(request).await;
                        let (head, seen) = client.response().await.expect("an answer");
                        assert_eq!(status(&head), 200);
                        assert!(seen.starts_with(&format!("POST /{number}/{turn} ")), "another's answer");
                        assert!(seen.ends_with(&format!("\r\n\r\n{body}")));
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.expect("no client fails");
        }
    })
    .await;
}

#[tokio::test]
async fn endpoints_of_the_snapshot_take_turns_and_change_with_it() {
    within(async {
        let answer = |name: &'static str| {
            move |mut wire: Wire| async move {
                while wire.head().await.is_some() {
                    wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{name}")).await;
                }
            }
        };
        let (a, b) = (endpoint(answer("a")).await, endpoint(answer("b")).await);
        let web = ObjectId::new("shop", "web");
        let publish = |table: &ingress_core::SharedTable, ports: &[u16]| {
            let mut cluster = Cluster::default();
            cluster.upsert_service(Service::new(web.clone()).with_port(ServicePort::new(80)));
            for port in ports {
                let id = ObjectId::new("shop", &format!("web-{port}"));
                cluster.upsert_slice(
                    EndpointSlice::new(id, web.clone())
                        .with_port("", *port)
                        .with_endpoint(SliceEndpoint::new([127, 0, 0, 1])),
                );
            }
            let routes = table.load().routes().clone();
            table.publish_all(routes, cluster.endpoints());
        };
        let table = table();
        publish(&table, &[a.port(), b.port()]);
        let service = RouteLayer::new(table.clone()).layer(Proxy::new(RoundRobin::new(table.clone())));
        let ask = async || {
            let request = Request::get("http://shop/").body(Empty::<bytes::Bytes>::new()).unwrap();
            let response = service.clone().oneshot(request).await.unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            String::from_utf8(body.to_vec()).unwrap()
        };
        let (first, second) = (ask().await, ask().await);
        assert!(first != second && ask().await == first && ask().await == second);
        publish(&table, &[b.port()]);
        assert_eq!([ask().await, ask().await], ["b", "b"]);
        publish(&table, &[]);
        assert!(ask().await.contains("no-endpoints"));
    })
    .await;
}
