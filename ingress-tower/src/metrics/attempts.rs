//! What the proxy does to get an answer, counted. Feature `proxy`.

use std::fmt;
use std::sync::Arc;

use ::metrics::{Counter, Label, Recorder};
use http::response;
use ingress_core::Backend;

use super::counts::text;
use super::series::{Recording, Series};
use super::told::Told;
use crate::proxy::{Choice, Guard, Pick, Picked, Reason};

const ATTEMPTS: &str = "ingress_attempts_total";
const RETRIES: &str = "ingress_retries_total";

/// A [`Pick`] that counts what comes of what another one picks. With the feature `proxy`.
///
/// An attempt is a request sent to an endpoint; `ingress_attempts_total` has the labels `backend` and
/// `result`:
/// - `answered`: the endpoint did, and all of it was passed on;
/// - the [code](Reason::code) of the reason, where it did not, or where there was no endpoint;
/// - `unknown`: the client went away before, or a connection kept from before turned out to be closed.
///
/// `ingress_retries_total` counts the attempts that are not a request's first, by `backend`.
///
/// It also tells [`Seen`](super::Seen) which backend was drawn, and how many attempts there were.
#[derive(Debug)]
pub struct Counted<P> {
    pick: P,
    counters: Arc<Counters>,
}

struct Counters {
    recording: Recording,
    attempts: Series<(Option<Backend>, &'static str), Counter>,
    retries: Series<Option<Backend>, Counter>,
}

impl<P> Counted<P> {
    /// Counts what comes of what `pick` picks, with the program's recorder, which has to be installed before.
    pub fn new(pick: P) -> Self {
        Self::with(pick, Recording::default())
    }

    /// With this recorder.
    pub fn with_recorder(pick: P, recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        Self::with(pick, Recording::to(recorder))
    }

    fn with(pick: P, recording: Recording) -> Self {
        recording.describe_counter(ATTEMPTS, "Requests sent to endpoints, by what came of it");
        recording.describe_counter(RETRIES, "Requests sent once more");
        let counters = Counters { recording, attempts: Series::new(), retries: Series::new() };
        Self { pick, counters: Arc::new(counters) }
    }
}

impl Counters {
    fn attempt(&self, backend: Option<Backend>, result: &'static str) {
        let handle = self.attempts.handle((backend, result), |(backend, result)| {
            let labels = vec![
                Label::new("backend", text(backend.as_ref())),
                Label::from_static_parts("result", result),
            ];
            self.recording.counter(ATTEMPTS, labels)
        });
        handle.increment(1);
    }

    fn retry(&self, backend: Option<Backend>) {
        let handle = self.retries.handle(backend, |backend| {
            self.recording.counter(RETRIES, vec![Label::new("backend", text(backend.as_ref()))])
        });
        handle.increment(1);
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counters").field("recording", &self.recording).finish_non_exhaustive()
    }
}

impl<P: Pick> Pick for Counted<P> {
    fn pick(&self, choice: &Choice<'_>) -> Result<Picked, &'static str> {
        let backend = choice.backend().cloned();
        if !choice.tried().is_empty() {
            self.counters.retry(backend.clone());
        }
        match self.pick.pick(choice) {
            Ok(picked) => {
                if let Some(told) = choice.head().extensions.get::<Told>() {
                    told.attempt(backend.as_ref());
                }
                let (target, inner) = picked.into_parts();
                let counters = self.counters.clone();
                Ok(Picked::new(target).with_guard(Watching { inner, counters, backend, result: "unknown" }))
            }
            Err(code) => {
                self.counters.attempt(backend, code);
                Err(code)
            }
        }
    }
}

struct Watching {
    inner: Box<dyn Guard>,
    counters: Arc<Counters>,
    backend: Option<Backend>,
    result: &'static str,
}

impl Guard for Watching {
    fn answered(&mut self, response: &mut response::Parts) {
        self.result = "answered";
        self.inner.answered(response);
    }

    fn failed(&mut self, reason: Reason) {
        self.result = reason.code();
        self.inner.failed(reason);
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.counters.attempt(self.backend.take(), self.result);
    }
}
