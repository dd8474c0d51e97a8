//! The body of a response.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::exchange::Carrier;
use super::headers::strip_trailers;
use super::pick::Guard;
use super::pool::{Counted, Permit};
use super::reason::Reason;

/// The body of the proxy's responses: the endpoint's, as it comes, or a few words of the proxy's own.
///
/// Nothing is read from the endpoint before it is asked for, so a client that reads slowly slows the
/// endpoint down. Dropped before its end, it closes the connection that it comes by.
#[derive(Default)]
pub struct ProxyBody(Kind);

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Full(Bytes),
    Relayed(Box<Relay>),
}

pub(super) struct Relay {
    pub(super) body: Incoming,
    pub(super) carrier: Option<Carrier>,
    pub(super) held: Held,
    pub(super) idle: Duration,
    pub(super) deadline: Option<Instant>,
    pub(super) sleep: Option<Pin<Box<Sleep>>>,
    pub(super) waiting: bool,
}

/// What ends with the response.
pub(super) struct Held {
    pub(super) guard: Box<dyn Guard>,
    pub(super) _place: Permit<Counted>,
    pub(super) _total: Permit<Arc<AtomicUsize>>,
}

/// Why the body of a response ended early.
#[non_exhaustive]
#[derive(Debug)]
pub enum BodyError {
    /// The connection to the endpoint broke, or what came by it was no sound HTTP.
    Broken(hyper::Error),
    /// The endpoint stopped sending.
    Idle,
    /// The request took longer than it may.
    Deadline,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken(_) => "the endpoint's answer broke off",
            Self::Idle => "the endpoint stopped sending",
            Self::Deadline => "the request took longer than it may",
        })
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Broken(error) => Some(error),
            Self::Idle | Self::Deadline => None,
        }
    }
}

impl ProxyBody {
    pub(super) fn full(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::default() } else { Self(Kind::Full(bytes)) }
    }

    /// The endpoint's. Where that is empty, its connection is free at once.
    pub(super) fn relayed(mut relay: Relay) -> Self {
        if relay.body.is_end_stream() {
            relay.finish();
            return Self::default();
        }
        Self(Kind::Relayed(Box::new(relay)))
    }
}

impl From<Bytes> for ProxyBody {
    fn from(bytes: Bytes) -> Self {
        Self::full(bytes)
    }
}

impl Relay {
    /// Gives the connection back.
    fn finish(&mut self) {
        if let Some(Carrier::Owned { connection, place, pool }) = self.carrier.take() {
            pool.give_back(&place, connection);
        }
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(Carrier::Owned { connection, .. }) = &mut self.carrier else {
            return Pin::new(&mut self.body).poll_frame(cx);
        };
        // All that the body can come by is the connection, which is polled here: nobody has to be woken
        // for it.
        let mut nobody = Context::from_waker(Waker::noop());
        let first = Pin::new(&mut self.body).poll_frame(&mut nobody);
        if first.is_ready() {
            return first;
        }
        // It was asked for the next piece by the poll above. If it ends here, the body knows.
        let _ = Pin::new(&mut connection.connection).poll(cx);
        Pin::new(&mut self.body).poll_frame(&mut nobody)
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.carrier = None;
            return Poll::Ready(Some(Err(BodyError::Deadline)));
        }
        match self.poll_body(cx) {
            Poll::Pending => self.poll_limits(cx).map(|error| {
                self.carrier = None;
                if matches!(error, BodyError::Idle) {
                    self.held.guard.failed(Reason::ResponseTimeout);
                }
                Some(Err(error))
            }),
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => {
                self.carrier = None;
                self.held.guard.failed(Reason::ConnectionClosed);
                Poll::Ready(Some(Err(BodyError::Broken(error))))
            }
            Poll::Ready(Some(Ok(mut frame))) => {
                self.waiting = false;
                if let Some(trailers) = frame.trailers_mut() {
                    strip_trailers(trailers);
                }
                if self.body.is_end_stream() {
                    self.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    /// The timer is made at the first wait and moved when the next begins: most bodies need none.
    fn poll_limits(&mut self, cx: &mut Context<'_>) -> Poll<BodyError> {
        let now = Instant::now();
        let idle = now.checked_add(self.idle);
        let until = match (idle, self.deadline) {
            (Some(idle), Some(deadline)) => idle.min(deadline),
            (Some(either), None) | (None, Some(either)) => either,
            (None, None) => return Poll::Pending,
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if !self.waiting {
            self.waiting = true;
            sleep.as_mut().reset(until);
        }
        match sleep.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) if self.deadline.is_some_and(|deadline| now >= deadline) => {
                Poll::Ready(BodyError::Deadline)
            }
            Poll::Ready(()) => Poll::Ready(BodyError::Idle),
        }
    }
}

impl Body for ProxyBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Kind::Empty => Poll::Ready(None),
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Kind::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Kind::Relayed(relay) => relay.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Full(_) => false,
            Kind::Relayed(relay) => relay.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Relayed(relay) => relay.body.size_hint(),
        }
    }
}

impl fmt::Debug for ProxyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Empty => "ProxyBody(empty)",
            Kind::Full(_) => "ProxyBody(own)",
            Kind::Relayed(_) => "ProxyBody(relayed)",
        })
    }
}
