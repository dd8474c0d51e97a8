//! Accepts connections and serves them, until told to stop.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use ingress_tower::proxy::{Peer, ProxyBody, Server};
use ingress_tower::proxy_protocol::ProxyProtocol;
use ingress_tower::tls::ConnectionName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use super::certificates::chain_of;
use super::phase::{Phase, Phases};
use super::published::Published;
use super::stack::Named;

/// How long nothing is accepted after the system had no more to give: files, mostly.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a connection that has just been made may take to ask something, whatever happens meanwhile.
const GRACE: Duration = Duration::from_secs(1);

/// What is the same for all workers.
#[derive(Clone, Debug)]
pub(super) struct Front {
    pub(super) server: Server,
    pub(super) proxy_protocol: ProxyProtocol,
    pub(super) handshake_timeout: Duration,
    /// One for each connection that there may be.
    pub(super) places: Arc<Semaphore>,
    pub(super) published: Arc<Published>,
}

/// A socket, and whether TLS is spoken there.
pub(super) struct Door {
    pub(super) socket: std::net::TcpListener,
    pub(super) tls: Option<TlsAcceptor>,
}

/// What a service must be to be served.
pub(super) trait Serve:
    Service<Request<Incoming>, Response = Response<ProxyBody>, Error = Infallible, Future = Self::Answer>
    + Clone
    + Send
    + Sync
    + 'static
{
    /// The future of an answer.
    type Answer: Send + 'static;
}

impl<S, F> Serve for S
where
    S: Service<Request<Incoming>, Response = Response<ProxyBody>, Error = Infallible, Future = F>
        + Clone
        + Send
        + Sync
        + 'static,
    F: Send + 'static,
{
    type Answer = F;
}

/// Serves what comes through these doors. Ends when the last connection has, or when everything stops.
pub(super) async fn work<S: Serve>(doors: Vec<Door>, front: Front, service: S, phases: Phases) {
    // Every task holds a sender; when none is left, all have ended.
    let (held, mut all_ended) = mpsc::channel::<Infallible>(1);
    for door in doors {
        let listener = match TcpListener::from_std(door.socket) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%error, "a socket cannot be listened at");
                continue;
            }
        };
        let accept = Accept {
            front: front.clone(),
            tls: door.tls,
            service: service.clone(),
            phases: phases.clone(),
            _held: held.clone(),
        };
        tokio::spawn(accept.run(listener));
    }
    drop(held);
    tokio::select! {
        _ = all_ended.recv() => {}
        () = phases.reached(Phase::Stopped) => {}
    }
}

/// One door that is open.
#[derive(Clone)]
struct Accept<S> {
    front: Front,
    tls: Option<TlsAcceptor>,
    service: S,
    phases: Phases,
    /// Held while there is anything to do, and never sent by.
    _held: mpsc::Sender<Infallible>,
}

impl<S: Serve> Accept<S> {
    async fn run(self, listener: TcpListener) {
        let mut draining = pin!(self.phases.reached(Phase::Draining));
        loop {
            // With no place left the kernel's queue holds those who come, and then the clients wait.
            let place = tokio::select! {
                biased;
                () = &mut draining => break,
                place = self.front.places.clone().acquire_owned() => place,
            };
            let accepted = tokio::select! {
                biased;
                () = &mut draining => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.start(stream, peer, place.ok()),
                Err(error) => self.recover(&error).await,
            }
        }
        // Whoever is in the queue has a connection already, and closing the socket would break it.
        while let Ok(Ok((stream, peer))) = timeout(Duration::ZERO, listener.accept()).await {
            self.start(stream, peer, self.front.places.clone().try_acquire_owned().ok());
        }
    }

    fn start(&self, stream: TcpStream, peer: SocketAddr, place: Option<tokio::sync::OwnedSemaphorePermit>) {
        let this = self.clone();
        tokio::spawn(async move {
            let gauge = &this.front.published.counts.connections;
            gauge.all.fetch_add(1, Ordering::Relaxed);
            gauge.open.fetch_add(1, Ordering::Relaxed);
            // Also when the task is given up, or panics.
            let _open = Open(&this.front.published);
            let _place = place;
            this.connection(stream, peer).await;
        });
    }

    /// Clients that went away while they waited are no failure of ours; a lack of files is, and goes away
    /// with time.
    async fn recover(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        if !matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
            tracing::warn!(%error, "no connection can be accepted");
            sleep(PAUSE).await;
        }
    }

    async fn connection(&self, stream: TcpStream, peer: SocketAddr) {
        // Without it, small answers wait for the client's word about the last one.
        let _ = stream.set_nodelay(true);
        let port = stream.local_addr().map_or(0, |address| address.port());
        let since = Instant::now();
        let accepted = tokio::select! {
            accepted = self.front.proxy_protocol.accept(stream, peer) => accepted,
            () = self.draining(since) => return,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                self.front.published.counts.refused.fetch_add(1, Ordering::Relaxed);
                return tracing::debug!(%peer, error = chain_of(&error), "a connection was refused");
            }
        };
        let client = stream.client();
        let Some(tls) = &self.tls else {
            let peer = Peer::new(client, port, false);
            return self.serve(stream, peer, self.service.clone(), since).await;
        };
        match timeout(self.front.handshake_timeout, tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let name = ConnectionName::of(stream.get_ref().1);
                let mut peer = Peer::new(client, port, true);
                if let Some(server_name) = name.as_deref() {
                    peer = peer.with_server_name(server_name);
                }
                let service = Named { inner: self.service.clone(), name };
                self.serve(stream, peer, service, since).await;
            }
            failed => {
                self.front.published.counts.handshakes_failed.fetch_add(1, Ordering::Relaxed);
                let error = failed.map_or_else(
                    |_| "it took too long".to_owned(),
                    |failed| match failed {
                        Ok(_) => String::new(),
                        Err(error) => error.to_string(),
                    },
                );
                tracing::debug!(%client, error, "a TLS handshake failed");
            }
        }
    }

    /// Ends when a connection should, that was made at this time.
    fn draining(&self, since: Instant) -> impl Future<Output = ()> + Send + 'static {
        let draining = self.phases.reached(Phase::Draining);
        async move {
            draining.await;
            sleep_until(since + GRACE).await;
        }
    }

    async fn serve<I>(&self, stream: I, peer: Peer, service: impl Serve, since: Instant)
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let client = peer.address();
        let draining = self.draining(since);
        if let Err(error) = self.front.server.serve_connection_until(stream, peer, service, draining).await {
            tracing::debug!(%client, error = chain_of(&error), "a connection ended early");
        }
    }
}

/// A connection that is open.
struct Open<'p>(&'p Published);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.counts.connections.open.fetch_sub(1, Ordering::Relaxed);
    }
}
