//! This project's table, bare and as it is published.

use std::sync::Arc;

use ingress_core::dialect::Kubernetes;
use ingress_core::{Outcome, RequestHead, RouteTable, SharedTable};

use crate::requests::Head;
use crate::router::Router;
use crate::workload::Workload;

/// `RouteTable::lookup` through a plain reference.
#[derive(Debug)]
pub struct Ours(Arc<RouteTable>);

impl Ours {
    /// A table that was compiled elsewhere.
    pub const fn of(table: Arc<RouteTable>) -> Self {
        Self(table)
    }

    /// The table itself.
    pub const fn table(&self) -> &Arc<RouteTable> {
        &self.0
    }
}

impl Router for Ours {
    const NAME: &'static str = "ingress";

    /// # Panics
    ///
    /// When the compiler finds fault with a workload: then not every rule is served and no figure counts.
    fn build(workload: &Workload) -> Self {
        let objects = workload.objects();
        let (table, diagnostics) = RouteTable::compile(Kubernetes, &objects);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        Self(table)
    }

    fn find(&self, host: &str, path: &str) -> Option<u32> {
        find(&self.0, host, path)
    }

    fn agrees(&self, workload: &Workload, head: Head<'_>, expected: Option<u32>) -> bool {
        agrees(&self.0, workload, head, expected)
    }
}

/// The same through `SharedTable`, loaded anew for every request.
#[derive(Debug)]
pub struct OursShared(SharedTable);

impl OursShared {
    /// Publishes a table that another router was built with, without a second copy of it.
    pub fn of(ours: &Ours) -> Self {
        Self(SharedTable::new(Arc::clone(&ours.0)))
    }

    /// Where a writer publishes the next table.
    pub const fn handle(&self) -> &SharedTable {
        &self.0
    }
}

impl Router for OursShared {
    const NAME: &'static str = "ingress, shared";

    fn build(workload: &Workload) -> Self {
        Self::of(&Ours::build(workload))
    }

    fn find(&self, host: &str, path: &str) -> Option<u32> {
        find(&self.0.load(), host, path)
    }

    fn agrees(&self, workload: &Workload, head: Head<'_>, expected: Option<u32>) -> bool {
        agrees(&self.0.load(), workload, head, expected)
    }
}

/// The number within the host is what the table keeps; a peer keeps one that is unique in the table. Both
/// are one load from where the search ended.
#[inline]
fn find(table: &RouteTable, host: &str, path: &str) -> Option<u32> {
    match table.lookup(&RequestHead::new(host, path)) {
        Outcome::Matched(hit) => Some(hit.rule_id().index() as u32),
        _ => None,
    }
}

/// Compares by what a user would see: the object and the line that the winning rule came from.
fn agrees(table: &RouteTable, workload: &Workload, head: Head<'_>, expected: Option<u32>) -> bool {
    match table.lookup(&RequestHead::new(head.host, head.path)) {
        Outcome::Matched(hit) => {
            expected.and_then(|number| workload.origin(number)) == Some(hit.rule().origin().to_string())
        }
        _ => expected.is_none(),
    }
}
