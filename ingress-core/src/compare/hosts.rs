//! The classes that hosts fall into: names of one class are alike to both tables.

use std::collections::BTreeSet;

use super::Doubt;
use super::report::Report;
use crate::host::{HostName, HostPattern};
use crate::rule::{Demand, Rule};
use crate::table::{HostTable, RouteTable, Wildcards};

/// How many combinations of unusual patterns are gone through.
const MOST_COMBINATIONS: usize = 2_000;

/// Names that both tables treat alike, with one of them.
#[derive(Clone, Debug)]
pub(super) struct HostClass {
    title: String,
    words: String,
    name: Option<String>,
}

impl HostClass {
    fn new(title: impl Into<String>, words: impl Into<String>, name: impl Into<String>) -> Self {
        Self { title: title.into(), words: words.into(), name: Some(name.into()) }
    }

    /// What the class is called in a table.
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// The class in words.
    pub(super) fn words(&self) -> &str {
        &self.words
    }

    /// One of the names; `None` for requests that name no host.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// All classes, the most specific hosts first.
pub(super) fn classes(before: &RouteTable, after: &RouteTable, report: &mut Report<'_>) -> Vec<HostClass> {
    let tables = [before, after];
    let patterns: BTreeSet<&HostPattern> =
        tables.iter().flat_map(|table| table.hosts()).map(HostTable::pattern).collect();
    let taken = Taken(&patterns);
    let mut classes = Vec::new();
    let mut suffixes = BTreeSet::new();
    for pattern in &patterns {
        if pattern.is_wildcard() {
            suffixes.insert(pattern.suffix());
        } else if let Some(suffix) = pattern.as_str().strip_prefix("**.") {
            suffixes.insert(suffix);
        } else if !pattern.is_odd() && !pattern.is_any() {
            classes.push(HostClass::new(pattern.as_str(), format!("host {pattern}"), pattern.as_str()));
        }
    }
    suffixes.extend(tables.iter().flat_map(|table| table.hosts()).flat_map(HostTable::rules).flat_map(below));
    let deep = tables.iter().any(|table| table.semantics().hosts().wildcards() == Wildcards::ManyLabels)
        || patterns.iter().any(|pattern| pattern.as_str().starts_with("**."));
    for suffix in &suffixes {
        let below = taken.fresh(suffix);
        let words = format!("hosts one label below {suffix} that have no rules of their own");
        classes.push(HostClass::new(format!("*.{suffix}"), words, below.as_str()));
        if deep {
            let words = format!("hosts two or more labels below {suffix} that have no rules of their own");
            classes.push(HostClass::new(format!("*.*.{suffix}"), words, taken.fresh(&below)));
        }
    }
    odd_classes(&patterns, &suffixes, &taken, &mut classes, report);
    if odd_expressions(before) != odd_expressions(after) {
        let class = HostClass::new("[expressions]", "hosts that expressions take", taken.fresh("invalid"));
        report.unknown(&class, None, Doubt::HostExpressions);
    }
    classes.push(HostClass::new("[others]", "hosts that no rule names", taken.fresh("invalid")));
    let nameless =
        HostClass { title: "[none]".to_owned(), words: "requests that name no host".to_owned(), name: None };
    classes.push(nameless);
    classes
}

/// The names below which a rule wants a host to be.
fn below(rule: &Rule) -> impl Iterator<Item = &str> {
    rule.predicates().iter().flat_map(|condition| {
        let names = match condition.demand() {
            Demand::Below(names) => Some(names),
            _ => None,
        };
        names.into_iter().flatten().map(|name| &**name)
    })
}

/// Names with something behind them, alone and before the suffix of each wildcard; and what expressions take.
fn odd_classes(
    patterns: &BTreeSet<&HostPattern>,
    suffixes: &BTreeSet<&str>,
    taken: &Taken<'_>,
    classes: &mut Vec<HostClass>,
    report: &mut Report<'_>,
) {
    let open: Vec<&str> = patterns.iter().filter_map(|pattern| pattern.as_str().strip_suffix(".*")).collect();
    for (index, name) in open.iter().enumerate() {
        let words = format!("hosts that start with {name}. and that nothing else names");
        classes.push(HostClass::new(
            format!("{name}.*"),
            words,
            format!("{name}.{}", taken.fresh("invalid")),
        ));
        let both: Vec<_> = suffixes.iter().map(|suffix| format!("{name}.{suffix}")).collect();
        if (index + 1) * both.len() > MOST_COMBINATIONS {
            let class = HostClass::new(format!("{name}.*"), "", name.to_owned());
            report.unknown(&class, None, Doubt::TooManyHosts);
            continue;
        }
        for host in both.into_iter().filter(|host| !taken.is(host)) {
            classes.push(HostClass::new(host.as_str(), format!("host {host}"), host.as_str()));
        }
    }
    for pattern in patterns.iter().filter(|pattern| pattern.is_regex()) {
        let expression = pattern.as_str().strip_prefix('~').unwrap_or_default();
        if let Some(name) = super::values::host_in(expression).filter(|name| !taken.is(name)) {
            classes.push(HostClass::new(pattern.as_str(), format!("hosts that match {expression}"), name));
        }
    }
}

/// The hosts of a table that are compared with expressions, and what stands behind them.
fn odd_expressions(table: &RouteTable) -> Vec<(&HostPattern, String)> {
    let odd = table.hosts().filter(|host| host.pattern().is_regex());
    odd.map(|host| {
        let rules: Vec<String> = host.rules().iter().map(ToString::to_string).collect();
        (host.pattern(), rules.join("\n"))
    })
    .collect()
}

/// The names that are spoken for.
struct Taken<'p>(&'p BTreeSet<&'p HostPattern>);

impl Taken<'_> {
    fn is(&self, name: &str) -> bool {
        HostName::parse(name).is_none()
            || name.parse::<HostPattern>().is_ok_and(|pattern| self.0.contains(&pattern))
    }

    /// A name one label below `suffix` that nobody names, and that nobody names names below of.
    fn fresh(&self, suffix: &str) -> String {
        (0_u32..)
            .map(|number| if number == 0 { format!("any.{suffix}") } else { format!("any{number}.{suffix}") })
            .find(|name| {
                let below = [format!("*.{name}"), name.to_owned()];
                !below
                    .iter()
                    .any(|text| text.parse::<HostPattern>().is_ok_and(|pattern| self.0.contains(&pattern)))
            })
            .unwrap_or_default()
    }
}
