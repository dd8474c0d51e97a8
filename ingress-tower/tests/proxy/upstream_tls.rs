//! Endpoints that speak TLS.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ingress_core::dialect::IngressNginx;
use ingress_core::dialect::catalog::Settings;
use ingress_core::endpoint::{Address, Cluster, EndpointSlice, Service, ServicePort, SliceEndpoint};
use ingress_core::origin::ObjectId;
use ingress_core::{RouteTable, SharedTable};
use ingress_tower::RouteLayer;
use ingress_tower::proxy::{
    Config, Peer, Protocol, Proxy, RoundRobin, Server, Target, TlsConnect, UpstreamTls,
};
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower::Layer;

use crate::authority::{Authority, Issued};
use crate::support::{InOrder, connect, front, status, within};

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn parsed(issued: &Issued) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain = CertificateDer::pem_slice_iter(issued.chain.as_bytes()).map(Result::unwrap).collect();
    (chain, PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap())
}

/// What an endpoint saw of its connections: the name that was asked for, and the client's certificate.
type Seen = Arc<Mutex<Vec<(Option<String>, bool)>>>;

/// An endpoint that speaks these, and says the version of HTTP that it was spoken to in.
async fn endpoint(issued: &Issued, alpn: &[&[u8]], clients: Option<&Authority>) -> (SocketAddr, Seen) {
    let builder = rustls::ServerConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        Some(authority) => {
            let roots = Arc::new(authority.roots());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let (chain, key) = parsed(issued);
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let seen = Seen::default();
    let record = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, record) = (acceptor.clone(), record.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let session = stream.get_ref().1;
                let certificate = session.peer_certificates().is_some();
                record.lock().unwrap().push((session.server_name().map(str::to_owned), certificate));
                let answer = service_fn(|request: Request<Incoming>| async move {
                    let said = format!("{:?} {:?}", request.version(), request.uri().scheme_str());
                    Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(said))))
                });
                let http2 = session.alpn_protocol() == Some(b"h2");
                let io = TokioIo::new(stream);
                let _ = if http2 {
                    hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .serve_connection(io, answer)
                        .await
                } else {
                    hyper::server::conn::http1::Builder::new().serve_connection(io, answer).await
                };
            });
        }
    });
    (address, seen)
}

/// What a client gets that asks through a proxy with this connector.
async fn ask(connect_with: TlsConnect, target: Target, times: usize) -> (u16, String) {
    let front = front(Config::default().connect_with(connect_with), InOrder(vec![target])).await;
    let mut client = connect(front).await;
    let mut last = (0, String::new());
    for _ in 0..times {
        client.send("GET / HTTP/1.1\r\nHost: shop.example.com\r\n\r\n").await;
        let (head, body) = client.response().await.expect("an answer");
        last = (status(&head), body);
    }
    last
}

fn target(address: SocketAddr, name: Option<&str>) -> Target {
    let target = Target::new(Address::Socket(address), Protocol::Tls);
    match name {
        Some(name) => target.with_server_name(name),
        None => target,
    }
}

#[tokio::test]
async fn versions_are_agreed_upon_and_connections_kept() {
    within(async {
        let authority = Authority::new();
        let issued = authority.issue(&["web.shop.svc"]);
        let config = UpstreamTls::new(provider()).authorities(authority.roots()).client_config().unwrap();
        let (h2, http1): (&[u8], &[u8]) = (b"h2", b"http/1.1");
        for (alpn, said) in [
            (&[h2, http1][..], r#"HTTP/2.0 Some("https")"#),
            (&[http1][..], "HTTP/1.1 None"),
            (&[][..], "HTTP/1.1 None"),
        ] {
            let (address, seen) = endpoint(&issued, alpn, None).await;
            let answer = ask(TlsConnect::new(config.clone()), target(address, Some("web.shop.svc")), 5).await;
            assert_eq!(answer, (200, said.to_owned()));
            assert_eq!(*seen.lock().unwrap(), [(Some("web.shop.svc".to_owned()), false)]);
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_not_trusted_is_sent_nothing() {
    within(async {
        let (authority, other) = (Authority::new(), Authority::new());
        let issued = authority.issue(&["web.shop.svc", "127.0.0.1"]);
        let (address, seen) = endpoint(&issued, &[b"http/1.1"], None).await;
        let trusting = |authority: &Authority| {
            let tls = UpstreamTls::new(provider()).authorities(authority.roots());
            TlsConnect::new(tls.client_config().unwrap())
        };
        let refused = (502, "502 certificate\n".to_owned());
        assert_eq!(ask(trusting(&other), target(address, Some("web.shop.svc")), 1).await, refused);
        assert_eq!(ask(trusting(&authority), target(address, Some("else.shop.svc")), 1).await, refused);
        assert_eq!(ask(trusting(&authority), target(address, Some("no name")), 1).await, refused);
        assert!(seen.lock().unwrap().is_empty());
        // By its address, which is sent in no handshake.
        assert_eq!(ask(trusting(&authority), target(address, None), 1).await.0, 200);
        assert_eq!(*seen.lock().unwrap(), [(None, false)]);

        let anybody =
            UpstreamTls::new(provider()).unverified().without_server_name().client_config().unwrap();
        let answer = ask(TlsConnect::new(anybody), target(address, Some("else.shop.svc")), 1).await;
        assert_eq!(answer.0, 200);
        assert_eq!(seen.lock().unwrap().last(), Some(&(None, false)));

        let nobody = TlsConnect::by(|_| None);
        assert_eq!(ask(nobody, target(address, None), 1).await, (502, "502 tls\n".to_owned()));
        // Something that speaks no TLS at all.
        let plain =
            crate::support::endpoint(|mut wire| async move { wire.send("HTTP/1.1 200 OK\r\n\r\n").await });
        let answer = ask(trusting(&authority), target(plain.await, None), 1).await;
        assert_eq!(answer, (502, "502 tls\n".to_owned()));
        assert!(UpstreamTls::new(provider()).client_config().is_err(), "trusting nobody is a mistake");
    })
    .await;
}

#[tokio::test]
async fn endpoints_can_ask_for_a_certificate() {
    within(async {
        let authority = Authority::new();
        let (address, seen) = endpoint(&authority.issue(&["web"]), &[b"h2"], Some(&authority)).await;
        let (chain, key) = parsed(&authority.issue(&["proxy"]));
        let with = UpstreamTls::new(provider()).authorities(authority.roots());
        assert!(
            !format!("{:?}", UpstreamTls::new(provider()).certificate(chain.clone(), key.clone_key()))
                .contains("key")
        );
        let with = with.certificate(chain, key).client_config().unwrap();
        assert_eq!(ask(TlsConnect::new(with), target(address, Some("web")), 2).await.0, 200);
        assert_eq!(*seen.lock().unwrap(), [(Some("web".to_owned()), true)]);
        let without = UpstreamTls::new(provider()).authorities(authority.roots()).client_config().unwrap();
        assert_eq!(ask(TlsConnect::new(without), target(address, Some("web")), 1).await.0, 502);
    })
    .await;
}

/// A front whose rule has this `backend-protocol`, with one endpoint.
async fn front_with_protocol(protocol: &str, address: SocketAddr) -> SocketAddr {
    let object: k8s_openapi::api::networking::v1::Ingress = serde_saphyr::from_str(&format!(
        "
metadata:
  namespace: shop
  name: web
  annotations: {{nginx.ingress.kubernetes.io/backend-protocol: {protocol}}}
spec:
  ingressClassName: nginx
  rules: [{{host: a.example, http: {{paths: [
    {{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]
"
    ))
    .unwrap();
    let (dialect, _) = IngressNginx::new(&Settings::default());
    let id = ObjectId::new("shop", "web");
    let mut cluster = Cluster::default();
    cluster.upsert_service(Service::new(id.clone()).with_port(ServicePort::new(80)));
    let slice = EndpointSlice::new(id.clone(), id).with_port("", address.port());
    cluster.upsert_slice(slice.with_endpoint(SliceEndpoint::new(address.ip())));
    let table = SharedTable::default();
    table.publish_all(RouteTable::compile(dialect, [&object]).0, cluster.endpoints());
    let tls = TlsConnect::new(UpstreamTls::new(provider()).unverified().client_config().unwrap());
    let proxy = Proxy::with_config(RoundRobin::new(table.clone()), Config::default().connect_with(tls));
    let service = RouteLayer::new(table).layer(proxy);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let front = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let (peer, service) = (Peer::new(peer, 80, false), service.clone());
            tokio::spawn(async move { Server::default().serve_connection(stream, peer, service).await });
        }
    });
    front
}

#[tokio::test]
async fn a_rule_says_what_is_spoken() {
    within(async {
        let authority = Authority::new();
        let issued = authority.issue(&["web"]);
        let (tls, _) = endpoint(&issued, &[b"h2", b"http/1.1"], None).await;
        let plain = crate::support::endpoint(crate::support::echo).await;
        for (protocol, address, status_of, said) in [
            ("HTTPS", tls, 200, r#"HTTP/2.0 Some("https")"#),
            ("GRPCS", tls, 200, r#"HTTP/2.0 Some("https")"#),
            ("HTTP", plain, 200, "GET / HTTP/1.1"),
            // In the clear, as the client is.
            ("AUTO_HTTP", plain, 200, "GET / HTTP/1.1"),
            ("FCGI", plain, 503, "503 protocol-unsupported"),
        ] {
            let mut client = connect(front_with_protocol(protocol, address).await).await;
            client.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
            let (head, body) = client.response().await.expect("an answer");
            assert!(status(&head) == status_of && body.starts_with(said), "{protocol}: {head}{body}");
        }
    })
    .await;
}
