//! Counts and times of requests.

use std::fmt;
use std::sync::Arc;

use ::metrics::{Counter, Gauge, Histogram, Label, Recorder, Unit};
use http::request::Parts;
use ingress_core::Backend;
use ingress_core::origin::Origin;

use super::observer::{Ending, Observer, Seen, Watch};
use super::series::{Recording, Series};
use super::words::{self, Word};

const REQUESTS: &str = "ingress_requests_total";
const DURATION: &str = "ingress_request_duration_seconds";
const IN_FLIGHT: &str = "ingress_requests_in_flight";

/// Counts requests, and measures how long they take. See the [module's documentation](super#what-is-counted).
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    recording: Recording,
    by_class: bool,
    in_flight: Gauge,
    series: Series<Labels, Handles>,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Labels {
    origin: Option<Origin>,
    backend: Option<Backend>,
    method: &'static str,
    status: Word,
    ending: Ending,
}

#[derive(Clone)]
struct Handles {
    count: Counter,
    seconds: Histogram,
}

impl Metrics {
    /// Records with the program's recorder, which has to be installed before.
    pub fn new() -> Self {
        Self::with(Recording::default(), false)
    }

    /// Records with this one.
    pub fn with_recorder(recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        Self::with(Recording::to(recorder), false)
    }

    /// Labels by the class of the status, as `5xx`, and not by its number: a tenth of the series.
    #[must_use]
    pub fn by_status_class(self) -> Self {
        Self::with(self.0.recording.clone(), true)
    }

    fn with(recording: Recording, by_class: bool) -> Self {
        recording.describe_counter(REQUESTS, "Requests that have ended");
        recording.describe_histogram(
            DURATION,
            Unit::Seconds,
            "From the request's head to the response's end",
        );
        recording.describe_gauge(IN_FLIGHT, Unit::Count, "Requests that have not ended");
        let in_flight = recording.gauge(IN_FLIGHT, Vec::new());
        Self(Arc::new(Inner { recording, by_class, in_flight, series: Series::new() }))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("recording", &self.0.recording)
            .field("by_status_class", &self.0.by_class)
            .finish_non_exhaustive()
    }
}

impl Observer for Metrics {
    type Watch = Counting;

    fn begin(&self, request: &Parts) -> Counting {
        self.0.in_flight.increment(1.0);
        Counting { metrics: self.clone(), method: words::method(&request.method) }
    }
}

/// One request that is being counted.
#[derive(Debug)]
pub struct Counting {
    metrics: Metrics,
    method: &'static str,
}

impl Watch for Counting {
    fn ended(self, seen: &Seen<'_>) {
        let Inner { recording, by_class, in_flight, series } = &*self.metrics.0;
        in_flight.decrement(1.0);
        let labels = Labels {
            origin: seen.routed().map(|routed| routed.origin().clone()),
            backend: seen.backend().cloned(),
            method: self.method,
            status: words::status(seen.status(), *by_class),
            ending: seen.ending(),
        };
        let handles = series.handle(labels, |labels| labels.register(recording));
        handles.count.increment(1);
        // What was given up half way says nothing of how long an answer takes.
        if seen.ending() == Ending::Whole {
            handles.seconds.record(seen.took().as_secs_f64());
        }
    }
}

impl Labels {
    fn register(&self, recording: &Recording) -> Handles {
        let origin = self.origin.as_ref();
        let route = vec![
            Label::new("ingress", origin.map_or_else(String::new, |origin| origin.ingress().to_string())),
            Label::new("field", origin.map_or_else(String::new, |origin| origin.field().to_string())),
            Label::new("backend", text(self.backend.as_ref())),
            Label::new("status", self.status.text()),
        ];
        let mut all = route.clone();
        all.push(Label::from_static_parts("method", self.method));
        all.push(Label::from_static_parts("ending", self.ending.as_str()));
        Handles { count: recording.counter(REQUESTS, all), seconds: recording.histogram(DURATION, route) }
    }
}

/// A backend as a label.
pub(super) fn text(backend: Option<&Backend>) -> String {
    backend.map_or_else(String::new, ToString::to_string)
}
