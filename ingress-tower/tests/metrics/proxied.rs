//! What the proxy tells: backends, attempts, and what came of them.

use std::sync::Arc;

use axum::body::Body;
use ingress_core::endpoint::Address;
use ingress_core::rule::Backend;
use ingress_tower::RouteLayer;
use ingress_tower::metrics::{AccessLog, Counted, Metrics, ObserveLayer};
use ingress_tower::proxy::{Choice, Pick, Picked, Protocol, Proxy, Target};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tower::{Layer, ServiceExt};

use crate::support::*;

/// The first attempt goes where nothing listens, all others to the endpoint; there is none for `slow`.
struct Second {
    nowhere: Target,
    endpoint: Target,
}

impl Pick for Second {
    fn pick(&self, choice: &Choice<'_>) -> Result<Picked, &'static str> {
        match choice.backend() {
            Some(Backend::Service(service)) if service.name() == "slow" => Err("no-endpoints"),
            _ if choice.tried().is_empty() => Ok(Picked::new(self.nowhere.clone())),
            _ => Ok(Picked::new(self.endpoint.clone())),
        }
    }
}

#[tokio::test]
async fn attempts_and_retries_are_counted_by_backend() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let to = |address| Target::new(Address::Socket(address), Protocol::Http1);
    // Bound, so that nobody else takes it, and not listening.
    let closed = TcpSocket::new_v4().expect("a socket");
    closed.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let nowhere = to(closed.local_addr().expect("bound"));
    let pick = Second { nowhere, endpoint: to(listener.local_addr().expect("bound")) };
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
        }
    });

    let recorder = Arc::new(DebuggingRecorder::new());
    let snapshotter = recorder.snapshotter();
    let lines = Lines::default();
    let observer = (Metrics::with_recorder(recorder.clone()), AccessLog::json(lines.writer()));
    let proxy = Proxy::new(Counted::with_recorder(pick, recorder));
    let service = ObserveLayer::new(observer).layer(RouteLayer::new(table()).observed().layer(proxy));
    let call = |target: &str| {
        let mut request = request("GET", target);
        *request.body_mut() = Body::empty();
        service.clone().oneshot(request)
    };
    let Ok(response) = call("http://shop.example.com/cart").await;
    assert_eq!(response.status(), 200);
    assert!(read(response.into_body()).await);
    let Ok(response) = call("http://shop.example.com/slow").await;
    assert_eq!(response.status(), 503);
    assert!(read(response.into_body()).await);

    let counted = recorded(&snapshotter).into_iter().filter_map(|(name, value)| match value {
        DebugValue::Counter(count) => Some(format!("{name} {count}")),
        _ => None,
    });
    let route = |index| format!("ingress=shop/web,field=spec.rules[0].http.paths[{index}]");
    assert_eq!(
        counted.collect::<Vec<_>>(),
        [
            "ingress_attempts_total{backend=shop/cart:80,result=answered} 1".to_owned(),
            "ingress_attempts_total{backend=shop/cart:80,result=connection-refused} 1".to_owned(),
            "ingress_attempts_total{backend=shop/slow:http,result=no-endpoints} 1".to_owned(),
            format!(
                "ingress_requests_total{{{},backend=shop/cart:80,status=200,method=GET,ending=whole}} 1",
                route(0)
            ),
            format!(
                "ingress_requests_total{{{},backend=shop/slow:http,status=503,method=GET,ending=whole}} 1",
                route(1)
            ),
            "ingress_retries_total{backend=shop/cart:80} 1".to_owned(),
        ]
    );
    let lines: Vec<Value> =
        lines.take().iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [first, second] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&first["ingress.attempts"], &first["error.type"]), (&2.into(), &Value::Null));
    assert_eq!((&second["ingress.attempts"], &second["error.type"]), (&0.into(), &"no-endpoints".into()));
}
