//! What was found, one entry for each cause.

use std::collections::{BTreeMap, BTreeSet};

use super::hosts::HostClass;
use super::judge::PolicyChange;
use super::requests::Witness;
use super::{Answer, Aspect, Cause, Comparison, Difference, Doubt, Reading, Unknown, goes_elsewhere};
use crate::origin::{Origin, SecretRef};
use crate::path::Refusal;
use crate::rule::Rule;
use crate::table::Outcome;

/// What makes a cause.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Key<'t> {
    Certificates(Option<&'t SecretRef>, Option<&'t SecretRef>),
    Policies(PolicyChange),
    Reading(Reading),
    /// A rule that only one table has, or has otherwise; and what that changes where it is not who answers.
    Changed(&'t Origin, BTreeSet<Aspect>),
    /// Rules that both tables have, in another order.
    Moved(Who, Who),
}

/// Who answers.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Who {
    Nobody,
    Refused(Refusal),
    Rule(String, usize),
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Report<'t> {
    comparison: Comparison<'t>,
    places: BTreeMap<Key<'t>, usize>,
    doubts: BTreeMap<Doubt, usize>,
    /// To which host a cause was put down last.
    hosts: BTreeMap<usize, String>,
    /// Differences that show only where paths are read differently, until it is known that it is so.
    read: Vec<(Key<'t>, Reading, Difference<'t>)>,
}

/// What was found in one region.
pub(super) struct Region<'r, 't> {
    report: &'r mut Report<'t>,
    title: String,
    changed: bool,
    different: bool,
    unknown: bool,
}

impl<'t> Report<'t> {
    pub(super) fn class(&mut self) {
        self.comparison.summary.hosts += 1;
    }

    pub(super) fn alike(&mut self) {
        let summary = &mut self.comparison.summary;
        summary.alike += 1;
        summary.regions += 1;
        summary.equal += 1;
    }

    pub(super) fn certificate(
        &mut self,
        class: &HostClass,
        (before, after): (Option<&'t SecretRef>, Option<&'t SecretRef>),
    ) {
        let mut witness = Witness::plain(class.name(), "/");
        witness.scheme = super::Scheme::Https;
        let difference = Difference {
            host: class.title().to_owned(),
            more_hosts: 0,
            requests: format!("{}, TLS handshakes", class.words()),
            cause: Cause::Rules,
            aspects: vec![Aspect::Certificate],
            before: Answer::Certificate(before),
            after: Answer::Certificate(after),
            witness,
            regions: 1,
        };
        self.put(Key::Certificates(before, after), difference);
    }

    /// A difference in how requests are read.
    pub(super) fn reading(
        &mut self,
        class: &HostClass,
        reading: Reading,
        (before, after): (Outcome<'t>, Outcome<'t>),
        witness: Witness,
    ) {
        let difference = Difference {
            host: class.title().to_owned(),
            more_hosts: 0,
            requests: words(reading).to_owned(),
            cause: Cause::Reading(reading),
            aspects: vec![Aspect::Answer],
            before: Answer::Outcome(before),
            after: Answer::Outcome(after),
            witness,
            regions: 1,
        };
        self.put(Key::Reading(reading), difference);
    }

    pub(super) fn unknown(&mut self, class: &HostClass, path: Option<&str>, doubt: Doubt) {
        self.comparison.summary.regions += 1;
        self.comparison.summary.unknown += 1;
        self.doubt(class.title(), path, doubt);
    }

    fn doubt(&mut self, title: &str, path: Option<&str>, doubt: Doubt) {
        let unknowns = &mut self.comparison.unknowns;
        let place = *self.doubts.entry(doubt).or_insert(unknowns.len());
        match unknowns.get_mut(place) {
            Some(unknown) => {
                unknown.regions += 1;
                unknown.more_hosts += usize::from(unknown.host != title);
            }
            None => unknowns.push(Unknown {
                host: title.to_owned(),
                more_hosts: 0,
                path: path.map(str::to_owned),
                doubt,
                regions: 1,
            }),
        }
    }

    pub(super) fn region(&mut self, class: &HostClass, changed: bool) -> Region<'_, 't> {
        let title = class.title().to_owned();
        Region { report: self, title, changed, different: false, unknown: false }
    }

    fn put(&mut self, key: Key<'t>, difference: Difference<'t>) {
        let differences = &mut self.comparison.differences;
        let place = *self.places.entry(key).or_insert(differences.len());
        match differences.get_mut(place) {
            Some(known) => {
                known.regions += 1;
                for aspect in difference.aspects {
                    if let Err(place) = known.aspects.binary_search(&aspect) {
                        known.aspects.insert(place, aspect);
                    }
                }
                let last = self.hosts.insert(place, difference.host.clone());
                known.more_hosts += usize::from(last.is_some_and(|last| last != difference.host));
            }
            None => {
                self.hosts.insert(place, difference.host.clone());
                differences.push(difference);
            }
        }
    }

    /// All of it. What shows only on paths that the tables read differently is put down to that, unless it also
    /// shows on others.
    pub(super) fn finish(mut self) -> Comparison<'t> {
        for (key, reading, mut difference) in std::mem::take(&mut self.read) {
            if self.places.contains_key(&key) {
                self.put(key, difference);
                continue;
            }
            difference.cause = Cause::Reading(reading);
            difference.requests = words(reading).to_owned();
            self.put(Key::Reading(reading), difference);
        }
        self.comparison
    }
}

impl<'t> Region<'_, 't> {
    pub(super) fn differs(
        &mut self,
        outcomes: (Outcome<'t>, Outcome<'t>),
        changed: Option<&'t Rule>,
        aspects: BTreeSet<Aspect>,
        witness: Witness,
        requests: String,
    ) {
        self.different = true;
        let key = match changed {
            Some(rule) if goes_elsewhere(&aspects) => Key::Changed(rule.origin(), BTreeSet::new()),
            Some(rule) => Key::Changed(rule.origin(), aspects.clone()),
            None => Key::Moved(who(outcomes.0), who(outcomes.1)),
        };
        let difference = Difference {
            host: self.title.clone(),
            more_hosts: 0,
            requests,
            cause: Cause::Rules,
            aspects: aspects.into_iter().collect(),
            before: Answer::Outcome(outcomes.0),
            after: Answer::Outcome(outcomes.1),
            witness,
            regions: 1,
        };
        if self.changed {
            let reading = reading(difference.witness.path());
            self.report.read.push((key, reading, difference));
        } else {
            self.report.put(key, difference);
        }
    }

    pub(super) fn policies(
        &mut self,
        class: &HostClass,
        outcomes: (Outcome<'t>, Outcome<'t>),
        change: PolicyChange,
        witness: Witness,
    ) {
        self.different = true;
        let list = |verb: &str, names: &BTreeSet<&str>| {
            let names: Vec<&str> = names.iter().copied().collect();
            if names.is_empty() { None } else { Some(format!("{} {verb}", names.join(", "))) }
        };
        let changes = [
            list("dropped", &change.dropped),
            list("changed", &change.changed),
            list("added", &change.added),
        ];
        let changes: Vec<String> = changes.into_iter().flatten().collect();
        let difference = Difference {
            host: self.title.clone(),
            more_hosts: 0,
            requests: format!("{}, policies: {}", class.words(), changes.join("; ")),
            cause: Cause::Rules,
            aspects: vec![Aspect::Policies],
            before: Answer::Outcome(outcomes.0),
            after: Answer::Outcome(outcomes.1),
            witness,
            regions: 1,
        };
        self.report.put(Key::Policies(change), difference);
    }

    pub(super) fn unknown(&mut self, path: &str, doubt: Doubt) {
        self.unknown = true;
        self.report.doubt(&self.title, Some(path), doubt);
    }

    pub(super) fn finish(self) {
        let summary = &mut self.report.comparison.summary;
        summary.regions += 1;
        if self.different {
            summary.different += 1;
        } else if self.unknown {
            summary.unknown += 1;
        } else {
            summary.equal += 1;
        }
    }
}

fn who(outcome: Outcome<'_>) -> Who {
    match outcome {
        Outcome::Matched(hit) => Who::Rule(hit.host().as_str().to_owned(), hit.rule_id().index()),
        Outcome::NoHost | Outcome::NoPath(_) => Who::Nobody,
        Outcome::Refused(refusal) => Who::Refused(refusal),
    }
}

/// What about a path is read differently, going by what is unusual about it.
fn reading(path: &str) -> Reading {
    if !path.starts_with('/') {
        Reading::Malformed
    } else if path.contains("//") {
        Reading::RepeatedSlashes
    } else if path.contains('\\') {
        Reading::Backslashes
    } else {
        Reading::Escapes
    }
}

fn words(reading: Reading) -> &'static str {
    match reading {
        Reading::Backslashes => "paths with backslashes",
        Reading::DotSegments => "paths with `.` or `..` as segments",
        Reading::Escapes => "paths with escapes",
        Reading::Host => "hosts in upper case, or with a final dot",
        Reading::Malformed => "requests that a strict server refuses",
        Reading::RepeatedSlashes => "paths with several slashes in a row",
    }
}
