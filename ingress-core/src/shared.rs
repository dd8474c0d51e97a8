//! Publication: one atomic swap for everything that a request needs.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
pub struct SharedTable(Arc<Shared>);

struct Shared {
    published: ArcSwap<Published>,
    /// How often endpoints have been published.
    endpoints_version: AtomicU64,
}

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
        let published = ArcSwap::from_pointee(Published { routes, endpoints: Arc::default() });
        Self(Arc::new(Shared { published, endpoints_version: AtomicU64::new(0) }))
    }

    /// The present view.
    #[inline]
    pub fn load(&self) -> Snapshot {
        Snapshot(self.0.published.load())
    }

    /// Puts a table in the place of the present one, which is returned; endpoints stay.
    #[expect(clippy::needless_pass_by_value, reason = "the table is handed over")]
    pub fn publish(&self, routes: Arc<RouteTable>) -> Arc<RouteTable> {
        let next =
            |old: &Arc<Published>| Published { routes: routes.clone(), endpoints: old.endpoints.clone() };
        let replaced = self.0.published.rcu(next);
        replaced.routes.clone()
    }

    /// Puts routes and endpoints in the place of the present ones, together: no reader sees the new
    /// routes with the old endpoints.
    pub fn publish_all(&self, routes: Arc<RouteTable>, endpoints: Arc<Endpoints>) {
        self.0.published.store(Arc::new(Published { routes, endpoints }));
        // After the swap: who sees the new number finds the new endpoints, or newer ones.
        self.0.endpoints_version.fetch_add(1, Ordering::Release);
    }

    /// A number that grows whenever endpoints are published, and a much cheaper question than
    /// [`load`](Self::load): who keeps what was worked out from a snapshot asks whether it still holds.
    /// A snapshot that is loaded after the number was read is at least as new as the number.
    #[inline]
    pub fn endpoints_version(&self) -> u64 {
        self.0.endpoints_version.load(Ordering::Acquire)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_endpoints_make_a_version_of_endpoints() {
        let shared = SharedTable::default();
        let first = shared.endpoints_version();
        shared.publish(Arc::default());
        assert_eq!(shared.endpoints_version(), first);
        shared.publish_all(Arc::default(), Arc::default());
        assert!(shared.clone().endpoints_version() > first);
    }
}
