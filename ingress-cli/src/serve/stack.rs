//! How a request is served: the services, from the outside to the inside.
//!
//! 1. Answers are counted ([`CountAnswers`]).
//! 2. A request on a TLS connection for another certificate's name is sent away: 421.
//! 3. The router takes it to a rule, or answers itself. Where a rule wants somebody else to agree, that one is
//!    asked.
//! 4. Requests that rules forward are counted by rule ([`CountRouted`]).
//! 5. The proxy picks an endpoint and forwards; or, with `--echo`, an echo answers.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use ingress_tower::balance::Balancer;
use ingress_tower::proxy::{Config, ExternalAuthorizer, Forwarding, Pick, Proxy};
use ingress_tower::tls::{CheckConnection, ConnectionName, MisdirectedLayer};
use ingress_tower::{DefaultReplies, InExtensions, Route, RouteLayer};
use tower_layer::Layer;
use tower_service::Service;

use super::counts::{CountAnswers, CountRouted};
use super::echo::{EchoConnect, EchoPick};
use super::published::Published;

/// Everything that a request goes through. Each worker makes one of its own, so that no connection to
/// an endpoint is shared between threads that serve.
pub(super) type Stack<P> = CountAnswers<CheckConnection<Routed<CountRouted<Proxy<P>>>>>;

type Routed<S> = Route<S, DefaultReplies, InExtensions, ExternalAuthorizer>;

/// Forwards to the endpoints in the input. All workers share what is known of these.
pub(super) fn forwarding(
    published: &Arc<Published>,
    balancer: Balancer,
    config: Config,
    believed: Forwarding,
) -> Stack<Balancer> {
    stack(published, Proxy::with_config(balancer, config), believed)
}

/// Answers in the place of the endpoints.
pub(super) fn echoing(published: &Arc<Published>, config: Config, believed: Forwarding) -> Stack<EchoPick> {
    // There is a target for each rule that is asked, and connections cost nothing but memory.
    let config = config.connect_with(EchoConnect).pool(Duration::from_secs(5), 8);
    stack(published, Proxy::with_config(EchoPick::new(published.clone()), config), believed)
}

fn stack<P: Pick>(published: &Arc<Published>, proxy: Proxy<P>, believed: Forwarding) -> Stack<P> {
    let authorizer = ExternalAuthorizer::default().forwarding(believed);
    let router = RouteLayer::new(published.table.clone()).with_authorizer(authorizer);
    let router = router.layer(CountRouted { inner: proxy, published: published.clone() });
    let inner = MisdirectedLayer::new(published.table.clone()).layer(router);
    CountAnswers { inner, published: published.clone() }
}

/// Says of each request which name its TLS connection was made for.
#[derive(Clone, Debug)]
pub(super) struct Named<S> {
    pub(super) inner: S,
    pub(super) name: ConnectionName,
}

impl<S> Service<Request<Incoming>> for Named<S>
where
    S: Service<Request<Incoming>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Incoming>) -> S::Future {
        request.extensions_mut().insert(self.name.clone());
        self.inner.call(request)
    }
}
