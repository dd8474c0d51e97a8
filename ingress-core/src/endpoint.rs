//! Which addresses a Service means: pure resolution from Services and EndpointSlices.
//!
//! A [`Cluster`] takes objects in as they come and makes immutable [`Endpoints`] of them, which
//! [resolve](Endpoints::resolve) a backend:
//!
//! ```
//! use ingress_core::endpoint::{Cluster, EndpointSlice, ResolveOptions, Service, ServicePort, SliceEndpoint};
//! use ingress_core::origin::ObjectId;
//!
//! let web = ObjectId::new("shop", "web");
//! let mut cluster = Cluster::default();
//! cluster.upsert_service(Service::new(web.clone()).with_port(ServicePort::new(80).with_target("http")));
//! cluster.upsert_slice(
//!     EndpointSlice::new(ObjectId::new("shop", "web-x7k2p"), web.clone())
//!         .with_port("", 8080)
//!         .with_endpoint(SliceEndpoint::new([10, 0, 0, 1]).hinted_for("a"))
//!         .with_endpoint(SliceEndpoint::new([10, 0, 0, 2]).hinted_for("b")),
//! );
//!
//! let endpoints = cluster.endpoints();
//! let anywhere = ResolveOptions::default();
//! assert_eq!(endpoints.resolve(&web, &80.into(), &anywhere).to_string(), "10.0.0.1:8080, 10.0.0.2:8080");
//! assert_eq!(endpoints.resolve(&web, &80.into(), &anywhere.clone().in_zone("b")).to_string(), "10.0.0.2:8080");
//! assert_eq!(endpoints.resolve(&web, &81.into(), &anywhere).reason(), Some("port-absent"));
//! ```
//!
//! # How a backend is resolved
//!
//! 1. The Service is found by `namespace/name`; else [`NoService`](Resolution::NoService).
//! 2. Its TCP port is found by number or by name; else [`NoPort`](Resolution::NoPort). There are two
//!    exceptions for headless Services, where the cluster translates no ports: the number of a port's
//!    target will do, and a Service that declares no port at all has the ports that its slices list,
//!    or any number if they list none.
//! 3. A Service of the type ExternalName ends here, with its name and the Service port's number. A
//!    number that it does not declare will do.
//! 4. In each slice of the Service (by label, whether a selector or a hand made it) the port is
//!    looked up by the *Service port's name*; there a named `targetPort` is a number already. A slice
//!    that lists no ports, a listed port without a number, or a port listed under another name with
//!    the target's number falls back on a numeric target, where kube-proxy would find nothing. Slices
//!    without the port are passed over. An `Endpoints` object stands in for a Service without slices.
//! 5. The endpoints that are `ready` are taken. Where none is, in any family, those that are
//!    `serving` and `terminating`. Conditions that are absent count as ready, serving and not
//!    terminating, as in the API's reference and in kube-proxy.
//! 6. An address that several slices list is taken once.
//! 7. One family is taken, so that an endpoint with two addresses counts once: the
//!    [preferred](ResolveOptions::prefer) one if it has endpoints, else IPv4, IPv6, DNS names.
//! 8. If a [zone](ResolveOptions::in_zone) is given, all of these endpoints are ready and have hints,
//!    and one is hinted for the zone: those that are. Else all.
//! 9. None left: [`NoEndpoints`](Resolution::NoEndpoints).
//!
//! Not read are session affinity, traffic policies and hints for nodes, which instruct the proxy of a
//! node, and `publishNotReadyAddresses`, which the slices reflect already.
//!
//! # Cost
//!
//! To resolve is a binary search for the Service, a scan of its ports, and one reference count; it
//! allocates only for headless Services that declare no port. To make a view is linear in the number
//! of Services, a reference count for each, and works out only the Services that changed: for each of
//! their ports, `n log n` in the endpoints. Memory goes by ports times endpoints, as kube-proxy's does,
//! and twice that where all endpoints have one hint.

mod address;
mod cluster;
mod service;
mod slice;
mod targets;

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "k8s-openapi")]
pub(crate) use address::Host;
pub use address::{Address, AddressFamily};
pub use cluster::Cluster;
pub use service::{Service, ServicePort};
pub use slice::{EndpointSlice, SliceEndpoint};
pub use targets::{Endpoint, EndpointSet};

use crate::origin::ObjectId;
use crate::port::Port;
use crate::request::Availability;

/// An immutable view of the Services of a cluster and of their endpoints.
///
/// Made by [`Cluster::endpoints`]; the default is a cluster without Services.
#[derive(Default, PartialEq)]
pub struct Endpoints {
    /// Sorted by rank, then by name: a search compares numbers that lie side by side and one name.
    entries: Box<[(u64, Arc<targets::Entry>)]>,
}

/// Where the caller stands, as far as that matters to the choice of endpoints.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ResolveOptions {
    family: Option<AddressFamily>,
    zone: Option<Arc<str>>,
}

/// What a backend comes to.
///
/// The three failures are each a 503, with the [reason](Self::reason) to give.
#[non_exhaustive]
#[must_use]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Resolution {
    /// One of these endpoints.
    Endpoints(EndpointSet),
    /// A host outside of the cluster, to be looked up.
    ExternalName {
        /// Always an [`Address::Name`].
        address: Address,
        /// What is spoken on the port, if the Service says.
        app_protocol: Option<Arc<str>>,
    },
    /// There is no such Service.
    NoService,
    /// The Service has no such TCP port.
    NoPort,
    /// There are no endpoints that may be used, or the external name is unusable.
    NoEndpoints,
}

/// Where the Services stand that have names like each other: far apart. Names that somebody made to
/// collide are still told apart by a binary search, so this need not be secret (FNV-1a).
fn rank(id: &ObjectId) -> u64 {
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

impl Endpoints {
    fn new(entries: Box<[(u64, Arc<targets::Entry>)]>) -> Self {
        debug_assert!(
            entries.is_sorted_by_key(|(rank, entry)| (*rank, entry.service().id())),
            "Services are looked up by binary search"
        );
        Self { entries }
    }

    fn entry(&self, id: &ObjectId) -> Option<&targets::Entry> {
        let sought = rank(id);
        let compare =
            |rank: u64, entry: &targets::Entry| rank.cmp(&sought).then_with(|| entry.service().id().cmp(id));
        let index = self.entries.binary_search_by(|(rank, entry)| compare(*rank, entry)).ok()?;
        self.entries.get(index).map(|(_, entry)| &**entry)
    }

    /// The endpoints of a port of a Service; see [how](self#how-a-backend-is-resolved).
    pub fn resolve(&self, service: &ObjectId, port: &Port, options: &ResolveOptions) -> Resolution {
        match self.entry(service) {
            Some(entry) => entry.resolve(port, options),
            None => Resolution::NoService,
        }
    }

    /// The Service of this name.
    pub fn service(&self, id: &ObjectId) -> Option<&Service> {
        self.entry(id).map(targets::Entry::service)
    }

    /// All Services, by `namespace/name`. Sorts them.
    pub fn services(&self) -> impl ExactSizeIterator<Item = &Service> {
        let mut services: Vec<_> = self.entries.iter().map(|(_, entry)| entry.service()).collect();
        services.sort_unstable_by_key(|service| service.id());
        services.into_iter()
    }
}

/// Anything but a failure to resolve; what lies outside of the cluster is taken to be there.
impl Availability for Endpoints {
    fn has_endpoints(&self, service: &ObjectId, port: &Port) -> bool {
        self.resolve(service, port, &ResolveOptions::default()).reason().is_none()
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").field("services", &self.entries.len()).finish_non_exhaustive()
    }
}

impl ResolveOptions {
    /// Prefers endpoints of one family to those of the other; where there are none, the others are
    /// taken all the same.
    #[must_use]
    pub fn prefer(mut self, family: AddressFamily) -> Self {
        self.family = Some(family);
        self
    }

    /// Says which zone requests come from. Without one hints are not heeded.
    #[must_use]
    pub fn in_zone(mut self, zone: impl Into<Arc<str>>) -> Self {
        self.zone = Some(zone.into());
        self
    }
}

impl Resolution {
    /// Why there is nothing to send the request to: `service-absent`, `port-absent` or
    /// `no-endpoints`. The codes are stable.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Endpoints(_) | Self::ExternalName { .. } => None,
            Self::NoService => Some("service-absent"),
            Self::NoPort => Some("port-absent"),
            Self::NoEndpoints => Some("no-endpoints"),
        }
    }
}

/// The addresses, separated by commas, or the reason why there are none.
impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoints(set) => {
                for (index, endpoint) in set.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}", endpoint.address())?;
                }
                Ok(())
            }
            Self::ExternalName { address, .. } => address.fmt(f),
            Self::NoService | Self::NoPort | Self::NoEndpoints => f.write_str(self.reason().unwrap_or("")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_cross_threads() {
        fn sound<T: Send + Sync + 'static>() {}
        sound::<Endpoints>();
        sound::<Cluster>();
        sound::<Resolution>();
    }

    /// A cluster holds a hundred thousand of these.
    #[test]
    fn size_is_a_speed_bump() {
        assert!(size_of::<Endpoint>() <= 56, "{}", size_of::<Endpoint>());
        assert!(size_of::<slice::Member>() <= 64, "{}", size_of::<slice::Member>());
        assert!(size_of::<Resolution>() <= 56, "{}", size_of::<Resolution>());
    }
}
