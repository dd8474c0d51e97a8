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
//! Only [plain rules](super::plain) can be found that way; a host with any other has a trie. Measured
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

use super::plain::{EXACT, PlainRules};
use crate::words::{Text, equal};

/// More rules are found quicker by a [roster](super::roster).
pub(crate) const MAX_RULES: usize = 32;

/// Set beside the number of rules: longer texts have lower ranks, so that the first find is the best.
const LONGEST_FIRST: u8 = 0x80;
/// There is no rule that takes every path.
const NO_RANK: u8 = u8::MAX;

/// Where the fingerprints start, and how many are compared at once.
const LANES: usize = 16;
const TAGS: usize = 16;

/// Whether a host with these rules has a short list.
pub(crate) fn is_for(rules: &PlainRules<'_>) -> bool {
    let last = rules.items.iter().map(|item| item.rank).chain(rules.root_rank).max();
    rules.items.len() <= MAX_RULES && last.is_none_or(|rank| rank < u32::from(NO_RANK))
}

/// Where the host text starts.
pub(crate) fn text_start(rules: &PlainRules<'_>) -> u8 {
    // Tags of 32 rules at most.
    u8::try_from(TAGS + rules.items.len().next_multiple_of(8)).unwrap_or(0)
}

/// Lays out the block of a host, but for its first two bytes and the fourth, which are `host`'s.
pub(crate) fn lay_out(rules: &PlainRules<'_>, host_text: &[u8], block: &mut Vec<u8>) {
    let rank = |rank: u32| u8::try_from(rank).unwrap_or(NO_RANK);
    let items = &rules.items;
    let count = items.len();
    let order = if rules.is_longest_first() { LONGEST_FIRST } else { 0 };
    let root_rank = rules.root_rank.map_or(NO_RANK, rank);
    block.extend([0, 0, u8::try_from(count).unwrap_or(0) | order, 0, root_rank, 0, 0, 0]);
    block.extend(rules.lengths().to_le_bytes());
    block.extend(items.iter().map(|item| {
        let mut short = [0; 8];
        let text = Text::new(item.text, &mut short);
        tag(text.word_before(text.len()), text.len())
    }));
    block.resize(TAGS + count.next_multiple_of(8), 0);
    block.extend_from_slice(host_text);
    let mut place = block.len() + 2 * count;
    for item in items {
        // 32 entries of 65 bytes behind less than 400 others: this fits.
        block.extend(u16::try_from(place).unwrap_or(u16::MAX).to_le_bytes());
        place += 2 + item.text.len();
    }
    for item in items {
        block.extend([item.shape(), rank(item.rank)]);
        block.extend_from_slice(item.text);
    }
}

/// The lowest rank that matches; `places` is where the host text ends, `ends` where the elements of
/// the path do.
#[inline(always)]
pub(crate) fn lowest(block: &[u8], places: usize, path: &[u8], ends: u64) -> Option<u32> {
    // One check of bounds for all that every lookup reads.
    let (head, first_tags) = block.first_chunk::<{ TAGS + LANES }>()?.split_first_chunk::<TAGS>()?;
    let &[_, _, shape, _, root_rank, _, _, _, ref lengths @ ..] = head;
    let count = shape & !LONGEST_FIRST;
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
        if shape & LONGEST_FIRST != 0 && lowest != root_rank {
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
    use crate::path::plain::MAX_TEXT;
    use crate::path::trie::PADDING;
    use crate::path::{PathPattern, Scan};

    fn found(patterns: &[PathPattern], path: &str) -> Option<u32> {
        let rules = PlainRules::new((0..).zip(patterns)).expect("all of them fit");
        let mut block = Vec::new();
        lay_out(&rules, b"host.example.com", &mut block);
        let places = usize::from(text_start(&rules)) + 16;
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
        let longer = prefix(&format!("{long}x"));
        let rules = PlainRules::new([(0, &longer)].into_iter()).unwrap();
        assert!(rules.has_longer && rules.items.is_empty());
    }
}
