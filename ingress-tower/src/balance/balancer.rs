//! From a Service to one of its endpoints.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use ingress_core::SharedTable;
use ingress_core::rule::ServiceRef;

use super::choose::choose;
use super::group::{Group, Source};
use super::key::Caller;
use super::picked::Picked;
use super::registry::Registry;
use super::settings::Settings;
use super::unavailable::Unavailable;

/// Picks endpoints; see the [module's documentation](super). A clone shares all counts with the original.
#[derive(Clone)]
pub struct Balancer(Arc<Shared>);

struct Shared {
    table: SharedTable,
    settings: Arc<Settings>,
    registry: Registry,
    hasher: ahash::RandomState,
}

impl Balancer {
    /// Picks from the endpoints that are published in `table`, in the default way.
    pub fn new(table: SharedTable) -> Self {
        Self::with(table, Settings::default())
    }

    /// Picks from the endpoints that are published in `table`.
    pub fn with(table: SharedTable, settings: Settings) -> Self {
        let registry = Registry::new(settings.capacity);
        // Tenants choose the names of Services, so where they stand in the table may not be foreseen.
        let hasher = std::hash::RandomState::new();
        let [a, b, c, d] = [0, 1, 2, 3].map(|number: u8| hasher.hash_one(number));
        let hasher = ahash::RandomState::with_seeds(a, b, c, d);
        Self(Arc::new(Shared { table, settings: Arc::new(settings), registry, hasher }))
    }

    /// An endpoint of a port of a Service.
    ///
    /// There is no lock on the way and no allocation, as long as the endpoints of the port stay the same
    /// and the policy is none that has a cookie to set.
    #[inline]
    pub fn pick(&self, service: &ServiceRef, caller: &Caller<'_>) -> Result<Picked, Unavailable> {
        // Before the search: what is found is at least as new as this says.
        let version = self.0.table.endpoints_version();
        let hash = self.0.hasher.hash_one(service);
        if let Some(groups) = self.0.registry.read(hash)
            && let Some(group) = groups.find(hash, service)
            && group.is_current(version)
        {
            return choose(group, caller);
        }
        self.pick_anew(service, caller, hash, version)
    }

    /// The first request since endpoints were published, or the first of all.
    #[cold]
    fn pick_anew(
        &self,
        service: &ServiceRef,
        caller: &Caller<'_>,
        hash: u64,
        version: u64,
    ) -> Result<Picked, Unavailable> {
        let Shared { table, settings, registry, .. } = &*self.0;
        let snapshot = table.load();
        let resolve =
            |service: &ServiceRef| Source::resolve(snapshot.endpoints(), service, settings.zone.as_ref());
        let source = resolve(service);
        if let Ok(source) = &source
            && let Some(groups) = registry.read(hash)
            && let Some(group) = groups.find(hash, service)
            && group.stays(source, version)
        {
            return choose(group, caller);
        }
        let Some(writer) = registry.write(hash) else { return Err(Unavailable::NoEndpoints) };
        let groups = writer.groups();
        let before = groups.find(hash, service);
        if let Some(group) = before.filter(|group| group.is_current(version)) {
            // Another request was here in between.
            return choose(group, caller);
        }
        let source = match source {
            Ok(source) => source,
            Err(unavailable) => {
                writer.remove(hash, service);
                return Err(unavailable);
            }
        };
        if let Some(group) = before.filter(|group| group.stays(&source, version)) {
            return choose(group, caller);
        }
        let group = Group::new(service.clone(), version, source, settings, before.map(|before| &**before));
        let group = Arc::new(group);
        writer.put(hash, group.clone(), |other| resolve(other.key()).is_err());
        drop(writer);
        choose(&group, caller)
    }

    /// How many ports of Services are remembered.
    pub fn remembered(&self) -> usize {
        self.0.registry.len()
    }

    /// How many requests are in flight to each endpoint of a port that has been asked for, and whether it
    /// is ejected; for a page that shows it.
    pub fn endpoints(&self, service: &ServiceRef) -> Vec<EndpointState> {
        let hash = self.0.hasher.hash_one(service);
        let now = self.0.settings.now();
        let groups = self.0.registry.read(hash);
        let group = groups.as_ref().and_then(|groups| groups.find(hash, service));
        let members = group.map_or(&[][..], |group| group.everyone());
        let state = |member: &Arc<super::member::Member>| EndpointState {
            address: member.facts().address.clone(),
            in_flight: member.load().in_flight(),
            ejected: member.is_ejected(now),
        };
        members.iter().map(state).collect()
    }
}

/// One endpoint as the balancer sees it.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndpointState {
    /// Where it is.
    pub address: ingress_core::endpoint::Address,
    /// Requests in flight to it.
    pub in_flight: u32,
    /// Whether it is ejected.
    pub ejected: bool,
}

impl fmt::Debug for Balancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Balancer")
            .field("settings", &self.0.settings)
            .field("remembered", &self.remembered())
            .finish_non_exhaustive()
    }
}
