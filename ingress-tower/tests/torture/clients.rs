//! Clients that speak HTTP/2 over TLS, and look at every answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::world::{HOSTS, TURNS, World, provider};

/// So many requests by one connection, then a new one, with a handshake of its own.
const PER_CONNECTION: usize = 40;
/// So many at once.
const AT_ONCE: usize = 4;

pub(crate) struct Client {
    world: Arc<World>,
    host: &'static str,
    number: usize,
    tls: TlsConnector,
}

#[derive(Default)]
pub(crate) struct Done {
    pub(crate) requests: u64,
    pub(crate) handshakes: u64,
}

impl Client {
    pub(crate) fn new(world: Arc<World>, number: usize) -> Self {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("versions of the provider")
            .with_root_certificates(world.authority.roots())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        // Each handshake is to be about a certificate.
        config.resumption = Resumption::disabled();
        Self { host: HOSTS[number % HOSTS.len()], world, number, tls: TlsConnector::from(Arc::new(config)) }
    }

    pub(crate) async fn run(self) -> Done {
        let mut done = Done::default();
        while !self.world.over.load(Ordering::SeqCst) {
            let connection = self.connect().await;
            done.handshakes += 1;
            for _ in 0..PER_CONNECTION / AT_ONCE {
                let asked =
                    (0..AT_ONCE as u64).map(|more| self.ask(connection.clone(), done.requests + more));
                all_of(asked).await;
                done.requests += AT_ONCE as u64;
            }
        }
        done
    }

    /// The certificate is verified, for this host, or there is no connection.
    async fn connect(&self) -> SendRequest<Empty<Bytes>> {
        let stream = TcpStream::connect(self.world.secure).await.expect("the front listens");
        stream.set_nodelay(true).expect("a socket");
        let name = ServerName::try_from(self.host).expect("a name");
        let stream = self.tls.connect(name, stream).await.expect("a certificate for the host");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (sender, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2 as agreed upon");
        tokio::spawn(connection);
        sender
    }

    async fn ask(&self, mut connection: SendRequest<Empty<Bytes>>, count: u64) {
        let path = ["/one", "/two", "/turn"][(count % 3) as usize];
        let target = format!("{path}/{}/{count}", self.number);
        let uri = format!("https://{}{target}", self.host);
        let request = Request::get(uri).body(Empty::new()).expect("a sound request");

        let before = self.world.published.load(Ordering::SeqCst);
        let response = connection.send_request(request).await.expect("an answer");
        let after = self.world.begun.load(Ordering::SeqCst);

        let status = response.status();
        let body = response.into_body().collect().await.expect("a whole answer").to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(status, 200, "{target} between tables {before} and {after}: {text}");
        let (service, rest) = text.split_once(' ').expect("what endpoints say");
        assert_eq!(rest, format!("{} {target}", self.host));
        let is_right = match path {
            "/turn" => {
                let mut tables = before..=after;
                tables.any(|table| service == format!("turn-{}", table % TURNS))
            }
            path => service == &path[1..],
        };
        assert!(is_right, "{target} came to {service} between tables {before} and {after}");
    }
}

/// All of them at once.
async fn all_of(futures: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut all: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        all.retain_mut(|future| future.as_mut().poll(cx).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}
