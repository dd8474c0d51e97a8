//! Layers for the routes of single Ingresses.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ingress_core::IngressId;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::deliver::AsRouted;

/// Puts a layer around the inner service for the routes of one Ingress, and leaves all others as they are.
///
/// It goes inside of [`RouteLayer`](crate::RouteLayer), which says which Ingress a request belongs to:
///
/// ```
/// use http::{HeaderValue, Request, Response};
/// use ingress_core::{IngressId, RouteTable, SharedTable, dialect::Kubernetes};
/// use ingress_tower::{RouteLayer, RouteLayers};
/// use tower::{ServiceBuilder, ServiceExt, util::MapResponseLayer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let manifest = |name: &str| -> k8s_openapi::api::networking::v1::Ingress {
/// #     serde_saphyr::from_str(&format!("
/// # metadata: {{namespace: shop, name: {name}}}
/// # spec: {{rules: [{{host: {name}.example.com, http: {{paths: [
/// #     {{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]}}
/// # ")).unwrap()
/// # };
/// # let table = SharedTable::new(RouteTable::compile(Kubernetes, [manifest("web"), manifest("api")]).0);
/// let no_store = MapResponseLayer::new(|mut response: Response<String>| {
///     response.headers_mut().insert("cache-control", HeaderValue::from_static("no-store"));
///     response
/// });
/// let service = ServiceBuilder::new()
///     .layer(RouteLayer::new(table))
///     .layer(RouteLayers::new().for_ingress(IngressId::new("shop", "api"), no_store))
///     .service_fn(async |_: Request<String>| {
///         Ok::<_, std::convert::Infallible>(Response::new(String::new()))
///     });
///
/// for (uri, marked) in [("http://api.example.com/", true), ("http://web.example.com/", false)] {
///     let request = Request::get(uri).body(String::new()).unwrap();
///     let response = service.clone().oneshot(request).await.unwrap();
///     assert_eq!(response.headers().contains_key("cache-control"), marked);
/// }
/// # }
/// ```
///
/// # Types
///
/// What a layer makes of the inner service answers with the same types as the inner service does; a layer
/// that changes the body is followed by one that changes it back, or boxes it. The services of the layers
/// are of many types and few requests, so they are kept behind a pointer, and a call to one of them boxes
/// its future. Requests to all other routes pass by without: a search in the sorted names, and the inner
/// service's own future in an enum.
///
/// # Readiness
///
/// A layered service is asked whether it is ready when a request for it has come, and its future waits for
/// it: one Ingress at its limit makes nobody else wait.
pub struct RouteLayers<S, Q>
where
    S: Service<Q>,
{
    /// Sorted by name.
    wrappers: Vec<(IngressId, Wrapper<S, Q>)>,
}

type Wrapper<S, Q> = Arc<dyn Fn(S) -> Attached<S, Q> + Send + Sync>;

type Attached<S, Q> = Box<dyn Oneshot<Q, <S as Service<Q>>::Response, <S as Service<Q>>::Error>>;

type BoxFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// A service that can be called without being polled first, whatever its type.
trait Oneshot<Q, T, E>: Send + Sync {
    fn call(&self, request: Q) -> BoxFuture<T, E>;
}

struct Ready<L>(L);

impl<L, Q> Oneshot<Q, L::Response, L::Error> for Ready<L>
where
    L: Service<Q> + Clone + Send + Sync + 'static,
    L::Future: Send,
    Q: Send + 'static,
{
    fn call(&self, request: Q) -> BoxFuture<L::Response, L::Error> {
        let mut service = self.0.clone();
        Box::pin(async move {
            std::future::poll_fn(|context| service.poll_ready(context)).await?;
            service.call(request).await
        })
    }
}

impl<S, Q> RouteLayers<S, Q>
where
    S: Service<Q>,
{
    /// No layer yet.
    pub const fn new() -> Self {
        Self { wrappers: Vec::new() }
    }

    /// Puts `layer` around the inner service for the routes of the Ingress `id`; in place of the one that
    /// was given for it before, if there was one.
    #[must_use]
    pub fn for_ingress<L>(mut self, id: IngressId, layer: L) -> Self
    where
        L: Layer<S> + Send + Sync + 'static,
        L::Service: Service<Q, Response = S::Response, Error = S::Error> + Clone + Send + Sync + 'static,
        <L::Service as Service<Q>>::Future: Send,
        Q: Send + 'static,
    {
        let wrapper: Wrapper<S, Q> = Arc::new(move |inner| Box::new(Ready(layer.layer(inner))));
        match self.wrappers.binary_search_by(|(known, _)| known.cmp(&id)) {
            Ok(index) => {
                if let Some(known) = self.wrappers.get_mut(index) {
                    known.1 = wrapper;
                }
            }
            Err(index) => self.wrappers.insert(index, (id, wrapper)),
        }
        self
    }
}

impl<S, Q> Layer<S> for RouteLayers<S, Q>
where
    S: Service<Q> + Clone,
{
    type Service = PerRoute<S, Q>;

    fn layer(&self, inner: S) -> PerRoute<S, Q> {
        let attach = |(id, wrapper): &(IngressId, Wrapper<S, Q>)| (id.clone(), wrapper(inner.clone()));
        let attached = self.wrappers.iter().map(attach).collect();
        PerRoute { inner, attached }
    }
}

/// The inner service, and what layers have made of it for some Ingresses. Made by [`RouteLayers`].
pub struct PerRoute<S, Q>
where
    S: Service<Q>,
{
    inner: S,
    /// Sorted by name.
    attached: Arc<[(IngressId, Attached<S, Q>)]>,
}

impl<S, Q> Service<Q> for PerRoute<S, Q>
where
    S: Service<Q> + Clone,
    Q: AsRouted,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = PerRouteFuture<S::Future, S::Response, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let attached = request.routed().and_then(|routed| {
            let id = routed.origin().ingress();
            let index = self.attached.binary_search_by(|(known, _)| known.cmp(id)).ok()?;
            self.attached.get(index)
        });
        match attached {
            None => PerRouteFuture { state: State::Inner { future: self.inner.call(request) } },
            Some((_, service)) => {
                let future = service.call(request);
                // What the inner service has reserved for this call is given back, as in `Route`.
                let clone = self.inner.clone();
                drop(mem::replace(&mut self.inner, clone));
                PerRouteFuture { state: State::Attached { future } }
            }
        }
    }
}

pin_project! {
    /// The future of a [`PerRoute`] call.
    pub struct PerRouteFuture<F, T, E> {
        #[pin]
        state: State<F, T, E>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, T, E> {
        Inner { #[pin] future: F },
        Attached { future: BoxFuture<T, E> },
    }
}

impl<F, T, E> Future for PerRouteFuture<F, T, E>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, E>> {
        let result = match self.project().state.project() {
            StateProjection::Inner { future } => ready!(future.poll(context)),
            StateProjection::Attached { future } => ready!(future.as_mut().poll(context)),
        };
        Poll::Ready(result)
    }
}

impl<S, Q> Default for RouteLayers<S, Q>
where
    S: Service<Q>,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<S, Q> Clone for RouteLayers<S, Q>
where
    S: Service<Q>,
{
    fn clone(&self) -> Self {
        Self { wrappers: self.wrappers.clone() }
    }
}

impl<S, Q> Clone for PerRoute<S, Q>
where
    S: Service<Q> + Clone,
{
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), attached: self.attached.clone() }
    }
}

impl<S, Q> fmt::Debug for RouteLayers<S, Q>
where
    S: Service<Q>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.wrappers.iter().map(|(id, _)| id.as_str())).finish()
    }
}

impl<S, Q> fmt::Debug for PerRoute<S, Q>
where
    S: Service<Q> + fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.attached.iter().map(|(id, _)| id.as_str()).collect();
        f.debug_struct("PerRoute").field("inner", &self.inner).field("attached", &ids).finish()
    }
}

impl<F, T, E> fmt::Debug for PerRouteFuture<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attached = matches!(self.state, State::Attached { .. });
        f.debug_struct("PerRouteFuture").field("attached", &attached).finish_non_exhaustive()
    }
}
