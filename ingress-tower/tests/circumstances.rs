//! What rules ask besides host and path: who the client is, whether anybody answers, and whether somebody
//! else agrees.

use std::convert::Infallible;
use std::future::ready;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use http::header::{COOKIE, LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use ingress_core::dialect::IngressNginx;
use ingress_core::dialect::catalog::Settings;
use ingress_core::endpoint::{Cluster, EndpointSlice, Service, ServicePort, SliceEndpoint};
use ingress_core::origin::ObjectId;
use ingress_core::{RouteTable, SharedTable};
use ingress_tower::{Denial, Grant, Peer, Reply, RouteLayer, Routed};
use k8s_openapi::api::networking::v1::Ingress;
use tower::{Layer, ServiceExt, service_fn};
use tower_test::mock;

type Res = Response<String>;

fn ingress(name: &str, annotations: &str, path: &str) -> Ingress {
    serde_saphyr::from_str(&format!(
        "
metadata: {{namespace: shop, name: {name}, annotations: {{{annotations}}}}}
spec:
  ingressClassName: nginx
  rules:
  - host: a.example
    http:
      paths:
      - {{path: {path}, pathType: Prefix, backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}
  tls: [{{hosts: [a.example], secretName: tls}}]
"
    ))
    .unwrap_or_default()
}

fn table(objects: &[Ingress]) -> SharedTable {
    let (dialect, _) = IngressNginx::new(&Settings::default());
    SharedTable::new(RouteTable::compile(dialect, objects).0)
}

const PREFIX: &str = "nginx.ingress.kubernetes.io";

/// Says which Service it is, and what it was sent.
fn inner(request: &Request<()>) -> Res {
    let routed = request.extensions().get::<Routed>();
    let backend = routed.and_then(|routed| routed.backend(0)).map(ToString::to_string);
    let user = request.headers().get("x-user").and_then(|user| user.to_str().ok()).unwrap_or_default();
    Response::new(format!("{} {} {user}", backend.unwrap_or_default(), request.uri().path()))
}

fn request(path: &str, peer: Option<Peer>) -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = path.parse().unwrap_or_default();
    request.headers_mut().insert("host", HeaderValue::from_static("a.example"));
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer);
    }
    request
}

fn peer(ip: [u8; 4], tls: bool) -> Option<Peer> {
    Some(Peer::new((ip, 4711).into(), if tls { 443 } else { 80 }, tls))
}

async fn ask(table: &SharedTable, request: Request<()>) -> Res {
    let inner = service_fn(|request: Request<()>| ready(Ok::<_, Infallible>(inner(&request))));
    match RouteLayer::new(table.clone()).layer(inner).oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[tokio::test]
async fn addresses_are_let_in_or_not() {
    let table = table(&[ingress(
        "web",
        &format!("{PREFIX}/whitelist-source-range: 10.0.0.0/8, {PREFIX}/ssl-redirect: 'false'"),
        "/",
    )]);
    for (peer, status) in [
        (peer([10, 1, 2, 3], false), 200),
        (peer([192, 0, 2, 7], false), 403),
        (Some(Peer::new("[::ffff:10.1.2.3]:5".parse().unwrap(), 80, false)), 200),
        (None, 403),
    ] {
        let response = ask(&table, request("/", peer.clone())).await;
        assert_eq!(response.status().as_u16(), status, "{peer:?}");
    }
}

#[tokio::test]
async fn who_came_in_the_clear_is_sent_to_https() {
    let table = table(&[ingress("web", "", "/")]);
    let response = ask(&table, request("/x?y", peer([10, 0, 0, 1], false))).await;
    assert_eq!(response.status(), 308);
    assert_eq!(response.headers().get(LOCATION).unwrap(), "https://a.example/x?y");
    assert_eq!(ask(&table, request("/x", peer([10, 0, 0, 1], true))).await.body(), "shop/web:80 /x ");
    // What the client says of itself is not believed.
    let mut claiming = request("/x", None);
    *claiming.uri_mut() = "https://a.example/x".parse().unwrap();
    assert_eq!(ask(&table, claiming).await.status(), 308);
}

/// All of these have an endpoint.
fn cluster(services: &[(&str, bool)]) -> Cluster {
    let mut cluster = Cluster::default();
    for (name, has_endpoints) in services {
        let id = ObjectId::new("shop", name);
        cluster.upsert_service(Service::new(id.clone()).with_port(ServicePort::new(80)));
        if *has_endpoints {
            let slice = EndpointSlice::new(id.clone(), id).with_port("", 8080);
            cluster.upsert_slice(slice.with_endpoint(SliceEndpoint::new([10, 0, 0, 1])));
        }
    }
    cluster
}

#[tokio::test]
async fn a_canary_without_endpoints_gets_nothing() {
    let canary = format!("{PREFIX}/canary: 'true', {PREFIX}/canary-by-header: x-canary");
    let table = table(&[ingress("web", "", "/"), ingress("new", &canary, "/")]);
    let always = || {
        let mut request = request("/", peer([10, 0, 0, 1], true));
        request.headers_mut().insert("x-canary", HeaderValue::from_static("always"));
        request
    };
    // Nobody has said anything about endpoints: all are taken to have some.
    assert_eq!(ask(&table, always()).await.body(), "shop/new:80 / ");
    for (there, backend) in [(false, "shop/web:80 / "), (true, "shop/new:80 / ")] {
        let routes = table.load().routes().clone();
        table.publish_all(routes, cluster(&[("web", true), ("new", there)]).endpoints());
        assert_eq!(ask(&table, always()).await.body(), backend);
    }
}

fn guarded() -> SharedTable {
    let asks = format!(
        "{PREFIX}/auth-url: 'http://auth.shop.svc/check', {PREFIX}/ssl-redirect: 'false', \
         {PREFIX}/use-regex: 'true', {PREFIX}/rewrite-target: /in/$1"
    );
    table(&[ingress("web", &asks, "/out/(.*)")])
}

#[tokio::test]
async fn nobody_to_ask_means_nobody_gets_in() {
    let response = ask(&guarded(), request("/out/7", None)).await;
    assert_eq!(response.status(), StatusCode::NOT_IMPLEMENTED);
    assert!(matches!(response.extensions().get(), Some(Reply::Denied(_))));
    assert!(response.extensions().get::<Routed>().is_some());
}

#[tokio::test]
async fn who_is_asked_decides_and_has_a_say_in_the_headers() {
    let asked = |routed: &Routed, request: &Parts| {
        // What the client asked for, not what the upstream will be sent.
        assert_eq!(request.uri.path(), "/out/7");
        assert_eq!(routed.backend(0).map(ToString::to_string).as_deref(), Some("shop/web:80"));
        let knows = request.headers.contains_key(COOKIE);
        async move {
            tokio::task::yield_now().await;
            if !knows {
                let basic = HeaderValue::from_static("Basic");
                return Err(Denial::new(StatusCode::UNAUTHORIZED).with_header(WWW_AUTHENTICATE, basic));
            }
            Ok(Grant::default()
                .with_request_header(HeaderName::from_static("x-user"), HeaderValue::from_static("ann"))
                .with_response_header(SET_COOKIE, HeaderValue::from_static("seen=1")))
        }
    };
    let inner = service_fn(|request: Request<()>| {
        let mut response = inner(&request);
        response.headers_mut().insert(SET_COOKIE, HeaderValue::from_static("own=1"));
        ready(Ok::<_, Infallible>(response))
    });
    let service = RouteLayer::new(guarded()).with_authorizer(asked).layer(inner);

    let response = service.clone().oneshot(request("/out/7", None)).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers().get(WWW_AUTHENTICATE).unwrap(), "Basic");
    assert!(response.body().is_empty());

    let mut known = request("/out/7", None);
    known.headers_mut().insert(COOKIE, HeaderValue::from_static("sid=1"));
    known.headers_mut().insert("x-user", HeaderValue::from_static("eve"));
    let response = service.oneshot(known).await.unwrap();
    assert_eq!(response.body(), "shop/web:80 /in/7 ann");
    let cookies: Vec<_> = response.headers().get_all(SET_COOKIE).iter().collect();
    assert_eq!(cookies, ["own=1", "seen=1"]);
}

#[test]
fn a_denial_is_never_a_success() {
    assert_eq!(Denial::new(StatusCode::OK).status(), StatusCode::FORBIDDEN);
    assert_eq!(Denial::new(StatusCode::FOUND).status(), StatusCode::FOUND);
}

/// The inner service is called only once the decision is there, and with the readiness that was polled.
#[tokio::test]
async fn the_inner_service_waits_for_the_decision() {
    let gate = Arc::new(tokio::sync::Notify::new());
    let opens = gate.clone();
    let layer = RouteLayer::new(guarded()).with_authorizer(move |_: &Routed, _: &Parts| {
        let gate = gate.clone();
        async move {
            gate.notified().await;
            Ok(Grant::default())
        }
    });
    let (mut service, mut handle) = mock::spawn_layer::<Request<()>, Response<()>, _>(layer);
    handle.allow(1);
    assert!(service.poll_ready().is_ready());
    let mut response = pin!(service.call(request("/out/7", None)));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(response.as_mut().poll(&mut context).is_pending());
    assert!(handle.poll_request().is_pending());
    opens.notify_one();
    assert!(response.as_mut().poll(&mut context).is_pending());
    let Poll::Ready(Some((received, reply))) = handle.poll_request() else { panic!("it was let through") };
    assert_eq!(received.uri(), "/in/7");
    reply.send_response(Response::new(()));
    assert!(matches!(response.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
}
