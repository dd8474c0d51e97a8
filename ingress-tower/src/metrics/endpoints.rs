//! How endpoints do, as the balancer sees them. Feature `balance`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ::metrics::{Label, Recorder, Unit};
use ingress_core::rule::Forward;
use ingress_core::table::HostTable;
use ingress_core::{Backend, SharedTable};

use super::series::Recording;
use crate::balance::Balancer;

const ENDPOINTS: &str = "ingress_endpoints";
const IN_FLIGHT: &str = "ingress_endpoint_requests_in_flight";

/// The gauges `ingress_endpoints`, by `backend` and by `state`, which is `ejected` or `picked_from`, and
/// `ingress_endpoint_requests_in_flight`, by `backend`. With the feature `balance`.
///
/// [`record`](Self::record) is to be called when somebody asks for metrics, or now and then. It goes
/// through all rules of the table. Backends that nobody has asked for have no gauges; those that are gone
/// from the table are set to 0: a recorder has no way to take a gauge back.
#[derive(Clone, Debug)]
pub struct EndpointGauges(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    table: SharedTable,
    balancer: Balancer,
    recording: Recording,
    known: Mutex<BTreeMap<String, Counts>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    ejected: u32,
    picked_from: u32,
    in_flight: u32,
}

impl EndpointGauges {
    /// Of the backends of this table as the balancer sees them, with the program's recorder.
    pub fn new(table: SharedTable, balancer: Balancer) -> Self {
        Self::with(table, balancer, Recording::default())
    }

    /// With this recorder.
    pub fn with_recorder(
        table: SharedTable,
        balancer: Balancer,
        recorder: Arc<dyn Recorder + Send + Sync>,
    ) -> Self {
        Self::with(table, balancer, Recording::to(recorder))
    }

    fn with(table: SharedTable, balancer: Balancer, recording: Recording) -> Self {
        recording.describe_gauge(ENDPOINTS, Unit::Count, "Endpoints, by whether requests go to them");
        recording.describe_gauge(IN_FLIGHT, Unit::Count, "Requests in flight to endpoints");
        Self(Arc::new(Inner { table, balancer, recording, known: Mutex::default() }))
    }

    /// Sets the gauges to what is the case at this moment.
    pub fn record(&self) {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let present = self.count();
        for gone in known.keys().filter(|backend| !present.contains_key(*backend)) {
            self.set(gone, Counts::default());
        }
        for (backend, counts) in &present {
            self.set(backend, *counts);
        }
        *known = present;
    }

    fn count(&self) -> BTreeMap<String, Counts> {
        let snapshot = self.0.table.load();
        let rules = snapshot.routes().hosts().flat_map(HostTable::numbered);
        let forwards = rules.filter_map(|(_, rule)| rule.action().as_forward());
        let mut all = BTreeMap::new();
        for (backend, _) in forwards.flat_map(Forward::backends) {
            let Backend::Service(service) = backend else { continue };
            let name = service.to_string();
            if all.contains_key(&name) {
                continue;
            }
            let states = self.0.balancer.endpoints(service);
            if states.is_empty() {
                continue;
            }
            let mut counts = Counts::default();
            for state in states {
                let count = if state.ejected { &mut counts.ejected } else { &mut counts.picked_from };
                *count = count.saturating_add(1);
                counts.in_flight = counts.in_flight.saturating_add(state.in_flight);
            }
            all.insert(name, counts);
        }
        all
    }

    fn set(&self, backend: &str, counts: Counts) {
        let recording = &self.0.recording;
        let label = || Label::new("backend", backend.to_owned());
        for (state, count) in [("ejected", counts.ejected), ("picked_from", counts.picked_from)] {
            let labels = vec![label(), Label::from_static_parts("state", state)];
            recording.gauge(ENDPOINTS, labels).set(count);
        }
        recording.gauge(IN_FLIGHT, vec![label()]).set(counts.in_flight);
    }
}
