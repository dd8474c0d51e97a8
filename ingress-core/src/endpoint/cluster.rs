//! The changing side: objects come and go, and views of them are made.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use super::service::Service;
use super::slice::{EndpointSlice, SliceKey};
use super::targets::Entry;
use super::{Endpoints, rank};
use crate::origin::ObjectId;

/// The Services and slices that are known now, of which [`endpoints`](Self::endpoints) makes
/// immutable views.
///
/// The order in which objects arrive plays no part, nor does whether a slice or its Service is first.
/// An object that arrives again unchanged, or changed only in what is not read, changes nothing.
///
/// ```
/// use ingress_core::endpoint::{Cluster, EndpointSlice, ResolveOptions, Service, ServicePort, SliceEndpoint};
/// use ingress_core::origin::ObjectId;
///
/// let web = ObjectId::new("shop", "web");
/// let slice = EndpointSlice::new(ObjectId::new("shop", "web-x7k2p"), web.clone()).with_port("", 8080);
///
/// let mut cluster = Cluster::default();
/// cluster.upsert_service(Service::new(web.clone()).with_port(ServicePort::new(80).with_target(8080)));
/// cluster.upsert_slice(slice.clone().with_endpoint(SliceEndpoint::new([10, 0, 0, 1])));
/// let before = cluster.endpoints();
/// cluster.upsert_slice(slice.with_endpoint(SliceEndpoint::new([10, 0, 0, 2])));
/// let after = cluster.endpoints();
///
/// let resolve = |view: &ingress_core::endpoint::Endpoints| {
///     view.resolve(&web, &80.into(), &ResolveOptions::default()).to_string()
/// };
/// assert_eq!(resolve(&before), "10.0.0.1:8080");
/// assert_eq!(resolve(&after), "10.0.0.2:8080");
/// ```
#[derive(Debug, Default)]
pub struct Cluster {
    /// In the order of a view.
    known: BTreeMap<(u64, ObjectId), Known>,
    /// Which Service each slice is filed under.
    owners: BTreeMap<SliceKey, ObjectId>,
    dirty: BTreeSet<ObjectId>,
    view: Arc<Endpoints>,
    reading: EndpointReading,
}

/// How Services and slices are read, as far as controllers differ in it.
///
/// ```
/// use ingress_core::endpoint::{Cluster, EndpointReading, Service, ServicePort};
/// use ingress_core::endpoint::{EndpointSlice, ResolveOptions, SliceEndpoint};
/// use ingress_core::origin::ObjectId;
///
/// let web = ObjectId::new("shop", "web");
/// let mut cluster = Cluster::new(EndpointReading::default().by_target_port().ready_only());
/// cluster.upsert_service(Service::new(web.clone()).with_port(ServicePort::new(80).with_target(8080)));
/// let slice = EndpointSlice::new(ObjectId::new("shop", "web-x7k2p"), web.clone()).with_port("", 8080);
/// let leaving = SliceEndpoint::new([10, 0, 0, 2]).ready(false).terminating(true);
/// cluster.upsert_slice(slice.with_endpoint(SliceEndpoint::new([10, 0, 0, 1])).with_endpoint(leaving));
/// let found = cluster.endpoints().resolve(&web, &8080.into(), &ResolveOptions::default());
/// assert_eq!(found.to_string(), "10.0.0.1:8080");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EndpointReading {
    by_target_port: bool,
    ready_only: bool,
}

impl EndpointReading {
    /// A backend means the first port whose number, target or name has the text that it says, whatever kind
    /// the Service is of.
    #[must_use]
    pub const fn by_target_port(mut self) -> Self {
        self.by_target_port = true;
        self
    }

    /// Endpoints that are not ready are never used, not even those that serve while they end.
    #[must_use]
    pub const fn ready_only(mut self) -> Self {
        self.ready_only = true;
        self
    }
}

fn filed(id: &ObjectId) -> (u64, ObjectId) {
    (rank(id), id.clone())
}

/// What is known under the name of one Service, be there a Service of that name or not.
#[derive(Debug, Default)]
struct Known {
    service: Option<Service>,
    slices: BTreeMap<SliceKey, EndpointSlice>,
    resolved: Option<Arc<Entry>>,
}

impl Cluster {
    /// A cluster without objects, read in this way.
    pub fn new(reading: EndpointReading) -> Self {
        Self { reading, ..Self::default() }
    }

    /// Adds a Service, or replaces the one of the same name. Tells whether anything changed.
    pub fn upsert_service(&mut self, service: impl Into<Service>) -> bool {
        let mut service = service.into();
        if self.reading.by_target_port {
            service.find_by_target();
        }
        let id = service.id().clone();
        let known = self.known.entry(filed(&id)).or_default();
        if known.service.as_ref() == Some(&service) {
            return false;
        }
        service.shrink();
        known.service = Some(service);
        self.dirty.insert(id);
        true
    }

    /// Removes a Service. Its slices stay, for when it comes back.
    pub fn remove_service(&mut self, id: &ObjectId) -> bool {
        let removed = self.known.get_mut(&filed(id)).and_then(|known| known.service.take());
        if removed.is_some() {
            self.dirty.insert(id.clone());
        }
        removed.is_some()
    }

    /// Adds a slice, or replaces the one of the same name, whichever Service that belonged to. Tells
    /// whether anything changed.
    pub fn upsert_slice(&mut self, slice: impl Into<EndpointSlice>) -> bool {
        let mut slice = slice.into();
        if self.reading.ready_only {
            slice.drop_draining();
        }
        let key = slice.key();
        let Some(service) = slice.service().cloned() else { return self.remove(&key) };
        let same_owner = self.owners.get(&key) == Some(&service);
        if same_owner
            && self.known.get(&filed(&service)).is_some_and(|known| known.slices.get(&key) == Some(&slice))
        {
            return false;
        }
        if !same_owner {
            self.remove(&key);
            self.owners.insert(key.clone(), service.clone());
        }
        slice.shrink();
        self.known.entry(filed(&service)).or_default().slices.insert(key, slice);
        self.dirty.insert(service);
        true
    }

    /// Removes a slice.
    pub fn remove_slice(&mut self, id: &ObjectId) -> bool {
        self.remove(&SliceKey::new(false, id.clone()))
    }

    /// Removes what an `Endpoints` object said.
    pub fn remove_endpoints(&mut self, id: &ObjectId) -> bool {
        self.remove(&SliceKey::new(true, id.clone()))
    }

    fn remove(&mut self, key: &SliceKey) -> bool {
        let Some(service) = self.owners.remove(key) else { return false };
        if let Some(known) = self.known.get_mut(&filed(&service)) {
            known.slices.remove(key);
        }
        self.dirty.insert(service);
        true
    }

    /// Removes all Services but those to keep, as after a list of them all.
    pub fn retain_services(&mut self, mut keep: impl FnMut(&ObjectId) -> bool) {
        for ((_, id), known) in &mut self.known {
            if known.service.is_some() && !keep(id) {
                known.service = None;
                self.dirty.insert(id.clone());
            }
        }
    }

    /// Removes all slices but those to keep, as after a list of them all. What `Endpoints` objects say
    /// stays: they are on no list of slices.
    pub fn retain_slices(&mut self, mut keep: impl FnMut(&ObjectId) -> bool) {
        let gone: Vec<_> =
            self.owners.keys().filter(|key| !key.is_legacy() && !keep(key.id())).cloned().collect();
        for key in gone {
            self.remove(&key);
        }
    }

    /// How many Services are known.
    pub fn service_count(&self) -> usize {
        self.known.values().filter(|known| known.service.is_some()).count()
    }

    /// How many slices are known, those of unknown Services included.
    pub fn slice_count(&self) -> usize {
        self.owners.len()
    }

    /// A view of what is known now.
    ///
    /// Only Services that changed since the last view are worked out anew; all others share their
    /// memory with it. When nothing changed that a view would show, it is the last one itself.
    #[must_use]
    pub fn endpoints(&mut self) -> Arc<Endpoints> {
        let mut changed = false;
        for id in mem::take(&mut self.dirty) {
            let Some(known) = self.known.get_mut(&filed(&id)) else { continue };
            let resolved = known.service.as_ref().map(|service| Entry::new(service, known.slices()));
            if resolved.as_ref() != known.resolved.as_deref() {
                known.resolved = resolved.map(Arc::new);
                changed = true;
            }
            if known.service.is_none() && known.slices.is_empty() {
                self.known.remove(&filed(&id));
            }
        }
        if changed {
            let entries =
                self.known.iter().filter_map(|((rank, _), known)| Some((*rank, known.resolved.clone()?)));
            self.view = Arc::new(Endpoints::new(entries.collect()));
        }
        Arc::clone(&self.view)
    }
}

impl Known {
    /// `Endpoints` objects are the old way to say the same. They only count where there is no slice.
    fn slices(&self) -> impl Iterator<Item = &EndpointSlice> + Clone {
        let legacy = self.slices.keys().all(SliceKey::is_legacy);
        self.slices.iter().filter(move |(key, _)| key.is_legacy() == legacy).map(|(_, slice)| slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{ServicePort, SliceEndpoint};

    fn id(name: &str) -> ObjectId {
        ObjectId::new("ns", name)
    }

    fn service(name: &str) -> Service {
        Service::new(id(name)).with_port(ServicePort::new(80))
    }

    fn slice(name: &str, service: &str) -> EndpointSlice {
        EndpointSlice::new(id(name), id(service))
            .with_port("", 80)
            .with_endpoint(SliceEndpoint::new([10, 0, 0, 1]))
    }

    #[test]
    fn nothing_is_left_of_what_went() {
        let mut cluster = Cluster::default();
        assert!(cluster.upsert_slice(slice("a-1", "a")) && cluster.upsert_service(service("a")));
        assert!(cluster.upsert_slice(slice("b-1", "b")) && cluster.upsert_slice(slice("b-1", "c")));
        assert_eq!((cluster.service_count(), cluster.slice_count()), (1, 2));
        let full = cluster.endpoints();
        assert!(cluster.upsert_slice(EndpointSlice::orphan(id("b-1"))) && !cluster.remove_slice(&id("b-1")));
        assert!(cluster.remove_slice(&id("a-1")) && cluster.remove_service(&id("a")));
        assert!(!cluster.remove_slice(&id("a-1")) && !cluster.remove_service(&id("a")));
        let empty = cluster.endpoints();
        assert!(*full != *empty && *empty == Endpoints::default());
        assert!(cluster.known.is_empty() && cluster.owners.is_empty() && cluster.dirty.is_empty());
    }

    #[test]
    fn what_changes_nothing_gives_the_same_view() {
        let mut cluster = Cluster::default();
        cluster.upsert_service(service("a"));
        cluster.upsert_slice(slice("a-1", "a"));
        let view = cluster.endpoints();
        assert!(!cluster.upsert_service(service("a")) && !cluster.upsert_slice(slice("a-1", "a")));
        // A slice more, which says nothing new; one of a Service that is not there; and a detour.
        assert!(cluster.upsert_slice(slice("a-2", "a")) && cluster.upsert_slice(slice("z-1", "z")));
        assert!(cluster.remove_slice(&id("a-1")) && cluster.remove_service(&id("a")));
        assert!(cluster.upsert_service(service("a")));
        assert!(Arc::ptr_eq(&view, &cluster.endpoints()));
    }

    #[test]
    fn a_list_of_everything_removes_the_rest() {
        let mut cluster = Cluster::default();
        for name in ["a", "b"] {
            cluster.upsert_service(service(name));
            cluster.upsert_slice(slice(&format!("{name}-1"), name));
        }
        cluster.retain_services(|service| *service != id("a"));
        cluster.retain_slices(|slice| *slice != id("b-1"));
        assert_eq!((cluster.service_count(), cluster.slice_count()), (1, 1));
        let mut expected = Cluster::default();
        expected.upsert_service(service("b"));
        assert_eq!(*cluster.endpoints(), *expected.endpoints());
    }
    #[cfg(feature = "k8s-openapi")]
    #[test]
    fn slices_and_endpoints_objects_of_one_name_are_two() {
        let mut cluster = Cluster::default();
        assert!(
            cluster.upsert_slice(EndpointSlice::legacy(id("a"))) && cluster.upsert_slice(slice("a", "a"))
        );
        assert_eq!(cluster.slice_count(), 2);
        cluster.retain_slices(|_| false);
        assert_eq!(cluster.slice_count(), 1);
        assert!(!cluster.remove_slice(&id("a")) && cluster.remove_endpoints(&id("a")));
        assert_eq!(cluster.slice_count(), 0);
    }
}
