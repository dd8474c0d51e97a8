//! The listener for those who watch: probes, Prometheus, and people.
//!
//! It tells and changes nothing: every request is a `GET` or a `HEAD`, its body is not read, and nothing
//! that it asks for is kept. Pages of other origins get no word from it: no header lets them read answers,
//! a request that a browser says comes from another site is refused, and so is one for a host that is
//! neither an address, nor `localhost`, nor a name that was allowed, which is how another site's name that
//! leads here would ask. Keys of certificates are not among what is published, so they cannot be told.

mod metrics;
mod pages;
mod query;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, HOST};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use ingress_tower::proxy::{Peer, Server};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_service::Service;

use super::control::Event;
use super::listen::Listener;
use super::phase::{Phase, Phases};
use super::published::Published;
use super::signals;
use pages::Page;

/// How many may watch at a time.
const CONNECTIONS: usize = 64;

/// What a client may send, and how long it may take for it.
const HEADERS: usize = 64;
const HEAD_BYTES: usize = 16 << 10;
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Who is answered, and what.
#[derive(Clone, Debug)]
pub(super) struct Admin(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    published: Arc<Published>,
    hosts: Vec<String>,
    /// How many questions are worked on at a time: some take a while with large tables.
    turns: Semaphore,
}

impl Admin {
    /// `hosts` are names by which it may be asked.
    pub(super) fn new(published: Arc<Published>, hosts: &[String]) -> Self {
        let hosts = hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        Self(Arc::new(Shared { published, hosts, turns: Semaphore::new(2) }))
    }

    /// Serves on a thread of its own, which hears signals as well.
    pub(super) fn start(
        self,
        listeners: Vec<Listener>,
        phases: Phases,
        events: &Sender<Event>,
    ) -> io::Result<()> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().max_blocking_threads(2).build()?;
        {
            let _within = runtime.enter();
            signals::listen(events)?;
        }
        thread::Builder::new().name("admin".to_owned()).spawn(move || {
            runtime.block_on(async {
                let places = Arc::new(Semaphore::new(CONNECTIONS));
                for socket in listeners.into_iter().flat_map(|listener| listener.sockets) {
                    match TcpListener::from_std(socket) {
                        Ok(listener) => drop(tokio::spawn(self.clone().accept(listener, places.clone()))),
                        Err(error) => tracing::error!(%error, "a socket cannot be listened at"),
                    }
                }
                phases.reached(Phase::Stopped).await;
            });
            runtime.shutdown_background();
        })?;
        Ok(())
    }

    async fn accept(self, listener: TcpListener, places: Arc<Semaphore>) {
        let server =
            Server::default().head(HEADERS, HEAD_BYTES).head_timeout(HEAD_TIMEOUT).concurrent_streams(16);
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let Ok((stream, peer)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (server, service) = (server.clone(), self.clone());
            tokio::spawn(async move {
                let _place = place;
                let peer = Peer::new(peer, 0, false);
                // Whoever watches and goes away has seen enough.
                let _ = server.serve_connection(stream, peer, service).await;
            });
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        // To a HEAD the server sends the head of this.
        self.page(&request).await.response()
    }

    async fn page(&self, request: &Request<Incoming>) -> Page {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Page::refusal(StatusCode::METHOD_NOT_ALLOWED, "this listener tells, and changes nothing")
                .with_header(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        let path = request.uri().path();
        // Probes come by whatever name, and are told next to nothing.
        match path {
            "/healthz" => return Page::text(StatusCode::OK, "ok\n"),
            "/readyz" => {
                return match self.0.published.is_ready() {
                    true => Page::text(StatusCode::OK, "ok\n"),
                    false => Page::refusal(StatusCode::SERVICE_UNAVAILABLE, "not ready"),
                };
            }
            _ => {}
        }
        if let Err(why) = self.admits(request) {
            return Page::refusal(StatusCode::FORBIDDEN, why);
        }
        let Ok(_turn) = self.0.turns.acquire().await else {
            return Page::refusal(StatusCode::SERVICE_UNAVAILABLE, "stopping");
        };
        let (published, path) = (self.0.published.clone(), path.to_owned());
        let query = request.uri().query().unwrap_or_default().to_owned();
        // Large tables take a while to be written, and probes shall not wait for it.
        let work = tokio::task::spawn_blocking(move || pages::page(&published, &path, &query));
        work.await.unwrap_or_else(|_| Page::refusal(StatusCode::INTERNAL_SERVER_ERROR, "a bug"))
    }

    /// Whether the request can have been meant for us; or why not.
    fn admits(&self, request: &Request<Incoming>) -> Result<(), &'static str> {
        let site = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
        if site.is_some_and(|site| !matches!(site, b"same-origin" | b"none")) {
            return Err("pages of other sites have no business here");
        }
        let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let host = request.uri().authority().map(http::uri::Authority::as_str).or(header).unwrap_or_default();
        if self.0.is_ours(host) {
            Ok(())
        } else {
            Err("not a host of this listener; admin.hosts of --config has the names")
        }
    }
}

impl Shared {
    fn is_ours(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        name == "localhost" || name.parse::<IpAddr>().is_ok() || self.hosts.contains(&name)
    }
}

impl Service<Request<Incoming>> for Admin {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { Ok(this.answer(request).await) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_refused() {
        let admin = Admin::new(Arc::default(), &["Admin.example.com".to_owned()]);
        for host in [
            "127.0.0.1:8090",
            "10.1.2.3",
            "[::1]:80",
            "localhost",
            "LOCALHOST:1",
            "admin.example.com:80",
            "localhost.",
        ] {
            assert!(admin.0.is_ours(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "admin.example.com.evil",
            "127.0.0.1.evil.example:80",
        ] {
            assert!(!admin.0.is_ours(host), "{host}");
        }
    }
}
