//! The parts that a program can replace, and the end of a connection.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::HeaderValue;
use http::response::Parts;
use ingress_tower::RouteLayer;
use ingress_tower::proxy::{
    Choice, Config, Connect, Connected, Connecting, Guard, Peer, Pick, Picked, Protocol, Proxy, Reason,
    Server, Target, TcpConnect,
};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tower::Layer;

use crate::support::*;

/// Writes down what guards are told.
struct Telling {
    targets: InOrder,
    told: Arc<Mutex<Vec<String>>>,
}

struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn tell(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

impl Guard for Told {
    fn answered(&mut self, response: &mut Parts) {
        self.tell(response.status.as_u16().to_string());
        response.headers.insert("set-cookie", HeaderValue::from_static("endpoint=2"));
    }

    fn failed(&mut self, reason: Reason) {
        self.tell(reason.to_string());
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.tell("done".to_owned());
    }
}

impl Pick for Telling {
    fn pick(&self, choice: &Choice<'_>) -> Result<Picked, &'static str> {
        assert_eq!(choice.routed().origin().to_string(), "shop/web spec.rules[0].http.paths[0]");
        assert_eq!(choice.head().uri.path(), "/x");
        Ok(self.targets.pick(choice)?.with_guard(Told(self.told.clone())))
    }
}

#[tokio::test]
async fn whoever_picks_is_told_until_the_last_byte() {
    within(async {
        let go = Arc::new(Notify::new());
        let wait = go.clone();
        let endpoint = endpoint(move |mut wire| {
            let wait = wait.clone();
            async move {
                while wire.head().await.is_some() {
                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfi").await;
                    wait.notified().await;
                    wire.send("ne").await;
                }
            }
        })
        .await;
        let told = Arc::new(Mutex::new(Vec::new()));
        let targets = InOrder(vec![http1(nowhere()), http1(endpoint)]);
        let front = front(Config::default(), Telling { targets, told: told.clone() }).await;
        let mut client = connect(front).await;
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let head = client.head().await.expect("an answer");
        assert_eq!(header(&head, "set-cookie"), Some("endpoint=2"));
        assert_eq!(client.exactly(2).await.expect("half of it"), b"fi");
        assert_eq!(*told.lock().unwrap(), ["connection-refused", "done", "200"]);
        go.notify_one();
        assert_eq!(client.exactly(2).await.expect("the rest"), b"ne");
        // The next answer comes after the end of the first.
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").await;
        client.head().await.expect("an answer");
        assert_eq!(told.lock().unwrap()[3], "done");
    })
    .await;
}

/// As TLS would be: another stream, and what was agreed upon.
struct Wrapped(TcpConnect, Arc<AtomicUsize>);

impl Connect for Wrapped {
    fn connect<'c>(&'c self, target: &'c Target) -> Connecting<'c> {
        Box::pin(async move {
            assert_eq!((target.protocol(), target.server_name()), (Protocol::Tls, Some("web.shop.svc")));
            self.1.fetch_add(1, Ordering::SeqCst);
            Ok(Connected::new(self.0.open(target.address()).await?, false))
        })
    }
}

#[tokio::test]
async fn connections_can_be_opened_by_the_program() {
    within(async {
        let opened = Arc::new(AtomicUsize::new(0));
        let config = Config::default().connect_with(Wrapped(TcpConnect::default(), opened.clone()));
        let address = http1(endpoint(echo).await).address().clone();
        let target = Target::new(address, Protocol::Tls).with_server_name("web.shop.svc");
        let wrapped = front(config, InOrder(vec![target.clone()])).await;
        let mut client = connect(wrapped).await;
        for _ in 0..3 {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
            assert_eq!(status(&client.response().await.expect("an answer").0), 200);
        }
        assert_eq!(opened.load(Ordering::SeqCst), 1, "and are kept as others are");
        // Without one that does TLS, nothing is sent in the clear in its place.
        let plain = front(Config::default(), InOrder(vec![target])).await;
        let mut client = connect(plain).await;
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(client.response().await.expect("an answer").1, "502 connect-failed\n");
    })
    .await;
}

#[tokio::test]
async fn a_server_that_shuts_down_finishes_what_is_under_way() {
    within(async {
        let (arrived, go, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (here, wait) = (arrived.clone(), go.clone());
        let slow = endpoint(move |mut wire| {
            let (here, wait) = (here.clone(), wait.clone());
            async move {
                wire.head().await;
                here.notify_one();
                wait.notified().await;
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
            }
        })
        .await;
        let service = RouteLayer::new(table()).layer(Proxy::new(InOrder(vec![http1(slow)])));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let signal = end.clone();
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            for _ in 0..3 {
                let (stream, peer) = listener.accept().await.unwrap();
                let (service, signal) = (service.clone(), signal.clone());
                let peer = Peer::new(peer, 80, false);
                connections.spawn(async move {
                    let shutdown = signal.notified();
                    Server::default().serve_connection_until(stream, peer, service, shutdown).await
                });
            }
            connections.join_all().await
        });
        let mut busy = connect(address).await;
        busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        arrived.notified().await;
        let mut silent = connect(address).await;
        let mut idle = connect(address).await;
        // Answered by the layer, so that the connection is known to wait for its next request.
        idle.send("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(status(&idle.response().await.expect("an answer").0), 400);
        end.notify_waiters();
        assert!(idle.rest().await.is_empty() && silent.rest().await.is_empty());
        go.notify_one();
        let (head, body) = busy.response().await.expect("an answer");
        assert_eq!((status(&head), body.as_str()), (200, "hi"));
        assert!(busy.rest().await.is_empty());
        assert!(serving.await.unwrap().iter().all(Result::is_ok));
    })
    .await;
}
