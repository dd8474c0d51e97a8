//! Backends that lead nowhere, as far as the Services of the input tell.

use std::collections::BTreeMap;

use ingress_core::Backend;
use ingress_core::endpoint::{Service, ServicePort};
use ingress_core::origin::{FieldPath, Leaf, ObjectId};
use ingress_core::port::Port;
use ingress_core::rule::ServiceRef;
use k8s_openapi::api::core::v1;
use serde::Deserialize;

use super::kind::Kind;
use super::quoted::Quoted;
use super::{Found, Object, Subject};
use crate::manifest::ResourceKind;

/// How many ports of a Service are listed.
const LISTED: usize = 8;

/// The Services of the input. One whose ports could not be read has all of them.
struct Services<'m> {
    by_id: BTreeMap<&'m ObjectId, Option<Service>>,
    /// A namespace in which a Service of that name is.
    by_name: BTreeMap<&'m str, &'m str>,
}

pub(super) fn find<'m>(subject: &Subject<'m>, found: &mut Vec<Found<'m>>) {
    let mut services = Services { by_id: BTreeMap::new(), by_name: BTreeMap::new() };
    for resource in subject.manifests.resources() {
        let resource = resource.object();
        if resource.kind() == ResourceKind::Service {
            let service = v1::Service::deserialize(resource.value()).ok();
            services.by_id.insert(resource.id(), service.map(|service| Service::from(&service)));
            services.by_name.insert(resource.id().name(), resource.id().namespace());
        }
    }
    // Without any, they are taken to be elsewhere.
    if services.by_id.is_empty() {
        return;
    }
    for object in subject.objects.values() {
        if let Some(Backend::Service(service)) = object.ingress.default_backend() {
            found.extend(services.judge(*object, &FieldPath::default_backend(), service));
        }
        for rule in object.ingress.rules() {
            for path in rule.paths().unwrap_or_default() {
                if let Backend::Service(service) = path.backend() {
                    let field = FieldPath::path(rule.index(), path.index());
                    found.extend(services.judge(*object, &field, service));
                }
            }
        }
    }
}

impl Services<'_> {
    fn judge<'m>(&self, object: Object<'m>, field: &FieldPath, wanted: &ServiceRef) -> Option<Found<'m>> {
        let Some(service) = self.by_id.get(wanted.id()) else {
            let mut message = format!("there is no Service {} among the manifests", wanted.id());
            if let Some(namespace) = self.by_name.get(wanted.name()) {
                message.push_str(&format!(
                    "; the one in namespace {namespace} is out of reach, for backends are in the namespace of their Ingress"
                ));
            }
            let field = field.clone().leaf(Leaf::ServiceName);
            return Some(object.found(Kind::ServiceMissing, &field, message).because_of(wanted.id()));
        };
        let service = service.as_ref()?;
        // An alias of a name has no ports of its own to be wrong about.
        if service.is_external() || service.find_port(wanted.port()).is_some() {
            return None;
        }
        let message =
            format!("Service {} has no {}: {}", wanted.id(), named(wanted.port()), ports(service, wanted));
        let field = field.clone().leaf(Leaf::ServicePort);
        Some(object.found(Kind::ServicePortMissing, &field, message).because_of(wanted))
    }
}

fn named(port: &Port) -> String {
    match port {
        Port::Number(number) => format!("port {number}"),
        Port::Name(name) => format!("port named {}", Quoted(name)),
    }
}

fn ports(service: &Service, wanted: &ServiceRef) -> String {
    let meant = |port: &&ServicePort| match wanted.port() {
        Port::Number(number) => port.number() == *number,
        Port::Name(name) => port.name() == Some(&**name),
    };
    if service.ports().iter().any(|port| meant(&port) && !port.is_tcp()) {
        return "it has one that is not TCP, which HTTP does not run over".to_owned();
    }
    let target = |port: &&ServicePort| port.target() == Some(wanted.port());
    if let Some(port) = service.ports().iter().find(target) {
        return format!("that is the targetPort, a port of the Pods; the Service exposes {}", shown(port));
    }
    let listed: Vec<_> = service.ports().iter().take(LISTED).map(shown).collect();
    let more = if service.ports().len() > LISTED { " and more" } else { "" };
    match &*listed {
        [] => "it has no ports at all".to_owned(),
        _ => format!("it has {}{more}", listed.join(", ")),
    }
}

fn shown(port: &ServicePort) -> String {
    match port.name() {
        Some(name) => format!("{} ({})", port.number(), Quoted(name)),
        None => port.number().to_string(),
    }
}
