//! Ingress and IngressClass.

use super::networking as api;
use crate::ingress::raw::{RawBackend, RawIngress, RawPath, RawResource, RawRule, RawService, RawTls};
use crate::ingress::{Ingress, IngressClass};

impl From<&api::Ingress> for Ingress {
    fn from(object: &api::Ingress) -> Self {
        let meta = &object.metadata;
        let mut raw = RawIngress {
            namespace: meta.namespace.as_deref(),
            name: meta.name.as_deref(),
            uid: meta.uid.as_deref(),
            created: meta.creation_timestamp.as_ref().map(|time| time.0.as_second()),
            annotations: pairs(meta.annotations.as_ref()),
            ..RawIngress::default()
        };
        if let Some(spec) = &object.spec {
            raw.class = spec.ingress_class_name.as_deref();
            raw.default_backend = spec.default_backend.as_ref().map(backend);
            raw.rules = spec.rules.iter().flatten().map(rule).collect();
            raw.tls = spec.tls.iter().flatten().map(tls).collect();
        }
        raw.parse()
    }
}

impl From<api::Ingress> for Ingress {
    fn from(object: api::Ingress) -> Self {
        Self::from(&object)
    }
}

impl From<&api::IngressClass> for IngressClass {
    fn from(object: &api::IngressClass) -> Self {
        let annotations = pairs(object.metadata.annotations.as_ref());
        let is_default = annotations.contains(&("ingressclass.kubernetes.io/is-default-class", "true"));
        let controller = object.spec.as_ref().and_then(|spec| spec.controller.as_deref());
        Self::new(object.metadata.name.as_deref().unwrap_or(""), controller.unwrap_or(""))
            .default_class(is_default)
    }
}

fn pairs(map: Option<&std::collections::BTreeMap<String, String>>) -> Vec<(&str, &str)> {
    map.into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn rule(rule: &api::IngressRule) -> RawRule<'_> {
    let paths = rule.http.as_ref().map(|http| http.paths.iter().map(path).collect());
    RawRule { host: rule.host.as_deref(), paths }
}

fn path(path: &api::HTTPIngressPath) -> RawPath<'_> {
    RawPath { path: path.path.as_deref(), path_type: Some(&path.path_type), backend: backend(&path.backend) }
}

fn backend(backend: &api::IngressBackend) -> RawBackend<'_> {
    RawBackend {
        service: backend.service.as_ref().map(|service| RawService {
            name: &service.name,
            number: service.port.as_ref().and_then(|port| port.number).map(i64::from),
            port_name: service.port.as_ref().and_then(|port| port.name.as_deref()),
        }),
        resource: backend.resource.as_ref().map(|resource| RawResource {
            group: resource.api_group.as_deref(),
            kind: &resource.kind,
            name: &resource.name,
        }),
    }
}

fn tls(tls: &api::IngressTLS) -> RawTls<'_> {
    RawTls { hosts: tls.hosts.as_deref().unwrap_or_default(), secret: tls.secret_name.as_deref() }
}
