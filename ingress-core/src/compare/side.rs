//! The rules of one table that a class of hosts is judged by, in their order.

use std::collections::BTreeMap;

use super::hosts::HostClass;
use crate::path::sets::Use;
use crate::path::{Language, PathPattern};
use crate::request::RequestHead;
use crate::rule::{Predicate, Rule, RuleId};
use crate::table::{HostChoice, HostTable, Match, Outcome, RouteTable};

/// One table, as far as it concerns a class of hosts.
pub(super) struct Side<'t> {
    table: &'t RouteTable,
    /// All hosts that requests of the class may belong to.
    hosts: Vec<&'t HostTable>,
    /// Which of them are asked for rules.
    asked: Vec<bool>,
    rules: Vec<Entry<'t>>,
    patterns: Vec<&'t PathPattern>,
    /// The rules of each pattern.
    users: Vec<Vec<u32>>,
    incomplete: bool,
}

struct Entry<'t> {
    host: usize,
    id: RuleId,
    rule: &'t Rule,
}

impl<'t> Side<'t> {
    pub(super) fn new(table: &'t RouteTable, class: &HostClass) -> Self {
        let reading = table.semantics().hosts();
        let name = class.name().and_then(|raw| reading.name(raw));
        let hosts = table.meant(name.as_ref());
        let mut bound = false;
        let asked = hosts
            .iter()
            .map(|host| {
                let asked = host.is_claimed()
                    && match table.semantics().choice() {
                        HostChoice::MostSpecific => !bound,
                        HostChoice::MostSpecificThenAny => !bound || host.pattern().is_any(),
                        HostChoice::FallThrough | HostChoice::Best => true,
                    };
                bound |= host.is_claimed();
                asked
            })
            .collect();
        let mut side = Self {
            table,
            hosts,
            asked,
            rules: Vec::new(),
            patterns: Vec::new(),
            users: Vec::new(),
            incomplete: false,
        };
        side.collect();
        side
    }

    fn collect(&mut self) {
        let mut places: BTreeMap<&PathPattern, usize> = BTreeMap::new();
        let asked = self.hosts.iter().zip(&self.asked).enumerate().filter(|(_, (_, asked))| **asked);
        for (host, (table, _)) in asked {
            for (id, rule) in table.numbered().take(table.routed()) {
                if table.is_oversized(id) {
                    self.incomplete = true;
                    continue;
                }
                let place = *places.entry(rule.path()).or_insert(self.patterns.len());
                if place == self.patterns.len() {
                    self.patterns.push(rule.path());
                    self.users.push(Vec::new());
                }
                if let Some(users) = self.users.get_mut(place) {
                    users.push(self.rules.len() as u32);
                }
                self.rules.push(Entry { host, id, rule });
            }
        }
    }

    /// Whether some rule is not served.
    pub(super) fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    pub(super) fn table(&self) -> &'t RouteTable {
        self.table
    }

    /// The sets of paths that rules speak of.
    pub(super) fn languages(&self) -> Vec<Language<'t>> {
        self.patterns.iter().map(|pattern| Language::Path(pattern)).collect()
    }

    /// When each of them is asked for.
    pub(super) fn uses(&self) -> Vec<Use> {
        let in_order = !self.is_ranked();
        let unconditional = |rule: &&u32| self.rule(**rule).is_some_and(|rule| !rule.is_conditional());
        self.users
            .iter()
            .map(|users| Use {
                first: if in_order { users.first().copied().unwrap_or(0) } else { 0 },
                last: users.iter().find(unconditional).copied().filter(|_| in_order).unwrap_or(u32::MAX),
            })
            .collect()
    }

    /// Whether rules of several hosts compete, so that their order is not that in which they are asked.
    fn is_ranked(&self) -> bool {
        self.table.semantics().choice() == HostChoice::Best
            && self.asked.iter().filter(|asked| **asked).count() > 1
    }

    /// The rules that may take a path which is in these sets, in order.
    pub(super) fn candidates(&self, sets: &[u32]) -> Vec<u32> {
        let users = sets.iter().filter_map(|set| self.users.get(*set as usize));
        let mut rules: Vec<u32> = users.flatten().copied().collect();
        rules.sort_unstable();
        if !self.is_ranked() {
            let settled = |rule: &u32| self.rule(*rule).is_some_and(|rule| !rule.is_conditional());
            if let Some(end) = rules.iter().position(settled) {
                rules.truncate(end + 1);
            }
        }
        rules
    }

    /// The conditions of some rules.
    pub(super) fn conditions(&self, rules: &[u32]) -> impl Iterator<Item = &'t Predicate> {
        let rules: Vec<_> = rules.iter().filter_map(|rule| self.rule(*rule)).collect();
        rules.into_iter().flat_map(Rule::predicates)
    }

    /// What becomes of a request whose path is that of these rules: what
    /// [`explain`](crate::RouteTable::explain) decides.
    pub(super) fn decide(&self, candidates: &[u32], request: &RequestHead<'_>) -> Outcome<'t> {
        let holds = |entry: &&Entry<'t>| entry.rule.predicates().iter().all(|own| own.holds(request));
        let mut best: Option<&Entry<'t>> = None;
        for entry in candidates.iter().filter_map(|rule| self.rules.get(*rule as usize)).filter(holds) {
            let Some(found) = best else {
                best = Some(entry);
                if !self.is_ranked() {
                    break;
                }
                continue;
            };
            // The first of its host that matches speaks for it; among hosts the smaller key wins.
            if entry.host != found.host
                && entry.rule.key() < found.rule.key()
                && self.speaks(entry, candidates, request)
            {
                best = Some(entry);
            }
        }
        if let Some(entry) = best
            && let Some(host) = self.hosts.get(entry.host)
        {
            return Outcome::Matched(Match::new(host, entry.id));
        }
        let fallback = self.hosts.iter().find_map(|host| Some(Match::new(host, host.default_rule()?)));
        let first = self.hosts.iter().zip(&self.asked).find(|(_, asked)| **asked);
        match (fallback, first) {
            (Some(fallback), _) => Outcome::Matched(fallback),
            (None, Some((host, _))) => Outcome::NoPath(host.pattern()),
            (None, None) => Outcome::NoHost,
        }
    }

    /// Whether a rule is the first of its host that matches.
    fn speaks(&self, entry: &Entry<'t>, candidates: &[u32], request: &RequestHead<'_>) -> bool {
        let own = candidates.iter().filter_map(|rule| self.rules.get(*rule as usize));
        let first = own
            .filter(|other| other.host == entry.host)
            .find(|other| other.rule.predicates().iter().all(|own| own.holds(request)));
        first.is_some_and(|first| first.id == entry.id)
    }

    /// How many rules, default backends among them, say the same as this one.
    pub(super) fn count(&self, rule: &Rule) -> usize {
        let same_path = self.patterns.iter().zip(&self.users).filter(|(path, _)| path.same_as(rule.path()));
        let rules = same_path.flat_map(|(_, users)| users).filter_map(|rule| self.rule(*rule));
        let defaults = self.hosts.iter().flat_map(|host| host.default_backends());
        rules.chain(defaults).filter(|other| other.routes_as(rule)).count()
    }

    fn rule(&self, index: u32) -> Option<&'t Rule> {
        self.rules.get(index as usize).map(|entry| entry.rule)
    }

    /// The rules that go before the one that won.
    pub(super) fn before(&self, outcome: Outcome<'_>) -> impl Iterator<Item = &'t Rule> {
        let winner = outcome.matched().filter(|hit| !hit.is_default());
        let at = winner.map(|hit| {
            let is_it = |entry: &Entry<'_>| {
                entry.id == hit.rule_id()
                    && self.hosts.get(entry.host).map(|host| host.pattern()) == Some(hit.host())
            };
            self.rules.iter().position(is_it).unwrap_or(self.rules.len())
        });
        self.rules.iter().take(at.unwrap_or(self.rules.len())).map(|entry| entry.rule)
    }
}

/// Whether both sides say the same, so that there is nothing to go through.
pub(super) fn are_alike(a: &Side<'_>, b: &Side<'_>) -> bool {
    let same_host = |(a, b): (&&HostTable, &&HostTable)| {
        a.ptr_eq(b)
            || a.pattern() == b.pattern()
                && a.is_claimed() == b.is_claimed()
                && a.routed() == b.routed()
                && a.rules().len() == b.rules().len()
                && a.rules().iter().zip(b.rules()).all(|(a, b)| a.routes_as(b))
                && a.numbered().all(|(id, _)| a.is_oversized(id) == b.is_oversized(id))
    };
    a.table.semantics() == b.table.semantics()
        && a.hosts.len() == b.hosts.len()
        && a.hosts.iter().zip(&b.hosts).all(same_host)
}
