//! The future of a routed request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

pin_project! {
    /// What [`Route`](crate::Route) answers with: the inner service's future, a reply that is there already,
    /// or what waits for an [`Authorizer`](crate::Authorizer), in a box because it is rare and large.
    ///
    /// Once it has given its response it stays pending.
    pub struct ResponseFuture<F, B, G = F> {
        #[pin]
        state: State<F, B, G>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, B, G> {
        Forwarded { #[pin] future: F },
        Replied { response: Option<Response<B>> },
        Asking { future: Pin<Box<G>> },
    }
}

impl<F, B, G> ResponseFuture<F, B, G> {
    pub(crate) const fn forwarded(future: F) -> Self {
        Self { state: State::Forwarded { future } }
    }

    pub(crate) const fn replied(response: Response<B>) -> Self {
        Self { state: State::Replied { response: Some(response) } }
    }

    pub(crate) fn asking(future: G) -> Self {
        Self { state: State::Asking { future: Box::pin(future) } }
    }
}

impl<F, B, G, E> Future for ResponseFuture<F, B, G>
where
    F: Future<Output = Result<Response<B>, E>>,
    G: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Forwarded { future } => future.poll(cx),
            StateProjection::Replied { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending,
            },
            StateProjection::Asking { future } => future.as_mut().poll(cx),
        }
    }
}

impl<F, B, G> fmt::Debug for ResponseFuture<F, B, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forwarded = matches!(self.state, State::Forwarded { .. });
        f.debug_struct("ResponseFuture").field("forwarded", &forwarded).finish_non_exhaustive()
    }
}
