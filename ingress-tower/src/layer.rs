//! The layer.

use ingress_core::SharedTable;
use tower_layer::Layer;

use crate::replies::DefaultReplies;
use crate::service::Route;

/// Wraps services into [`Route`]. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct RouteLayer<R = DefaultReplies> {
    table: SharedTable,
    replies: R,
}

impl RouteLayer {
    /// Routes by what is published in `table`, with plain replies.
    pub fn new(table: SharedTable) -> Self {
        Self { table, replies: DefaultReplies::default() }
    }
}

impl<R> RouteLayer<R> {
    /// Builds replies with something else; see [`Replies`](crate::Replies). A closure needs the types of
    /// its arguments: `|reply: &Reply, request: &Parts| ...`.
    #[must_use]
    pub fn with_replies<T>(self, replies: T) -> RouteLayer<T> {
        RouteLayer { table: self.table, replies }
    }

    /// Where the layer reads tables from.
    pub fn table(&self) -> &SharedTable {
        &self.table
    }
}

impl<S, R: Clone> Layer<S> for RouteLayer<R> {
    type Service = Route<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Route::new(inner, self.table.clone(), self.replies.clone())
    }
}
