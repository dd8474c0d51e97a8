//! The compiled product: an immutable route table, and its lookup.
//!
//! Nothing here knows an annotation, a dialect or an API object.

mod checks;
mod display;
mod expressions;
mod host;
mod odd_hosts;
mod outcome;
mod semantics;

use std::collections::BTreeMap;
use std::fmt;

pub use host::HostTable;
use host::Target;
pub(crate) use host::{HostCertificate, HostParts, IndexReport, Prepared};
pub(crate) use odd_hosts::OddHosts;
pub use outcome::{Match, Outcome, OwnedMatch};
pub(crate) use semantics::NameBuffer;
pub use semantics::{HostChoice, HostReading, Semantics, Wildcards};

use crate::host::index::{HostIndex, Needle};
use crate::host::{HostName, HostPattern};
use crate::origin::SecretRef;
use crate::path::{Refusal, Scan};
use crate::request::RequestHead;

/// Routes, certificate references and their order, compiled and immutable.
///
/// A lookup goes through these steps:
///
/// 1. The path is normalised as the dialect reads paths. What it refuses is [`Outcome::Refused`].
/// 2. The hosts that the request may belong to are found: the exact name, then the wildcard, then
///    the rules that name no host.
/// 3. In each, the lowest-numbered rule that matches is the answer. Whether a miss goes on to the
///    next host is the dialect's [`HostChoice`].
/// 4. When no rule matched, the default backend of the first of those hosts that has one.
///
/// A lookup takes no lock and, but for paths that have to be changed and a few rare kinds of host, no
/// memory; the table has no interior mutability. Its indexes only ever *find* rules;
/// [`explain`](Self::explain) answers the same question without them.
pub struct RouteTable {
    index: HostIndex,
    odd: OddHosts,
    semantics: Semantics,
    dialect: &'static str,
    default_certificate: Option<SecretRef>,
    generation: u64,
}

/// The exact host of a request, and whether its rules have been asked already.
#[derive(Clone, Copy, Debug)]
enum Asked<'t> {
    InVain(&'t HostTable),
    Nothing(Option<&'t HostTable>),
}

/// What a table occupies, in bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct MemoryUsage {
    index: usize,
    rules: usize,
}

impl MemoryUsage {
    /// Host index, tries and expressions: what a lookup walks through.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Everything, the rules included. Text that several rules share is counted for each of them.
    pub fn total(&self) -> usize {
        self.index + self.rules
    }
}

impl RouteTable {
    pub(crate) fn new(
        (index, odd): (HostIndex, OddHosts),
        semantics: Semantics,
        dialect: &'static str,
        default_certificate: Option<SecretRef>,
        generation: u64,
    ) -> Self {
        Self { index, odd, semantics, dialect, default_certificate, generation }
    }

    /// The indexes after some hosts changed (`Some`) or went away (`None`).
    pub(crate) fn updated(&self, changes: BTreeMap<HostPattern, Option<HostTable>>) -> (HostIndex, OddHosts) {
        let (odd, changes): (BTreeMap<_, _>, _) =
            changes.into_iter().partition(|(pattern, _)| pattern.is_odd());
        let odd = if odd.is_empty() { self.odd.clone() } else { self.odd.updated(odd) };
        (self.index.updated(changes), odd)
    }

    /// Where a request goes.
    ///
    /// ```
    /// # use ingress_core::{Outcome, RequestHead, RouteTable, dialect::Kubernetes};
    /// # let shop: k8s_openapi::api::networking::v1::Ingress = serde_json::from_value(serde_json::json!({
    /// #     "metadata": {"name": "web", "namespace": "shop"},
    /// #     "spec": {"rules": [{"host": "shop.example.com", "http": {"paths": [
    /// #         {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
    /// #         {"path": "/cart", "pathType": "Prefix", "backend": {"service": {"name": "cart", "port": {"number": 80}}}},
    /// #     ]}}]}
    /// # })).unwrap();
    /// let (table, _) = RouteTable::compile(Kubernetes, [&shop]);
    /// let Outcome::Matched(hit) = table.lookup(&RequestHead::new("shop.example.com", "/cart/7")) else { panic!() };
    /// assert_eq!(hit.rule().to_string(), "Prefix /cart -> shop/cart:80");
    /// ```
    #[inline]
    pub fn lookup<'t>(&'t self, request: &RequestHead<'_>) -> Outcome<'t> {
        self.lookup_scanned(request, Scan::of(request.target().as_bytes()))
    }

    /// The same for who forwards requests: `Ok` if this one is to be forwarded, and its target as it was
    /// received. An `Err` says nothing of that: the [rule](Match::rule) and
    /// [`changed_upstream`](Match::changed_upstream) know. What is `Ok` is cheap, and so are most requests: the
    /// host tells, where the lookup has just been, and not the rule, which in a large table is in no cache.
    #[inline]
    pub fn pass_on<'t>(&'t self, request: &RequestHead<'_>) -> Result<Match<'t>, Outcome<'t>> {
        let scan = Scan::of(request.target().as_bytes());
        match self.lookup_scanned(request, scan) {
            Outcome::Matched(hit) if scan.is_plain() && hit.host_table().passes_on() => Ok(hit),
            outcome => Err(outcome),
        }
    }

    #[inline(always)]
    fn lookup_scanned<'t>(&'t self, request: &RequestHead<'_>, scan: Scan) -> Outcome<'t> {
        let target = Target { path: request.target().as_bytes(), ends: scan.ends() };
        if scan.is_plain() && !self.semantics.checks() {
            return self.search(target, request);
        }
        if scan.is_plain() { self.lookup_checked(target, request) } else { self.lookup_normalized(request) }
    }

    /// A plain target of a dialect that checks requests. A host that the table knows by this very spelling
    /// needs no check.
    #[inline(never)]
    fn lookup_checked<'t>(&'t self, target: Target<'_>, request: &RequestHead<'_>) -> Outcome<'t> {
        let needle = self.index.needle(request.host().unwrap_or("").as_bytes());
        match self.index.exact(&needle) {
            Some(exact) if checks::is_ordinary(request) => self.search_exact(exact, &needle, target, request),
            _ => self.lookup_normalized(request),
        }
    }

    /// A target with a query, or one that its dialect may have to change or refuse.
    #[inline(never)]
    fn lookup_normalized<'t>(&'t self, request: &RequestHead<'_>) -> Outcome<'t> {
        let request = &match self.admit(request) {
            Ok(request) => request,
            Err(refusal) => return Outcome::Refused(refusal),
        };
        match self.semantics.paths().normalize(request.target()) {
            Ok(normal) => {
                let path = normal.path();
                let request = request.judged(self.semantics.paths().judged(request.target()));
                self.search_later(Target { path, ends: Scan::of(path).ends() }, &request)
            }
            Err(refusal) => Outcome::Refused(refusal),
        }
    }

    /// The request as it is meant, unless it is refused whatever it asks for.
    pub(crate) fn admit<'r>(&self, request: &RequestHead<'r>) -> Result<RequestHead<'r>, Refusal> {
        if !self.semantics.checks() {
            return Ok(*request);
        }
        let request = self.semantics.absolute(request).unwrap_or(*request);
        match checks::refusal(&request) {
            None => Ok(request),
            Some(refusal) => Err(refusal),
        }
    }

    /// The same as `search`, for paths that are slower anyway: one copy of it in the code is enough.
    #[inline(never)]
    fn search_later<'t>(&'t self, path: Target<'_>, request: &RequestHead<'_>) -> Outcome<'t> {
        self.search(path, request)
    }

    /// Tries the host as it stands first: most requests spell it as the table does, and where the
    /// spelling is equal there is nothing to bring into form.
    #[inline(always)]
    fn search<'t>(&'t self, path: Target<'_>, request: &RequestHead<'_>) -> Outcome<'t> {
        let host = request.host().unwrap_or("").as_bytes();
        let needle = self.index.needle(host);
        if let Some(exact) = self.index.exact(&needle) {
            return self.search_exact(exact, &needle, path, request);
        }
        self.search_without_exact(&needle, path, request)
    }

    /// No host of the table is spelt like this one.
    #[inline(never)]
    fn search_without_exact<'t>(
        &'t self,
        needle: &Needle<'_>,
        path: Target<'_>,
        request: &RequestHead<'_>,
    ) -> Outcome<'t> {
        let host = request.host().unwrap_or("").as_bytes();
        if HostName::may_change(host) {
            return self.search_respelled(host, path, request);
        }
        // The next to be asked in any order but by rank; mostly it has an answer.
        if self.semantics.choice() != HostChoice::Best
            && self.odd.is_empty()
            && let Some(wildcard) = self.index.wildcards(needle, self.semantics.hosts()).next()
            && let Some(rule) = wildcard.select_later(path, request)
        {
            return Outcome::Matched(Match::new(wildcard, rule));
        }
        self.search_all(Some(needle), Asked::Nothing(None), path, request)
    }

    #[inline(always)]
    fn search_exact<'t>(
        &'t self,
        exact: &'t HostTable,
        needle: &Needle<'_>,
        path: Target<'_>,
        request: &RequestHead<'_>,
    ) -> Outcome<'t> {
        if self.semantics.choice() == HostChoice::Best {
            return self.search_all(Some(needle), Asked::Nothing(Some(exact)), path, request);
        }
        match exact.select(path, request) {
            Some(rule) => Outcome::Matched(Match::new(exact, rule)),
            None => self.search_all(Some(needle), Asked::InVain(exact), path, request),
        }
    }

    /// The host in its canonical form: lower case, without a port, without a final dot.
    #[inline(never)]
    fn search_respelled<'t>(
        &'t self,
        host: &[u8],
        path: Target<'_>,
        request: &RequestHead<'_>,
    ) -> Outcome<'t> {
        let mut buffer = NameBuffer::new();
        let name = self.semantics.hosts().canonical(host, &mut buffer);
        let needle = name.map(|name| self.index.needle(name));
        let exact = needle.as_ref().and_then(|needle| self.index.exact(needle));
        self.search_all(needle.as_ref(), Asked::Nothing(exact), path, request)
    }

    /// Goes through all hosts that the request may belong to, and then their default backends.
    #[inline(never)]
    fn search_all<'t>(
        &'t self,
        needle: Option<&Needle<'_>>,
        asked: Asked<'t>,
        path: Target<'_>,
        request: &RequestHead<'_>,
    ) -> Outcome<'t> {
        let (exact, in_vain) = match asked {
            Asked::InVain(exact) => (Some(exact), true),
            Asked::Nothing(exact) => (exact, false),
        };
        let mut first: Option<&HostTable> = None;
        let mut fallback: Option<Match<'t>> = None;
        let mut best: Option<Match<'t>> = None;
        let mut bound = false;
        let reading = self.semantics.hosts();
        let wildcards = needle.into_iter().flat_map(|needle| self.index.wildcards(needle, reading));
        // Read anew only where somebody asks.
        let name = if self.odd.is_empty() { None } else { needle.and_then(|needle| needle.host(reading)) };
        let named = self.odd.before(name.as_ref()).chain(wildcards).chain(self.odd.behind(name.as_ref()));
        for (place, host) in exact.into_iter().chain(named).chain(self.index.any()).enumerate() {
            if fallback.is_none() {
                fallback = host.default_rule().map(|rule| Match::new(host, rule));
            }
            if !host.is_claimed() {
                continue;
            }
            let consulted = match self.semantics.choice() {
                HostChoice::MostSpecific => !bound,
                HostChoice::MostSpecificThenAny => !bound || host.pattern().is_any(),
                HostChoice::FallThrough | HostChoice::Best => true,
            };
            bound = true;
            if !consulted {
                continue;
            }
            let is_asked = in_vain && place == 0;
            first = first.or(Some(host));
            let Some(rule) = (if is_asked { None } else { host.select_later(path, request) }) else {
                continue;
            };
            let found = Match::new(host, rule);
            if self.semantics.choice() != HostChoice::Best {
                return Outcome::Matched(found);
            }
            // Among equals the more specific host, which came first, stays.
            if best.as_ref().is_none_or(|best| found.rule().key() < best.rule().key()) {
                best = Some(found);
            }
        }
        match (best.or(fallback), first) {
            (Some(found), _) => Outcome::Matched(found),
            (None, Some(host)) => Outcome::NoPath(host.pattern()),
            (None, None) => Outcome::NoHost,
        }
    }

    /// The Secret whose certificate answers for a TLS server name: that of the exact host, of the
    /// wildcard, of entries without hosts, or the configured default.
    pub fn certificate(&self, server_name: &str) -> Option<&SecretRef> {
        let mut buffer = NameBuffer::new();
        let reading = self.semantics.hosts().with_wildcards(self.semantics.certificate_wildcards());
        let name = reading.canonical(server_name.as_bytes(), &mut buffer);
        let needle = name.map(|name| self.index.needle(name));
        let named = needle.as_ref().and_then(|needle| {
            let exact = self.index.exact(needle).into_iter();
            let wildcards = self.index.wildcards(needle, reading);
            let name = if self.odd.is_empty() { None } else { needle.host(reading) };
            let odd = self.odd.before(name.as_ref());
            exact.chain(odd).chain(wildcards).find(|host| host.settles_certificate())
        });
        named
            .or_else(|| self.index.any())
            .and_then(HostTable::certificate)
            .or(self.default_certificate.as_ref())
    }

    /// The hosts that a name may belong to, in the order in which they are asked; of no name, what names no host.
    pub(crate) fn meant(&self, name: Option<&HostName<'_>>) -> Vec<&HostTable> {
        let any = self.index.any().into_iter();
        let Some(name) = name else { return any.collect() };
        let needle = self.index.needle(name.as_str().as_bytes());
        let wildcards = self.index.wildcards(&needle, self.semantics.hosts());
        let exact = self.index.exact(&needle).into_iter();
        exact
            .chain(self.odd.before(Some(name)))
            .chain(wildcards)
            .chain(self.odd.behind(Some(name)))
            .chain(any)
            .collect()
    }

    /// All hosts, the most specific first.
    pub fn hosts(&self) -> impl Iterator<Item = &HostTable> {
        let mut hosts: Vec<_> = self.index.iter().chain(self.odd.iter()).collect();
        hosts.sort_unstable_by(|a, b| a.pattern().cmp(b.pattern()));
        hosts.into_iter()
    }

    /// The rules of one host pattern.
    pub fn host(&self, pattern: &HostPattern) -> Option<&HostTable> {
        if pattern.is_odd() { self.odd.get(pattern) } else { self.index.get(pattern) }
    }

    /// How many host patterns there are.
    pub fn host_count(&self) -> usize {
        self.index.len() + self.odd.len()
    }

    /// How many rules there are, default backends included.
    pub fn rule_count(&self) -> usize {
        self.index.iter().chain(self.odd.iter()).map(|host| host.rules().len()).sum()
    }

    /// The certificate for names that nothing else covers.
    pub fn default_certificate(&self) -> Option<&SecretRef> {
        self.default_certificate.as_ref()
    }

    /// Which compilation of its compiler this is, from 1.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The dialect that the objects were read in.
    pub fn dialect(&self) -> &'static str {
        self.dialect
    }

    /// How requests are read: hosts, paths, and what a miss does.
    pub fn semantics(&self) -> &Semantics {
        &self.semantics
    }

    /// What the table occupies. Walks through all of it.
    pub fn memory_usage(&self) -> MemoryUsage {
        let mut usage = MemoryUsage { index: self.index.memory_usage() + size_of::<Self>(), rules: 0 };
        for host in self.index.iter().chain(self.odd.iter()) {
            usage.index += host.index_usage();
            usage.rules += host.rule_usage();
        }
        usage
    }
}

impl fmt::Debug for RouteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteTable")
            .field("dialect", &self.dialect)
            .field("generation", &self.generation)
            .field("hosts", &self.host_count())
            .field("rules", &self.rule_count())
            .finish_non_exhaustive()
    }
}

/// A table that nothing routes to, to start from.
impl Default for RouteTable {
    fn default() -> Self {
        Self::new((HostIndex::default(), OddHosts::default()), Semantics::default(), "none", None, 0)
    }
}
