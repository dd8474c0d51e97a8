//! Serving connections of clients, strictly.

use std::error::Error;
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tower_service::Service;

use super::framing::Framing;
use super::gate::{Gate, Signals};
use super::reason::Reason;
use super::strict::{Flaw, check};
use super::upload::BoxError;
use crate::peer::Peer;

/// The first bytes of a client that speaks HTTP/2 without having been asked.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The parser's own limit. Told another, or the same, it clears room for them all for each request.
pub(super) const PARSER_HEADERS: usize = 100;

/// Serves HTTP/1 and HTTP/2 on connections that the program has accepted.
///
/// What two servers might read differently is answered 400, and the connection closed, before any
/// service sees it: see [`Flaw`]. Which of the two versions is spoken is seen from the first bytes.
///
/// In HTTP/1, requests are read and answered one after the other. A client may close its sending side
/// after a request and still gets the answer.
#[derive(Clone, Debug)]
pub struct Server {
    head_timeout: Duration,
    write_timeout: Duration,
    headers: usize,
    head_bytes: usize,
    streams: u32,
    half_close: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            headers: 100,
            head_bytes: 64 << 10,
            streams: 128,
            half_close: true,
        }
    }
}

impl Server {
    /// How long a client may take to send the head of a request, the pause since the last one included:
    /// 60 seconds.
    #[must_use]
    pub fn head_timeout(mut self, limit: Duration) -> Self {
        self.head_timeout = limit;
        self
    }

    /// How long a client may take nothing of what is written to it: 60 seconds.
    #[must_use]
    pub fn write_timeout(mut self, limit: Duration) -> Self {
        self.write_timeout = limit;
        self
    }

    /// How many headers a request may have, and how many bytes its head: 100, and 64 KiB. More is
    /// answered 431. At least 8 KiB are allowed.
    #[must_use]
    pub fn head(mut self, headers: usize, bytes: usize) -> Self {
        self.headers = headers;
        self.head_bytes = bytes.max(8 << 10);
        self
    }

    /// How many requests one HTTP/2 connection may have under way: 128.
    #[must_use]
    pub fn concurrent_streams(mut self, count: u32) -> Self {
        self.streams = count;
        self
    }

    /// Gives up requests of clients that close their sending side. That notices clients that went away
    /// while an endpoint thinks, and fails those that only had nothing more to say.
    #[must_use]
    pub fn abort_on_half_close(mut self) -> Self {
        self.half_close = false;
        self
    }

    /// Serves one connection until it ends.
    pub async fn serve_connection<I, S, B>(&self, io: I, peer: Peer, service: S) -> Result<(), ServeError>
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Default + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.serve_connection_until(io, peer, service, pending()).await
    }

    /// Serves one connection until it ends, or until `shutdown` does: then what is under way is finished,
    /// and nothing more accepted.
    pub async fn serve_connection_until<I, S, B>(
        &self,
        mut io: I,
        peer: Peer,
        service: S,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError>
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Default + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut shutdown = pin!(shutdown);
        let mut read_ahead = Vec::new();
        let is_http2 = {
            let mut looking = pin!(tokio::time::timeout(self.head_timeout, look(&mut io, &mut read_ahead)));
            let looked = poll_fn(|cx| {
                if shutdown.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(None);
                }
                looking.as_mut().poll(cx).map(Some)
            });
            match looked.await {
                // Nothing has been asked yet.
                None | Some(Ok(Ok(Looked::Closed)) | Err(_)) => return Ok(()),
                Some(Ok(Err(error))) => return Err(ServeError { flaw: None, source: error.into() }),
                Some(Ok(Ok(Looked::Http2))) => true,
                Some(Ok(Ok(Looked::Http1))) => false,
            }
        };
        let signals = Arc::new(Signals::default());
        let framing = (!is_http2).then(Framing::default);
        let gate = Gate::new(io, read_ahead, framing, signals.clone(), self.write_timeout);
        let io = TokioIo::new(gate);
        let strict = Strict { service, peer, signals: signals.clone() };
        let result = if is_http2 {
            let connection = self.http2().serve_connection(io, strict);
            run(connection, shutdown, http2::Connection::graceful_shutdown).await
        } else {
            let connection = self.http1().serve_connection(io, strict).with_upgrades();
            run(connection, shutdown, http1::UpgradeableConnection::graceful_shutdown).await
        };
        match (result, signals.flaw()) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(flaw)) => Err(ServeError { flaw: Some(flaw), source: flaw.code().into() }),
            (Err(error), flaw) => Err(ServeError { flaw, source: error.into() }),
        }
    }

    fn http1(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder
            .half_close(self.half_close)
            .timer(TokioTimer::new())
            .header_read_timeout(self.head_timeout)
            .max_buf_size(self.head_bytes);
        if self.headers != PARSER_HEADERS {
            builder.max_headers(self.headers);
        }
        builder
    }

    fn http2(&self) -> http2::Builder<TokioExecutor> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.streams)
            .max_header_list_size(u32::try_from(self.head_bytes).unwrap_or(u32::MAX))
            .max_send_buf_size(256 << 10)
            // A client that went away without a word is asked now and then.
            .keep_alive_interval(self.head_timeout)
            .keep_alive_timeout(Duration::from_secs(20));
        builder
    }
}

/// Polls a connection, and tells it once to come to an end.
async fn run<C, E>(
    connection: C,
    mut shutdown: Pin<&mut impl Future<Output = ()>>,
    end: impl Fn(Pin<&mut C>),
) -> Result<(), E>
where
    C: Future<Output = Result<(), E>>,
{
    let mut connection = pin!(connection);
    let mut ending = false;
    poll_fn(|cx| {
        if !ending && shutdown.as_mut().poll(cx).is_ready() {
            ending = true;
            end(connection.as_mut());
        }
        connection.as_mut().poll(cx)
    })
    .await
}

enum Looked {
    Http1,
    Http2,
    Closed,
}

/// Reads until it is clear what is spoken. That is the first byte, for anything but HTTP/2.
async fn look(io: &mut (impl AsyncRead + Unpin), read: &mut Vec<u8>) -> std::io::Result<Looked> {
    read.reserve(1024);
    while read.len() < PREFACE.len() {
        if io.read_buf(read).await? == 0 {
            return Ok(if read.is_empty() { Looked::Closed } else { Looked::Http1 });
        }
        if read.iter().zip(PREFACE).any(|(read, expected)| read != expected) {
            return Ok(Looked::Http1);
        }
    }
    Ok(Looked::Http2)
}

/// Why a connection did not end well. That clients go away is the usual cause.
#[derive(Debug)]
pub struct ServeError {
    flaw: Option<Flaw>,
    source: BoxError,
}

impl ServeError {
    /// What was wrong with the last request, where that was the cause.
    pub fn flaw(&self) -> Option<Flaw> {
        self.flaw
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.flaw {
            Some(flaw) => write!(f, "a request was refused: {flaw}"),
            None => f.write_str("the connection failed"),
        }
    }
}

impl Error for ServeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// Checks each request before the service gets it.
struct Strict<S> {
    service: S,
    peer: Peer,
    signals: Arc<Signals>,
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Strict<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone,
    B: Default,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Checked<S, S::Future>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Err(reason) = check(&request) {
            let version = request.version();
            return Checked { state: State::Refused { reason, version }, signals: self.signals.clone() };
        }
        request.extensions_mut().insert(self.peer.clone());
        let state = State::Waiting { service: self.service.clone(), request: Some(request) };
        Checked { state, signals: self.signals.clone() }
    }
}

pin_project! {
    struct Checked<S, F> {
        #[pin]
        state: State<S, F>,
        signals: Arc<Signals>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, F> {
        Refused { reason: Reason, version: Version },
        Waiting { service: S, request: Option<Request<Incoming>> },
        Called { #[pin] future: F },
    }
}

impl<S, B> Future for Checked<S, S::Future>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    B: Default,
{
    type Output = Result<Response<B>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let future = match this.state.as_mut().project() {
                StateProjection::Refused { reason, version } => {
                    return Poll::Ready(Ok(refuse(*reason, *version)));
                }
                StateProjection::Waiting { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    match request.take() {
                        Some(request) => service.call(request),
                        None => return Poll::Pending,
                    }
                }
                StateProjection::Called { future } => {
                    let response = ready!(future.poll(cx))?;
                    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                        this.signals.leave_http();
                    }
                    return Poll::Ready(Ok(response));
                }
            };
            this.state.set(State::Called { future });
        }
    }
}

fn refuse<B: Default>(reason: Reason, version: Version) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = reason.status();
    if version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response.extensions_mut().insert(reason);
    response
}
