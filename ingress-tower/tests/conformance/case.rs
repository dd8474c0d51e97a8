//! A case of the ingress-nginx suites: the request, and whether an answer is the one that was seen.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use ingress_core::RouteTable;
use ingress_core::endpoint::{Cluster, EndpointSlice, Endpoints, Service, ServicePort, SliceEndpoint};
use ingress_core::origin::ObjectId;
use ingress_core::port::Port;
use ingress_core::rule::{Backend, Forward, ServiceRef};
use ingress_core::table::HostTable;
use serde_json::Value;

use crate::world::World;

/// An answer in few words.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// This Service, sent this target. A number stands for the name of a port.
    Backend(String, String),
    Default,
    Redirect(u16, String),
    Status(u16),
}

/// A request as it is written on the wire.
pub(crate) struct Wire {
    pub(crate) method: String,
    pub(crate) target: String,
    /// All of them, `Host` included, in the order of the file.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) http10: bool,
    pub(crate) tls: bool,
}

impl Wire {
    pub(crate) fn read(request: &Value) -> Self {
        let mut headers = Vec::new();
        if let Some(host) = request["host"].as_str() {
            headers.push(("Host".to_owned(), host.to_owned()));
        }
        for (name, values) in request["headers"].as_object().into_iter().flatten() {
            let values = values.as_array().map_or_else(|| std::slice::from_ref(values), Vec::as_slice);
            headers.extend(
                values.iter().filter_map(Value::as_str).map(|value| (name.clone(), value.to_owned())),
            );
        }
        Self {
            method: request["method"].as_str().unwrap_or("GET").to_owned(),
            target: request["path"].as_str().expect("a target").to_owned(),
            headers,
            http10: request["http_version"] == "1.0",
            tls: request["scheme"] == "https",
        }
    }
}

/// Why a case is none for whoever forwards requests; `None` if it is one.
pub(crate) fn beyond(case: &Value) -> Option<&'static str> {
    let expect = &case["expect"];
    match expect["kind"].as_str().expect("a kind") {
        "admission_allowed" | "admission_denied" | "config_rejected" => Some("about objects, not requests"),
        "response" if expect["status"] == 418 => Some("text for the configuration of nginx is never read"),
        "response" if matches!(expect["status"].as_u64(), Some(401 | 500)) => {
            Some("whoever is asked decides")
        }
        _ if case["request"]["host"] == "_" => {
            Some("the name that the controller gives its catch-all, as a host")
        }
        _ => None,
    }
}

/// Why an answer may be another than nginx's.
pub(crate) fn excuse(answer: &Answer, world: &World) -> Option<&'static str> {
    let look_around = world.diagnostics.iter().any(|one| one.code() == "nginx-expression");
    (look_around && *answer == Answer::Status(503))
        .then_some("look-around: requests that such a rule may mean are answered with 503")
}

/// Every port of a Service that the table names, with as many endpoints as the set says.
pub(crate) fn targets(table: &RouteTable, world: &World) -> BTreeMap<Target, usize> {
    let forwards = table.hosts().flat_map(HostTable::rules).filter_map(|rule| rule.action().as_forward());
    let backends = forwards.flat_map(Forward::backends);
    let services = backends.filter_map(|(backend, _)| match backend {
        Backend::Service(service) => Some(service),
        _ => None,
    });
    let count = |service: &ServiceRef| world.endpoints(service.id(), service.port());
    services.map(|service| (Target::of(service), count(service))).collect()
}

/// A port of a Service, in an order.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Target {
    pub(crate) id: ObjectId,
    pub(crate) port: String,
    number: Option<u16>,
}

impl Target {
    fn of(service: &ServiceRef) -> Self {
        let number = match service.port() {
            Port::Number(number) => Some(*number),
            _ => None,
        };
        Self { id: service.id().clone(), port: service.port().to_string(), number }
    }

    /// The number of the port, as the set has it.
    pub(crate) fn number(&self, world: &World) -> String {
        let port = self.number.map_or_else(|| Port::from(&*self.port), Port::from);
        world.number(&self.id, &port)
    }
}

/// The endpoints of all ports: those of the n-th port listen at the number that `port` says.
pub(crate) fn endpoints(targets: &BTreeMap<Target, usize>, port: impl Fn(usize) -> u16) -> Arc<Endpoints> {
    let mut services: BTreeMap<&ObjectId, Service> = BTreeMap::new();
    let mut cluster = Cluster::default();
    for (place, (target, count)) in targets.iter().enumerate() {
        let service = services.remove(&target.id).unwrap_or_else(|| Service::new(target.id.clone()));
        // Named ports need numbers of their own, which nobody asks for.
        let number = target.number.unwrap_or_else(|| 60_000 + u16::try_from(place).expect("few ports"));
        let name = if target.number.is_some() { format!("p{number}") } else { target.port.clone() };
        let service_port = ServicePort::new(number).with_name(&name);
        services.insert(&target.id, service.with_port(service_port));
        let slice =
            EndpointSlice::new(ObjectId::new(target.id.namespace(), &format!("s{place}")), target.id.clone());
        let slice = slice.with_port(&name, port(place));
        // How many there are is a matter of who picks; here it counts whether there is one.
        let one = (*count > 0).then(|| SliceEndpoint::new([127, 0, 0, 1]));
        cluster.upsert_slice(one.into_iter().fold(slice, EndpointSlice::with_endpoint));
    }
    for service in services.into_values() {
        cluster.upsert_service(service);
    }
    cluster.endpoints()
}

/// All sets of a file of observations.
pub(crate) fn sets(name: &str) -> Vec<Value> {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ingress-core/tests/testdata/ingress-nginx");
    let bytes = std::fs::read(folder.join(name)).expect("it is there");
    let mut text = String::new();
    if name.ends_with(".gz") {
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("it can be unpacked");
    } else {
        text = String::from_utf8(bytes).expect("it is text");
    }
    text.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect()
}

/// What came of all cases.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) right: usize,
    pub(crate) beyond: BTreeMap<&'static str, usize>,
    pub(crate) wrong: Vec<String>,
}

impl Tally {
    pub(crate) fn beyond(&mut self, why: &'static str) {
        *self.beyond.entry(why).or_default() += 1;
    }

    /// `excuse` says why an answer may be another.
    pub(crate) fn compare(&mut self, case: &Value, answer: &Answer, excuse: Option<&'static str>) {
        let expect = &case["expect"];
        if is_right(answer, expect) {
            self.right += 1;
        } else if let Some(why) = excuse {
            self.beyond(why);
        } else {
            self.wrong.push(format!("{}: {answer:?}, wanted {expect}\n    {}", case["id"], case["request"]));
        }
    }

    /// Says no if anything is wrong, if fewer were right, or if more were left out.
    pub(crate) fn settle(&self, least_right: usize, most_beyond: usize) {
        let beyond: usize = self.beyond.values().sum();
        println!("{} right; {beyond} left out: {:#?}", self.right, self.beyond);
        let shown: Vec<_> = self.wrong.iter().take(40).map(String::as_str).collect();
        assert!(self.wrong.is_empty(), "{} are wrong:\n{}", self.wrong.len(), shown.join("\n"));
        assert!(self.right >= least_right, "only {} are right", self.right);
        assert!(beyond <= most_beyond, "{beyond} left out");
    }
}

/// Whether the answer is what was seen.
pub(crate) fn is_right(answer: &Answer, expect: &Value) -> bool {
    let status = expect["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    match (answer, expect["kind"].as_str().expect("a kind")) {
        (Answer::Backend(backend, target), "backend") => {
            let port = expect["port"].as_str().map_or_else(|| expect["port"].to_string(), str::to_owned);
            let namespace = expect["namespace"].as_str().unwrap_or("");
            let service = expect["service"].as_str().unwrap_or("");
            *backend == format!("{namespace}/{service}:{port}")
                && expect["rewritten_path"].as_str().is_none_or(|wanted| wanted == target)
        }
        (Answer::Backend(backend, _), "split") => {
            let names = expect["services"].as_array().expect("names").iter().filter_map(Value::as_str);
            names.map(|name| format!("/{name}:")).any(|name| backend.contains(&name))
        }
        // How many of them answer is a matter of who picks.
        (Answer::Backend(..), "endpoints") | (Answer::Default, "default_backend") => true,
        (Answer::Redirect(code, location), "redirect") => {
            Some(*code) == status && expect["location"].as_str() == Some(location)
        }
        (Answer::Status(code), "bad_request") => *code == 400 || status == Some(*code),
        (Answer::Status(code), "forbidden") => *code == 403,
        (Answer::Status(code), "response") => status == Some(*code),
        (Answer::Status(code), "service_unavailable") => *code == 503,
        _ => false,
    }
}
