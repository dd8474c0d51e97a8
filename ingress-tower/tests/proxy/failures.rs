//! Endpoints that are not there, that die, that are slow, and that talk nonsense.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Response;
use ingress_tower::proxy::{Config, Reason, Server};
use tokio::io::AsyncWriteExt;

use crate::support::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

async fn ask(front: std::net::SocketAddr, request: &str) -> (String, String) {
    let mut client = connect(front).await;
    client.send(request).await;
    client.response().await.expect("an answer")
}

#[tokio::test]
async fn a_refused_connection_is_502_and_the_next_endpoint_is_tried_first() {
    within(async {
        let front1 = front(Config::default(), InOrder(vec![http1(nowhere())])).await;
        let (head, body) = ask(front1, GET).await;
        assert_eq!((status(&head), body.as_str()), (502, "502 connection-refused\n"));
        let said = "ingress; error=connection_refused; details=\"connection-refused\"";
        assert_eq!(header(&head, "proxy-status"), Some(said));

        // Nothing of it was sent, so any method may go elsewhere, and its body with it.
        let targets = vec![http1(nowhere()), http1(nowhere()), http1(endpoint(echo).await)];
        let front2 = front(Config::default(), InOrder(targets.clone())).await;
        let (head, seen) = ask(front2, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").await;
        assert_eq!((status(&head), seen.ends_with("hi")), (200, true));
        let front3 = front(Config::default().attempts(2), InOrder(targets)).await;
        assert_eq!(status(&ask(front3, GET).await.0), 502, "no more often than allowed");
    })
    .await;
}

/// Reads a request and closes without a word; counts them.
async fn dying(count: Arc<AtomicUsize>) -> std::net::SocketAddr {
    endpoint(move |mut wire| {
        let count = count.clone();
        async move {
            let head = wire.head().await.expect("a request");
            wire.body(&head).await.expect("its body");
            count.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await
}

#[tokio::test]
async fn what_was_sent_is_sent_again_only_if_that_is_harmless() {
    within(async {
        let long = format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n{}", "x".repeat(101));
        for (request, answer, tries) in [
            (GET, 200, 1),
            ("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 200, 1),
            ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", 200, 1),
            ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 200, 1),
            // More than is kept.
            (&long, 502, 1),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", 502, 1),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 502, 1),
            ("PATCH / HTTP/1.1\r\nHost: a\r\n\r\n", 502, 1),
        ] {
            let count = Arc::new(AtomicUsize::new(0));
            let targets = vec![http1(dying(count.clone()).await), http1(endpoint(echo).await)];
            let front = front(Config::default().replay_bytes(100), InOrder(targets)).await;
            let (head, seen) = ask(front, request).await;
            assert_eq!(status(&head), answer, "{request}");
            assert_eq!(count.load(Ordering::SeqCst), tries, "{request}");
            if request.contains("hi") && answer == 200 {
                assert!(seen.ends_with("\r\n\r\nhi"), "{seen}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_slow_endpoint_is_504_and_not_asked_twice() {
    within(async {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = count.clone();
        let slow = endpoint(move |mut wire| {
            let counter = counter.clone();
            async move {
                wire.head().await;
                counter.fetch_add(1, Ordering::SeqCst);
                // Until the proxy gives up, which it says by closing.
                assert!(wire.rest().await.is_empty());
            }
        })
        .await;
        let config = Config::default().response_timeout(Duration::from_millis(200));
        let front1 = front(config, InOrder(vec![http1(slow)])).await;
        let (head, body) = ask(front1, GET).await;
        assert_eq!((status(&head), body.as_str()), (504, "504 response-timeout\n"));
        assert_eq!(count.load(Ordering::SeqCst), 1);
        let config = Config::default().request_timeout(Duration::from_millis(200));
        let front2 = front(config, InOrder(vec![http1(slow)])).await;
        assert_eq!(ask(front2, GET).await.1, "504 request-timeout\n");
    })
    .await;
}

#[tokio::test]
async fn a_response_that_stands_still_or_lasts_too_long_is_broken_off() {
    within(async {
        let drip = endpoint(|mut wire| async move {
            wire.head().await;
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc").await;
            assert!(wire.rest().await.is_empty());
        })
        .await;
        let limit = Duration::from_millis(200);
        for config in [Config::default().idle_timeout(limit), Config::default().request_timeout(limit)] {
            let front = front(config, InOrder(vec![http1(drip)])).await;
            let mut client = connect(front).await;
            client.send(GET).await;
            assert_eq!(status(&client.head().await.expect("an answer")), 200);
            assert_eq!(client.rest().await, b"abc");
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_that_answers_nothing_is_a_connect_timeout() {
    within(async {
        // A listener whose queue is full takes no more connections, and refuses none.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut filling = Vec::new();
        while let Ok(Ok(stream)) =
            tokio::time::timeout(Duration::from_millis(300), tokio::net::TcpStream::connect(address)).await
        {
            filling.push(stream);
        }
        let config = Config::default().connect_timeout(Duration::from_millis(200)).attempts(1);
        let front = front(config, InOrder(vec![http1(address)])).await;
        assert_eq!(ask(front, GET).await.1, "504 connect-timeout\n");
    })
    .await;
}

#[tokio::test]
async fn nonsense_from_an_endpoint_is_502() {
    within(async {
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(200));
        let large = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(200_000));
        for nonsense in [
            "SSH-2.0-OpenSSH_9.2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX y: z\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 99999 OK\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            &many,
            &large,
        ] {
            let text = nonsense.to_owned();
            let endpoint = endpoint(move |mut wire| {
                let text = text.clone();
                async move {
                    wire.head().await;
                    wire.send(text).await;
                    wire.rest().await;
                }
            })
            .await;
            let front = front(Config::default(), InOrder(vec![http1(endpoint)])).await;
            let (head, _) = ask(front, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
            assert_eq!(status(&head), 502, "{:.60}", nonsense);
        }
    })
    .await;
}

#[tokio::test]
async fn more_requests_than_allowed_are_503_until_there_is_room() {
    within(async {
        let (arrived, go) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
        for config in [Config::default().in_flight(1, 9), Config::default().in_flight(9, 1)] {
            let (here, wait) = (arrived.clone(), go.clone());
            let endpoint = endpoint(move |mut wire| {
                let (here, wait) = (here.clone(), wait.clone());
                async move {
                    while wire.head().await.is_some() {
                        here.notify_one();
                        wait.notified().await;
                        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
                    }
                }
            })
            .await;
            let front = front(config.attempts(1), InOrder(vec![http1(endpoint)])).await;
            let mut first = connect(front).await;
            first.send(GET).await;
            arrived.notified().await;
            assert_eq!(ask(front, GET).await.1, "503 overloaded\n");
            go.notify_one();
            assert_eq!(first.response().await.expect("an answer").1, "hi");
            first.send(GET).await;
            arrived.notified().await;
            go.notify_one();
            assert_eq!(first.response().await.expect("an answer").1, "hi");
        }
    })
    .await;
}

#[tokio::test]
async fn answers_can_be_worded_by_the_program() {
    within(async {
        let config = Config::default().respond_with(|reason: Reason| {
            let mut response = Response::new(format!("sorry: {}", reason.code()).into());
            *response.status_mut() = reason.status();
            response.headers_mut().insert("x-why", http::HeaderValue::from_static(reason.proxy_error()));
            response
        });
        let front = front(config, InOrder(Vec::new())).await;
        let (head, body) = ask(front, GET).await;
        assert_eq!((status(&head), body.as_str()), (503, "sorry: no-endpoints"));
        assert_eq!(header(&head, "x-why"), Some("destination_unavailable"));
    })
    .await;
}

#[tokio::test]
async fn slow_heads_and_clients_that_take_nothing_are_cut_off() {
    within(async {
        let gone = Arc::new(tokio::sync::Notify::new());
        let notify = gone.clone();
        let endless = endpoint(move |mut wire| {
            let notify = notify.clone();
            async move {
                wire.head().await;
                wire.send("HTTP/1.1 200 OK\r\n\r\n").await;
                while wire.stream.write_all(&[b'x'; 65536]).await.is_ok() {}
                notify.notify_one();
            }
        })
        .await;
        let limit = Duration::from_millis(200);
        let server = Server::default().head_timeout(limit).write_timeout(limit);
        let front = front_with(server, Config::default(), InOrder(vec![http1(endless)])).await;
        for start in ["", "GET / HTTP/1.1\r\nHost: a\r\n"] {
            let mut slow = connect(front).await;
            slow.send(start).await;
            assert!(slow.rest().await.is_empty());
        }
        // Asks and reads nothing. The endpoint would send for ever; that it no longer can says that the
        // proxy has given the client up.
        let mut client = connect(front).await;
        client.send(GET).await;
        gone.notified().await;
        assert_eq!(status(&client.head().await.expect("what fits in the buffers")), 200);
        client.rest().await;
    })
    .await;
}

#[tokio::test]
async fn what_an_endpoint_says_unasked_is_nobodys_answer() {
    within(async {
        let opened = Arc::new(AtomicUsize::new(0));
        let count = opened.clone();
        let poisonous = endpoint(move |mut wire| {
            let first = count.fetch_add(1, Ordering::SeqCst) == 0;
            async move {
                while wire.head().await.is_some() {
                    let poison =
                        if first { "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison" } else { "" };
                    wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi{poison}")).await;
                }
            }
        })
        .await;
        let front = front(Config::default(), InOrder(vec![http1(poisonous)])).await;
        for _ in 0..3 {
            assert_eq!(ask(front, GET).await.1, "hi");
        }
        assert_eq!(opened.load(Ordering::SeqCst), 2);
    })
    .await;
}

#[tokio::test]
async fn connections_that_nobody_needs_are_closed() {
    within(async {
        let closed = Arc::new(tokio::sync::Notify::new());
        let notify = closed.clone();
        let endpoint = endpoint(move |wire| {
            let notify = notify.clone();
            async move {
                echo(wire).await;
                notify.notify_one();
            }
        })
        .await;
        let config = Config::default().pool(Duration::from_millis(50), 8);
        let front = front(config, InOrder(vec![http1(endpoint)])).await;
        assert_eq!(status(&ask(front, GET).await.0), 200);
        closed.notified().await;
        assert_eq!(status(&ask(front, GET).await.0), 200);
    })
    .await;
}
