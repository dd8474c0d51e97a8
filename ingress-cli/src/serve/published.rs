//! What is served at this moment, for those who serve and for those who ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use ingress_core::SharedTable;
use ingress_tower::tls::CertificateStore;

use super::counts::Counts;
use super::echo;
use crate::session::Session;

/// All that listeners share, whatever thread they are on.
#[derive(Debug, Default)]
pub(super) struct Published {
    /// Whether backends are answered for.
    pub(super) echo: bool,
    /// Routes and endpoints: what requests are served by.
    pub(super) table: SharedTable,
    pub(super) certificates: CertificateStore,
    /// What the table was made from: for echoes, and for questions about the table.
    pub(super) session: ArcSwapOption<Session>,
    /// What is wrong with it, as JSON.
    pub(super) diagnostics: ArcSwap<Bytes>,
    pub(super) counts: Counts,
    /// Whether it is about to stop, and wants no more requests.
    pub(super) stopping: AtomicBool,
    pub(super) reloads: Reloads,
}

/// How reading went.
#[derive(Debug, Default)]
pub(super) struct Reloads {
    pub(super) good: AtomicU64,
    /// Those of which something could not be read.
    pub(super) broken: AtomicU64,
    /// Seconds since 1970 of the last one.
    pub(super) last: AtomicU64,
    /// How long it took until it was served, in microseconds.
    pub(super) took: AtomicU64,
    /// Files that are served as they were, because they cannot be read.
    pub(super) kept: AtomicU64,
}

impl Published {
    /// Serves another table from now on: routes and endpoints in one swap.
    pub(super) fn publish(&self, session: Arc<Session>) {
        // Counters first: a request that is routed by the new table finds its rule.
        self.counts.adopt(&session.table);
        let endpoints =
            if self.echo { echo::endpoints(&session) } else { session.inventory.endpoints().clone() };
        self.table.publish_all(session.table.clone(), endpoints);
        self.session.store(Some(session));
    }

    /// Whether requests may be sent here.
    pub(super) fn is_ready(&self) -> bool {
        self.session.load().is_some() && !self.stopping.load(Ordering::Relaxed)
    }
}
