//! Spans, as a subscriber gets them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::{Request, Response};
use ingress_tower::Peer;
use ingress_tower::metrics::{ObserveLayer, Spans};
use tower::{Layer as _, ServiceExt};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Span};
use tracing::{Subscriber, subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, Registry};

use crate::support::*;

type Fields = BTreeMap<String, String>;

/// Writes down the fields of spans that have closed.
#[derive(Clone, Default)]
struct Closed {
    open: Arc<Mutex<BTreeMap<u64, Fields>>>,
    closed: Arc<Mutex<Vec<Fields>>>,
}

struct Writing<'f>(&'f mut Fields);

impl Visit for Writing<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl<S: Subscriber> Layer<S> for Closed {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut fields = Fields::new();
        attributes.record(&mut Writing(&mut fields));
        fields.insert("name".to_owned(), attributes.metadata().name().to_owned());
        self.open.lock().unwrap().insert(id.into_u64(), fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut open = self.open.lock().unwrap();
        values.record(&mut Writing(open.get_mut(&id.into_u64()).expect("an open span")));
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let fields = self.open.lock().unwrap().remove(&id.into_u64()).expect("an open span");
        self.closed.lock().unwrap().push(fields);
    }
}

impl Closed {
    fn take(&self) -> Vec<Fields> {
        std::mem::take(&mut self.closed.lock().unwrap())
    }
}

fn fields(list: &[(&str, &str)]) -> Fields {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test(flavor = "current_thread")]
async fn fields_have_the_names_of_opentelemetry() {
    let closed = Closed::default();
    let _guard = subscriber::set_default(Registry::default().with(closed.clone()));
    let service = service(Spans::new(), &Hands::default());

    let mut request_1 = request("GET", "http://shop.example.com/slow/pieces?secret=7");
    request_1.headers_mut().insert("user-agent", "test".parse().unwrap());
    request_1.extensions_mut().insert(Peer::new("192.0.2.7:1".parse().unwrap(), 443, true));
    let response = service.clone().oneshot(request_1).await.unwrap();
    assert!(closed.take().is_empty(), "it has not ended");
    assert!(read(response.into_body()).await);
    assert_eq!(
        closed.take(),
        [fields(&[
            ("name", "request"),
            ("otel.kind", "server"),
            ("otel.name", "GET /slow"),
            ("http.request.method", "GET"),
            ("http.route", "/slow"),
            ("http.response.status_code", "200"),
            ("http.response.body.size", "15"),
            ("url.scheme", "https"),
            ("url.path", "/slow/pieces"),
            ("server.address", "shop.example.com"),
            ("client.address", "192.0.2.7"),
            ("network.protocol.version", "1.1"),
            ("user_agent.original", "test"),
            ("ingress.object", "shop/web"),
            ("ingress.field", "spec.rules[0].http.paths[1]"),
            ("ingress.backend", "shop/slow:http"),
            ("ingress.ending", "whole"),
        ])]
    );

    for (method, target, expected) in [
        ("BREW", "/else", [("http.request.method", "_OTHER"), ("http.request.method_original", "BREW")]),
        ("GET", "/cart/500", [("otel.status_code", "ERROR"), ("error.type", "500")]),
        ("GET", "/slow/breaks", [("otel.status_code", "ERROR"), ("error.type", "broken")]),
        ("GET", "/cart/404", [("http.response.status_code", "404"), ("otel.name", "GET /cart")]),
    ] {
        let request = request(method, &format!("http://shop.example.com{target}"));
        read(service.clone().oneshot(request).await.unwrap().into_body()).await;
        let [span] = closed.take().try_into().expect("a span");
        for (name, value) in expected {
            assert_eq!(span.get(name).map(String::as_str), Some(value), "{target}: {span:#?}");
        }
        let is_error = target.contains("500") || target.contains("breaks");
        assert_eq!(span.contains_key("error.type"), is_error, "{target}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn the_span_is_entered_for_the_request_and_for_nothing_else() {
    let closed = Closed::default();
    let _guard = subscriber::set_default(Registry::default().with(closed.clone()));
    let inner = tower::service_fn(async |_: Request<Body>| {
        let within = || Span::current().metadata().map(Metadata::name);
        assert_eq!(within(), Some("request"));
        tokio::task::yield_now().await;
        assert_eq!(within(), Some("request"));
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let service = ObserveLayer::new(Spans::new()).layer(inner);
    let Ok(response) = service.oneshot(request("GET", "/")).await;
    assert!(Span::current().is_none());
    assert_eq!(closed.take().len(), 1);
    drop(response);
}
