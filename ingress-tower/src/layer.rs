//! The layer.

use ingress_core::SharedTable;
use tower_layer::Layer;

use crate::authorize::NoAuthorizer;
use crate::deliver::{Beside, InExtensions};
use crate::replies::DefaultReplies;
use crate::routes::Routes;
use crate::service::Route;

/// Wraps services into [`Route`]. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct RouteLayer<R = DefaultReplies, D = InExtensions, A = NoAuthorizer> {
    table: SharedTable,
    replies: R,
    deliver: D,
    authorizer: A,
}

impl RouteLayer {
    /// Routes by what is published in `table`, with plain replies.
    pub fn new(table: SharedTable) -> Self {
        Self {
            table,
            replies: DefaultReplies::default(),
            deliver: InExtensions::default(),
            authorizer: NoAuthorizer::default(),
        }
    }
}

impl<R, D, A> RouteLayer<R, D, A> {
    /// Builds replies with something else; see [`Replies`](crate::Replies). A closure needs the types of
    /// its arguments: `|reply: &Reply, request: &Parts| ...`.
    #[must_use]
    pub fn with_replies<T>(self, replies: T) -> RouteLayer<T, D, A> {
        RouteLayer { table: self.table, replies, deliver: self.deliver, authorizer: self.authorizer }
    }

    /// Hands the rule over beside the request, not in its extensions, which saves their allocations:
    ///
    /// ```
    /// use http::{Request, Response};
    /// use ingress_tower::{RouteLayer, Routed};
    /// use tower::{Layer, service_fn};
    ///
    /// # let table = ingress_core::SharedTable::default();
    /// let service = RouteLayer::new(table).beside().layer(service_fn(
    ///     async |(request, routed): (Request<String>, Routed)| {
    ///         let answer = format!("{} by {}", request.uri(), routed.origin());
    ///         Ok::<_, std::convert::Infallible>(Response::new(answer))
    ///     },
    /// ));
    /// # fn sound<S: tower::Service<Request<String>>>(_: &S) {}
    /// # sound(&service);
    /// ```
    #[must_use]
    pub fn beside(self) -> RouteLayer<R, Beside, A> {
        self.with_delivery(Beside::default())
    }

    /// Hands the rule over in some other way; see [`Deliver`](crate::Deliver).
    #[must_use]
    pub fn with_delivery<T>(self, deliver: T) -> RouteLayer<R, T, A> {
        RouteLayer { table: self.table, replies: self.replies, deliver, authorizer: self.authorizer }
    }

    /// Asks this about the requests of rules that let none through by themselves; see
    /// [`Authorizer`](crate::Authorizer). Without, they are answered with 501.
    #[must_use]
    pub fn with_authorizer<T>(self, authorizer: T) -> RouteLayer<R, D, T> {
        RouteLayer { table: self.table, replies: self.replies, deliver: self.deliver, authorizer }
    }

    /// Where the layer reads tables from.
    pub fn table(&self) -> &SharedTable {
        &self.table
    }

    /// The routes that are published at this moment, for a page that shows them.
    pub fn routes(&self) -> Routes {
        Routes::new(self.table.load().routes().clone())
    }
}

impl<S, R: Clone, D: Clone, A: Clone> Layer<S> for RouteLayer<R, D, A> {
    type Service = Route<S, R, D, A>;

    fn layer(&self, inner: S) -> Self::Service {
        let (replies, deliver) = (self.replies.clone(), self.deliver.clone());
        Route::new(inner, self.table.clone(), replies, deliver, self.authorizer.clone())
    }
}
