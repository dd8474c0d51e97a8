//! Publication: one atomic swap for everything that a request needs.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::endpoint::Endpoints;
use crate::table::RouteTable;

/// Where a producer publishes tables and any number of readers load them.
///
/// A reader takes a [`Snapshot`] per request: routes, certificate references and endpoints of one
/// moment. Loading takes no lock and writes to no shared memory; publishing never waits for readers.
///
/// ```
/// use ingress_core::{Compiler, SharedTable, dialect::Kubernetes};
///
/// let mut compiler = Compiler::new(Kubernetes);
/// let shared = SharedTable::new(compiler.compile());
/// let reader = shared.clone();
/// assert_eq!(reader.load().rule_count(), 0);
/// shared.publish(compiler.compile());
/// ```
#[derive(Clone)]
pub struct SharedTable(Arc<ArcSwap<Published>>);

/// What one swap publishes.
#[derive(Debug)]
struct Published {
    routes: Arc<RouteTable>,
    endpoints: Arc<Endpoints>,
}

/// A consistent view, for the length of one request. Dereferences to its [`RouteTable`].
///
/// Keep it short: a reader that holds snapshots for long keeps old tables alive, and one that holds
/// more than a few at a time falls back to counting references.
pub struct Snapshot(Guard<Arc<Published>>);

impl SharedTable {
    /// Starts with a table, and no endpoints.
    pub fn new(routes: Arc<RouteTable>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Published { routes, endpoints: Arc::default() })))
    }

    /// The present view.
    #[inline]
    pub fn load(&self) -> Snapshot {
        Snapshot(self.0.load())
    }

    /// Puts a table in the place of the present one, which is returned; endpoints stay.
    #[expect(clippy::needless_pass_by_value, reason = "the table is handed over")]
    pub fn publish(&self, routes: Arc<RouteTable>) -> Arc<RouteTable> {
        let replaced =
            self.0.rcu(|old| Published { routes: routes.clone(), endpoints: old.endpoints.clone() });
        replaced.routes.clone()
    }

    /// Puts routes and endpoints in the place of the present ones, together: no reader sees the new
    /// routes with the old endpoints.
    pub fn publish_all(&self, routes: Arc<RouteTable>, endpoints: Arc<Endpoints>) {
        self.0.store(Arc::new(Published { routes, endpoints }));
    }
}

impl Snapshot {
    /// The routes and certificate references.
    #[inline]
    pub fn routes(&self) -> &Arc<RouteTable> {
        &self.0.routes
    }

    /// The endpoints of Services at the same moment.
    pub fn endpoints(&self) -> &Arc<Endpoints> {
        &self.0.endpoints
    }
}

impl Deref for Snapshot {
    type Target = RouteTable;

    #[inline]
    fn deref(&self) -> &RouteTable {
        &self.0.routes
    }
}

impl Default for SharedTable {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl fmt::Debug for SharedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedTable").field(&*self.load().0.routes).finish()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Snapshot").field(&*self.0.routes).finish()
    }
}
