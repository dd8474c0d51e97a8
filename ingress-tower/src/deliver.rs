//! How the inner service is told which rule took a request.

use http::Request;

use crate::routed::Routed;

/// Hands a request and its rule to the inner service, in the form that the service takes.
pub trait Deliver<B> {
    /// What the inner service is called with.
    type Request: AsRouted;

    /// Puts the two together.
    fn deliver(&self, request: Request<B>, routed: Routed) -> Self::Request;
}

/// The default: [`Routed`] goes into the request's extensions, where any service may look for it.
///
/// One allocation for the value. A request whose extensions are empty pays two more, for the map.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default)]
pub struct InExtensions {}

/// The inner service takes `(Request<B>, Routed)`: no allocation, and no way to forget the layer.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside {}

/// A request that may have been through the layer.
pub trait AsRouted {
    /// The rule that took it.
    fn routed(&self) -> Option<&Routed>;
}

impl<B> Deliver<B> for InExtensions {
    type Request = Request<B>;

    #[inline]
    fn deliver(&self, mut request: Request<B>, routed: Routed) -> Request<B> {
        request.extensions_mut().insert(routed);
        request
    }
}

impl<B> Deliver<B> for Beside {
    type Request = (Request<B>, Routed);

    #[inline]
    fn deliver(&self, request: Request<B>, routed: Routed) -> (Request<B>, Routed) {
        (request, routed)
    }
}

impl<B> AsRouted for Request<B> {
    fn routed(&self) -> Option<&Routed> {
        self.extensions().get()
    }
}

impl<B> AsRouted for (Request<B>, Routed) {
    fn routed(&self) -> Option<&Routed> {
        Some(&self.1)
    }
}
