//! Many at once who are slow, or have closed half of their connection: each of them gets what is due, and
//! nobody else waits for them.

use std::time::{Duration, Instant};

use ingress_tower::proxy::{Config, Server};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::support::*;

const CROWD: usize = 200;

/// A few requests, which must not take long.
async fn is_served(front: std::net::SocketAddr) {
    let mut client = connect(front).await;
    let begun = Instant::now();
    for _ in 0..10 {
        client.send("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(status(&client.response().await.expect("an answer").0), 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_never_finish_their_heads_are_cut_off_all_of_them() {
    within(async {
        let server = Server::default().head_timeout(Duration::from_secs(2));
        let pick = InOrder(vec![http1(endpoint(echo).await)]);
        let front = front_with(server, Config::default(), pick).await;
        let mut crowd = JoinSet::new();
        for number in 0..CROWD {
            crowd.spawn(async move {
                let mut client = connect(front).await;
                client.send("GET / HTTP/1.1\r\nHost: a\r\n").await;
                // A header now and then, until nobody listens any more.
                for line in 0.. {
                    let text = format!("X-{number}-{line}: a\r\n");
                    if tokio::io::AsyncWriteExt::write_all(&mut client.stream, text.as_bytes()).await.is_err()
                    {
                        return line;
                    }
                    sleep(Duration::from_millis(100)).await;
                }
                unreachable!("there is no end to the lines")
            });
        }
        sleep(Duration::from_millis(300)).await;
        is_served(front).await;
        let begun = Instant::now();
        while let Some(lines) = crowd.join_next().await {
            assert!(lines.expect("no panic") > 1, "it was cut off at once");
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_that_are_slow_hold_up_only_those_who_asked_them() {
    within(async {
        // Answers piece by piece, a piece each tenth of a second.
        let slow = endpoint(|mut wire| async move {
            let Some(head) = wire.head().await else { return };
            if head.starts_with("GET /quick") {
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
                return;
            }
            // It closes behind the answer, and says so: nobody is to send it another request meanwhile.
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n").await;
            for _ in 0..10 {
                wire.send("x").await;
                sleep(Duration::from_millis(100)).await;
            }
        });
        let front = front(Config::default(), InOrder(vec![http1(slow.await)])).await;
        let mut crowd = JoinSet::new();
        for _ in 0..CROWD {
            crowd.spawn(async move {
                let mut client = connect(front).await;
                client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
                client.response().await.map(|(_, body)| body)
            });
        }
        sleep(Duration::from_millis(300)).await;
        is_served(front).await;
        while let Some(body) = crowd.join_next().await {
            assert_eq!(body.expect("no panic").as_deref(), Some("xxxxxxxxxx"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_closed_connections_are_answered_and_then_closed() {
    within(async {
        // It closes its own sending side behind the answer, and goes on listening.
        let half = endpoint(|mut wire| async move {
            if wire.head().await.is_some() {
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
                wire.finish().await;
                wire.rest().await;
            }
        });
        let front = front(Config::default(), InOrder(vec![http1(half.await)])).await;
        let mut crowd = JoinSet::new();
        for number in 0..CROWD {
            crowd.spawn(async move {
                let mut client = connect(front).await;
                // One in four says nothing before it closes its side.
                if number % 4 > 0 {
                    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
                }
                client.finish().await;
                let answer = client.response().await;
                assert!(client.rest().await.is_empty());
                (number % 4 > 0, answer.map(|(head, body)| (status(&head), body)))
            });
        }
        while let Some(done) = crowd.join_next().await {
            let (asked, answer) = done.expect("no panic");
            assert_eq!(answer, asked.then(|| (200, "hi".to_owned())));
        }
        // What the endpoint has closed half is not used for another request.
        let mut client = connect(front).await;
        for _ in 0..5 {
            // Long enough for the end of the one before to have arrived; a request that meets it on the way is lost.
            sleep(Duration::from_millis(50)).await;
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nyo").await;
            assert_eq!(status(&client.response().await.expect("an answer").0), 200);
        }
    })
    .await;
}
