//! The body of a request on its way to an endpoint.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::time::{Instant, Sleep, sleep};

use super::headers::strip_trailers;
use super::reason::Reason;

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// The body of one request, whatever number of times it is sent.
///
/// It outlives the attempts: an attempt that failed leaves it to the next, with what has been read so
/// far if that was kept.
#[derive(Clone)]
pub(super) struct Source(Option<Arc<Mutex<State>>>);

/// The limits of a body.
pub(super) struct Limits {
    pub(super) bytes: u64,
    pub(super) replay: usize,
    pub(super) idle: Duration,
    /// How long to hold it back for the endpoint's `100 Continue`.
    pub(super) hold: Option<Duration>,
}

struct State {
    body: UnsyncBoxBody<Bytes, BoxError>,
    size: SizeHint,
    limits: Limits,
    /// Counts the attempts. What an attempt that was given up still asks for, it does not get.
    attempt: u32,
    kept: Vec<Bytes>,
    kept_bytes: usize,
    /// Whether `kept` is all that was read.
    complete: bool,
    received: u64,
    finished: bool,
    failure: Option<Reason>,
    holding: bool,
    waker: Option<Waker>,
    sleep: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl Source {
    pub(super) fn new<B>(body: B, limits: Limits) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Self(None);
        }
        let size = body.size_hint();
        let body = body.map_err(Into::into).boxed_unsync();
        let holding = limits.hold.is_some();
        Self(Some(Arc::new(Mutex::new(State {
            body,
            size,
            limits,
            attempt: 0,
            kept: Vec::new(),
            kept_bytes: 0,
            complete: true,
            received: 0,
            finished: false,
            failure: None,
            holding,
            waker: None,
            sleep: None,
            waiting: false,
        }))))
    }

    fn lock(&self) -> Option<MutexGuard<'_, State>> {
        // A body that panicked is in no worse state than one that failed.
        self.0.as_ref().map(|state| state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The body for the next attempt.
    pub(super) fn upload(&self) -> Upload {
        let Some(mut state) = self.lock() else { return Upload { source: Self(None), attempt: 0, next: 0 } };
        state.attempt = state.attempt.wrapping_add(1);
        state.waiting = false;
        let attempt = state.attempt;
        drop(state);
        Upload { source: self.clone(), attempt, next: 0 }
    }

    /// Whether there is no body, or nothing of it is left to be sent.
    pub(super) fn is_finished(&self) -> bool {
        self.lock().is_none_or(|state| state.finished)
    }

    /// Whether an attempt can begin at the first byte again.
    pub(super) fn is_replayable(&self) -> bool {
        self.lock().is_none_or(|state| state.complete && state.failure.is_none())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn has_exact_size(&self) -> bool {
        self.lock().is_none_or(|state| state.size.exact().is_some())
    }

    /// What the client did wrong, which no endpoint is to be blamed for.
    pub(super) fn failure(&self) -> Option<Reason> {
        self.lock().and_then(|state| state.failure)
    }

    /// Whether the client is the one who is waited for.
    pub(super) fn is_waiting_for_client(&self) -> bool {
        self.lock().is_some_and(|state| state.waiting && !state.holding && !state.finished)
    }

    /// How much has been received, to see whether it moves.
    pub(super) fn received(&self) -> u64 {
        self.lock().map_or(0, |state| state.received)
    }

    /// Lets a body go that was held back.
    pub(super) fn release(&self) {
        let Some(mut state) = self.lock() else { return };
        state.holding = false;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl State {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Reason>>> {
        if let Some(reason) = self.failure {
            return Poll::Ready(Some(Err(reason)));
        }
        if self.finished {
            return Poll::Ready(None);
        }
        if self.holding {
            let limit = self.limits.hold.unwrap_or_default();
            if self.poll_sleep(cx, limit).is_pending() {
                self.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            self.holding = false;
            self.waiting = false;
        }
        let frame = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                if self.poll_sleep(cx, self.limits.idle).is_pending() {
                    return Poll::Pending;
                }
                self.failure = Some(Reason::RequestBodyTimeout);
                return Poll::Ready(Some(Err(Reason::RequestBodyTimeout)));
            }
        };
        self.waiting = false;
        let result = match frame {
            None => {
                self.finished = true;
                return Poll::Ready(None);
            }
            Some(Err(_)) => Err(Reason::RequestBody),
            Some(Ok(frame)) => self.take(frame),
        };
        if let Err(reason) = result {
            self.failure = Some(reason);
        } else if self.body.is_end_stream() {
            self.finished = true;
        }
        Poll::Ready(Some(result))
    }

    /// Counts a frame, and keeps it if it may be needed again.
    fn take(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Reason> {
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => {
                self.complete = false;
                let Ok(mut trailers) = frame.into_trailers() else { return Err(Reason::RequestBody) };
                strip_trailers(&mut trailers);
                return Ok(Frame::trailers(trailers));
            }
        };
        self.received = self.received.saturating_add(data.len() as u64);
        if self.received > self.limits.bytes {
            return Err(Reason::RequestBodyTooLarge);
        }
        if self.complete {
            self.kept_bytes = self.kept_bytes.saturating_add(data.len());
            if self.kept_bytes <= self.limits.replay {
                // A copy: the piece may be a small part of a large buffer, which it would keep alive.
                self.kept.push(Bytes::copy_from_slice(&data));
            } else {
                self.complete = false;
                self.kept = Vec::new();
            }
        }
        Ok(Frame::data(data))
    }

    /// One timer for all waits of this body; it is set anew only when a wait begins.
    fn poll_sleep(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        let timer = self.sleep.get_or_insert_with(|| Box::pin(sleep(limit)));
        if !self.waiting {
            self.waiting = true;
            if let Some(deadline) = Instant::now().checked_add(limit) {
                timer.as_mut().reset(deadline);
            }
        }
        timer.as_mut().poll(cx)
    }
}

/// The body of one attempt.
pub(super) struct Upload {
    source: Source,
    attempt: u32,
    next: usize,
}

/// Why a body came to no end. The endpoint is not told; its connection is closed.
#[derive(Debug)]
pub(super) struct UploadError(Reason);

impl fmt::Display for UploadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the body of the request cannot be sent: {}", self.0)
    }
}

impl Error for UploadError {}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let this = &mut *self;
        let Some(mut state) = this.source.lock() else { return Poll::Ready(None) };
        if state.attempt != this.attempt {
            return Poll::Ready(Some(Err(UploadError(Reason::ConnectionClosed))));
        }
        if let Some(piece) = state.kept.get(this.next).filter(|_| state.complete) {
            this.next += 1;
            return Poll::Ready(Some(Ok(Frame::data(piece.clone()))));
        }
        let polled = state.poll(cx);
        if matches!(polled, Poll::Ready(Some(Ok(_)))) && state.complete {
            this.next = state.kept.len();
        }
        polled.map(|frame| frame.map(|result| result.map_err(UploadError)))
    }

    fn is_end_stream(&self) -> bool {
        self.source.lock().is_none_or(|state| {
            let replayed = !state.complete || self.next >= state.kept.len();
            state.finished && replayed
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.source.lock().map_or_else(|| SizeHint::with_exact(0), |state| state.size)
    }
}
