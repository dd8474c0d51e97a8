//! The index of a host with many plain rules.
//!
//! It asks the question of the [short list](super::shortlist): does a rule end where an element of the
//! path ends? With many rules their fingerprints stand in buckets, and what leads to a bucket is a hash
//! of the path up to that place. The hashes of all places come out of one pass over the path, so that
//! no step waits for the one before it, as it does in a trie: on ten thousand rules of one host that
//! gains a factor of two.
//!
//! ```text
//! head       20   what is shared with the trie; bits of the number of buckets; rank of the rule for
//!                 all; lengths of the rules as bits of 8 bytes; number of rules
//! host text
//! starts          where each bucket starts among the rules, two bytes each, and where the last ends
//! tags            fingerprints, one byte a rule, bucket by bucket
//! places          where in the block the entries start, four bytes each
//! entries         kind and length in one byte, rank in four, text
//! ```

use wide::u8x16;

use super::plain::{EXACT, Item, PlainRules};
use crate::words::{Text, equal};

/// Where the host text starts.
pub(crate) const TEXT: usize = 20;

/// How many fingerprints are compared at once: no bucket holds more.
const LANES: usize = 16;
/// Rules per bucket, on average, that a roster starts with.
const LOAD: usize = 4;
/// Buckets are not multiplied beyond this to keep them small; starts have two bytes.
const MAX_BITS: u32 = 16;
/// Set beside the bits of the number of buckets: longer texts have lower ranks.
const LONGEST_FIRST: u8 = 0x80;

/// Lays out the block of a host, but for its first two bytes and the fourth, which are `host`'s. False
/// and nothing is written when the rules do not fit: too many of them, or too many in one bucket.
pub(crate) fn lay_out(rules: &PlainRules<'_>, host_text: &[u8], block: &mut Vec<u8>) -> bool {
    let items = &rules.items;
    let Ok(count) = u16::try_from(items.len()) else { return false };
    let Some((bits, sorted)) = in_buckets(items) else { return false };
    let order = if rules.is_longest_first() { LONGEST_FIRST } else { 0 };
    block.extend([0, 0, bits as u8 | order, 0]);
    block.extend(rules.root_rank.unwrap_or(u32::MAX).to_le_bytes());
    block.extend(rules.lengths().to_le_bytes());
    block.extend(u32::from(count).to_le_bytes());
    block.extend_from_slice(host_text);
    let mut behind = 0;
    for bucket in 0..=1u64 << bits {
        behind += sorted.iter().skip(behind).take_while(|(hash, _)| hash.bucket(bits) < bucket).count();
        block.extend(u16::try_from(behind).unwrap_or(count).to_le_bytes());
    }
    block.extend(sorted.iter().map(|(hash, _)| hash.tag()));
    let mut place = block.len() + 4 * sorted.len();
    for (_, item) in &sorted {
        block.extend(u32::try_from(place).unwrap_or(u32::MAX).to_le_bytes());
        place += 5 + item.text.len();
    }
    for (_, item) in &sorted {
        block.push(item.shape());
        block.extend(item.rank.to_le_bytes());
        block.extend_from_slice(item.text);
    }
    true
}

/// The rules by their hashes, and how many bits of these make buckets that hold them. `None` where
/// buckets stay too full, which takes somebody who chooses paths for their hashes.
fn in_buckets<'i, 'a>(items: &'i [Item<'a>]) -> Option<(u32, Vec<(Hash, &'i Item<'a>)>)> {
    let mut sorted: Vec<_> = items
        .iter()
        .map(|item| {
            let mut short = [0; 8];
            (Hashes::of(Text::new(item.text, &mut short), item.text.len()).at(item.text.len()), item)
        })
        .collect();
    // Rules that differ in kind alone have one hash.
    sorted.sort_by_key(|&(hash, item)| (hash, item.rank));
    let first = (items.len() / LOAD).max(2).next_power_of_two().trailing_zeros();
    (first..=MAX_BITS)
        .find(|&bits| {
            sorted.chunk_by(|(a, _), (b, _)| a.bucket(bits) == b.bucket(bits)).all(|b| b.len() <= LANES)
        })
        .map(|bits| (bits, sorted))
}

/// The lowest rank that matches; `starts` is where the host text ends, `ends` where the elements of the
/// path do.
#[inline]
pub(crate) fn lowest(block: &[u8], starts: usize, path: &[u8], ends: u64) -> Option<u32> {
    let (head, count) = block.first_chunk::<TEXT>()?.split_first_chunk::<16>()?;
    let &[_, _, shape, _, root @ .., _, _, _, _, _, _, _, _] = head;
    let count = u32::from_le_bytes(*count.first_chunk()?) as usize;
    let mut lowest = u32::from_le_bytes(root);
    let mut left = ends & u64::from_le_bytes(*head.last_chunk()?);
    let bits = u32::from(shape & !LONGEST_FIRST);
    let tags = starts + (2 << bits) + 2;
    let places = tags + count;
    let mut short = [0; 8];
    let hashes = Hashes::of(Text::new(path, &mut short), longest(left));
    while left != 0 {
        let end = longest(left);
        left ^= 1 << end;
        let hash = hashes.at(end);
        let span: [u8; 4] = *block.get(starts + 2 * hash.bucket(bits) as usize..)?.first_chunk()?;
        let span = u32::from_le_bytes(span);
        let (from, to) = ((span & 0xffff) as usize, (span >> 16) as usize);
        let lanes = u8x16::new(*block.get(tags + from..)?.first_chunk()?);
        let mut hits = lanes.simd_eq(u8x16::splat(hash.tag())).to_bitmask();
        // Behind the last tag of the bucket stand others.
        hits &= (1u32 << to.wrapping_sub(from)).wrapping_sub(1);
        let mut found = false;
        while hits != 0 {
            let index = from + hits.trailing_zeros() as usize;
            hits &= hits - 1;
            let place = u32::from_le_bytes(*block.get(places + 4 * index..)?.first_chunk()?) as usize;
            let &[kind, rank @ ..] = block.get(place..)?.first_chunk::<5>()?;
            let rank = u32::from_le_bytes(rank);
            if usize::from(kind & !EXACT) == end
                && (kind & EXACT == 0 || end == path.len())
                && rank < lowest
                && equal(block.get(place + 5..place + 5 + end)?, path.get(..end)?)
            {
                lowest = rank;
                found = true;
            }
        }
        if found && shape & LONGEST_FIRST != 0 {
            break;
        }
    }
    (lowest != u32::MAX).then_some(lowest)
}

/// The longest of the lengths in a set that is not empty.
#[inline(always)]
const fn longest(lengths: u64) -> usize {
    63 - (lengths | 1).leading_zeros() as usize
}

/// The hash of a text up to one place.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Hash(u64);

impl Hash {
    #[inline(always)]
    const fn bucket(self, bits: u32) -> u64 {
        self.0 >> (64 - bits)
    }

    #[inline(always)]
    const fn tag(self) -> u8 {
        self.0 as u8
    }
}

/// The hashes of a text up to any place before its 64th byte.
struct Hashes<'t> {
    text: Text<'t>,
    /// What has become of the words before each word.
    states: [u64; 8],
}

impl<'t> Hashes<'t> {
    /// Up to `end`, which is at most 63 and at most the length of the text.
    #[inline(always)]
    fn of(text: Text<'t>, end: usize) -> Self {
        let mut states = [0x243f_6a88_85a3_08d3; 8];
        let mut state = states[0];
        for (word, slot) in states.iter_mut().skip(1).take(end / 8).enumerate() {
            state = mixed(state ^ text.word_at(8 * word));
            *slot = state;
        }
        Self { text, states }
    }

    #[inline(always)]
    fn at(&self, end: usize) -> Hash {
        let state = self.states.get(end / 8).copied().unwrap_or(0);
        let partial = self.text.word_at(end & !7) & ((1 << (8 * (end & 7))) - 1);
        Hash(mixed(state ^ partial ^ (end as u64) << 56))
    }
}

#[inline(always)]
const fn mixed(word: u64) -> u64 {
    let product = word as u128 * 0x9e37_79b9_7f4a_7c15_u128;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::trie::PADDING;
    use crate::path::{PathPattern, Scan};

    const HOST: &[u8] = b"host.example.com";

    fn roster(patterns: &[PathPattern]) -> Vec<u8> {
        let rules = PlainRules::new((0..).zip(patterns)).expect("all of them are plain");
        let mut block = Vec::new();
        assert!(lay_out(&rules, HOST, &mut block));
        block.extend([0; PADDING]);
        block
    }

    fn found(block: &[u8], path: &str) -> Option<u32> {
        lowest(block, TEXT + HOST.len(), path.as_bytes(), Scan::of(path.as_bytes()).ends())
    }

    /// Every text up to four elements of a small alphabet, so that each path has several rules.
    fn dense() -> Vec<PathPattern> {
        let elements = ["a", "b", "ab", "long-enough-to-fill-words", ""];
        let mut texts = vec![String::new()];
        let mut from = 0;
        for _ in 0..4 {
            let to = texts.len();
            for at in from..to {
                for element in elements {
                    texts.push(format!("{}/{element}", texts[at]));
                }
            }
            from = to;
        }
        let exact = texts.iter().skip(1).map(|text| PathPattern::exact(text.as_str()).unwrap());
        let prefix = texts.iter().step_by(3).map(|text| PathPattern::prefix(format!("{text}/")).unwrap());
        exact.chain(prefix).collect()
    }

    #[test]
    fn finds_what_a_scan_finds() {
        let mut patterns = dense();
        patterns.retain(|pattern| pattern.compared().len() <= crate::path::plain::MAX_TEXT);
        // Equal patterns are taken out before an index is made.
        let mut seen = std::collections::BTreeSet::new();
        patterns
            .retain(|pattern| seen.insert((format!("{:?}", pattern.kind()), pattern.compared().to_owned())));
        assert!(patterns.len() > 500);
        for order in 0..2 {
            let block = roster(&patterns);
            for pattern in &patterns {
                for path in ["", "/", "x", "/b", "/ab/long-enough-to-fill-words"]
                    .map(|more| format!("{}{more}", pattern.as_str()))
                {
                    let scan = (0..).zip(&patterns).find(|(_, pattern)| pattern.matches(path.as_bytes()));
                    assert_eq!(found(&block, &path), scan.map(|(rank, _)| rank), "{path}, order {order}");
                }
            }
            // In this order the first find is the best, in the other it is not.
            patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.compared().len()));
        }
    }

    #[test]
    fn many_rules_and_short_blocks() {
        let patterns: Vec<_> = (0..60_000).map(|n| PathPattern::prefix(format!("/r/{n}")).unwrap()).collect();
        let block = roster(&patterns);
        for (rank, pattern) in (0..).zip(&patterns) {
            assert_eq!(found(&block, pattern.as_str()), Some(rank));
        }
        assert_eq!(found(&block, "/r/60000"), None);
        // A block that ends early is an error of ours, and nothing worse than a miss.
        for end in (0..block.len()).step_by(997) {
            found(&block[..end], "/r/7");
        }
        let too_many: Vec<_> = (0..70_000).map(|n| PathPattern::exact(format!("/{n}")).unwrap()).collect();
        let rules = PlainRules::new((0..).zip(&too_many)).unwrap();
        let mut block = Vec::new();
        assert!(!lay_out(&rules, HOST, &mut block) && block.is_empty());
    }

    /// Buckets are as small as they are because hashes spread; where somebody sees to it that they do
    /// not, there is a trie.
    #[test]
    fn full_buckets_are_refused() {
        let rules: Vec<_> = (0..40u32).map(|n| (PathPattern::exact("/same").unwrap(), n)).collect();
        let rules = PlainRules::new(rules.iter().map(|(pattern, rank)| (*rank, pattern))).unwrap();
        assert!(!lay_out(&rules, HOST, &mut Vec::new()));
    }
}
