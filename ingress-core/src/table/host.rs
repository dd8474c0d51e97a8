//! The rules of one host, and the block of bytes that finds them.
//!
//! One allocation holds what a lookup touches: host text, flags, trie. A plain pointer per node, or
//! the rules in front of the trie, would cost a cache miss each. What only matters once a rule has
//! won (the rules themselves, patterns, certificates) lies behind one pointer in the block's head.
//!
//! ```text
//! 0      flags
//! 1      length of the host text (the suffix, for a wildcard)
//! 2      used by short lists and rosters
//! 3      where the host text starts
//! 4..8   where the trie of patterns without case starts, 0 if there is none; used by the others, too
//! ```
//!
//! Behind it follow a [shortlist] or a [roster] with the host text in it, and a trie of the rules that
//! are too long for these; or the host text, the trie of patterns with case, and that without.

use std::fmt;
use std::sync::Arc;

use triomphe::ThinArc;

use super::expressions::{Regexes, index_expressions};
use super::semantics::Semantics;
use crate::host::HostPattern;
use crate::origin::SecretRef;
use crate::path::plain::{MAX_TEXT, PlainRules};
use crate::path::regex::RegexList;
use crate::path::roster;
use crate::path::shortlist;
use crate::path::trie::{self, Entry, PADDING, Shadowed};
use crate::request::RequestHead;
use crate::rule::{Action, Rule, RuleId};
use crate::words::equal;

/// Some rule is reached under a condition: candidates are tried in order.
const CONDITIONAL: u8 = 1;
/// There are patterns without case, or expressions.
const MORE_INDEXES: u8 = 2;
/// Rules or claims: the host is one that requests are bound to.
const CLAIMED: u8 = 4;
/// The pattern is a wildcard; the host text is its suffix.
const WILDCARD: u8 = 8;

/// The index is a short list.
const SHORTLIST: u8 = 16;
/// The index is a roster.
const ROSTER: u8 = 32;
/// Behind one of the two stands a trie with longer rules.
const LONGER: u8 = 64;
/// No pattern is a matter of the trie with case. The bit serves twice: a host that has a short list or a roster
/// is never asked this.
const NO_TRIE: u8 = LONGER;
/// Every rule forwards, and none rewrites: who asks no more than that need not look at the rule.
const PASSES_ON: u8 = 128;

/// Where the host text starts when a trie follows.
const TEXT: usize = 8;
const FOLDED: std::ops::Range<usize> = 4..8;

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
    /// Where in the block the trie of longer rules starts.
    longer: u32,
    /// Few hosts have any.
    regexes: Option<Box<Regexes>>,
    certificate: HostCertificate,
    semantics: Arc<Semantics>,
}

/// The certificate of a host.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum HostCertificate {
    /// The default one, whatever less specific hosts have.
    Default,
    /// None of its own.
    #[default]
    Inherited,
    /// That of a Secret.
    Own(SecretRef),
}

/// A path that is looked up, as it is judged, and where its elements end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'p> {
    pub(crate) path: &'p [u8],
    pub(crate) ends: u64,
}

/// What a host is made of.
#[derive(Debug)]
pub(crate) struct HostParts {
    pub(crate) pattern: HostPattern,
    pub(crate) rules: Vec<Rule>,
    pub(crate) first_default: u32,
    pub(crate) certificate: HostCertificate,
    /// Requests are bound to the host even if it has no rule.
    pub(crate) claimed: bool,
    pub(crate) semantics: Arc<Semantics>,
}

impl HostParts {
    /// Whether a host was made of the same.
    pub(crate) fn are_those_of(&self, host: &HostTable) -> bool {
        let cold = host.cold();
        self.pattern == cold.pattern
            && self.rules[..] == cold.rules[..]
            && self.first_default == cold.first_default
            && self.certificate == cold.certificate
            && self.semantics == cold.semantics
            && self.claimed == host.is_claimed()
    }
}

/// What building the indexes of a host brought to light.
#[derive(Debug, Default)]
pub(crate) struct IndexReport {
    pub(crate) shadowed: Vec<Shadowed>,
    /// Rules whose expressions do not fit.
    pub(crate) oversized: Vec<u32>,
}

/// A host that is built, but not yet in one piece.
pub(crate) struct Prepared {
    cold: Box<Cold>,
    /// Its block, in the text of all blocks that are built together.
    block: std::ops::Range<usize>,
}

impl Prepared {
    /// Builds a host, with its block at the end of `blocks`.
    pub(crate) fn new(parts: HostParts, blocks: &mut Vec<u8>) -> (Self, IndexReport) {
        let mut report = IndexReport::default();
        let HostParts { pattern, mut rules, first_default, certificate, claimed, semantics } = parts;
        let conditional = rules.iter().take(first_default as usize).any(Rule::is_conditional);
        let regexes = index_expressions(&mut rules, first_default, conditional, &mut report);
        let routed = rules.get(..first_default as usize).unwrap_or_default();

        let mut index = Index::build(&pattern, routed, conditional, &mut report);
        if conditional {
            index.flags |= CONDITIONAL;
        }
        if regexes.is_some() {
            index.flags |= MORE_INDEXES;
        }
        if claimed || !routed.is_empty() {
            index.flags |= CLAIMED;
        }
        if pattern.is_wildcard() {
            index.flags |= WILDCARD;
        }
        let passes_on =
            |rule: &Rule| matches!(rule.action(), Action::Forward(_)) && rule.path_rewrite().is_none();
        if rules.iter().all(passes_on) {
            index.flags |= PASSES_ON;
        }
        report.shadowed.sort_unstable_by_key(|shadowed| shadowed.loser);
        let longer = index.longer;
        let cold =
            Cold { pattern, rules: rules.into(), first_default, longer, regexes, certificate, semantics };
        let start = blocks.len();
        blocks.append(&mut index.finish());
        (Self { cold: Box::new(cold), block: start..blocks.len() }, report)
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.cold.rules
    }

    /// Whether the host routes as `old` does.
    pub(crate) fn is_same_as(&self, old: &HostTable, blocks: &[u8]) -> bool {
        self.cold.routes_as(old.cold()) && blocks.get(self.block.clone()) == Some(&old.0.slice)
    }

    /// Puts the host in one piece. Hosts that are built together are put together one after the
    /// other, so that their blocks come to lie side by side and not among what lookups never touch:
    /// a large table is spread over fewer pages of memory.
    pub(crate) fn finish(self, blocks: &[u8]) -> HostTable {
        let block = blocks.get(self.block).unwrap_or_default();
        HostTable(ThinArc::from_header_and_slice(self.cold, block))
    }
}

impl Cold {
    fn routes_as(&self, other: &Self) -> bool {
        self.pattern == other.pattern
            && self.rules == other.rules
            && self.first_default == other.first_default
            && self.certificate == other.certificate
            && self.semantics == other.semantics
    }
}

impl HostTable {
    fn cold(&self) -> &Cold {
        &self.0.header.header
    }

    /// Whether this is the exact host of that name, or the wildcard of that suffix.
    #[inline(always)]
    pub(crate) fn is_for(&self, text: &[u8], wildcard: bool) -> bool {
        let block = &self.0.slice;
        let Some(&[flags, length, _, start]) = block.first_chunk() else { return false };
        let start = usize::from(start);
        let own = block.get(start..start + usize::from(length));
        own.is_some_and(|own| equal(own, text)) && (flags & WILDCARD != 0) == wildcard
    }

    /// The lowest-numbered rule that takes the request; default backends are not asked.
    #[inline(always)]
    pub(crate) fn select(&self, target: Target<'_>, request: &RequestHead<'_>) -> Option<RuleId> {
        let block = &self.0.slice;
        let &[flags, length, _, start] = block.first_chunk()?;
        let root = usize::from(start) + usize::from(length);
        if flags & (SHORTLIST | LONGER) == SHORTLIST {
            return shortlist::lowest(block, root, target.path, target.ends).map(RuleId::new);
        }
        self.select_by(flags, root, target, request)
    }

    /// The same, not copied into its caller.
    #[inline(never)]
    pub(crate) fn select_later(&self, target: Target<'_>, request: &RequestHead<'_>) -> Option<RuleId> {
        self.select(target, request)
    }

    /// Everything but a mere short list.
    #[inline(never)]
    fn select_by(
        &self,
        flags: u8,
        root: usize,
        target: Target<'_>,
        request: &RequestHead<'_>,
    ) -> Option<RuleId> {
        let Target { path, ends } = target;
        let block = &self.0.slice;
        let mut lowest = u32::MAX;
        if flags & (SHORTLIST | ROSTER) != 0 {
            let found = if flags & ROSTER != 0 {
                roster::lowest(block, root, path, ends)
            } else {
                shortlist::lowest(block, root, path, ends)
            };
            lowest = found.unwrap_or(u32::MAX);
            if flags & LONGER != 0 && path.len() > MAX_TEXT {
                trie::walk::<false>(block, self.cold().longer as usize, path, |rank| {
                    lowest = lowest.min(rank);
                });
            }
        } else if flags & (CONDITIONAL | MORE_INDEXES) == 0 {
            trie::walk::<false>(block, root, path, |rank| lowest = lowest.min(rank));
        } else {
            return self.select_among(flags, root, path, request);
        }
        (lowest != u32::MAX).then(|| RuleId::new(lowest))
    }

    fn select_among(&self, flags: u8, root: usize, path: &[u8], request: &RequestHead<'_>) -> Option<RuleId> {
        if flags & CONDITIONAL == 0 {
            let mut lowest = u32::MAX;
            self.walk_tries(flags, root, path, |rank| lowest = lowest.min(rank));
            if let Some(rank) = self.regexes().and_then(|list| list.lowest(path, lowest)) {
                lowest = rank;
            }
            return (lowest != u32::MAX).then(|| RuleId::new(lowest));
        }
        let mut candidates = Candidates::default();
        self.walk_tries(flags, root, path, |rank| candidates.push(rank));
        if let Some(list) = self.regexes() {
            list.each(path, |rank| candidates.push(rank));
        }
        let holds = |rank: &u32| self.rule(RuleId::new(*rank)).predicates().iter().all(|p| p.holds(request));
        candidates.sorted().iter().copied().find(|rank| holds(rank)).map(RuleId::new)
    }

    fn regexes(&self) -> Option<&RegexList> {
        self.cold().regexes.as_ref().map(|regexes| &regexes.list)
    }

    fn walk_tries(&self, flags: u8, root: usize, path: &[u8], mut visit: impl FnMut(u32)) {
        let block = &self.0.slice;
        if flags & NO_TRIE == 0 {
            trie::walk::<false>(block, root, path, &mut visit);
        }
        let folded = block.get(FOLDED).and_then(<[u8]>::first_chunk).map_or(0, |at| u32::from_le_bytes(*at));
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

    /// The same with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (RuleId, &Rule)> {
        (0..).map(RuleId::new).zip(self.rules())
    }

    /// The rules among them that are default backends: they get what no other rule of the request's hosts
    /// takes.
    pub fn default_backends(&self) -> &[Rule] {
        self.rules().get(self.routed()..).unwrap_or_default()
    }

    /// Whether a rule is a default backend.
    pub fn is_default(&self, rule: RuleId) -> bool {
        rule.index() >= self.cold().first_default as usize
    }

    pub(crate) fn is_oversized(&self, rule: RuleId) -> bool {
        let oversized = self.cold().regexes.iter().flat_map(|regexes| &regexes.oversized);
        oversized.into_iter().any(|&rank| rank as usize == rule.index())
    }

    /// The Secret whose certificate is served for the host.
    pub fn certificate(&self) -> Option<&SecretRef> {
        match &self.cold().certificate {
            HostCertificate::Own(secret) => Some(secret),
            HostCertificate::Default | HostCertificate::Inherited => None,
        }
    }

    /// Whether no less specific host is asked for a certificate.
    pub fn settles_certificate(&self) -> bool {
        self.cold().certificate != HostCertificate::Inherited
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
    pub(crate) fn is_claimed(&self) -> bool {
        self.0.slice.first().is_some_and(|flags| flags & CLAIMED != 0)
    }

    #[inline]
    pub(crate) fn passes_on(&self) -> bool {
        self.0.slice.first().is_some_and(|flags| flags & PASSES_ON != 0)
    }

    pub(crate) fn semantics(&self) -> &Semantics {
        &self.cold().semantics
    }

    pub(crate) fn index_usage(&self) -> usize {
        // Reference count, header and length stand before the block.
        24 + self.0.slice.len() + self.regexes().map_or(0, RegexList::memory_usage)
    }

    pub(crate) fn rule_usage(&self) -> usize {
        let cold = self.cold();
        size_of::<Cold>()
            + cold.pattern.as_str().len()
            + size_of_val(&*cold.rules)
            + cold.rules.iter().map(Rule::heap_usage).sum::<usize>()
    }
}

/// The block of a host in the making.
struct Index {
    flags: u8,
    text_length: u8,
    text_start: u8,
    longer: u32,
    block: Vec<u8>,
}

impl Index {
    fn build(pattern: &HostPattern, rules: &[Rule], conditional: bool, report: &mut IndexReport) -> Self {
        let text = pattern.suffix().as_bytes();
        let mut index = Self {
            flags: 0,
            text_length: u8::try_from(text.len()).unwrap_or(0),
            text_start: TEXT as u8,
            longer: 0,
            block: Vec::with_capacity(64 + rules.len() * 32),
        };
        let with_case = |(_, rule): &(u32, &Rule)| !rule.path().ignores_case();
        let mut entries: Vec<_> = (0..)
            .zip(rules)
            .filter(with_case)
            .filter_map(|(rank, rule)| Entry::new(rule.path(), rank, rule.is_conditional()))
            .collect();
        trie::sort_out(&mut entries, &mut report.shadowed);
        // Every rule is an entry or hidden by one: none is without case, none an expression.
        let all_here = entries.len() + report.shadowed.len() == rules.len();
        if !conditional && all_here && index.lay_out_plain(text, rules, &entries) {
            return index;
        }
        index.block.extend([0; TEXT]);
        index.block.extend_from_slice(text);
        trie::build(&entries, &mut index.block);
        if entries.is_empty() {
            index.flags |= NO_TRIE;
        }
        let folded: Vec<_> = (0..)
            .zip(rules)
            .filter(|entry| !with_case(entry))
            .filter_map(|(rank, rule)| {
                let entry = Entry::new(rule.path(), rank, rule.is_conditional())?;
                Some((rule.path().compared().to_ascii_lowercase(), entry))
            })
            .collect();
        let mut folded: Vec<_> =
            folded.iter().map(|(text, entry)| entry.with_text(text.as_bytes())).collect();
        if !folded.is_empty() {
            let start = u32::try_from(index.block.len()).unwrap_or(0);
            if let Some(slot) = index.block.get_mut(FOLDED) {
                slot.copy_from_slice(&start.to_le_bytes());
            }
            trie::sort_out(&mut folded, &mut report.shadowed);
            trie::build(&folded, &mut index.block);
            index.flags |= MORE_INDEXES;
        }
        index
    }

    /// The rules by where they end, if they are of the sort that can be found so. `entries` are those
    /// that nothing hides.
    fn lay_out_plain(&mut self, text: &[u8], rules: &[Rule], entries: &[Entry<'_>]) -> bool {
        let mut ranks: Vec<u32> = entries.iter().map(Entry::rank).collect();
        ranks.sort_unstable();
        let seen = ranks.iter().filter_map(|&rank| Some((rank, rules.get(rank as usize)?.path())));
        let Some(plain) = PlainRules::new(seen) else { return false };
        if shortlist::is_for(&plain) {
            shortlist::lay_out(&plain, text, &mut self.block);
            self.flags |= SHORTLIST;
            self.text_start = shortlist::text_start(&plain);
        } else if roster::lay_out(&plain, text, &mut self.block) {
            self.flags |= ROSTER;
            self.text_start = roster::TEXT as u8;
        } else {
            return false;
        }
        if plain.has_longer {
            let longer: Vec<_> =
                entries.iter().filter(|entry| entry.text().len() > MAX_TEXT).copied().collect();
            self.flags |= LONGER;
            self.longer = u32::try_from(self.block.len()).unwrap_or(0);
            trie::build(&longer, &mut self.block);
        }
        true
    }

    fn finish(mut self) -> Vec<u8> {
        self.block.extend([0; PADDING]);
        if let [flags, length, _, start, ..] = &mut self.block[..] {
            (*flags, *length, *start) = (self.flags, self.text_length, self.text_start);
        }
        self.block
    }
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
        self.ptr_eq(other) || self.cold().routes_as(other.cold()) && self.0.slice == other.0.slice
    }
}
