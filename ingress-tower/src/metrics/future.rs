//! A request on its way to the head of its response.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::ObservedBody;
use super::live::Live;
use super::observer::{Ending, Watch};

pin_project! {
    /// What [`Observe`](super::Observe) answers with. Dropped before the head of the response is there, the
    /// request has been [abandoned](Ending::Abandoned).
    ///
    /// Once it has given its response it stays pending.
    pub struct ObserveFuture<F, W: Watch> {
        #[pin]
        future: F,
        live: Option<Live<W>>,
    }
}

impl<F, W: Watch> ObserveFuture<F, W> {
    pub(super) const fn new(future: F, live: Live<W>) -> Self {
        Self { future, live: Some(live) }
    }
}

impl<F, W, B, E> Future for ObserveFuture<F, W>
where
    F: Future<Output = Result<Response<B>, E>>,
    W: Watch,
    B: Body,
{
    type Output = Result<Response<ObservedBody<B, W>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(live) = this.live.as_ref() else { return Poll::Pending };
        let result = ready!(live.within(|| this.future.poll(cx)));
        let Some(mut live) = this.live.take() else { return Poll::Pending };
        let (head, body) = match result {
            Ok(response) => response.into_parts(),
            Err(error) => {
                live.end(Ending::Failed);
                return Poll::Ready(Err(error));
            }
        };
        let follows = live.answered(&head) && !body.is_end_stream();
        if !follows {
            live.end(Ending::Whole);
        }
        let body = ObservedBody::new(body, follows.then_some(live));
        Poll::Ready(Ok(Response::from_parts(head, body)))
    }
}

impl<F, W: Watch> fmt::Debug for ObserveFuture<F, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveFuture").field("answered", &self.live.is_none()).finish_non_exhaustive()
    }
}
