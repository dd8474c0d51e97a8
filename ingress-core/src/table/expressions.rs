//! The expressions of a host: which rules share one, and what becomes of those that cannot be run.

use std::collections::BTreeMap;

use super::host::IndexReport;
use crate::path::PathKind;
use crate::path::regex::{Expression, RegexList};
use crate::path::trie::Shadowed;
use crate::rule::Rule;

/// The expressions of a host.
pub(super) struct Regexes {
    pub(super) list: RegexList,
    /// Rules whose expressions did not fit into the index, in order.
    pub(super) oversized: Vec<u32>,
}

/// Indexes the expressions of a host. Rules that keep their place although their expression cannot be run
/// are replaced by what stands in for them.
pub(super) fn index_expressions(
    rules: &mut [Rule],
    first_default: u32,
    conditional: bool,
    report: &mut IndexReport,
) -> Option<Box<Regexes>> {
    let routed = rules.get(..first_default as usize).unwrap_or_default();
    let list = list(routed, conditional, report)?;
    let mut oversized = report.oversized.clone();
    oversized.retain(|&rank| {
        let Some(rule) = rules.get_mut(rank as usize) else { return true };
        let Some(other) = rule.stand_in() else { return true };
        *rule = other;
        false
    });
    Some(Box::new(Regexes { list, oversized }))
}

fn list(rules: &[Rule], conditional: bool, report: &mut IndexReport) -> Option<RegexList> {
    let mut places = BTreeMap::new();
    let mut owners = BTreeMap::new();
    let mut expressions: Vec<Expression<'_>> = Vec::new();
    for (rank, rule) in (0..).zip(rules) {
        let path = rule.path();
        if path.kind() != PathKind::Regex {
            continue;
        }
        let key = (path.as_str(), path.ignores_case(), path.is_searched());
        let place = *places.entry(key).or_insert(expressions.len());
        let next = owners.len();
        let owner = *owners.entry(rule.origin().ingress()).or_insert(next);
        let Some(same) = expressions.get_mut(place) else {
            let (text, fold, start) = (path.as_str(), path.ignores_case(), path.start());
            expressions.push(Expression { ranks: vec![rank], text, fold, start, owners: vec![owner] });
            continue;
        };
        if !same.owners.contains(&owner) {
            same.owners.push(owner);
        }
        // Behind a rule without conditions the same expression finds nothing that is left.
        let unconditional =
            |rank: &&u32| rules.get(**rank as usize).is_some_and(|rule| !rule.is_conditional());
        match same.ranks.iter().find(unconditional) {
            Some(&winner) => report.shadowed.push(Shadowed { loser: rank, winner }),
            None => same.ranks.push(rank),
        }
    }
    if expressions.is_empty() {
        return None;
    }
    let (list, oversized) = RegexList::build(&expressions, conditional);
    // What repeats an expression that does not fit does not fit either; nothing shadows it.
    report.shadowed.retain(|shadowed| {
        let alike = oversized.contains(&shadowed.winner);
        if alike {
            report.oversized.push(shadowed.loser);
        }
        !alike
    });
    report.oversized.extend(oversized);
    report.oversized.sort_unstable();
    Some(list)
}
