//! The same tables as Kubernetes objects: one Ingress per host.

use ingress_core::IngressId;
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend,
    IngressSpec, ServiceBackendPort,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::workload::{HostRules, Kind, PathRule, Workload};

impl Workload {
    /// Every host as an Ingress of its own, in the order of the hosts.
    pub fn objects(&self) -> Vec<Ingress> {
        self.hosts().iter().enumerate().map(|(index, host)| object(index, host)).collect()
    }

    /// The Ingress of one host; an empty one if there is no such host.
    pub fn object(&self, host: usize) -> Ingress {
        self.hosts().get(host).map(|rules| object(host, rules)).unwrap_or_default()
    }

    /// What an Ingress of this workload is called.
    pub fn object_id(&self, host: usize) -> IngressId {
        IngressId::new(&namespace(host), &name(host))
    }

    /// How a compiled table names the origin of rule `number`.
    pub fn origin(&self, number: u32) -> Option<String> {
        let (host, index) = self.locate(number)?;
        Some(format!("{} spec.rules[0].http.paths[{index}]", self.object_id(host)))
    }
}

/// A tenth as many namespaces as hosts would be many; 250 is a large cluster.
fn namespace(host: usize) -> String {
    format!("team-{:03}", host % 250)
}

fn name(host: usize) -> String {
    format!("web-{host}")
}

fn object(index: usize, host: &HostRules) -> Ingress {
    let paths = host.rules().iter().enumerate().map(|(path, rule)| http_path(path, rule)).collect();
    Ingress {
        metadata: ObjectMeta {
            namespace: Some(namespace(index)),
            name: Some(name(index)),
            ..ObjectMeta::default()
        },
        spec: Some(IngressSpec {
            rules: Some(vec![IngressRule {
                host: Some(host.host().to_owned()),
                http: Some(HTTPIngressRuleValue { paths }),
            }]),
            ..IngressSpec::default()
        }),
        status: None,
    }
}

/// Three services share the paths of a host.
fn http_path(index: usize, rule: &PathRule) -> HTTPIngressPath {
    let service = ["frontend", "backend-api", "accounts"].get(index % 3).copied().unwrap_or_default();
    HTTPIngressPath {
        path: Some(rule.path().to_owned()),
        path_type: match rule.kind() {
            Kind::Exact => "Exact".to_owned(),
            Kind::Prefix => "Prefix".to_owned(),
        },
        backend: backend(service, 8080),
    }
}

/// The paths of an Ingress, to be changed in place.
pub(crate) fn paths_mut(object: &mut Ingress) -> Option<&mut Vec<HTTPIngressPath>> {
    let rule = object.spec.as_mut()?.rules.as_mut()?.first_mut()?;
    Some(&mut rule.http.as_mut()?.paths)
}

/// The backend `service:port`.
pub(crate) fn backend(service: &str, port: i32) -> IngressBackend {
    IngressBackend {
        service: Some(IngressServiceBackend {
            name: service.to_owned(),
            port: Some(ServiceBackendPort { name: None, number: Some(port) }),
        }),
        resource: None,
    }
}
