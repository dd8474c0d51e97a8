//! A table, a service that does as the path says, and a recorder that can be read.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use ingress_core::{RouteTable, SharedTable, dialect::Kubernetes};
use ingress_tower::RouteLayer;
use ingress_tower::metrics::{ObserveLayer, Observer};
use metrics_util::debugging::{DebugValue, Snapshotter};
use tower::Layer;
use tower::util::BoxCloneSyncService;

/// A clock that stands still unless it is moved.
#[derive(Clone, Default)]
pub(crate) struct Hands(Arc<AtomicU64>);

impl Hands {
    pub(crate) fn forward(&self, milliseconds: u64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) fn table() -> SharedTable {
    let object: k8s_openapi::api::networking::v1::Ingress = serde_saphyr::from_str(
        "metadata: {namespace: shop, name: web}
spec: {rules: [{host: shop.example.com, http: {paths: [
    {path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}},
    {path: /slow, pathType: Prefix, backend: {service: {name: slow, port: {name: http}}}}]}}]}",
    )
    .expect("a sound manifest");
    SharedTable::new(RouteTable::compile(Kubernetes, [&object]).0)
}

pub(crate) type Answer<O> = Response<ingress_tower::metrics::ObservedBody<Body, <O as Observer>::Watch>>;

/// A body that takes its time: each piece is ready when the clock has been moved on for it.
struct Slow {
    hands: Hands,
    pieces: u32,
    breaks: bool,
}

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.hands.forward(100);
        if self.pieces == 0 {
            return Poll::Ready(self.breaks.then(|| Err(std::io::Error::other("broken"))));
        }
        self.pieces -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"piece")))))
    }
}

/// Paths that end with a status are answered with it, after 20 milliseconds; others say what they do.
async fn act(request: Request<Body>, hands: Hands) -> Result<Response<Body>, &'static str> {
    let word = request.uri().path().rsplit('/').next().unwrap_or("").to_owned();
    if word == "never" {
        return pending().await;
    }
    hands.forward(20);
    if word == "fails" {
        return Err("no answer");
    }
    let slow = |breaks| Body::new(Slow { hands: hands.clone(), pieces: 3, breaks });
    let mut response = Response::new(match &*word {
        "pieces" => slow(false),
        "breaks" => slow(true),
        "announced" | "empty" => slow(false),
        _ => Body::from("hi"),
    });
    match &*word {
        // As much as the pieces have; a server that has written it does not ask for the end.
        "announced" => drop(response.headers_mut().insert("content-length", 15.into())),
        "empty" => *response.status_mut() = StatusCode::NO_CONTENT,
        _ => {}
    }
    if let Ok(status) = word.parse() {
        *response.status_mut() = status;
    }
    Ok(response)
}

pub(crate) fn service<O>(
    observer: O,
    hands: &Hands,
) -> BoxCloneSyncService<Request<Body>, Answer<O>, &'static str>
where
    O: Observer<Watch: Send + 'static> + Clone + Send + Sync + 'static,
{
    let (inner, clock) = (hands.clone(), hands.clone());
    let inner = tower::service_fn(move |request| act(request, inner.clone()));
    let routed = RouteLayer::new(table()).observed().layer(inner);
    BoxCloneSyncService::new(ObserveLayer::new(observer).with_clock(move || clock.now()).layer(routed))
}

pub(crate) fn request(method: &str, target: &str) -> Request<Body> {
    Request::builder().method(method).uri(target).body(Body::empty()).expect("a sound request")
}

/// All that was recorded: `name{label=value,...}`, and what it is.
pub(crate) fn recorded(snapshotter: &Snapshotter) -> Vec<(String, DebugValue)> {
    let text = |key: &metrics::Key| {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        format!("{}{{{}}}", key.name(), labels.join(","))
    };
    let all = snapshotter.snapshot().into_vec();
    let mut all: Vec<_> = all.into_iter().map(|(key, _, _, value)| (text(key.key()), value)).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// Lines that were written.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    pub(crate) fn writer(&self) -> impl Fn(&str) + Send + Sync + 'static {
        let lines = self.0.clone();
        move |line: &str| lines.lock().expect("no panic").push(line.to_owned())
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

/// Reads a body to its end, as a server would.
pub(crate) async fn read<B: http_body::Body + Unpin>(mut body: B) -> bool {
    loop {
        match std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            None => return true,
            Some(Ok(_)) => {}
            Some(Err(_)) => return false,
        }
    }
}

/// A request that is given up after its first poll.
pub(crate) fn give_up(future: impl Future) {
    let mut future = Box::pin(future);
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
}
