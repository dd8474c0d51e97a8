//! The body of a response that is being watched.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::live::Live;
use super::observer::{Ending, Watch};

pin_project! {
    /// The inner service's body, not boxed. The request ends with its last frame, or with an error, or when
    /// it is dropped before.
    pub struct ObservedBody<B, W: Watch> {
        #[pin]
        body: B,
        live: Option<Live<W>>,
    }
}

impl<B, W: Watch> ObservedBody<B, W> {
    pub(super) const fn new(body: B, live: Option<Live<W>>) -> Self {
        Self { body, live }
    }
}

/// A body that nobody watches.
impl<B: Default, W: Watch> Default for ObservedBody<B, W> {
    fn default() -> Self {
        Self::new(B::default(), None)
    }
}

impl<B: Body, W: Watch> Body for ObservedBody<B, W> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(live) = this.live.as_mut() else { return this.body.poll_frame(cx) };
        let frame = ready!(live.within(|| this.body.as_mut().poll_frame(cx)));
        let ending = match &frame {
            None => Some(Ending::Whole),
            Some(Err(_)) => Some(Ending::Broken),
            Some(Ok(frame)) => {
                let passed = live.passed(frame.data_ref().map_or(0, Buf::remaining));
                (passed || this.body.is_end_stream()).then_some(Ending::Whole)
            }
        };
        if let Some(ending) = ending
            && let Some(mut live) = this.live.take()
        {
            live.end(ending);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: fmt::Debug, W: Watch> fmt::Debug for ObservedBody<B, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObservedBody").field(&self.body).finish()
    }
}
