//! Bodies: both ways, slowly, in chunks, with trailers, and too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ingress_tower::proxy::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::support::*;

const PIECE: usize = 64 << 10;
const PIECES: usize = 1024;
/// The buffers of four sockets as far as Linux lets them grow, and of the proxy.
const BOUND: usize = 24 << 20;

/// Round trips by another connection until the counter no longer moves: then everything that can move
/// without the slow side has. There is no waiting for time to pass.
async fn settled(counter: &AtomicUsize, front: std::net::SocketAddr) -> usize {
    let mut other = connect(front).await;
    let mut seen = usize::MAX;
    loop {
        for _ in 0..100 {
            other.send("GET /small HTTP/1.1\r\nHost: a\r\n\r\n").await;
            assert_eq!(status(&other.response().await.expect("an answer").0), 200);
        }
        let now = counter.load(Ordering::SeqCst);
        if now == seen {
            return now;
        }
        seen = now;
    }
}

#[tokio::test]
async fn a_client_that_reads_slowly_slows_the_endpoint_down() {
    within(async {
        let written = Arc::new(AtomicUsize::new(0));
        let count = written.clone();
        let endpoint = endpoint(move |mut wire| {
            let count = count.clone();
            async move {
                while let Some(head) = wire.head().await {
                    if head.starts_with("GET /small") {
                        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
                        continue;
                    }
                    let length = PIECE * PIECES;
                    wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")).await;
                    for _ in 0..PIECES {
                        wire.send([b'x'; PIECE]).await;
                        count.fetch_add(PIECE, Ordering::SeqCst);
                    }
                }
            }
        })
        .await;
        let front = front(Config::default(), InOrder(vec![http1(endpoint)])).await;
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 << 10).unwrap();
        let mut client = Wire::new(socket.connect(front).await.unwrap());
        client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let head = client.head().await.expect("an answer");
        assert_eq!(status(&head), 200);
        let in_flight = settled(&written, front).await;
        assert!(in_flight < BOUND, "{in_flight} bytes are under way, of {}", PIECE * PIECES);
        // And nothing was lost.
        let body = client.exactly(PIECE * PIECES).await.expect("all of it");
        assert!(body.iter().all(|byte| *byte == b'x'));
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_that_reads_slowly_slows_the_client_down() {
    within(async {
        let go = Arc::new(tokio::sync::Notify::new());
        let gate = go.clone();
        let endpoint = endpoint(move |mut wire| {
            let gate = gate.clone();
            async move {
                while let Some(head) = wire.head().await {
                    if head.starts_with("POST") {
                        gate.notified().await;
                        let body = wire.exactly(PIECE * PIECES).await.expect("all of it");
                        assert!(body.iter().all(|byte| *byte == b'x'));
                    }
                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
                }
            }
        })
        .await;
        let front = front(Config::default(), InOrder(vec![http1(endpoint)])).await;
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(64 << 10).unwrap();
        let (read, mut write) = socket.connect(front).await.unwrap().into_split();
        let written = Arc::new(AtomicUsize::new(0));
        let count = written.clone();
        let sending = tokio::spawn(async move {
            let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", PIECE * PIECES);
            write.write_all(head.as_bytes()).await.unwrap();
            for _ in 0..PIECES {
                write.write_all(&[b'x'; PIECE]).await.unwrap();
                count.fetch_add(PIECE, Ordering::SeqCst);
            }
            write
        });
        let in_flight = settled(&written, front).await;
        assert!(in_flight < BOUND, "{in_flight} bytes are under way, of {}", PIECE * PIECES);
        go.notify_one();
        let write = sending.await.unwrap();
        let mut client = Wire::new(read.reunite(write).unwrap());
        assert_eq!(client.response().await.expect("an answer").1, "hi");
    })
    .await;
}

#[tokio::test]
async fn chunks_and_trailers_go_both_ways() {
    within(async {
        let endpoint = endpoint(|mut wire| async move {
            while let Some(head) = wire.head().await {
                let (body, trailers) = wire.body(&head).await.expect("a whole body");
                assert_eq!(body, b"hello world");
                assert_eq!(trailers.to_lowercase(), "x-sum: 11\r\n", "and nothing forbidden");
                wire.send(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\n\
                     X-Sum: 3\r\nSet-Cookie: evil=1\r\n\r\n",
                )
                .await;
            }
        })
        .await;
        let front = front(Config::default(), InOrder(vec![http1(endpoint)])).await;
        let mut client = connect(front).await;
        for method in ["POST", "GET"] {
            client
                .send(format!(
                    "{method} / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\
                     Trailer: X-Sum, Host\r\n\r\n5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-Sum: 11\r\nHost: evil\r\n\r\n"
                ))
                .await;
            let (head, body) = client.response().await.expect("an answer");
            assert_eq!((status(&head), body.to_lowercase().as_str()), (200, "abcx-sum: 3\r\n"), "{method}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_response_that_ends_with_the_connection_is_passed_on() {
    within(async {
        let endpoint = endpoint(|mut wire| async move {
            wire.head().await;
            wire.send("HTTP/1.1 200 OK\r\n\r\nuntil the end").await;
        })
        .await;
        let front = front(Config::default(), InOrder(vec![http1(endpoint)])).await;
        let mut client = connect(front).await;
        for _ in 0..2 {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
            assert_eq!(client.response().await.expect("an answer").1, "until the end");
        }
    })
    .await;
}

#[tokio::test]
async fn a_response_that_breaks_off_is_not_passed_on_as_a_whole_one() {
    within(async {
        for start in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
            let endpoint = endpoint(move |mut wire| async move {
                wire.head().await;
                wire.send(format!("HTTP/1.1 200 OK\r\n{start}")).await;
            })
            .await;
            let front = front(Config::default(), InOrder(vec![http1(endpoint)])).await;
            let mut client = connect(front).await;
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
            // However much of it comes, a client can tell that it is not all.
            let answer = client.rest().await;
            let whole =
                find(&answer, b"0\r\n\r\n").is_some() || find(&answer, b"content-length: 3").is_some();
            assert!(!whole, "{:?}", String::from_utf8_lossy(&answer));
        }
    })
    .await;
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_before_or_amid() {
    within(async {
        let endpoint = endpoint(echo).await;
        let front = front(Config::default().body_limit(10), InOrder(vec![http1(endpoint)])).await;
        let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (request, answer) in [
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n".to_owned(), 413),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789".to_owned(), 200),
            (format!("{chunked}6\r\n012345\r\n5\r\n01234\r\n0\r\n\r\n"), 413),
            (format!("{chunked}6\r\n012345\r\n4\r\n0123\r\n0\r\n\r\n"), 200),
        ] {
            let mut client = connect(front).await;
            client.send(&request).await;
            let (head, _) = client.response().await.expect("an answer");
            assert_eq!(status(&head), answer, "{request}");
            if answer == 413 {
                assert_eq!(header(&head, "connection"), Some("close"));
                assert!(client.rest().await.is_empty());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_stops_sending_gets_408_and_one_that_sends_slowly_is_served() {
    within(async {
        let config = Config::default()
            .idle_timeout(std::time::Duration::from_millis(300))
            .response_timeout(std::time::Duration::from_millis(300));
        let front = front(config, InOrder(vec![http1(endpoint(echo).await)])).await;
        let mut client = connect(front).await;
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n").await;
        let started = std::time::Instant::now();
        for byte in "12345678".bytes() {
            // The pace is what is tested: slower than the limit of the response, faster than that of the body.
            tokio::time::sleep(std::time::Duration::from_millis(60)).await;
            client.send([byte]).await;
        }
        let (head, seen) = client.response().await.expect("an answer");
        assert!(started.elapsed() > std::time::Duration::from_millis(300));
        assert_eq!((status(&head), seen.ends_with("12345678")), (200, true));
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n1234").await;
        let (head, body) = client.response().await.expect("an answer");
        assert_eq!((status(&head), body.as_str()), (408, "408 request-body-timeout\n"));
        assert!(client.rest().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_client_that_has_said_all_may_close_its_side() {
    within(async {
        let front = front(Config::default(), InOrder(vec![http1(endpoint(echo).await)])).await;
        let mut client = connect(front).await;
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").await;
        client.finish().await;
        let (head, seen) = client.response().await.expect("an answer");
        assert_eq!((status(&head), seen.ends_with("\r\n\r\nhi")), (200, true));
        assert!(client.rest().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_comes_before_the_body_has_been_sent_reaches_the_client() {
    within(async {
        let endpoint = endpoint(|mut wire| async move {
            wire.head().await;
            wire.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno").await;
            // It hears the client out, as servers do, and until then does not close.
            let mut scratch = [0; 4096];
            while wire.stream.read(&mut scratch).await.is_ok_and(|count| count > 0) {}
        })
        .await;
        let front = front(Config::default(), InOrder(vec![http1(endpoint)])).await;
        let mut client = connect(front).await;
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc").await;
        let (head, body) = client.response().await.expect("an answer");
        assert_eq!((status(&head), body.as_str()), (401, "no"));
    })
    .await;
}

#[tokio::test]
async fn expect_continue_is_the_endpoints_to_answer() {
    within(async {
        let endpoint = endpoint(|mut wire| async move {
            while let Some(head) = wire.head().await {
                assert_eq!(header(&head, "expect"), Some("100-continue"));
                if head.starts_with("PUT /refused") {
                    wire.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n").await;
                    assert!(wire.rest().await.is_empty(), "the body was sent all the same");
                    return;
                }
                wire.send("HTTP/1.1 100 Continue\r\n\r\n").await;
                let (body, _) = wire.body(&head).await.expect("the body");
                wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())).await;
                wire.send(body).await;
            }
        })
        .await;
        // Longer than the test: it must not be the proxy who gives in.
        let config = Config::default().continue_wait(std::time::Duration::from_secs(60));
        let front = front(config, InOrder(vec![http1(endpoint)])).await;
        let request = |path: &str| {
            format!("PUT {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        };
        let mut client = connect(front).await;
        client.send(request("/")).await;
        assert_eq!(status(&client.head().await.expect("an interim answer")), 100);
        client.send("hello").await;
        assert_eq!(client.response().await.expect("an answer").1, "hello");
        client.send(request("/refused")).await;
        assert_eq!(status(&client.head().await.expect("an answer")), 417);
    })
    .await;
}
