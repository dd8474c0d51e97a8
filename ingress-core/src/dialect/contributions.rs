//! What one object adds to the table, collected host by host.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::host::HostPattern;
use crate::ingress::Ingress;
use crate::origin::{FieldPath, Origin, SecretRef};
use crate::rule::Rule;

/// In the order of the hosts.
pub(crate) type ContributionsByHost = Vec<(HostPattern, Vec<Contribution>)>;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Contribution {
    Certificate(SecretRef, FieldPath),
    Claim,
    Default(Rule),
    Rule(Rule),
    WeakRule(Rule),
}

/// Where a [`Dialect`](super::Dialect) puts what it makes of an object.
#[derive(Debug)]
pub struct Contributions<'i> {
    ingress: &'i Ingress,
    hosts: ContributionsByHost,
    places: BTreeMap<HostPattern, usize>,
    diagnostics: Vec<Diagnostic>,
}

impl<'i> Contributions<'i> {
    pub(crate) fn new(ingress: &'i Ingress) -> Self {
        Self { ingress, hosts: Vec::new(), places: BTreeMap::new(), diagnostics: Vec::new() }
    }

    pub(crate) fn finish(mut self) -> (ContributionsByHost, Vec<Diagnostic>) {
        self.hosts.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        (self.hosts, self.diagnostics)
    }

    /// The origin of something that this field of the object brought about.
    pub fn origin(&self, field: FieldPath) -> Origin {
        Origin::new(self.ingress.id().clone(), field)
    }

    /// A rule of a host.
    pub fn rule(&mut self, host: &HostPattern, rule: Rule) {
        self.add(host, Contribution::Rule(rule));
    }

    /// A rule that only counts while no object contributes a rule proper, or a claim, to the host:
    /// aliases and redirects from other names must not take over somebody's host.
    pub fn weak_rule(&mut self, host: &HostPattern, rule: Rule) {
        self.add(host, Contribution::WeakRule(rule));
    }

    /// A default backend: asked when no rule of any host that the request may belong to matches.
    pub fn default_backend(&mut self, host: &HostPattern, rule: Rule) {
        self.add(host, Contribution::Default(rule));
    }

    /// A certificate for a host.
    pub fn certificate(&mut self, host: &HostPattern, secret: SecretRef, field: FieldPath) {
        self.add(host, Contribution::Certificate(secret, field));
    }

    /// The host exists, even without a rule: a dialect that stays with the most specific host stays
    /// with it.
    pub fn claim(&mut self, host: &HostPattern) {
        self.add(host, Contribution::Claim);
    }

    /// A finding about the object.
    pub fn diagnose(&mut self, kind: DiagnosticKind, field: FieldPath, message: String) {
        self.diagnostics.push(Diagnostic::new(kind, self.ingress.id().clone(), field, message));
    }

    fn add(&mut self, host: &HostPattern, contribution: Contribution) {
        // Rules of one host come one after the other; only a change of host needs the map.
        if let Some((last, contributions)) = self.hosts.last_mut()
            && last == host
        {
            contributions.push(contribution);
            return;
        }
        let place = *self.places.entry(host.clone()).or_insert(self.hosts.len());
        match self.hosts.get_mut(place) {
            Some((_, contributions)) => contributions.push(contribution),
            None => self.hosts.push((host.clone(), vec![contribution])),
        }
    }
}
