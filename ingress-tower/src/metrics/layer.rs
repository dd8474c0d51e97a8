//! The layer and its service.

use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::body::ObservedBody;
use super::clock::Clock;
use super::future::ObserveFuture;
use super::live::Live;
use super::observer::Observer;
use super::told::Told;

/// Watches requests from their heads to the ends of their responses. See the [module's documentation](super).
///
/// It belongs around a [`RouteLayer`](crate::RouteLayer), so that what the layer answers itself is seen.
#[derive(Clone, Debug)]
pub struct ObserveLayer<O> {
    observer: O,
    clock: Clock,
}

impl<O> ObserveLayer<O> {
    /// Lets this observer see all requests.
    pub fn new(observer: O) -> Self {
        Self { observer, clock: Clock::default() }
    }

    /// Measures by another clock: the time since some moment that stays the same.
    #[must_use]
    pub fn with_clock(mut self, now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.clock = Clock::new(now);
        self
    }
}

impl<S, O: Clone> Layer<S> for ObserveLayer<O> {
    type Service = Observe<S, O>;

    fn layer(&self, inner: S) -> Self::Service {
        Observe { inner, layer: self.clone() }
    }
}

/// Watches the requests of `S`. Made by [`ObserveLayer`].
#[derive(Clone, Debug)]
pub struct Observe<S, O> {
    inner: S,
    layer: ObserveLayer<O>,
}

impl<S, O, B, C> Service<Request<B>> for Observe<S, O>
where
    S: Service<Request<B>, Response = Response<C>>,
    O: Observer,
    C: Body,
{
    type Response = Response<ObservedBody<C, O::Watch>>;
    type Error = S::Error;
    type Future = ObserveFuture<S::Future, O::Watch>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        // An observer outside of this one has its own way of looking, but sees the same.
        let told = head.extensions.get_or_insert_default::<Told>().clone();
        let watch = self.layer.observer.begin(&head);
        let live = Live::new(watch, told, self.layer.clock.clone(), &head.method);
        let future = live.within(|| self.inner.call(Request::from_parts(head, body)));
        ObserveFuture::new(future, live)
    }
}
