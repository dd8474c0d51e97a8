//! From the slices of a Service to the endpoints of its ports.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::address::{Address, AddressFamily};
use super::service::{Service, ServicePort};
use super::slice::{EndpointSlice, Member, Subset};
use super::{Resolution, ResolveOptions};
use crate::port::Port;

/// One place that a request can be sent to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    address: Address,
    zone: Option<Arc<str>>,
    terminating: bool,
}

/// The endpoints of one port: at least one, each address once, sorted by address.
///
/// Derefs to a slice. A clone is one reference count.
#[derive(Clone, Eq, PartialEq)]
pub struct EndpointSet(Arc<Shared>);

#[derive(Eq, PartialEq)]
struct Shared {
    endpoints: Box<[Endpoint]>,
    app_protocol: Option<Arc<str>>,
}

/// All answers about one Service. Nothing is left to work out when a request comes, but which of
/// the sets it gets.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    service: Service,
    /// One for each port of the Service.
    ports: Box<[Targets]>,
    /// What the slices say, where the Service declares no port and any number may be asked for.
    undeclared: Box<[Subset]>,
}

/// The endpoints of one port, by family. No family is without endpoints.
#[derive(Debug, Default, PartialEq)]
struct Targets(Box<[Family]>);

#[derive(Debug, PartialEq)]
struct Family {
    /// Absent for DNS names.
    family: Option<AddressFamily>,
    all: EndpointSet,
    /// The endpoints that are meant for each zone, sorted by zone; empty if any endpoint has no hint.
    zones: Box<[(Arc<str>, EndpointSet)]>,
}

/// What the slices that list an address say of it. There are two for a moment when the cluster moves
/// an endpoint from one to another.
struct Merged<'s> {
    zone: Option<&'s Arc<str>>,
    hints: BTreeSet<&'s Arc<str>>,
    terminating: bool,
}

impl Endpoint {
    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The zone that it is in, if that is known.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// Whether it is about to go away. It still answers, but should be given nothing that lasts.
    pub fn is_terminating(&self) -> bool {
        self.terminating
    }
}

impl EndpointSet {
    fn new(endpoints: Vec<Endpoint>, app_protocol: Option<&Arc<str>>) -> Self {
        Self(Arc::new(Shared { endpoints: endpoints.into(), app_protocol: app_protocol.cloned() }))
    }

    /// What is spoken on the port, if the Service says.
    pub fn app_protocol(&self) -> Option<&str> {
        self.0.app_protocol.as_deref()
    }

    /// Whether both are the same set in memory, as they stay while their Service does not change.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for EndpointSet {
    type Target = [Endpoint];

    fn deref(&self) -> &[Endpoint] {
        &self.0.endpoints
    }
}

impl<'s> IntoIterator for &'s EndpointSet {
    type Item = &'s Endpoint;
    type IntoIter = std::slice::Iter<'s, Endpoint>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for EndpointSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl Entry {
    pub(super) fn new<'s>(
        service: &Service,
        slices: impl Iterator<Item = &'s EndpointSlice> + Clone,
    ) -> Self {
        let subsets = slices.flat_map(EndpointSlice::subsets);
        let targets = |port: &ServicePort| {
            // Nothing can ask for the endpoints of these, so they would only take memory.
            if service.is_external() || !port.is_tcp() {
                return Targets::default();
            }
            Targets::new(subsets.clone(), |subset| subset.number_for(port), port.app_protocol())
        };
        let ports = service.ports().iter().map(targets).collect();
        let declares_none = service.is_headless() && service.ports().is_empty();
        let undeclared = if declares_none { subsets.cloned().collect() } else { Box::default() };
        Self { service: service.clone(), ports, undeclared }
    }

    pub(super) fn service(&self) -> &Service {
        &self.service
    }

    pub(super) fn resolve(&self, port: &Port, options: &ResolveOptions) -> Resolution {
        let position = self.service.position(port);
        if let Some(name) = self.service.alias() {
            return self.resolve_alias(name, port, position);
        }
        match position.and_then(|index| self.ports.get(index)) {
            Some(targets) => targets.select(options),
            None if self.service.is_headless() && self.service.ports().is_empty() => {
                self.resolve_undeclared(port, options)
            }
            None => Resolution::NoPort,
        }
    }

    /// An alias is another name and no more: the port stays the one asked for, whatever the target.
    fn resolve_alias(&self, name: Option<&Arc<str>>, port: &Port, position: Option<usize>) -> Resolution {
        let declared = position.and_then(|index| self.service.ports().get(index));
        let number = match (declared, port) {
            (Some(declared), _) => declared.number(),
            (None, Port::Number(asked)) => {
                let other_protocol = self.service.ports().iter().any(|port| port.number() == *asked);
                if other_protocol { 0 } else { *asked }
            }
            (None, Port::Name(_)) => 0,
        };
        match name {
            _ if number == 0 => Resolution::NoPort,
            None => Resolution::NoEndpoints,
            Some(name) => Resolution::ExternalName {
                address: Address::Name(name.clone(), number),
                app_protocol: declared.and_then(|port| port.app_protocol().cloned()),
            },
        }
    }

    /// Worked out anew for every request, because any number may be asked for.
    fn resolve_undeclared(&self, port: &Port, options: &ResolveOptions) -> Resolution {
        let number = |subset: &Subset| subset.number_asked(port);
        let offered = self.undeclared.iter().any(|subset| number(subset).is_some());
        let open = self.undeclared.is_empty() && matches!(port, Port::Number(1..));
        if !offered && !open {
            return Resolution::NoPort;
        }
        Targets::new(self.undeclared.iter(), number, None).select(options)
    }
}

impl Targets {
    fn new<'s>(
        subsets: impl Iterator<Item = &'s Subset>,
        number: impl Fn(&Subset) -> Option<u16>,
        app_protocol: Option<&Arc<str>>,
    ) -> Self {
        let mut ready = BTreeMap::<Address, Merged<'_>>::new();
        let mut draining = BTreeMap::<Address, Merged<'_>>::new();
        for subset in subsets {
            let Some(number) = number(subset) else { continue };
            for member in subset.members() {
                let tier = if member.ready { &mut ready } else { &mut draining };
                let merged = tier.entry(member.host.at(number));
                merged.and_modify(|merged| merged.add(member)).or_insert_with(|| Merged::of(member));
            }
        }
        // Hints are made for the endpoints that are ready; those to fall back to are used wherever.
        let heed_hints = !ready.is_empty();
        let usable: Vec<_> = if heed_hints { ready } else { draining }.into_iter().collect();
        // Sorted by address they stand family by family.
        let families = usable.chunk_by(|(a, _), (b, _)| a.family() == b.family());
        Self(families.map(|members| Family::new(members, heed_hints, app_protocol)).collect())
    }

    fn select(&self, options: &ResolveOptions) -> Resolution {
        let preferred =
            self.0.iter().find(|targets| targets.family.is_some() && targets.family == options.family);
        match preferred.or_else(|| self.0.first()) {
            Some(family) => Resolution::Endpoints(family.select(options).clone()),
            None => Resolution::NoEndpoints,
        }
    }
}

impl Family {
    fn new(members: &[(Address, Merged<'_>)], heed_hints: bool, app_protocol: Option<&Arc<str>>) -> Self {
        let family = members.first().and_then(|(address, _)| address.family());
        let endpoints: Vec<_> = members.iter().map(|(address, merged)| merged.endpoint(address)).collect();
        let mut zones = BTreeMap::<&Arc<str>, Vec<Endpoint>>::new();
        if heed_hints && members.iter().all(|(_, merged)| !merged.hints.is_empty()) {
            for (endpoint, (_, merged)) in endpoints.iter().zip(members) {
                for zone in &merged.hints {
                    zones.entry(zone).or_default().push(endpoint.clone());
                }
            }
        }
        let all = EndpointSet::new(endpoints, app_protocol);
        let set = |(zone, endpoints): (&Arc<str>, Vec<Endpoint>)| {
            let whole = endpoints.len() == all.len();
            (zone.clone(), if whole { all.clone() } else { EndpointSet::new(endpoints, app_protocol) })
        };
        let zones = zones.into_iter().map(set).collect();
        Self { family, all, zones }
    }

    fn select(&self, options: &ResolveOptions) -> &EndpointSet {
        let hinted = options.zone.as_ref().and_then(|zone| {
            let index = self.zones.binary_search_by(|(hinted, _)| hinted.cmp(zone)).ok()?;
            self.zones.get(index)
        });
        hinted.map_or(&self.all, |(_, set)| set)
    }
}

impl<'s> Merged<'s> {
    fn of(member: &'s Member) -> Self {
        let hints = member.hints.iter().collect();
        Self { zone: member.zone.as_ref(), hints, terminating: member.terminating }
    }

    /// Of slices that disagree each says what it knows, and no order of theirs plays a part.
    fn add(&mut self, member: &'s Member) {
        self.zone = self.zone.into_iter().chain(&member.zone).min();
        self.hints.extend(&member.hints);
        self.terminating &= member.terminating;
    }

    fn endpoint(&self, address: &Address) -> Endpoint {
        Endpoint { address: address.clone(), zone: self.zone.cloned(), terminating: self.terminating }
    }
}
