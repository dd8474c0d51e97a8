//! Objects in a few words, and a table that answers in a few words.

#![allow(clippy::panic, reason = "outside of test functions, too, a failed expectation is a panic")]

use std::sync::Arc;

use ingress_core::dialect::Kubernetes;
use ingress_core::{Compiler, Config, Diagnostic, Ingress, Outcome, RequestHead, RouteTable};
use k8s_openapi::api::networking::v1 as networking;
use serde_json::{Value, json};

/// An Ingress under construction.
#[derive(Clone)]
pub(crate) struct Object(Value);

/// An Ingress without anything in it, by `namespace/name`.
pub(crate) fn object(id: &str) -> Object {
    let (namespace, name) = id.split_once('/').unwrap_or_else(|| panic!("namespace/name: {id}"));
    Object(json!({"metadata": {"namespace": namespace, "name": name}, "spec": {}}))
}

/// A line of a rule with any backend.
pub(crate) fn line(kind: &str, path: &str, backend: &Value) -> Value {
    json!({"path": path, "pathType": kind, "backend": backend})
}

/// The port 80 of a Service.
pub(crate) fn service(name: &str) -> Value {
    json!({"service": {"name": name, "port": {"number": 80}}})
}

pub(crate) fn prefix(path: &str, name: &str) -> Value {
    line("Prefix", path, &service(name))
}

pub(crate) fn exact(path: &str, name: &str) -> Value {
    line("Exact", path, &service(name))
}

impl Object {
    /// Created in this year.
    pub(crate) fn created(mut self, year: u32) -> Self {
        self.0["metadata"]["creationTimestamp"] = json!(format!("{year}-01-01T00:00:00Z"));
        self
    }

    /// With any value at a place of the object, such as `/spec/ingressClassName`.
    pub(crate) fn set(mut self, place: &str, value: Value) -> Self {
        let mut at = &mut self.0;
        for step in place.split('/').skip(1) {
            at = &mut at[step.replace('~', "/")];
        }
        *at = value;
        self
    }

    /// With one more rule; an empty host is none.
    pub(crate) fn rule(mut self, host: &str, lines: impl IntoIterator<Item = Value>) -> Self {
        let lines: Vec<Value> = lines.into_iter().collect();
        let mut rule = json!({"http": {"paths": lines}});
        if !host.is_empty() {
            rule["host"] = json!(host);
        }
        self.push("rules", rule);
        self
    }

    pub(crate) fn default_backend(self, name: &str) -> Self {
        self.set("/spec/defaultBackend", service(name))
    }

    /// With one more TLS entry.
    pub(crate) fn tls(mut self, hosts: &[&str], secret: &str) -> Self {
        self.push("tls", json!({"hosts": hosts, "secretName": secret}));
        self
    }

    fn push(&mut self, list: &str, entry: Value) {
        let list = &mut self.0["spec"][list];
        match list {
            Value::Array(entries) => entries.push(entry),
            _ => *list = json!([entry]),
        }
    }
}

impl From<Object> for Ingress {
    fn from(object: Object) -> Self {
        let object: networking::Ingress =
            serde_json::from_value(object.0).unwrap_or_else(|error| panic!("{error}"));
        Self::from(&object)
    }
}

/// A compiled table with what was found wrong.
pub(crate) struct World {
    pub(crate) table: Arc<RouteTable>,
    pub(crate) findings: Vec<Diagnostic>,
}

impl World {
    pub(crate) fn of(objects: impl IntoIterator<Item = Object>) -> Self {
        Self::with(Config::default(), objects)
    }

    pub(crate) fn with(config: Config, objects: impl IntoIterator<Item = Object>) -> Self {
        Self::compile(config, objects.into_iter().map(Ingress::from))
    }

    pub(crate) fn compile(config: Config, ingresses: impl IntoIterator<Item = Ingress>) -> Self {
        let mut compiler = Compiler::with_config(Kubernetes, config);
        for ingress in ingresses {
            let _ = compiler.upsert(ingress);
        }
        let table = compiler.compile();
        Self { table, findings: compiler.diagnostics().cloned().collect() }
    }

    /// Where a request goes: a backend, `default` and a backend, or a status with its reason.
    pub(crate) fn ask(&self, host: &str, target: &str) -> String {
        self.answer(&RequestHead::new(host, target))
    }

    /// The same for a request that names no host.
    pub(crate) fn ask_without_host(&self, target: &str) -> String {
        self.answer(&RequestHead::without_host(target))
    }

    fn answer(&self, request: &RequestHead<'_>) -> String {
        let outcome = self.table.lookup(request);
        let explanation = self.table.explain(request);
        assert_eq!(outcome, explanation.outcome(), "lookup and explain differ\n{explanation}");
        match outcome {
            Outcome::Matched(hit) if hit.is_default() => format!("default {}", hit.rule().action()),
            Outcome::Matched(hit) => hit.rule().action().to_string(),
            Outcome::Refused(refusal) => format!("400 {}", refusal.code()),
            _ => "404".to_owned(),
        }
    }

    /// The target that the upstream gets.
    pub(crate) fn upstream(&self, host: &str, target: &str) -> String {
        let request = RequestHead::new(host, target);
        let Outcome::Matched(hit) = self.table.lookup(&request) else { panic!("no route for {request}") };
        hit.upstream(&request).map_or_else(|error| error.to_string(), |target| target.to_string())
    }

    /// The Secret for a server name; `none` if there is none.
    pub(crate) fn certificate(&self, server_name: &str) -> String {
        self.table.certificate(server_name).map_or_else(|| "none".to_owned(), ToString::to_string)
    }

    /// Code and place of every finding.
    pub(crate) fn found(&self) -> Vec<String> {
        let found = self
            .findings
            .iter()
            .map(|found| format!("{} {} {}", found.code(), found.ingress(), found.field()));
        found.collect()
    }
}
