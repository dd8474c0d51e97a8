//! What happens while it serves: files change, signals come, and at last it ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::announce;
use super::certificates::Certificates;
use super::facts::Facts;
use super::input::{Compiled, Input};
use super::phase::{Conductor, Phase};
use super::published::Published;
use crate::output::Output;

/// What the thread in control hears of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Event {
    /// Somebody wants the files read.
    Reload,
    /// Somebody wants an end; the second time at once.
    Stop,
    /// A worker has ended.
    Ended,
}

/// Keeps what is served current, and brings it to an end.
pub(super) struct Control<'o> {
    pub(super) input: Input,
    pub(super) certificates: Certificates,
    pub(super) published: Arc<Published>,
    pub(super) conductor: Conductor,
    pub(super) output: &'o mut Output,
    /// How long to wait for what is under way.
    pub(super) drain: Duration,
    /// When to stop unasked.
    pub(super) until: Option<Instant>,
    /// Findings that were said already.
    pub(super) known: BTreeSet<String>,
}

impl Control<'_> {
    /// Reads, compiles and publishes; says what there is to say. `None` where nothing could be published.
    pub(super) fn load(&mut self) -> Option<Facts> {
        let began = Instant::now();
        let Compiled { session, errors, kept } = self.input.read(self.output)?;
        let session = Arc::new(session);
        // Certificates come before the table that names them, and go after the one that did.
        for message in self.certificates.prepare(&session.table, &session.manifests) {
            self.output.warning(message);
        }
        self.published.publish(session.clone());
        self.certificates.clear(&session.table);
        let took = began.elapsed();
        let reloads = &self.published.reloads;
        let count = if errors.is_empty() { &reloads.good } else { &reloads.broken };
        count.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        reloads.last.store(now.as_secs(), Ordering::Relaxed);
        reloads.took.store(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        reloads.kept.store(kept.len() as u64, Ordering::Relaxed);
        // What is wrong is looked for when the table serves already.
        let missing = self.published.certificates.missing(&session.table);
        let missing = missing.iter().map(ToString::to_string).collect();
        let mut facts = Facts::new(&session, &errors, kept, missing, took);
        let diagnostics = std::mem::take(&mut facts.diagnostics);
        self.published.diagnostics.store(Arc::new(Bytes::from(diagnostics)));
        Some(facts)
    }

    /// Serves until told to stop, and until what was under way then has ended.
    pub(super) fn run(mut self, events: &Receiver<Event>, workers: usize) {
        let mut ended = 0;
        while ended < workers {
            match self.next(events) {
                Some(Event::Reload) => self.reload("told to"),
                Some(Event::Stop) => break,
                Some(Event::Ended) => ended += 1,
                None if self.until.is_some_and(|until| until <= Instant::now()) => break,
                None if self.input.has_changed() => self.reload("files changed"),
                None => {}
            }
        }
        self.finish(events, workers - ended);
    }

    /// What happens next; `None` when it is time to look around.
    fn next(&self, events: &Receiver<Event>) -> Option<Event> {
        let look = self.input.next_look();
        let due = self.until.map_or(look, |until| until.min(look));
        match events.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            // Nobody is left who could tell.
            Err(RecvTimeoutError::Disconnected) => Some(Event::Stop),
        }
    }

    fn reload(&mut self, cause: &str) {
        match self.load() {
            Some(facts) => {
                announce::findings(&facts, &mut self.known, self.output);
                announce::reloaded(&facts, cause);
            }
            None => tracing::error!(cause, "nothing could be read; what was served goes on"),
        }
    }

    fn finish(self, events: &Receiver<Event>, mut workers: usize) {
        self.published.stopping.store(true, Ordering::Relaxed);
        self.conductor.go_to(Phase::Draining);
        let limit = Instant::now() + self.drain;
        let open = &self.published.counts.connections.open;
        tracing::info!(connections = open.load(Ordering::Relaxed), limit = ?self.drain, "stopping");
        while workers > 0 {
            match events.recv_timeout(limit.saturating_duration_since(Instant::now())) {
                Ok(Event::Ended) => workers -= 1,
                Ok(Event::Reload) => {}
                Ok(Event::Stop) => {
                    tracing::warn!(
                        connections = open.load(Ordering::Relaxed),
                        "told again: stopping at once"
                    );
                    break;
                }
                Err(_) => {
                    let connections = open.load(Ordering::Relaxed);
                    tracing::warn!(connections, "the time to finish is over: connections are cut");
                    break;
                }
            }
        }
        self.conductor.go_to(Phase::Stopped);
        tracing::info!("stopped");
    }
}
