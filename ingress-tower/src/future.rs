//! The future of a routed request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

pin_project! {
    /// What [`Route`](crate::Route) answers with: the inner service's future, or a reply that is there
    /// already.
    ///
    /// Once it has given its response it stays pending.
    pub struct ResponseFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, B> {
        Forwarded { #[pin] future: F },
        Replied { response: Option<Response<B>> },
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(crate) const fn forwarded(future: F) -> Self {
        Self { state: State::Forwarded { future } }
    }

    pub(crate) const fn replied(response: Response<B>) -> Self {
        Self { state: State::Replied { response: Some(response) } }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Forwarded { future } => future.poll(cx),
            StateProjection::Replied { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending,
            },
        }
    }
}

impl<F, B> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forwarded = matches!(self.state, State::Forwarded { .. });
        f.debug_struct("ResponseFuture").field("forwarded", &forwarded).finish_non_exhaustive()
    }
}
