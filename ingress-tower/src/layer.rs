//! The layer.

use ingress_core::SharedTable;
use tower_layer::Layer;

use crate::deliver::{Beside, InExtensions};
use crate::replies::DefaultReplies;
use crate::routes::Routes;
use crate::service::Route;

/// Wraps services into [`Route`]. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct RouteLayer<R = DefaultReplies, D = InExtensions> {
    table: SharedTable,
    replies: R,
    deliver: D,
}

impl RouteLayer {
    /// Routes by what is published in `table`, with plain replies.
    pub fn new(table: SharedTable) -> Self {
        Self { table, replies: DefaultReplies::default(), deliver: InExtensions::default() }
    }
}

impl<R, D> RouteLayer<R, D> {
    /// Builds replies with something else; see [`Replies`](crate::Replies). A closure needs the types of
    /// its arguments: `|reply: &Reply, request: &Parts| ...`.
    #[must_use]
    pub fn with_replies<T>(self, replies: T) -> RouteLayer<T, D> {
        RouteLayer { table: self.table, replies, deliver: self.deliver }
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
    pub fn beside(self) -> RouteLayer<R, Beside> {
        self.with_delivery(Beside::default())
    }

    /// Hands the rule over in some other way; see [`Deliver`](crate::Deliver).
    #[must_use]
    pub fn with_delivery<T>(self, deliver: T) -> RouteLayer<R, T> {
        RouteLayer { table: self.table, replies: self.replies, deliver }
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

impl<S, R: Clone, D: Clone> Layer<S> for RouteLayer<R, D> {
    type Service = Route<S, R, D>;

    fn layer(&self, inner: S) -> Self::Service {
        Route::new(inner, self.table.clone(), self.replies.clone(), self.deliver.clone())
    }
}
