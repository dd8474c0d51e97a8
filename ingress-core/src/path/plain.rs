//! The rules of a host that can be found by where they end: unconditional, with case, whole paths or
//! whole elements, up to [`MAX_TEXT`] bytes. Longer ones are left to a trie.

use super::{PathKind, PathPattern};

/// Longer paths have no bit in a word.
pub(crate) const MAX_TEXT: usize = 63;

/// Set in an entry that only matches a whole path; the other bits are the length of its text.
pub(crate) const EXACT: u8 = 0x80;

/// One rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) text: &'a [u8],
    exact: bool,
    pub(crate) rank: u32,
}

impl Item<'_> {
    /// Kind and length, as indexes write them.
    pub(crate) fn shape(&self) -> u8 {
        let length = u8::try_from(self.text.len()).unwrap_or(0);
        if self.exact { length | EXACT } else { length }
    }
}

/// All rules of a host, if they are of that sort.
#[derive(Debug)]
pub(crate) struct PlainRules<'a> {
    pub(crate) items: Vec<Item<'a>>,
    /// The rule that takes every path.
    pub(crate) root_rank: Option<u32>,
    /// Whether some were left out for their length.
    pub(crate) has_longer: bool,
}

impl<'a> PlainRules<'a> {
    /// Takes the unconditional patterns of a host in the order of their ranks; `None` when one of
    /// them is of another sort. Patterns that repeat an earlier one must have been taken out.
    pub(crate) fn new(patterns: impl Iterator<Item = (u32, &'a PathPattern)>) -> Option<Self> {
        let items = Vec::with_capacity(patterns.size_hint().1.unwrap_or(0));
        let mut plain = Self { items, root_rank: None, has_longer: false };
        for (rank, pattern) in patterns {
            let text = pattern.compared().as_bytes();
            let exact = match pattern.kind() {
                _ if pattern.ignores_case() => return None,
                PathKind::Any | PathKind::Prefix => false,
                PathKind::Exact => true,
                PathKind::Literal | PathKind::Regex => return None,
            };
            if text.is_empty() {
                plain.root_rank = plain.root_rank.or(Some(rank));
            } else if text.len() > MAX_TEXT {
                plain.has_longer = true;
            } else {
                plain.items.push(Item { text, exact, rank });
            }
        }
        Some(plain)
    }

    /// One bit for each length that a text has.
    pub(crate) fn lengths(&self) -> u64 {
        self.items.iter().fold(0, |bits, item| bits | 1 << item.text.len())
    }

    /// Whether longer texts have lower ranks, so that the first find is the best.
    pub(crate) fn is_longest_first(&self) -> bool {
        let mut by_rank = self.items.iter().zip(self.items.iter().skip(1));
        let root_last = self.items.iter().all(|item| self.root_rank.is_none_or(|root| item.rank < root));
        root_last && by_rank.all(|(a, b)| a.text.len() >= b.text.len())
    }
}
