//! A set of objects with the cluster around them, compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ingress_core::dialect::catalog::{self, Settings};
use ingress_core::dialect::{SecretFacts, Surroundings};
use ingress_core::endpoint::{Service, ServicePort};
use ingress_core::ingress::{ClassSelector, IngressClass};
use ingress_core::origin::ObjectId;
use ingress_core::port::Port;
use ingress_core::request::Availability;
use ingress_core::{Compiler, Config, Diagnostic, Ingress, RouteTable};
use serde_json::Value;

/// The cluster of a set, and the table that comes of it.
pub(crate) struct World {
    pub(crate) table: Arc<RouteTable>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The objects that the dialect takes for its own, as `namespace/name`.
    pub(crate) taken: BTreeSet<String>,
    /// Names of the certificate in a Secret, as they are shown.
    pub(crate) certificates: BTreeMap<String, String>,
    services: BTreeMap<ObjectId, ServiceState>,
}

#[derive(Debug, Default)]
struct ServiceState {
    /// Number, name, target. None listed: all that anybody asks for.
    ports: Vec<(u16, String, String)>,
    endpoints: usize,
}

fn text<'v>(value: &'v Value, key: &str, default: &'v str) -> &'v str {
    value[key].as_str().unwrap_or(default)
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}

impl World {
    pub(crate) fn new(set: &Value) -> Self {
        let cluster = &set["cluster"];
        let objects: Vec<&Value> = list(set, "objects").collect();
        let services = services(&objects, cluster);
        let (dialect, _) =
            catalog::build("ingress-nginx", &settings(cluster)).expect("the options are known");
        let mut selector = ClassSelector::default();
        if !cluster["ingressclasses"].is_null() {
            let class = |class: &Value| {
                IngressClass::new(
                    text(&class["metadata"], "name", ""),
                    text(&class["spec"], "controller", ""),
                )
            };
            selector = selector.classes(list(cluster, "ingressclasses").map(class)).complete(true);
        }
        let mut compiler = Compiler::with_config(dialect, Config::default().classes(selector));
        let mut certificates = BTreeMap::new();
        let secrets = list(cluster, "secrets").map(|secret| {
            let id = ObjectId::new(text(secret, "namespace", "default"), text(secret, "name", ""));
            let names: Vec<_> = list(secret, "dnsNames").filter_map(Value::as_str).collect();
            let facts = if secret["dnsNames"].is_null() && secret["cn"].is_null() {
                let keys = secret["data"].as_object().into_iter().flatten().map(|(key, _)| key.clone());
                SecretFacts::with_keys(keys)
            } else {
                let shown = match (&names[..], secret["cn"].as_str()) {
                    ([], Some(name)) => format!("CN = {name}"),
                    _ => names.iter().map(|name| format!("DNS:{name}")).collect::<Vec<_>>().join(", "),
                };
                certificates.insert(id.as_str().to_owned(), shown);
                SecretFacts::certificate(names, secret["cn"].as_str())
            };
            (id, facts)
        });
        let known = services.iter().map(|(id, state)| {
            let ports = if state.ports.is_empty() {
                vec![80]
            } else {
                state.ports.iter().map(|port| port.0).collect()
            };
            ports
                .into_iter()
                .fold(Service::new(id.clone()), |service, port| service.with_port(ServicePort::new(port)))
        });
        let around = Surroundings::default().with_services(known).with_secrets(secrets).with_config_maps([]);
        compiler.set_surroundings(around);
        let mut taken = BTreeSet::new();
        for object in &objects {
            let ingress = ingress(object);
            taken.insert(ingress.id().as_str().to_owned());
            compiler.upsert(ingress);
        }
        for left in compiler.left_out() {
            taken.remove(left.as_str());
        }
        let table = compiler.compile();
        let diagnostics = compiler.diagnostics().cloned().collect();
        Self { table, diagnostics, taken, certificates, services }
    }

    /// The number of a port.
    pub(crate) fn number(&self, id: &ObjectId, port: &Port) -> String {
        let ports = self.services.get(id).map_or(&[][..], |state| &state.ports);
        let named = ports.iter().find(|(_, name, _)| matches!(port, Port::Name(wanted) if *name == **wanted));
        named.map_or_else(|| port.to_string(), |(number, _, _)| number.to_string())
    }

    /// How many endpoints a port has.
    pub(crate) fn endpoints(&self, id: &ObjectId, port: &Port) -> usize {
        let Some(state) = self.services.get(id) else { return 0 };
        let meant = |(number, name, target): &(u16, String, String)| match port {
            Port::Number(wanted) => number == wanted || *target == wanted.to_string(),
            Port::Name(wanted) => *name == **wanted || *target == **wanted,
        };
        if state.ports.is_empty() || state.ports.iter().any(meant) { state.endpoints } else { 0 }
    }
}

impl Availability for World {
    fn has_endpoints(&self, id: &ObjectId, port: &Port) -> bool {
        self.endpoints(id, port) > 0
    }
}

fn ingress(object: &Value) -> Ingress {
    let mut object = object.clone();
    for rule in object["spec"]["rules"].as_array_mut().into_iter().flatten() {
        for path in rule["http"]["paths"].as_array_mut().into_iter().flatten() {
            // The API's type cannot be without one.
            if path["pathType"].is_null() {
                path["pathType"] = Value::from("");
            }
        }
        if rule["http"].is_null() {
            rule.as_object_mut().expect("a rule").remove("http");
        }
    }
    let object: k8s_openapi::api::networking::v1::Ingress =
        serde_json::from_value(object).expect("it is an Ingress");
    Ingress::from(&object)
}

fn settings(cluster: &Value) -> Settings {
    let mut settings = Settings::default();
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for (name, value) in cluster["flags"].as_object().into_iter().flatten() {
        settings = settings.option(name, &shown(value));
    }
    let data: Vec<(String, String)> = cluster["config"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), shown(value)))
        .collect();
    if data.is_empty() { settings } else { settings.config_map(data) }
}

/// All Services: those that are listed, and those that a rule names.
fn services(objects: &[&Value], cluster: &Value) -> BTreeMap<ObjectId, ServiceState> {
    let mut services = BTreeMap::new();
    for object in objects {
        let namespace = text(&object["metadata"], "namespace", "default");
        let backends = list(&object["spec"], "rules")
            .flat_map(|rule| list(&rule["http"], "paths"))
            .map(|path| &path["backend"])
            .chain([&object["spec"]["defaultBackend"]]);
        for name in backends.filter_map(|backend| backend["service"]["name"].as_str()) {
            let state = ServiceState { ports: Vec::new(), endpoints: 1 };
            services.insert(ObjectId::new(namespace, name), state);
        }
    }
    for listed in list(cluster, "services") {
        let id = ObjectId::new(text(listed, "namespace", "default"), text(listed, "name", ""));
        if listed["missing"] == true {
            services.remove(&id);
            continue;
        }
        let port = |port: &Value| {
            let number = u16::try_from(port["port"].as_u64().expect("a number")).expect("a port");
            let target = match &port["targetPort"] {
                Value::Null => number.to_string(),
                Value::String(name) => name.clone(),
                number => number.to_string(),
            };
            (number, text(port, "name", "").to_owned(), target)
        };
        let external = text(listed, "externalName", "example.org");
        let endpoints = match &listed["endpoints"] {
            _ if external == "localhost" || external.parse::<std::net::IpAddr>().is_ok() => 0,
            Value::Null => 1,
            Value::Number(number) => usize::try_from(number.as_u64().expect("a count")).expect("small"),
            Value::Array(all) => all.iter().filter(|one| one["conditions"]["ready"] != false).count(),
            _ => 0,
        };
        services.insert(id, ServiceState { ports: list(listed, "ports").map(port).collect(), endpoints });
    }
    services
}
