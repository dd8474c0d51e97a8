//! The objects that lines add up to.

use std::collections::BTreeMap;

use ingress_core::dialect::Dialect;
use ingress_core::{Compiler, Ingress, RouteTable};
use k8s_openapi::api::networking::v1 as api;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::lines::{Line, Name, RuleLine};

/// What is said of the objects that are there.
pub(crate) type Objects = BTreeMap<Name, Vec<RuleLine>>;

/// One object. Its lines stand in annotations, for the dialect that reads those, and what the API has words
/// for stands there, too.
pub(crate) fn ingress(name: &Name, lines: &[RuleLine]) -> Ingress {
    let annotations = (0..).zip(lines).map(|(index, line)| (format!("line-{index:04}"), line.to_string()));
    let spec = api::IngressSpec {
        default_backend: lines.iter().find(|line| line.kind == "Default").map(backend),
        rules: Some(lines.iter().filter_map(rule).collect()),
        tls: Some(lines.iter().filter(|line| line.kind == "Certificate").map(certificate).collect()),
        ..api::IngressSpec::default()
    };
    Ingress::from(api::Ingress {
        metadata: ObjectMeta {
            namespace: Some(name.namespace.clone()),
            name: Some(name.name.clone()),
            annotations: Some(annotations.collect()),
            ..ObjectMeta::default()
        },
        spec: Some(spec),
        status: None,
    })
}

fn rule(line: &RuleLine) -> Option<api::IngressRule> {
    if matches!(line.kind.as_str(), "Default" | "Certificate") {
        return None;
    }
    let path = api::HTTPIngressPath {
        backend: backend(line),
        path: (line.path != "-").then(|| line.path.clone()),
        path_type: line.kind.clone(),
    };
    Some(api::IngressRule {
        host: (line.host != "*").then(|| line.host.clone()),
        http: Some(api::HTTPIngressRuleValue { paths: vec![path] }),
    })
}

fn backend(line: &RuleLine) -> api::IngressBackend {
    let (name, port) = line.backend.split_once(':').unwrap_or((&line.backend, "80"));
    let number = port.parse().ok();
    let port_name = if number.is_none() { Some(port.to_owned()) } else { None };
    api::IngressBackend {
        resource: None,
        service: Some(api::IngressServiceBackend {
            name: name.to_owned(),
            port: Some(api::ServiceBackendPort { number, name: port_name }),
        }),
    }
}

fn certificate(line: &RuleLine) -> api::IngressTLS {
    let hosts = if line.host == "*" { None } else { Some(vec![line.host.clone()]) };
    api::IngressTLS { hosts, secret_name: Some(line.backend.clone()) }
}

/// The table of the objects that lines leave.
pub(crate) fn compile(dialect: Box<dyn Dialect>, lines: &[Line]) -> std::sync::Arc<RouteTable> {
    let mut objects = Objects::new();
    for line in lines {
        match line {
            Line::Add(name, rule) => objects.entry(name.clone()).or_default().push(rule.clone()),
            Line::Remove(name) => drop(objects.remove(name)),
            Line::Ask(_) | Line::Read(_) => {}
        }
    }
    let mut compiler = Compiler::new(dialect);
    for (name, lines) in &objects {
        compiler.upsert(ingress(name, lines));
    }
    compiler.compile()
}
