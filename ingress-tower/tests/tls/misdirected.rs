//! Requests whose host does not agree with their connection.

use std::convert::Infallible;
use std::task::{Context, Poll, Waker};

use http::{Request, Response, StatusCode};
use ingress_core::SharedTable;
use ingress_tower::tls::{Agreement, ConnectionName, Misdirected, MisdirectedLayer};
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::door::table;

#[test]
fn agreement() {
    let (with_default, without) = (table(true), table(false));
    for (server_name, host, same_certificate, same_name) in [
        (Some("shop.example"), Some("shop.example"), true, true),
        (Some("shop.example"), Some("SHOP.example.:8443"), true, true),
        (Some("a.shop.example"), Some("b.shop.example"), true, false),
        (Some("a.shop.example"), Some("shop.example"), false, false),
        (Some("shop.example"), Some("else.example"), false, false),
        (Some("else.example"), Some("plain.example"), true, false),
        (Some("else.example"), Some("shop.example"), false, false),
        // No server name: the connection has the default certificate.
        (None, Some("shop.example"), false, false),
        (None, Some("plain.example"), true, false),
        (None, Some("127.0.0.1"), true, false),
        (None, None, true, false),
        (Some("shop.example"), None, false, false),
        (Some("shop.example"), Some("shop example"), false, false),
        (Some("no name"), Some("no name"), true, false),
    ] {
        for table in [&with_default, &without] {
            let holds = |agreement: Agreement| agreement.holds(&table.load(), server_name, host);
            assert_eq!(holds(Agreement::SameCertificate), same_certificate, "{server_name:?} {host:?}");
            assert_eq!(holds(Agreement::SameName), same_name, "{server_name:?} {host:?}");
        }
    }
}

fn request(server_name: Option<Option<&str>>, uri: &str, host: Option<&str>) -> Request<()> {
    let mut request = Request::get(uri).body(()).unwrap();
    if let Some(server_name) = server_name {
        request.extensions_mut().insert(ConnectionName::new(server_name));
    }
    if let Some(host) = host {
        request.headers_mut().insert("host", host.parse().unwrap());
    }
    request
}

async fn status(layer: &MisdirectedLayer, request: Request<()>) -> StatusCode {
    let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new("inner")));
    let response = layer.layer(inner).oneshot(request).await.unwrap();
    let is_marked = response.extensions().get::<Misdirected>().is_some();
    assert_eq!(is_marked, response.status() == StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(*response.body(), if is_marked { "" } else { "inner" });
    response.status()
}

#[tokio::test]
async fn requests_on_the_wrong_connection_are_sent_away() {
    let layer = MisdirectedLayer::new(table(true));
    let strict = layer.clone().requiring(Agreement::SameName);
    let own = Some(Some("shop.example"));
    for (connection, uri, host, expected, strictly) in [
        (own, "/", Some("shop.example"), 200, 200),
        (own, "/", Some("a.shop.example"), 421, 421),
        // The authority of the target goes before the header, as it does for routing.
        (own, "https://shop.example/", Some("else.example"), 200, 200),
        (own, "https://else.example/", Some("shop.example"), 421, 421),
        (Some(Some("a.shop.example")), "https://b.shop.example/", None, 200, 421),
        (Some(None), "/", Some("else.example"), 200, 421),
        (Some(None), "/", Some("shop.example"), 421, 421),
        (own, "/", None, 421, 421),
        // No TLS.
        (None, "/", Some("shop.example"), 200, 200),
        (None, "/", None, 200, 200),
    ] {
        let ask = async |layer| status(layer, request(connection, uri, host)).await.as_u16();
        assert_eq!(
            (ask(&layer).await, ask(&strict).await),
            (expected, strictly),
            "{connection:?} {uri} {host:?}"
        );
    }
}

#[tokio::test]
async fn the_table_of_the_moment_is_asked() {
    let shared = SharedTable::default();
    let layer = MisdirectedLayer::new(shared.clone());
    let request = || request(Some(Some("shop.example")), "/", Some("else.example"));
    assert_eq!(status(&layer, request()).await, 200);
    shared.publish(table(true).load().routes().clone());
    assert_eq!(status(&layer, request()).await, 421);
}

/// What the inner service had reserved for a request that never comes to it is given back, although the
/// service lives on.
#[tokio::test]
async fn a_request_that_is_sent_away_uses_no_readiness_up() {
    let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new("inner")));
    let mut one = MisdirectedLayer::new(table(true)).layer(ConcurrencyLimit::new(inner, 1));
    let mut other = one.clone();
    let mut is_ready = move || {
        let ready = other.poll_ready(&mut Context::from_waker(Waker::noop()));
        matches!(ready, Poll::Ready(Ok(())))
    };
    one.ready().await.unwrap();
    assert!(!is_ready());
    let response = one.call(request(Some(Some("shop.example")), "/", None)).await.unwrap();
    assert_eq!(response.status(), 421);
    assert!(is_ready());
    drop(one);
}
