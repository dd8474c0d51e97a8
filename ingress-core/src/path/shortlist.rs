//! The index of a host with few, plain rules: most hosts, by far.
//!
//! The trie goes through a path from its start, a branch at a time. With a handful of rules it is
//! quicker to ask, for each place where an element of the path ends, whether some rule ends there:
//!
//! 1. One pass over the path marks where its elements end, one bit a byte.
//! 2. Another word marks the lengths that the rules have. What both have in common is mostly one
//!    length, or none.
//! 3. The last eight bytes before that place give a fingerprint of one byte; those of all rules are
//!    compared at once, sixteen by sixteen. What agrees is compared in full.
//!
//! Only `Exact` and `Prefix` with case and without conditions, up to [`MAX_TEXT`] bytes, can be found
//! that way. A host with any other rule, or with more than [`MAX_RULES`], has a trie. Measured
//! against the trie on the same hosts this gains a factor of 1.8 on small tables and of 1.3 on large
//! ones, where both wait for memory; `benches/RESULTS.md` has the figures.
//!
//! ```text
//! head       16   what is shared with the trie, see below; lengths of the rules as bits of 8 bytes
//! tags            fingerprints, one byte a rule, filled up with zeros to a multiple of eight
//! host text
//! places     2*n  where in the block the entries start
//! entries         kind and length in one byte, rank in one, text
//! ```

use wide::u8x16;

use super::{PathKind, PathPattern};
use crate::words::{Text, equal};

/// More rules are found quicker by a trie.
pub(crate) const MAX_RULES: usize = 32;
/// Longer paths have no bit in a word.
pub(crate) const MAX_TEXT: usize = 63;

/// Set in an entry that only matches a whole path.
const EXACT: u8 = 0x80;
/// Longer texts have lower ranks: the first find is the best.
const LONGEST_FIRST: u8 = 1;
/// There is no rule that takes every path.
const NO_RANK: u8 = u8::MAX;

/// Where the fingerprints start, and how many are compared at once.
const LANES: usize = 16;
const TAGS: usize = 16;

/// One rule that such an index can hold.
#[derive(Clone, Copy, Debug)]
struct Item<'a> {
    text: &'a [u8],
    exact: bool,
    rank: u8,
}

/// The rules of a host, if they are of the kind that this index is for.
#[derive(Debug)]
pub(crate) struct Shortlist<'a> {
    items: Vec<Item<'a>>,
    root_rank: u8,
}

impl<'a> Shortlist<'a> {
    /// Takes the unconditional patterns of a host in the order of their ranks; `None` when one of
    /// them has no place here. Patterns that repeat an earlier one must have been taken out.
    pub(crate) fn new(patterns: impl Iterator<Item = (u32, &'a PathPattern)>) -> Option<Self> {
        let mut list = Self { items: Vec::with_capacity(MAX_RULES), root_rank: NO_RANK };
        for (rank, pattern) in patterns {
            let rank = u8::try_from(rank).ok().filter(|&rank| rank != NO_RANK)?;
            let text = pattern.compared().as_bytes();
            let exact = match pattern.kind() {
                _ if pattern.ignores_case() => return None,
                PathKind::Any => false,
                PathKind::Exact => true,
                PathKind::Prefix => false,
                PathKind::Literal | PathKind::Regex => return None,
            };
            if text.is_empty() {
                list.root_rank = list.root_rank.min(rank);
            } else if text.len() > MAX_TEXT || list.items.len() == MAX_RULES {
                return None;
            } else {
                list.items.push(Item { text, exact, rank });
            }
        }
        Some(list)
    }

    /// Where the host text starts.
    pub(crate) fn text_start(&self) -> u8 {
        // Tags of 32 rules at most.
        u8::try_from(TAGS + self.items.len().next_multiple_of(8)).unwrap_or(0)
    }

    fn is_longest_first(&self) -> bool {
        let mut by_rank = self.items.iter().zip(self.items.iter().skip(1));
        let root_last = self.items.iter().all(|item| item.rank < self.root_rank);
        root_last && by_rank.all(|(a, b)| a.text.len() >= b.text.len())
    }

    /// Lays out the block of a host, but for its first two bytes and the fourth, which are `host`'s.
    pub(crate) fn lay_out(&self, host_text: &[u8], block: &mut Vec<u8>) {
        let count = self.items.len();
        let lengths = self.items.iter().fold(0u64, |bits, item| bits | 1 << item.text.len());
        let order = if self.is_longest_first() { LONGEST_FIRST } else { 0 };
        block.extend([0, 0, u8::try_from(count).unwrap_or(0), 0, self.root_rank, order, 0, 0]);
        block.extend(lengths.to_le_bytes());
        block.extend(self.items.iter().map(|item| {
            let mut short = [0; 8];
            let text = Text::new(item.text, &mut short);
            tag(text.word_before(text.len()), text.len())
        }));
        block.resize(TAGS + count.next_multiple_of(8), 0);
        block.extend_from_slice(host_text);
        let mut place = block.len() + 2 * count;
        for item in &self.items {
            // 32 entries of 65 bytes behind less than 400 others: this fits.
            block.extend(u16::try_from(place).unwrap_or(u16::MAX).to_le_bytes());
            place += 2 + item.text.len();
        }
        for item in &self.items {
            let length = u8::try_from(item.text.len()).unwrap_or(0);
            block.extend([length | if item.exact { EXACT } else { 0 }, item.rank]);
            block.extend_from_slice(item.text);
        }
    }
}

/// The lowest rank that matches; `places` is where the host text ends, `ends` where the elements of
/// the path do.
#[inline]
pub(crate) fn lowest(block: &[u8], places: usize, path: &[u8], ends: u64) -> Option<u32> {
    // One check of bounds for all that every lookup reads.
    let (head, first_tags) = block.first_chunk::<{ TAGS + LANES }>()?.split_first_chunk::<TAGS>()?;
    let &[_, _, count, _, root_rank, order, _, _, ref lengths @ ..] = head;
    let first_tags = u8x16::new(*first_tags.first_chunk()?);
    let mut short = [0; 8];
    let text = Text::new(path, &mut short);
    let mut lowest = root_rank;
    let mut left = ends & u64::from_le_bytes(*lengths);
    while left != 0 {
        // The longest first. No rule has length 0, so that there is a word before the end.
        let end = 63 - left.leading_zeros() as usize;
        left ^= 1 << end;
        let tag = tag(text.word_before(end), end);
        let mut hits = first_tags.simd_eq(u8x16::splat(tag)).to_bitmask();
        if usize::from(count) > LANES {
            let more = u8x16::new(*block.get(TAGS + LANES..)?.first_chunk()?);
            hits |= more.simd_eq(u8x16::splat(tag)).to_bitmask() << LANES;
        }
        // Behind the last tag stand other bytes.
        hits &= (1u64 << count).wrapping_sub(1) as u32;
        while hits != 0 {
            let index = hits.trailing_zeros() as usize;
            hits &= hits - 1;
            let place = usize::from(u16::from_le_bytes(*block.get(places + 2 * index..)?.first_chunk()?));
            let &[kind, rank] = block.get(place..)?.first_chunk()?;
            if usize::from(kind & !EXACT) == end
                && (kind & EXACT == 0 || end == path.len())
                && rank < lowest
                && equal(block.get(place + 2..place + 2 + end)?, path.get(..end)?)
            {
                lowest = rank;
            }
        }
        if order == LONGEST_FIRST && lowest != root_rank {
            break;
        }
    }
    (lowest != NO_RANK).then_some(u32::from(lowest))
}

#[inline(always)]
const fn tag(word: u64, length: usize) -> u8 {
    (word.wrapping_add(length as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Scan;
    use crate::path::trie::PADDING;

    fn found(patterns: &[PathPattern], path: &str) -> Option<u32> {
        let list = Shortlist::new((0..).zip(patterns)).expect("all of them fit");
        let mut block = Vec::new();
        list.lay_out(b"host.example.com", &mut block);
        let places = usize::from(list.text_start()) + 16;
        block.extend([0; PADDING]);
        lowest(&block, places, path.as_bytes(), Scan::of(path.as_bytes()).ends())
    }

    fn prefix(text: &str) -> PathPattern {
        PathPattern::prefix(text).unwrap()
    }

    fn exact(text: &str) -> PathPattern {
        PathPattern::exact(text).unwrap()
    }

    #[test]
    fn the_lowest_rank_wins_whatever_its_length() {
        let patterns = [prefix("/a"), prefix("/a/b"), exact("/a/b/c"), prefix("/")];
        assert_eq!(found(&patterns, "/a/b/c"), Some(0));
        assert_eq!(found(&patterns, "/ab"), Some(3));
        let patterns = [exact("/a/b/c"), prefix("/a/b"), prefix("/a")];
        assert_eq!(found(&patterns, "/a/b/c"), Some(0));
        assert_eq!(found(&patterns, "/a/b/c/"), Some(1));
        assert_eq!(found(&patterns, "/a/bc"), Some(2));
        assert_eq!(found(&patterns, "/ab"), None);
    }

    #[test]
    fn odd_slashes_and_lengths() {
        let patterns = [exact("/a/"), prefix("/a//"), prefix("/")];
        assert_eq!(found(&patterns, "/a/"), Some(0));
        assert_eq!(found(&patterns, "/a//b"), Some(1));
        assert_eq!(found(&patterns, "*"), Some(2));
        let long = format!("/{}", "x".repeat(MAX_TEXT - 1));
        assert_eq!(found(&[prefix(&long)], &format!("{long}/y")), Some(0));
        assert_eq!(found(&[prefix(&long)], &format!("{long}y")), None);
        assert!(Shortlist::new([(0, &prefix(&format!("{long}x")))].into_iter()).is_none());
    }
}
