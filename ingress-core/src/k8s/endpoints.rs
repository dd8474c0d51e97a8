//! Service, EndpointSlice and the older Endpoints.

use super::{IntOrString, ObjectMeta, core, discovery};
use crate::endpoint::{EndpointSlice, Host, Service, ServicePort, SliceEndpoint};
use crate::origin::ObjectId;

/// The label by which a slice names its Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

impl From<&core::Service> for Service {
    fn from(object: &core::Service) -> Self {
        let mut service = Self::new(ObjectId::new(namespace(&object.metadata), name(&object.metadata)));
        let Some(spec) = &object.spec else { return service };
        let cluster_ip = spec.cluster_ip.as_ref().or_else(|| spec.cluster_ips.as_ref()?.first());
        if spec.type_.as_deref() == Some("ExternalName") {
            service = service.external_name(spec.external_name.as_deref().unwrap_or(""));
        } else if cluster_ip.is_some_and(|ip| ip == "None") {
            service = service.headless();
        }
        spec.ports.iter().flatten().map(port).fold(service, Self::with_port)
    }
}

fn port(object: &core::ServicePort) -> ServicePort {
    let mut port = ServicePort::new(number(object.port))
        .with_name(object.name.as_deref().unwrap_or(""))
        .with_app_protocol(object.app_protocol.as_deref().unwrap_or(""));
    port = match &object.target_port {
        Some(IntOrString::Int(target)) => port.with_target(number(*target)),
        Some(IntOrString::String(target)) => port.with_target(target.as_str()),
        None => port,
    };
    if is_tcp(object.protocol.as_deref()) { port } else { port.not_tcp() }
}

/// A slice without the label `kubernetes.io/service-name` belongs to no Service.
///
/// Of the addresses of one endpoint the first is read: the API gives no meaning to more.
impl From<&discovery::EndpointSlice> for EndpointSlice {
    fn from(object: &discovery::EndpointSlice) -> Self {
        let namespace = namespace(&object.metadata);
        let id = ObjectId::new(namespace, name(&object.metadata));
        let labels = object.metadata.labels.as_ref();
        let mut slice =
            match labels.and_then(|labels| labels.get(SERVICE_NAME)).filter(|name| !name.is_empty()) {
                Some(service) => Self::new(id, ObjectId::new(namespace, service)),
                None => return Self::orphan(id),
            };
        for port in object.ports.iter().flatten() {
            let name = port.name.as_deref().unwrap_or("");
            slice.push_port(name, port.port.map(number), is_tcp(port.protocol.as_deref()));
        }
        let read = match object.address_type.as_str() {
            "IPv4" => Host::v4,
            "IPv6" => Host::v6,
            "FQDN" => Host::name,
            _ => return slice,
        };
        for endpoint in &object.endpoints {
            if let Some(host) = endpoint.addresses.first().and_then(|address| read(address)) {
                slice.push_endpoint(with_conditions(SliceEndpoint::parsed(host), endpoint));
            }
        }
        slice
    }
}

fn with_conditions(mut member: SliceEndpoint, object: &discovery::Endpoint) -> SliceEndpoint {
    if let Some(conditions) = &object.conditions {
        member = member
            .ready(conditions.ready.unwrap_or(true))
            .serving(conditions.serving.unwrap_or(true))
            .terminating(conditions.terminating.unwrap_or(false));
    }
    let hints = object.hints.iter().flat_map(|hints| hints.for_zones.iter().flatten());
    let member = member.in_zone(object.zone.as_deref().unwrap_or(""));
    hints.fold(member, |member, zone| member.hinted_for(&zone.name))
}

/// What an `Endpoints` object says, read as a slice. It only counts for Services without slices.
impl From<&core::Endpoints> for EndpointSlice {
    fn from(object: &core::Endpoints) -> Self {
        let mut slice = Self::legacy(ObjectId::new(namespace(&object.metadata), name(&object.metadata)));
        for (index, subset) in object.subsets.iter().flatten().enumerate() {
            if index > 0 {
                slice.start_subset();
            }
            for port in subset.ports.iter().flatten() {
                let name = port.name.as_deref().unwrap_or("");
                slice.push_port(name, Some(number(port.port)), is_tcp(port.protocol.as_deref()));
            }
            // The others are not ready, and whether one of them is terminating it does not say.
            for address in subset.addresses.iter().flatten() {
                if let Some(host) = address.ip.parse().ok().and_then(Host::ip) {
                    slice.push_endpoint(SliceEndpoint::parsed(host));
                }
            }
        }
        slice
    }
}

fn namespace(meta: &ObjectMeta) -> &str {
    meta.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or("default")
}

fn name(meta: &ObjectMeta) -> &str {
    meta.name.as_deref().unwrap_or("")
}

/// Numbers that no port has become 0, which is never found. Leaving such a port out would turn a
/// Service with a bad port into one without ports.
fn number(number: i32) -> u16 {
    u16::try_from(number).unwrap_or(0)
}

fn is_tcp(protocol: Option<&str>) -> bool {
    matches!(protocol, None | Some("" | "TCP"))
}
