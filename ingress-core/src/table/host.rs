//! The rules of one host, and the block of bytes that finds them.
//!
//! One allocation holds what a lookup touches: host text, flags, trie. A plain pointer per node, or
//! the rules in front of the trie, would cost a cache miss each. What only matters once a rule has
//! won (the rules themselves, patterns, certificates) lies behind one pointer in the block's head.
//!
//! ```text
//! 0      flags
//! 1      length of the host text
//! 2..6   where the trie of patterns without case starts; 0 if there is none
//! 6..    host text (the suffix, for a wildcard)
//! ...    trie of patterns with case, then that without
//! ...    padding
//! ```

use std::fmt;

use triomphe::ThinArc;

use super::semantics::Semantics;
use crate::host::HostPattern;
use crate::origin::SecretRef;
use crate::path::regex::{Expression, RegexList};
use crate::path::trie::{self, Entry, PADDING, Shadowed};
use crate::request::RequestHead;
use crate::rule::{Rule, RuleId};

/// Some rule is reached under a condition: candidates are tried in order.
const CONDITIONAL: u8 = 1;
/// There are patterns without case, or expressions.
const MORE_INDEXES: u8 = 2;
/// Rules or claims: the host is one that requests are bound to.
const CLAIMED: u8 = 4;
/// The pattern is a wildcard; the host text is its suffix.
const WILDCARD: u8 = 8;

const TEXT: usize = 6;

/// The rules of one host pattern, in order.
///
/// Cheap to clone: tables that share a host share this.
#[derive(Clone)]
pub struct HostTable(ThinArc<Box<Cold>, u8>);

/// What a lookup needs only when it is over.
struct Cold {
    pattern: HostPattern,
    rules: Box<[Rule]>,
    /// Rules from here on are default backends.
    first_default: u32,
    regexes: RegexList,
    /// Rules whose expressions did not fit into the index, in order.
    oversized: Box<[u32]>,
    certificate: Option<SecretRef>,
    semantics: Semantics,
}

/// What a host is made of.
#[derive(Debug)]
pub(crate) struct HostParts {
    pub(crate) pattern: HostPattern,
    pub(crate) rules: Vec<Rule>,
    pub(crate) first_default: u32,
    pub(crate) certificate: Option<SecretRef>,
    /// Requests are bound to the host even if it has no rule.
    pub(crate) claimed: bool,
    pub(crate) semantics: Semantics,
}

/// What building the indexes of a host brought to light.
#[derive(Debug, Default)]
pub(crate) struct IndexReport {
    pub(crate) shadowed: Vec<Shadowed>,
    /// Rules whose expressions do not fit.
    pub(crate) oversized: Vec<u32>,
}

impl HostTable {
    pub(crate) fn build(parts: HostParts) -> (Self, IndexReport) {
        let mut report = IndexReport::default();
        let HostParts { pattern, rules, first_default, certificate, claimed, semantics } = parts;
        let routed = rules.get(..first_default as usize).unwrap_or_default();
        let conditional = routed.iter().any(Rule::is_conditional);

        let text = pattern.suffix().as_bytes();
        let mut block = Vec::with_capacity(64 + routed.len() * 32);
        block.extend([0, u8::try_from(text.len()).unwrap_or(0), 0, 0, 0, 0]);
        block.extend_from_slice(text);
        let mut entries: Vec<_> = (0..)
            .zip(routed)
            .filter(|(_, rule)| !rule.path().ignores_case())
            .filter_map(|(rank, rule)| Entry::new(rule.path(), rank, rule.is_conditional()))
            .collect();
        trie::build(&mut entries, &mut block, &mut report.shadowed);

        let folded: Vec<_> = (0..)
            .zip(routed)
            .filter(|(_, rule)| rule.path().ignores_case())
            .filter_map(|(rank, rule)| {
                let entry = Entry::new(rule.path(), rank, rule.is_conditional())?;
                Some((rule.path().compared().to_ascii_lowercase(), entry))
            })
            .collect();
        let mut folded: Vec<_> =
            folded.iter().map(|(text, entry)| entry.with_text(text.as_bytes())).collect();
        let mut flags = if conditional { CONDITIONAL } else { 0 };
        if !folded.is_empty() {
            let start = u32::try_from(block.len()).unwrap_or(0);
            if let Some(slot) = block.get_mut(2..TEXT) {
                slot.copy_from_slice(&start.to_le_bytes());
            }
            trie::build(&mut folded, &mut block, &mut report.shadowed);
            flags |= MORE_INDEXES;
        }

        let regexes = regexes(routed, conditional, &mut report);
        if !regexes.is_empty() {
            flags |= MORE_INDEXES;
        }
        if claimed || !routed.is_empty() {
            flags |= CLAIMED;
        }
        if pattern.is_wildcard() {
            flags |= WILDCARD;
        }
        block.extend([0; PADDING]);
        if let Some(slot) = block.first_mut() {
            *slot = flags;
        }
        report.shadowed.sort_unstable_by_key(|shadowed| shadowed.loser);
        let oversized = report.oversized.clone().into();
        let cold =
            Cold { pattern, rules: rules.into(), first_default, regexes, oversized, certificate, semantics };
        (Self(ThinArc::from_header_and_slice(Box::new(cold), &block)), report)
    }

    fn cold(&self) -> &Cold {
        &self.0.header.header
    }

    /// The text that the host index compares.
    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        let block = &self.0.slice;
        let length = block.get(1).copied().unwrap_or(0);
        block.get(TEXT..TEXT + usize::from(length)).unwrap_or_default()
    }

    /// The lowest-numbered rule that takes the request; default backends are not asked.
    #[inline]
    pub(crate) fn select(&self, path: &[u8], request: &RequestHead<'_>) -> Option<RuleId> {
        let block = &self.0.slice;
        let &[flags, length] = block.first_chunk()?;
        let root = TEXT + usize::from(length);
        let mut lowest = u32::MAX;
        if flags & (CONDITIONAL | MORE_INDEXES) == 0 {
            trie::walk::<false>(block, root, path, |rank| lowest = lowest.min(rank));
            return (lowest != u32::MAX).then(|| RuleId::new(lowest));
        }
        self.select_among(flags, root, path, request)
    }

    fn select_among(&self, flags: u8, root: usize, path: &[u8], request: &RequestHead<'_>) -> Option<RuleId> {
        if flags & CONDITIONAL == 0 {
            let mut lowest = u32::MAX;
            self.walk_tries(root, path, |rank| lowest = lowest.min(rank));
            if let Some(rank) = self.cold().regexes.lowest(path, lowest) {
                lowest = rank;
            }
            return (lowest != u32::MAX).then(|| RuleId::new(lowest));
        }
        let mut candidates = Candidates::default();
        self.walk_tries(root, path, |rank| candidates.push(rank));
        self.cold().regexes.each(path, |rank| candidates.push(rank));
        let holds = |rank: &u32| self.rule(RuleId::new(*rank)).predicates().iter().all(|p| p.holds(request));
        candidates.sorted().iter().copied().find(|rank| holds(rank)).map(RuleId::new)
    }

    fn walk_tries(&self, root: usize, path: &[u8], mut visit: impl FnMut(u32)) {
        let block = &self.0.slice;
        trie::walk::<false>(block, root, path, &mut visit);
        let folded = block.get(2..TEXT).and_then(<[u8]>::first_chunk).map_or(0, |at| u32::from_le_bytes(*at));
        if folded != 0 {
            trie::walk::<true>(block, folded as usize, path, visit);
        }
    }

    /// The host pattern.
    pub fn pattern(&self) -> &HostPattern {
        &self.cold().pattern
    }

    /// All rules in the order of their numbers; default backends come last.
    pub fn rules(&self) -> &[Rule] {
        &self.cold().rules
    }

    /// Whether a rule is a default backend.
    pub fn is_default(&self, rule: RuleId) -> bool {
        rule.index() >= self.cold().first_default as usize
    }

    pub(crate) fn is_oversized(&self, rule: RuleId) -> bool {
        self.cold().oversized.iter().any(|&rank| rank as usize == rule.index())
    }

    /// The Secret whose certificate is served for the host.
    pub fn certificate(&self) -> Option<&SecretRef> {
        self.cold().certificate.as_ref()
    }

    /// Whether both are one allocation: the host was not rebuilt in between.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        std::ptr::addr_eq(&raw const *self.0, &raw const *other.0)
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "ids are made of this host's rules, and matches keep their host"
    )]
    pub(crate) fn rule(&self, id: RuleId) -> &Rule {
        &self.cold().rules[id.index()]
    }

    /// The first default backend: the last rule to be asked, over all hosts.
    pub(crate) fn default_rule(&self) -> Option<RuleId> {
        let first = self.cold().first_default;
        (first as usize != self.cold().rules.len()).then(|| RuleId::new(first))
    }

    /// How many rules come before the default backends.
    pub(crate) fn routed(&self) -> usize {
        self.cold().first_default as usize
    }

    #[inline]
    pub(crate) fn is_wildcard(&self) -> bool {
        self.0.slice.first().is_some_and(|flags| flags & WILDCARD != 0)
    }

    #[inline]
    pub(crate) fn is_claimed(&self) -> bool {
        self.0.slice.first().is_some_and(|flags| flags & CLAIMED != 0)
    }

    pub(crate) fn semantics(&self) -> &Semantics {
        &self.cold().semantics
    }

    pub(crate) fn index_usage(&self) -> usize {
        // Reference count, header and length stand before the block.
        24 + self.0.slice.len() + self.cold().regexes.memory_usage()
    }

    pub(crate) fn rule_usage(&self) -> usize {
        let cold = self.cold();
        size_of::<Cold>()
            + cold.pattern.as_str().len()
            + size_of_val(&*cold.rules)
            + cold.rules.iter().map(Rule::heap_usage).sum::<usize>()
    }
}

fn regexes(rules: &[Rule], conditional: bool, report: &mut IndexReport) -> RegexList {
    let mut winners = std::collections::BTreeMap::new();
    let mut expressions = Vec::new();
    for (rank, rule) in (0..).zip(rules) {
        let path = rule.path();
        if path.kind() != crate::path::PathKind::Regex {
            continue;
        }
        let key = (path.as_str(), path.ignores_case());
        if let Some(&winner) = winners.get(&key) {
            report.shadowed.push(Shadowed { loser: rank, winner });
            continue;
        }
        if !rule.is_conditional() {
            winners.insert(key, rank);
        }
        expressions.push(Expression { rank, text: path.as_str(), fold: path.ignores_case() });
    }
    if expressions.is_empty() {
        return RegexList::default();
    }
    let (list, oversized) = RegexList::build(&expressions, conditional);
    report.oversized = oversized;
    list
}

/// Ranks that match, before they are put in order. Few in practice: they fit on the stack.
#[derive(Default)]
struct Candidates {
    inline: [u32; 16],
    count: usize,
    spilled: Vec<u32>,
}

impl Candidates {
    fn push(&mut self, rank: u32) {
        match self.inline.get_mut(self.count) {
            Some(slot) => *slot = rank,
            None => {
                if self.spilled.is_empty() {
                    self.spilled.extend_from_slice(&self.inline);
                }
                self.spilled.push(rank);
            }
        }
        self.count += 1;
    }

    fn sorted(&mut self) -> &[u32] {
        let ranks = if self.spilled.is_empty() {
            self.inline.get_mut(..self.count).unwrap_or_default()
        } else {
            &mut self.spilled[..]
        };
        ranks.sort_unstable();
        ranks
    }
}

impl fmt::Debug for HostTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostTable")
            .field("pattern", self.pattern())
            .field("rules", &self.rules())
            .finish_non_exhaustive()
    }
}

impl PartialEq for HostTable {
    /// Equal when they route alike: same pattern, rules, defaults, certificate.
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.cold(), other.cold());
        self.ptr_eq(other)
            || a.pattern == b.pattern
                && a.rules == b.rules
                && a.first_default == b.first_default
                && a.certificate == b.certificate
                && a.semantics == b.semantics
                && self.is_claimed() == other.is_claimed()
    }
}
