//! The endpoints of one port of one Service, made ready to be picked from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ingress_core::endpoint::{Address, Endpoint, EndpointSet, Endpoints, Resolution, ResolveOptions};
use ingress_core::rule::ServiceRef;

use super::EVEN;
use super::cookie::{AffinityMode, tag, token};
use super::ledger::Ledger;
use super::member::{Facts, Member};
use super::ring::Ring;
use super::schedule::Schedule;
use super::settings::{Policy, Settings, Zone};
use super::unavailable::Unavailable;

/// What tables say of the port, to see whether anything has changed.
#[derive(Debug, PartialEq)]
pub(super) enum Source {
    /// The endpoints that are meant for the zone, and all of them.
    Cluster {
        preferred: EndpointSet,
        all: EndpointSet,
    },
    External {
        address: Address,
        app_protocol: Option<Arc<str>>,
    },
}

/// Endpoints that are picked from together.
#[derive(Debug)]
pub(super) struct Tier {
    pub(super) members: Box<[Arc<Member>]>,
    pub(super) schedule: Schedule,
    /// Only for policies that hash.
    pub(super) ring: Option<Ring>,
}

/// The port of a Service. Replaced as a whole when its endpoints change; what lasts is in the members and
/// in the ledger.
#[derive(Debug)]
pub(super) struct Group {
    key: ServiceRef,
    /// The version of the published endpoints that it is known to be right for.
    version: AtomicU64,
    source: Source,
    pub(super) policy: Policy,
    pub(super) tag: u64,
    /// Those of the zone, or all.
    pub(super) preferred: Tier,
    /// All, where those are fewer.
    pub(super) all: Option<Tier>,
    /// What the cookies of an endpoint say, sorted; only for the policy that needs it.
    tokens: Box<[(u64, Arc<Member>)]>,
    pub(super) ledger: Arc<Ledger>,
}

impl Source {
    pub(super) fn resolve(
        endpoints: &Endpoints,
        service: &ServiceRef,
        zone: Option<&Zone>,
    ) -> Result<Self, Unavailable> {
        let resolve = |options: &ResolveOptions| endpoints.resolve(service.id(), service.port(), options);
        let anywhere = ResolveOptions::default();
        match resolve(&anywhere) {
            Resolution::Endpoints(all) => {
                let hinted = zone.map(|zone| resolve(&anywhere.in_zone(zone.name.clone())));
                let preferred = match hinted {
                    Some(Resolution::Endpoints(hinted)) => hinted,
                    _ => all.clone(),
                };
                Ok(Self::Cluster { preferred, all })
            }
            Resolution::ExternalName { address, app_protocol } => {
                Ok(Self::External { address, app_protocol })
            }
            Resolution::NoService => Err(Unavailable::NoService),
            Resolution::NoPort => Err(Unavailable::NoPort),
            _ => Err(Unavailable::NoEndpoints),
        }
    }

    /// The endpoints to prefer, and all where those are not all.
    fn endpoints(&self, settings: &Settings) -> (Vec<Facts>, Option<Vec<Facts>>) {
        let facts = |set: &EndpointSet, endpoint: &Endpoint| Facts {
            address: endpoint.address().clone(),
            zone: endpoint.zone().map(Into::into),
            app_protocol: set.app_protocol().map(Into::into),
            weight: settings.weight_of(endpoint),
        };
        let (preferred, all) = match self {
            Self::External { address, app_protocol } => {
                let (address, app_protocol) = (address.clone(), app_protocol.clone());
                return (vec![Facts { address, zone: None, app_protocol, weight: EVEN }], None);
            }
            Self::Cluster { preferred, all } => (preferred, all),
        };
        // Who is about to go gets nothing new while there is somebody else.
        let staying = |set: &EndpointSet| -> Vec<Facts> {
            let leaving = set.iter().all(Endpoint::is_terminating);
            let usable = set.iter().filter(|endpoint| leaving || !endpoint.is_terminating());
            usable.map(|endpoint| facts(set, endpoint)).collect()
        };
        let everyone = staying(all);
        if !preferred.ptr_eq(all) && preferred != all {
            return (staying(preferred), Some(everyone));
        }
        if let Some(zone) = &settings.zone {
            let near = |facts: &&Facts| facts.zone.as_deref() == Some(&*zone.name);
            let near: Vec<_> = everyone.iter().filter(near).cloned().collect();
            if near.len() >= zone.at_least.max(1) && near.len() < everyone.len() {
                return (near, Some(everyone));
            }
        }
        (everyone, None)
    }
}

impl Group {
    /// `before` is what the port was until now.
    pub(super) fn new(
        key: ServiceRef,
        version: u64,
        source: Source,
        settings: &Arc<Settings>,
        before: Option<&Self>,
    ) -> Self {
        let first = usize::try_from(settings.random() >> 32).unwrap_or(0);
        let ledger = before
            .map_or_else(|| Arc::new(Ledger::new(settings.clone(), first)), |before| before.ledger.clone());
        let (preferred, all) = source.endpoints(settings);
        let known = before.map_or(&[][..], |before| before.everyone());
        let members: Vec<_> = {
            let facts = all.as_deref().unwrap_or(&preferred);
            // If nobody is left of those that were, all are new alike, and nobody has to be spared.
            let some_stay = facts.iter().any(|facts| find(known, &facts.address).is_some());
            let companion = known.first().filter(|_| some_stay);
            facts.iter().map(|facts| member(facts, known, companion, &ledger)).collect()
        };
        ledger.is_now(&members);

        let policy = settings.policy_of(&key);
        let hashes = matches!(policy, Policy::Hash(_) | Policy::Cookie(_));
        let tier = |members: Vec<Arc<Member>>| {
            let weights: Vec<_> = members.iter().map(|member| member.facts().weight).collect();
            let ring = hashes.then(|| Ring::new(members.iter().map(|member| member.facts()), settings.seed));
            Tier { schedule: Schedule::new(&weights), ring, members: members.into() }
        };
        let tag = if hashes { tag(&key, settings.seed) } else { 0 };
        let mut tokens = Vec::new();
        if let Policy::Cookie(affinity) = &policy
            && affinity.mode == AffinityMode::Persistent
        {
            tokens.extend(members.iter().map(|member| (token(&member.facts().address, tag), member.clone())));
            tokens.sort_unstable_by_key(|(token, _)| *token);
        }
        let (preferred, all) = match all {
            None => (tier(members), None),
            Some(_) => {
                let near =
                    preferred.iter().filter_map(|facts| find(&members, &facts.address).cloned()).collect();
                (tier(near), Some(tier(members)))
            }
        };
        let version = AtomicU64::new(version);
        Self { key, version, source, policy, tag, preferred, all, tokens: tokens.into(), ledger }
    }

    pub(super) const fn key(&self) -> &ServiceRef {
        &self.key
    }

    /// Whether it is right for this version of the endpoints, or a later one.
    #[inline]
    pub(super) fn is_current(&self, version: u64) -> bool {
        self.version.load(Ordering::Relaxed) >= version
    }

    /// Whether the tables still say the same. It need not be asked again before the next version.
    pub(super) fn stays(&self, source: &Source, version: u64) -> bool {
        let same = self.source == *source;
        if same {
            self.version.fetch_max(version, Ordering::Relaxed);
        }
        same
    }

    /// All endpoints, sorted by address.
    pub(super) fn everyone(&self) -> &[Arc<Member>] {
        &self.all.as_ref().unwrap_or(&self.preferred).members
    }

    /// The tiers in the order in which they are asked.
    pub(super) fn tiers(&self) -> impl Iterator<Item = &Tier> {
        std::iter::once(&self.preferred).chain(&self.all)
    }

    /// The endpoint that a cookie names.
    pub(super) fn named(&self, token: u64) -> Option<&Arc<Member>> {
        let index = self.tokens.binary_search_by_key(&token, |(token, _)| *token).ok()?;
        self.tokens.get(index).map(|(_, member)| member)
    }
}

/// Endpoints come sorted by address, and stay so.
fn find<'m>(members: &'m [Arc<Member>], address: &Address) -> Option<&'m Arc<Member>> {
    let index = members.binary_search_by(|member| member.facts().address.cmp(address)).ok()?;
    members.get(index)
}

/// The member that it was, or a new one beside its companions.
fn member(
    facts: &Facts,
    known: &[Arc<Member>],
    companion: Option<&Arc<Member>>,
    ledger: &Arc<Ledger>,
) -> Arc<Member> {
    if let Some(old) = find(known, &facts.address)
        && old.facts() == facts
    {
        return old.clone();
    }
    let member = Member::new(facts.clone(), ledger.clone());
    let Some(companion) = companion else { return Arc::new(member) };
    let member = member.beginning_at(companion);
    let settings = ledger.settings();
    let warming = settings.slow_start.is_some();
    Arc::new(if warming { member.warming_since(settings.now()) } else { member })
}
