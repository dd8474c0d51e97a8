//! Connections that leave HTTP.

use std::time::Duration;

use ingress_tower::proxy::Config;

use crate::support::*;

const ASK: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Key: x\r\n\r\n";

/// Changes over and says everything back in upper case, until there is nothing more.
async fn loud(mut wire: Wire) {
    let head = wire.head().await.expect("a request");
    assert_eq!(header(&head, "connection"), Some("upgrade"));
    assert_eq!(header(&head, "upgrade"), Some("websocket"));
    wire.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX: y\r\n\r\nfirst ",
    )
    .await;
    while let Some(line) = wire.until("\n").await {
        wire.send(line.to_uppercase()).await;
    }
    wire.send("bye").await;
}

#[tokio::test]
async fn bytes_go_both_ways_after_101_and_each_side_may_close() {
    within(async {
        let front = front(Config::default(), InOrder(vec![http1(endpoint(loud).await)])).await;
        let mut client = connect(front).await;
        client.send(ASK).await;
        let head = client.head().await.expect("an answer");
        assert_eq!(status(&head), 101);
        assert_eq!(header(&head, "connection"), Some("upgrade"));
        assert_eq!(header(&head, "upgrade"), Some("websocket"));
        assert_eq!(header(&head, "x"), Some("y"));
        assert_eq!(client.exactly(6).await.expect("what came with the head"), b"first ");
        // Nothing of it is HTTP any more, whatever it looks like.
        for line in ["hello\n", "GET / HTTP/1.1\n", "\0\u{1}\n"] {
            client.send(line).await;
            assert_eq!(client.until("\n").await.expect("an echo"), line.to_uppercase());
        }
        client.finish().await;
        assert_eq!(client.rest().await, b"bye", "one direction ends before the other");
    })
    .await;
}

#[tokio::test]
async fn what_the_client_sends_before_101_is_not_carried() {
    within(async {
        // An endpoint that refuses, behind a client that takes the answer for granted: what follows is a
        // request to the front, never to the endpoint behind its back.
        let refusing = endpoint(|mut wire| async move {
            while let Some(head) = wire.head().await {
                let path = head.split(' ').nth(1).expect("a target").to_owned();
                assert_ne!(path, "/smuggled");
                let text =
                    "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n";
                wire.send(text).await;
            }
        })
        .await;
        let front = front(Config::default(), InOrder(vec![http1(refusing)])).await;
        let mut client = connect(front).await;
        client.send(format!("{ASK}GET /smuggled\r\n\r\n")).await;
        assert_eq!(status(&client.head().await.expect("an answer")), 426);
        assert_eq!(status(&client.head().await.expect("an answer")), 400);
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_cannot_change_to_what_nobody_asked_for() {
    within(async {
        for (asked, protocol) in [(true, "h2c"), (true, ""), (false, "websocket")] {
            let rash = endpoint(move |mut wire| async move {
                wire.head().await;
                let text = format!("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: {protocol}\r\n\r\n");
                wire.send(text).await;
                wire.rest().await;
            })
            .await;
            let front = front(Config::default().attempts(1), InOrder(vec![http1(rash)])).await;
            let mut client = connect(front).await;
            client.send(if asked { ASK } else { "GET / HTTP/1.1\r\nHost: a\r\n\r\n" }).await;
            assert_eq!(status(&client.response().await.expect("an answer").0), 502, "{asked} {protocol}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_silent_tunnel_ends() {
    within(async {
        let config = Config::default().tunnel_timeout(Duration::from_millis(200));
        let front = front(config, InOrder(vec![http1(endpoint(loud).await)])).await;
        let mut client = connect(front).await;
        client.send(ASK).await;
        client.head().await.expect("an answer");
        assert_eq!(client.rest().await, b"first ");
    })
    .await;
}
