//! One attempt: a request goes out on a connection, the head of a response comes back.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::task::AbortHandle;

use super::config::Config;
use super::connect::Connected;
use super::pick::{Protocol, Target};
use super::pool::{Http1, Http2, Place, Pool};
use super::reason::Reason;
use super::serve::PARSER_HEADERS;
use super::upload::{Source, Upload};

/// Why an attempt failed, and what may be done about it.
#[derive(Debug)]
pub(super) enum Failure {
    /// The endpoint has seen nothing of the request. Its headers are here, if they left the sender.
    Unsent(Reason, Option<HeaderMap>),
    /// The endpoint may have acted on the request.
    Sent(Reason),
}

/// What the bytes of a response come by.
pub(super) enum Carrier {
    /// The connection is driven by whoever reads the body, and given back afterwards.
    Owned { connection: Box<Http1>, place: Arc<Place>, pool: Arc<Pool> },
    /// A task drives the connection, because the request is still being sent. It ends with the response.
    Task(#[expect(dead_code, reason = "held for its end")] (Abort, Sender)),
    /// A stream among others.
    Stream(#[expect(dead_code, reason = "held for its end")] StreamCount),
}

/// Kept as long as the exchange lasts: without senders a connection closes.
type Sender = http1::SendRequest<Upload>;

pub(super) struct Abort(AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) struct StreamCount(Http2);

impl Drop for StreamCount {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection for one request.
pub(super) enum Line {
    Http1(Box<Http1>),
    Http2(StreamCount),
}

impl Line {
    /// A connection from the pool, or a new one. `again` is for another attempt: a connection that was kept may
    /// have been closed as the one before was.
    pub(super) async fn open(
        config: &Config,
        pool: &Arc<Pool>,
        (target, place): (&Target, &Place),
        again: bool,
    ) -> Result<Self, Reason> {
        if let Some(line) = Self::kept(pool, place, again) {
            return Ok(line);
        }
        // Boxed, as it is rare: what it takes would make the future of every request larger.
        let opening = Box::pin(Self::open_new(config, pool, (target, place), again));
        match tokio::time::timeout(config.connect_timeout, opening).await {
            Ok(result) => result,
            Err(_) => Err(Reason::ConnectTimeout),
        }
    }

    async fn open_new(
        config: &Config,
        pool: &Arc<Pool>,
        (target, place): (&Target, &Place),
        again: bool,
    ) -> Result<Self, Reason> {
        // Without knowing what will be spoken: only what is HTTP/2 for sure waits for its turn.
        let _turn = match target.protocol() {
            Protocol::H2c => Some(place.opening.lock().await),
            _ => None,
        };
        if let Some(line) = Self::kept(pool, place, again) {
            return Ok(line);
        }
        pool.start_sweeping();
        let connected = config.connect.connect(target).await?;
        Self::shake_hands(config, pool, place, connected).await
    }

    fn kept(pool: &Pool, place: &Place, again: bool) -> Option<Self> {
        if !again && let Some(connection) = pool.take(place) {
            return Some(Self::Http1(connection));
        }
        pool.shared(place).map(|shared| Self::Http2(StreamCount(shared)))
    }

    async fn shake_hands(
        config: &Config,
        pool: &Pool,
        place: &Place,
        connected: Connected,
    ) -> Result<Self, Reason> {
        let io = TokioIo::new(connected.stream);
        if !connected.http2 {
            let mut builder = http1::Builder::new();
            builder.max_buf_size(config.response_head_bytes);
            if config.response_headers != PARSER_HEADERS {
                builder.max_headers(config.response_headers);
            }
            let (sender, connection) = builder.handshake(io).await.map_err(|_| Reason::ConnectFailed)?;
            return Ok(Self::Http1(Http1::new(sender, connection)));
        }
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(u32::try_from(config.response_head_bytes).unwrap_or(u32::MAX))
            // The default of 65,535 bytes throttles a stream to that much each round trip; nobody reads
            // ahead of the client by more than this.
            .initial_stream_window_size(256 << 10)
            .initial_connection_window_size(1 << 20)
            // An endpoint that vanished without a word is noticed, not asked for ever.
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10))
            .handshake(io)
            .await
            .map_err(|_| Reason::ConnectFailed)?;
        // Its errors reach the requests on it.
        tokio::spawn(async move { drop(connection.await) });
        let shared = Http2::new(sender);
        pool.share(place, &shared);
        Ok(Self::Http2(StreamCount(shared)))
    }

    pub(super) fn is_http2(&self) -> bool {
        matches!(self, Self::Http2(_))
    }

    /// Sends the request, and waits for the head of the response. The time limit is the caller's.
    ///
    /// No `async fn`: the request is gone before the future is made, which else had to have room for it.
    pub(super) fn send<'s>(
        self,
        request: Request<Upload>,
        source: &'s Source,
        upgrades: bool,
        place: &'s Arc<Place>,
        pool: &'s Arc<Pool>,
    ) -> impl Future<Output = Result<(Response<Incoming>, Carrier), Failure>> + use<'s> {
        let sending = match self {
            Self::Http1(connection) if upgrades => Sending::Task(Box::pin(send_by_task(connection, request))),
            Self::Http1(mut connection) => {
                let response = connection.sender.try_send_request(request);
                Sending::Owned(connection, response)
            }
            Self::Http2(mut count) => {
                let response = count.0.sender.try_send_request(request);
                Sending::Stream(count, response)
            }
        };
        async move {
            match sending {
                Sending::Task(sending) => sending.await,
                Sending::Owned(owned, response) => drive(owned, response, source, place, pool).await,
                Sending::Stream(count, response) => match response.await {
                    Ok(response) => Ok((response, Carrier::Stream(count))),
                    Err(error) => Err(failure(error)),
                },
            }
        }
    }
}

enum Sending<T, O, S> {
    Task(Pin<Box<T>>),
    Owned(Box<Http1>, O),
    Stream(StreamCount, S),
}

async fn drive(
    mut owned: Box<Http1>,
    response: impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Upload>>>>,
    source: &Source,
    place: &Arc<Place>,
    pool: &Arc<Pool>,
) -> Result<(Response<Incoming>, Carrier), Failure> {
    let result = {
        let mut response = pin!(response);
        poll_fn(|cx| {
            // The connection first: all that the response can come of happens in there. When it has ended,
            // the response has its result, or never will.
            let ended = Pin::new(&mut owned.connection).poll(cx).is_ready();
            // So nobody needs to be woken for it, least of all the task that is running.
            let mut nobody = Context::from_waker(Waker::noop());
            match response.as_mut().poll(&mut nobody) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending if ended => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    };
    match result {
        Some(Ok(response)) if source.is_finished() => {
            let carrier = Carrier::Owned { connection: owned, place: place.clone(), pool: pool.clone() };
            Ok((response, carrier))
        }
        Some(Ok(response)) => {
            // The endpoint answers before it has heard all. Both directions now go at their own pace.
            let Http1 { sender, connection, .. } = *owned;
            let task = tokio::spawn(async move { drop(connection.await) });
            Ok((response, Carrier::Task((Abort(task.abort_handle()), sender))))
        }
        Some(Err(error)) => Err(failure(error)),
        None => Err(Failure::Sent(Reason::ConnectionClosed)),
    }
}

/// For requests that may turn the connection into something else.
async fn send_by_task(
    owned: Box<Http1>,
    request: Request<Upload>,
) -> Result<(Response<Incoming>, Carrier), Failure> {
    let Http1 { mut sender, connection, .. } = *owned;
    let task = tokio::spawn(async move { drop(connection.with_upgrades().await) });
    let abort = Abort(task.abort_handle());
    match sender.try_send_request(request).await {
        Ok(response) => Ok((response, Carrier::Task((abort, sender)))),
        Err(error) => Err(failure(error)),
    }
}

fn failure(mut error: TrySendError<Request<Upload>>) -> Failure {
    let unsent = error.take_message().map(|request| request.into_parts().0.headers);
    let error = error.into_error();
    let reason = if error.is_parse() { Reason::BadResponse } else { Reason::ConnectionClosed };
    match unsent {
        Some(headers) => Failure::Unsent(reason, Some(headers)),
        None => Failure::Sent(reason),
    }
}

/// The target of a request as the next hop wants it: the path alone for HTTP/1, all of it for HTTP/2.
pub(super) fn address(
    request: &mut Request<Upload>,
    http2: bool,
    scheme: &str,
    authority: &str,
) -> Result<(), Reason> {
    let path = request.uri().path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    let uri = if http2 {
        *request.version_mut() = Version::HTTP_2;
        Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build()
    } else {
        *request.version_mut() = Version::HTTP_11;
        Ok(Uri::from(path))
    };
    *request.uri_mut() = uri.map_err(|_| Reason::BadResponse)?;
    Ok(())
}
