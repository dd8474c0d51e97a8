//! The parsed model of an EndpointSlice.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::address::Host;
use super::service::ServicePort;
use crate::origin::ObjectId;
use crate::port::Port;

/// Some of the endpoints of a Service, and the ports that they have in common.
///
/// Endpoints that can take no request are not kept: their coming and going changes nothing.
///
/// ```
/// use ingress_core::endpoint::{EndpointSlice, SliceEndpoint};
/// use ingress_core::origin::ObjectId;
///
/// let slice = EndpointSlice::new(ObjectId::new("shop", "web-x7k2p"), ObjectId::new("shop", "web"))
///     .with_port("http", 8080)
///     .with_endpoint(SliceEndpoint::new([10, 0, 0, 1]).in_zone("a").hinted_for("a"))
///     .with_endpoint(SliceEndpoint::new([10, 0, 0, 2]).ready(false));
/// assert_eq!(slice.service().map(ObjectId::as_str), Some("shop/web"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndpointSlice {
    id: ObjectId,
    service: Option<ObjectId>,
    legacy: bool,
    first: Subset,
    rest: Vec<Subset>,
    // A cluster has a handful of zones, and every endpoint names two or three.
    zones: BTreeSet<Arc<str>>,
}

/// What tells a slice from every other one: an `Endpoints` object may have the name of a slice.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct SliceKey {
    legacy: bool,
    id: ObjectId,
}

/// Endpoints with the same ports. A slice has one of these, an `Endpoints` object any number.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Subset {
    ports: Vec<SlicePort>,
    members: Vec<Member>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct SlicePort {
    /// The name of the *Service's* port, empty if it has none.
    name: Arc<str>,
    /// Absent means every number. 0 stands for a number that no port has.
    number: Option<u16>,
    tcp: bool,
}

/// An endpoint that is ready or may be fallen back to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Member {
    pub(super) host: Host,
    pub(super) zone: Option<Arc<str>>,
    pub(super) hints: Box<[Arc<str>]>,
    pub(super) ready: bool,
    pub(super) terminating: bool,
}

/// One endpoint of a slice, before it is known whether it can take a request.
///
/// Its conditions start as the API reads absent ones: ready and serving, not terminating.
#[derive(Clone, Debug)]
pub struct SliceEndpoint {
    host: Option<Host>,
    zone: Option<Arc<str>>,
    hints: BTreeSet<Arc<str>>,
    ready: bool,
    serving: bool,
    terminating: bool,
}

impl EndpointSlice {
    /// An empty slice of a Service, without ports.
    pub fn new(id: ObjectId, service: ObjectId) -> Self {
        Self { service: Some(service), ..Self::orphan(id) }
    }

    /// A slice that names no Service, and so is nobody's.
    pub(crate) fn orphan(id: ObjectId) -> Self {
        let first = Subset::default();
        Self { id, service: None, legacy: false, first, rest: Vec::new(), zones: BTreeSet::new() }
    }

    /// The content of an `Endpoints` object, which belongs to the Service of the same name.
    #[cfg(feature = "k8s-openapi")]
    pub(crate) fn legacy(id: ObjectId) -> Self {
        Self { service: Some(id.clone()), legacy: true, ..Self::orphan(id) }
    }

    /// Adds a TCP port: the name of the Service's port (empty if it has none), and the number that the
    /// endpoints listen on. No number means every number.
    #[must_use]
    pub fn with_port(mut self, name: &str, number: impl Into<Option<u16>>) -> Self {
        self.push_port(name, number.into(), true);
        self
    }

    /// Adds an endpoint, unless it can take no request.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: SliceEndpoint) -> Self {
        self.push_endpoint(endpoint);
        self
    }

    /// The slice as `namespace/name`.
    pub fn id(&self) -> &ObjectId {
        &self.id
    }

    /// The Service that it belongs to, if it says so.
    pub fn service(&self) -> Option<&ObjectId> {
        self.service.as_ref()
    }

    pub(crate) fn push_port(&mut self, name: &str, number: Option<u16>, tcp: bool) {
        self.last().ports.push(SlicePort { name: name.into(), number, tcp });
    }

    pub(crate) fn push_endpoint(&mut self, endpoint: SliceEndpoint) {
        let Some(host) = endpoint.host else { return };
        let may_drain = endpoint.serving && endpoint.terminating;
        if !endpoint.ready && !may_drain {
            return;
        }
        let hints = endpoint.hints.into_iter().map(|zone| self.intern(zone)).collect();
        let zone = endpoint.zone.map(|zone| self.intern(zone));
        let (ready, terminating) = (endpoint.ready, endpoint.terminating);
        self.last().members.push(Member { host, zone, hints, ready, terminating });
    }

    #[cfg(feature = "k8s-openapi")]
    pub(crate) fn start_subset(&mut self) {
        self.rest.push(Subset::default());
    }

    fn last(&mut self) -> &mut Subset {
        self.rest.last_mut().unwrap_or(&mut self.first)
    }

    fn intern(&mut self, zone: Arc<str>) -> Arc<str> {
        if let Some(known) = self.zones.get(&zone) {
            return known.clone();
        }
        self.zones.insert(zone.clone());
        zone
    }

    pub(super) fn key(&self) -> SliceKey {
        SliceKey { legacy: self.legacy, id: self.id.clone() }
    }

    pub(super) fn subsets(&self) -> impl Iterator<Item = &Subset> + Clone {
        std::iter::once(&self.first).chain(&self.rest)
    }

    pub(crate) fn shrink(&mut self) {
        self.rest.shrink_to_fit();
        for subset in std::iter::once(&mut self.first).chain(&mut self.rest) {
            subset.ports.shrink_to_fit();
            subset.members.shrink_to_fit();
        }
    }
}

impl SliceKey {
    pub(crate) fn new(legacy: bool, id: ObjectId) -> Self {
        Self { legacy, id }
    }

    pub(crate) fn is_legacy(&self) -> bool {
        self.legacy
    }

    pub(crate) fn id(&self) -> &ObjectId {
        &self.id
    }
}

impl SliceEndpoint {
    fn at(host: Option<Host>) -> Self {
        let (ready, serving, terminating) = (true, true, false);
        Self { host, zone: None, hints: BTreeSet::new(), ready, serving, terminating }
    }

    /// An endpoint at an IP address. One at an unspecified or multicast address takes no request.
    pub fn new(ip: impl Into<IpAddr>) -> Self {
        Self::at(Host::ip(ip.into()))
    }

    /// An endpoint at a DNS name, as slices of the address type `FQDN` list them. One whose name is
    /// none takes no request; see [`Service::external_name`](super::Service::external_name).
    pub fn named(name: &str) -> Self {
        Self::at(Host::name(name))
    }

    #[cfg(feature = "k8s-openapi")]
    pub(crate) fn parsed(host: Host) -> Self {
        Self::at(Some(host))
    }

    /// Sets the condition `ready`.
    #[must_use]
    pub fn ready(mut self, ready: bool) -> Self {
        self.ready = ready;
        self
    }

    /// Sets the condition `serving`.
    #[must_use]
    pub fn serving(mut self, serving: bool) -> Self {
        self.serving = serving;
        self
    }

    /// Sets the condition `terminating`.
    #[must_use]
    pub fn terminating(mut self, terminating: bool) -> Self {
        self.terminating = terminating;
        self
    }

    /// Says which zone it is in.
    #[must_use]
    pub fn in_zone(mut self, zone: &str) -> Self {
        self.zone = (!zone.is_empty()).then(|| zone.into());
        self
    }

    /// Adds a zone that should use it.
    #[must_use]
    pub fn hinted_for(mut self, zone: &str) -> Self {
        if !zone.is_empty() {
            self.hints.insert(zone.into());
        }
        self
    }
}

impl Subset {
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    fn tcp(&self) -> impl Iterator<Item = &SlicePort> {
        self.ports.iter().filter(|port| port.tcp)
    }

    /// The number that the members listen on for a port of their Service, if they have that port.
    ///
    /// The slice says so under the name of the Service's port, and there named targets are resolved,
    /// differently for different Pods perhaps. Two cases go beyond that, and only to the number that
    /// the Service itself gives as the target:
    ///
    /// - A slice that lists no ports at all says nothing about ports.
    /// - A slice that lists that number under another name has it. That is a Service whose port was
    ///   renamed a moment ago, or a slice written by hand.
    pub(crate) fn number_for(&self, port: &ServicePort) -> Option<u16> {
        let known = port.target_number();
        if self.ports.is_empty() {
            return known;
        }
        let name = port.name().unwrap_or("");
        if let Some(listed) = self.tcp().find(|listed| &*listed.name == name) {
            return listed.number.map_or(known, |number| (number != 0).then_some(number));
        }
        let is_listed =
            |known: &u16| self.tcp().any(|listed| listed.number.is_none_or(|number| number == *known));
        known.filter(is_listed)
    }

    /// The same where the Service declares no port, as headless ones need not: then the slice stands
    /// in for it, and what the slice leaves open is the number asked for.
    pub(crate) fn number_asked(&self, port: &Port) -> Option<u16> {
        match port {
            Port::Number(0) => None,
            Port::Number(asked) => {
                let listed = self.tcp().any(|listed| listed.number.is_none_or(|number| number == *asked));
                (listed || self.ports.is_empty()).then_some(*asked)
            }
            Port::Name(name) => {
                let listed = self.tcp().find(|listed| listed.name == *name)?;
                listed.number.filter(|number| *number != 0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subset(ports: &[(&str, Option<u16>, bool)]) -> Subset {
        let port =
            |&(name, number, tcp): &(&str, Option<u16>, bool)| SlicePort { name: name.into(), number, tcp };
        Subset { ports: ports.iter().map(port).collect(), members: Vec::new() }
    }

    #[test]
    fn the_slice_knows_the_number_by_the_name_of_the_services_port() {
        let listed =
            subset(&[("web", Some(8080), true), ("admin", Some(9090), true), ("dns", Some(53), false)]);
        let number = |port: ServicePort| listed.number_for(&port);
        assert_eq!(number(ServicePort::new(80).with_name("web").with_target("http")), Some(8080));
        assert_eq!(number(ServicePort::new(80).with_name("web").with_target(1234)), Some(8080));
        // Never by the name of the target: `admin` is another port of the Service.
        assert_eq!(number(ServicePort::new(80).with_name("www").with_target("admin")), None);
        // By number under another name.
        assert_eq!(number(ServicePort::new(80).with_name("www").with_target(9090)), Some(9090));
        assert_eq!(number(ServicePort::new(9090)), Some(9090));
        assert_eq!(number(ServicePort::new(80).with_name("www").with_target(9091)), None);
        assert_eq!(number(ServicePort::new(53).with_name("dns")), None);
    }

    #[test]
    fn what_a_slice_leaves_open_is_the_services_to_say() {
        for open in [subset(&[]), subset(&[("web", None, true)]), subset(&[("other", None, true)])] {
            let number = |port: ServicePort| open.number_for(&port.with_name("web"));
            assert_eq!(number(ServicePort::new(80)), Some(80));
            assert_eq!(number(ServicePort::new(80).with_target(8080)), Some(8080));
            assert_eq!(number(ServicePort::new(80).with_target("http")), None);
            assert_eq!(number(ServicePort::new(80).with_target(0)), None);
        }
        assert_eq!(
            subset(&[("web", Some(0), true)]).number_for(&ServicePort::new(80).with_name("web")),
            None
        );
        assert_eq!(subset(&[("web", None, false)]).number_for(&ServicePort::new(80).with_name("web")), None);
    }

    #[test]
    fn without_a_declared_port_the_slice_stands_in() {
        let listed = subset(&[("web", Some(8080), true), ("dns", Some(53), false), ("zero", Some(0), true)]);
        for (port, number) in [
            (Port::from(8080), Some(8080)),
            (Port::from("web"), Some(8080)),
            (Port::from(80), None),
            (Port::from(53), None),
            (Port::from("dns"), None),
            (Port::from("zero"), None),
            (Port::from(0), None),
        ] {
            assert_eq!(listed.number_asked(&port), number, "{port}");
        }
        for open in [subset(&[]), subset(&[("any", None, true)])] {
            assert_eq!(open.number_asked(&Port::from(80)), Some(80));
            assert_eq!(open.number_asked(&Port::from("any")), None);
            assert_eq!(open.number_asked(&Port::from(0)), None);
        }
    }

    #[test]
    fn only_endpoints_that_may_be_used_are_kept_and_zones_are_shared() {
        let id = ObjectId::new("ns", "web");
        let endpoint = |last| SliceEndpoint::new([10, 0, 0, last]);
        let slice = EndpointSlice::new(id.clone(), id)
            .with_endpoint(endpoint(1).in_zone("a").hinted_for("a").hinted_for(""))
            .with_endpoint(endpoint(2).in_zone("a").ready(false).terminating(true))
            .with_endpoint(endpoint(3).ready(false))
            .with_endpoint(endpoint(4).ready(false).terminating(true).serving(false))
            .with_endpoint(SliceEndpoint::new([0, 0, 0, 0]))
            .with_endpoint(SliceEndpoint::named("not a name"));
        let members = slice.first.members();
        assert_eq!(members.iter().map(|member| member.ready).collect::<Vec<_>>(), [true, false]);
        let zones: Vec<_> =
            members.iter().flat_map(|member| member.zone.iter().chain(&member.hints)).collect();
        assert!(zones.len() == 3 && zones.windows(2).all(|pair| matches!(pair, [a, b] if Arc::ptr_eq(a, b))));
    }
}
