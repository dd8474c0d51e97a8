//! The front, what is published to it, and the endpoints behind.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use ingress_core::dialect::Kubernetes;
use ingress_core::endpoint::{Cluster, EndpointSlice, Service, ServicePort, SliceEndpoint};
use ingress_core::origin::{ObjectId, SecretRef};
use ingress_core::{Compiler, SharedTable};
use ingress_tower::balance::Balancer;
use ingress_tower::metrics::{Counted, Metrics, ObserveLayer};
use ingress_tower::proxy::{Proxy, Server};
use ingress_tower::tls::{Certificate, CertificateResolver, CertificateStore, ServerSettings};
use ingress_tower::{Peer, RouteLayer};
use k8s_openapi::api::networking::v1::Ingress;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower::Layer;

use crate::authority::Authority;

/// The path `/turn` leads to one of so many Services, by the number of the table.
pub(crate) const TURNS: usize = 8;
pub(crate) const HOSTS: [&str; 2] = ["one.example", "two.example"];
const ENDPOINTS: usize = 3;

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn issue(authority: &Authority, host: &str) -> Arc<CertifiedKey> {
    let (secret, issued) = (SecretRef::new("shop", host), authority.issue(&[host]));
    let read = Certificate::from_pem(&secret, issued.chain.as_bytes(), issued.key.as_bytes(), &provider());
    read.expect("a sound certificate").certified_key().clone()
}

/// All that the clients and whoever swaps know of.
pub(crate) struct World {
    pub(crate) plain: SocketAddr,
    pub(crate) secure: SocketAddr,
    pub(crate) authority: Authority,
    /// The number of the newest table that has been published for certain, and of the newest that may have been.
    pub(crate) published: AtomicUsize,
    pub(crate) begun: AtomicUsize,
    pub(crate) over: AtomicBool,
    table: SharedTable,
    compiler: Mutex<Compiler>,
    store: CertificateStore,
    /// Two of each host, to be swapped.
    certificates: Vec<[Arc<CertifiedKey>; 2]>,
    /// By the name of the Service.
    endpoints: Vec<(String, Vec<SocketAddr>)>,
    snapshotter: Snapshotter,
}

impl World {
    pub(crate) async fn start() -> Self {
        let authority = Authority::new();
        let mut endpoints = Vec::new();
        let fixed = ["one", "two"].map(str::to_owned).into_iter();
        for name in fixed.chain((0..TURNS).map(|turn| format!("turn-{turn}"))) {
            let mut addresses = Vec::new();
            for _ in 0..ENDPOINTS {
                addresses.push(endpoint(name.clone()).await);
            }
            endpoints.push((name, addresses));
        }
        let table = SharedTable::default();
        let store = CertificateStore::new();
        let recorder = Arc::new(DebuggingRecorder::new());
        let snapshotter = recorder.snapshotter();
        let pick = Counted::with_recorder(Balancer::new(table.clone()), recorder.clone());
        let service = RouteLayer::new(table.clone()).observed().layer(Proxy::new(pick));
        let service = ObserveLayer::new(Metrics::with_recorder(recorder)).layer(service);
        let resolver = CertificateResolver::new(table.clone(), store.clone());
        let tls = ServerSettings::new().with_provider(provider()).build(resolver).expect("sound settings");
        let tls = TlsAcceptor::from(Arc::new(tls));
        let (plain, secure) = (listen().await, listen().await);
        let world = Self {
            plain: plain.local_addr().expect("bound"),
            secure: secure.local_addr().expect("bound"),
            certificates: HOSTS.iter().map(|host| [(); 2].map(|()| issue(&authority, host))).collect(),
            authority,
            published: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            table,
            compiler: Mutex::new(Compiler::new(Kubernetes)),
            store,
            endpoints,
            snapshotter,
        };
        world.swap(0);

        let inner = service.clone();
        tokio::spawn(async move {
            while let Ok((stream, client)) = plain.accept().await {
                stream.set_nodelay(true).expect("a socket");
                let (peer, service) = (Peer::new(client, 80, false), inner.clone());
                tokio::spawn(async move { Server::default().serve_connection(stream, peer, service).await });
            }
        });
        tokio::spawn(async move {
            while let Ok((stream, client)) = secure.accept().await {
                stream.set_nodelay(true).expect("a socket");
                let (peer, service, tls) = (Peer::new(client, 443, true), service.clone(), tls.clone());
                tokio::spawn(async move {
                    // A handshake that fails is the client's to judge.
                    let Ok(stream) = tls.accept(stream).await else { return };
                    let _ = Server::default().serve_connection(stream, peer, service).await;
                });
            }
        });
        world
    }

    /// Swaps everything. `/one` and `/two` lead to the same Services always, but their rules move, other
    /// rules and hosts come and go, and of each Service's endpoints another one is left out.
    pub(crate) fn swap(&self, number: usize) {
        self.begun.store(number, Ordering::SeqCst);
        let turn = number % TURNS;
        let path = |path: &str, service: &str| {
            format!(
                "{{path: {path}, pathType: Prefix, backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}"
            )
        };
        let turn = path("/turn", &format!("turn-{turn}"));
        let (one, two) = (path("/one", "one"), path("/two", "two"));
        // The order of the paths and what stands between them says nothing of where requests go.
        let noise = path(&format!("/noise-{}", number % 7), "two");
        let paths = if number.is_multiple_of(2) {
            [one, noise, turn, two].join(", ")
        } else {
            [two, turn, one].join(", ")
        };
        let rule = |host: &str| format!("{{host: {host}, http: {{paths: [{paths}]}}}}");
        let rules = [rule(HOSTS[0]), rule(HOSTS[1]), rule(&format!("h{}.example", number % 5))].join(", ");
        let object: Ingress = serde_saphyr::from_str(&format!(
            "metadata: {{namespace: shop, name: web}}
spec:
  tls: [{{hosts: [{}], secretName: a}}, {{hosts: [{}], secretName: b}}]
  rules: [{rules}]",
            HOSTS[0], HOSTS[1]
        ))
        .expect("a sound manifest");

        let mut cluster = Cluster::default();
        for (name, addresses) in &self.endpoints {
            let id = ObjectId::new("shop", name);
            cluster.upsert_service(Service::new(id.clone()).with_port(ServicePort::new(80)));
            for (index, address) in addresses.iter().enumerate() {
                if index != number % ENDPOINTS {
                    let slice =
                        EndpointSlice::new(ObjectId::new("shop", &format!("{name}-{index}")), id.clone());
                    let endpoint = SliceEndpoint::new(address.ip());
                    cluster.upsert_slice(slice.with_port("", address.port()).with_endpoint(endpoint));
                }
            }
        }
        // Before the table that names them.
        for (secret, issued) in ["a", "b"].iter().zip(&self.certificates) {
            let (secret, key) = (SecretRef::new("shop", secret), (*issued[number % 2]).clone());
            let certificate = Certificate::from_certified_key(&secret, key).expect("a sound certificate");
            self.store.insert(&secret, certificate);
        }
        let mut compiler = self.compiler.lock().expect("no panic");
        compiler.upsert(&object);
        self.table.publish_all(compiler.compile(), cluster.endpoints());
        self.published.store(number, Ordering::SeqCst);
    }

    /// How many requests were answered 200, and whole.
    pub(crate) fn counted(&self) -> u64 {
        let all = self.snapshotter.snapshot().into_vec().into_iter();
        let whole = all.filter_map(|(key, _, _, value)| {
            let key = key.key();
            let has = |name, value| key.labels().any(|label| (label.key(), label.value()) == (name, value));
            match value {
                DebugValue::Counter(count)
                    if key.name() == "ingress_requests_total"
                        && has("status", "200")
                        && has("ending", "whole") =>
                {
                    Some(count)
                }
                _ => None,
            }
        });
        whole.sum()
    }
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

/// Says which Service it is of, and what it was asked for.
async fn endpoint(service: String) -> SocketAddr {
    let listener = listen().await;
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).expect("a socket");
            let service = service.clone();
            let answer = hyper::service::service_fn(move |request: Request<Incoming>| {
                let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or("");
                let text = format!("{service} {host} {}", request.uri());
                async move { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(text))) }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(async move { connection.serve_connection(TokioIo::new(stream), answer).await });
        }
    });
    address
}
