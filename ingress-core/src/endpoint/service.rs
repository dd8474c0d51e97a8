//! The parsed model of a Service, as far as it says where requests go.

use std::sync::Arc;

use super::address::dns_name;
use crate::origin::ObjectId;
use crate::port::Port;

/// A Service: what it is called, what kind it is, and its ports.
///
/// Whether it has a selector is not kept: that decides who writes its slices, not how they are read.
///
/// ```
/// use ingress_core::endpoint::{Service, ServicePort};
/// use ingress_core::origin::ObjectId;
/// use ingress_core::port::Port;
///
/// let service = Service::new(ObjectId::new("shop", "web"))
///     .with_port(ServicePort::new(80).with_name("http").with_target(8080))
///     .with_port(ServicePort::new(53).not_tcp());
/// assert_eq!(service.find_port(&Port::from("http")).map(ServicePort::number), Some(80));
/// assert!(service.find_port(&Port::from(53)).is_none());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Service {
    id: ObjectId,
    kind: Kind,
    ports: Vec<ServicePort>,
    /// Whether a backend may also mean a port by its target.
    by_target: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Kind {
    /// ClusterIP, NodePort and LoadBalancer alike: they differ in how traffic reaches the Service.
    Cluster,
    Headless,
    /// Without a name if the object's was none.
    External(Option<Arc<str>>),
}

/// One of the ports that a Service exposes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServicePort {
    number: u16,
    name: Option<Arc<str>>,
    target: Option<Port>,
    tcp: bool,
    app_protocol: Option<Arc<str>>,
}

impl Service {
    /// A Service with a cluster IP and no ports yet.
    pub fn new(id: ObjectId) -> Self {
        Self { id, kind: Kind::Cluster, ports: Vec::new(), by_target: false }
    }

    /// Makes it headless: `clusterIP: None`.
    #[must_use]
    pub fn headless(mut self) -> Self {
        self.kind = Kind::Headless;
        self
    }

    /// Makes it an alias of a DNS name. Text that is no DNS name, that looks like an IP address or
    /// that means the proxy itself (`localhost`) is an alias of nothing.
    #[must_use]
    pub fn external_name(mut self, name: &str) -> Self {
        self.kind = Kind::External(dns_name(name));
        self
    }

    /// Adds a port. Of ports that answer to the same number or name the first one counts.
    #[must_use]
    pub fn with_port(mut self, port: ServicePort) -> Self {
        self.ports.push(port);
        self
    }

    /// The Service as `namespace/name`.
    pub fn id(&self) -> &ObjectId {
        &self.id
    }

    /// Whether clients are to reach the Pods without a cluster IP between.
    pub fn is_headless(&self) -> bool {
        self.kind == Kind::Headless
    }

    /// Whether it is an alias of a DNS name.
    pub fn is_external(&self) -> bool {
        matches!(self.kind, Kind::External(_))
    }

    /// The ports, of all protocols.
    pub fn ports(&self) -> &[ServicePort] {
        &self.ports
    }

    /// The TCP port that a backend means by a number or a name.
    ///
    /// The cluster translates no ports for a headless Service, so its clients dial the target: there a
    /// number that no port has may also be a port's target number.
    pub fn find_port(&self, port: &Port) -> Option<&ServicePort> {
        self.position(port).and_then(|index| self.ports.get(index))
    }

    pub(super) fn position(&self, port: &Port) -> Option<usize> {
        if self.by_target && *port != Port::Number(0) {
            let wanted = port.to_string();
            return self.ports.iter().position(|port| port.tcp && port.goes_by(&wanted));
        }
        let find =
            |test: &dyn Fn(&ServicePort) -> bool| self.ports.iter().position(|port| port.tcp && test(port));
        match port {
            Port::Number(0) => None,
            Port::Number(number) => match find(&|candidate| candidate.number == *number) {
                None if self.is_headless() => find(&|candidate| candidate.target.as_ref() == Some(port)),
                found => found,
            },
            Port::Name(name) => find(&|candidate| candidate.name.as_ref() == Some(name)),
        }
    }

    pub(super) fn find_by_target(&mut self) {
        self.by_target = true;
    }

    /// What it is an alias of, if it is one: `Some(None)` when the name is unusable.
    pub(super) fn alias(&self) -> Option<Option<&Arc<str>>> {
        match &self.kind {
            Kind::External(name) => Some(name.as_ref()),
            Kind::Cluster | Kind::Headless => None,
        }
    }

    pub(super) fn shrink(&mut self) {
        self.ports.shrink_to_fit();
    }
}

impl ServicePort {
    /// An unnamed TCP port whose target has the same number. Number 0 is never found.
    pub fn new(number: u16) -> Self {
        Self { number, name: None, target: None, tcp: true, app_protocol: None }
    }

    /// Whether its number, its target or its name has this text.
    fn goes_by(&self, text: &str) -> bool {
        let number = self.number.to_string();
        let target = self.target.as_ref().map_or_else(|| number.clone(), Port::to_string);
        number == text || target == text || self.name.as_deref() == Some(text)
    }

    /// Names it. Empty text is no name.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        self.name = (!name.is_empty()).then(|| name.into());
        self
    }

    /// Sets the port of the Pods, `targetPort`.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<Port>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Makes it a port of another protocol than TCP. HTTP does not run over it, so nothing is sent
    /// there.
    #[must_use]
    pub fn not_tcp(mut self) -> Self {
        self.tcp = false;
        self
    }

    /// Says what is spoken on it, such as `kubernetes.io/h2c`.
    #[must_use]
    pub fn with_app_protocol(mut self, protocol: &str) -> Self {
        self.app_protocol = (!protocol.is_empty()).then(|| protocol.into());
        self
    }

    /// The number that the Service exposes.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// The name, unless it is the only port and has none.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The port of the Pods as written; absent is the same number.
    pub fn target(&self) -> Option<&Port> {
        self.target.as_ref()
    }

    /// Whether it is a TCP port.
    pub fn is_tcp(&self) -> bool {
        self.tcp
    }

    /// What is spoken on it, if it says.
    pub fn app_protocol(&self) -> Option<&Arc<str>> {
        self.app_protocol.as_ref()
    }

    /// The number of the target where the Service alone tells it: a named target is the Pods' to say.
    pub(super) fn target_number(&self) -> Option<u16> {
        match self.target {
            None => Some(self.number),
            Some(Port::Number(number)) => Some(number),
            Some(Port::Name(_)) => None,
        }
        .filter(|number| *number != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(service: &Service, port: impl Into<Port>) -> Option<u16> {
        service.find_port(&port.into()).map(ServicePort::number)
    }

    fn service() -> Service {
        Service::new(ObjectId::new("ns", "web"))
            .with_port(ServicePort::new(53).with_name("dns").not_tcp())
            .with_port(ServicePort::new(53).with_name("dns-tcp"))
            .with_port(ServicePort::new(80).with_target(8080).with_name("web"))
            .with_port(ServicePort::new(81).with_target("admin").with_name(""))
            .with_port(ServicePort::new(0).with_name("zero"))
    }

    #[test]
    fn by_number_or_by_name_and_only_tcp() {
        let service = service();
        assert_eq!(service.position(&Port::from(53)), Some(1));
        assert_eq!(found(&service, "dns"), None);
        assert_eq!(found(&service, "web"), Some(80));
        for port in [Port::from(0), Port::from(82), Port::from(""), Port::from("80"), Port::from("admin")] {
            assert_eq!(service.find_port(&port), None, "{port}");
        }
    }

    #[test]
    fn a_target_number_is_only_asked_of_a_headless_service() {
        assert_eq!(found(&service(), 8080), None);
        assert_eq!(found(&service().headless(), 8080), Some(80));
        let twisted = service().headless().with_port(ServicePort::new(8080).with_target(80));
        assert_eq!((found(&twisted, 80), found(&twisted, 8080)), (Some(80), Some(8080)));
    }
}
