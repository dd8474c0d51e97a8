//! Which of many texts a path starts with, and what each of them stands for.
//!
//! A radix tree, as the [trie](crate::path::trie) of plain paths is one. That one is packed, for tables of a
//! hundred thousand hosts whose lookups wait for memory. A host of expressions is walked within the nearest
//! cache, and there each step waits for the one before it. So here a step is short, and the same whatever
//! the node: one word of the path is compared, with case and length in one mask, and a sum leads on from
//! the byte behind it. That takes half of the time.

use std::collections::VecDeque;

use crate::words::Text;

/// The longest text of one node: with the byte that leads on it makes one word of the path.
const LABEL: usize = 7;
/// What tells upper from lower case.
const CASE: u8 = b'a' ^ b'A';
/// How many free slots are tried for the children of a node before they get new ones.
const TRIES: usize = 32;

/// Texts without a zero in them, each with a value.
#[derive(Debug)]
pub(super) struct Texts<V> {
    /// The root first.
    nodes: Vec<Node<V>>,
    slots: Slots,
}

#[derive(Debug)]
struct Node<V> {
    /// At most [`LABEL`] bytes, and ones behind.
    text: u64,
    /// What of the path is not compared: the case of letters, and what lies behind the text.
    ignored: u64,
    value: V,
    /// The slots of its children are the sums of this and the bytes that lead to them. What stands in a
    /// slot may be the child of another node.
    base: u32,
    parent: u32,
    length: u8,
}

/// The nodes by which way leads to them; the root where none does.
#[derive(Debug, Default)]
struct Slots {
    nodes: Vec<u32>,
    /// Before this one none is free.
    free: usize,
}

/// Where a walk stands: what lies before `at` has been compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'v, V> {
    pub(super) value: &'v V,
    pub(super) at: usize,
    /// The next byte of the path, zero at its end.
    pub(super) next: u8,
}

/// Texts that have the way to a node in common.
struct Branch {
    from: usize,
    to: usize,
    /// How much of each has led here.
    taken: usize,
    parent: u32,
}

impl<V: Copy> Texts<V> {
    /// Takes texts in order, each once; in lower case if case does not count. `nothing` is the value where
    /// no text ends.
    pub(super) fn new(texts: &[(&[u8], V)], nothing: V, fold: bool) -> Self {
        let mut tree = Self { nodes: Vec::new(), slots: Slots::default() };
        // Level by level, so that nothing recurses.
        let root = Branch { from: 0, to: texts.len(), taken: 0, parent: u32::MAX };
        let mut branches = VecDeque::from([root]);
        while let Some(Branch { from, to, taken, parent }) = branches.pop_front() {
            let all = texts.get(from..to).unwrap_or_default();
            let (Some((first, value)), Some((last, _))) = (all.first(), all.last()) else { break };
            let first = first.get(taken..).unwrap_or_default();
            let last = last.get(taken..).unwrap_or_default();
            // What the first and the last have in common those between have, too.
            let common = first.iter().zip(last).take_while(|(a, b)| a == b).take(LABEL).count();
            let label = first.get(..common).unwrap_or_default();
            let ends = first.len() == common;
            let mut node = Node::new(label, fold, if ends { *value } else { nothing }, parent);

            let number = tree.nodes.len() as u32;
            let behind = taken + common;
            let mut from = from + usize::from(ends);
            let mut ways = Vec::new();
            let longer = texts.get(from..to).unwrap_or_default();
            for alike in longer.chunk_by(|(a, _), (b, _)| a.get(behind) == b.get(behind)) {
                let Some(lead) = alike.first().and_then(|(text, _)| text.get(behind).copied()) else {
                    continue;
                };
                let to = from + alike.len();
                branches.push_back(Branch { from, to, taken: behind + 1, parent: number });
                from = to;
                let child = number + branches.len() as u32;
                ways.push((lead, child));
                if fold && lead.is_ascii_lowercase() {
                    ways.push((lead ^ CASE, child));
                }
            }
            node.base = tree.slots.take(&ways);
            tree.nodes.push(node);
        }
        tree
    }

    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Goes as far as the path does. Calls `visit` for every text that the path starts with, the shortest
    /// first, and in between with the value of nothing.
    #[inline(always)]
    pub(super) fn walk(&self, path: &[u8], mut visit: impl FnMut(Step<'_, V>)) {
        let mut short = [0; 8];
        let words = Text::new(path, &mut short);
        let (mut at, mut number) = (0, 0);
        let Some(mut node) = self.nodes.first() else { return };
        loop {
            // Beyond the end of the path there are zeros, which no text holds.
            let ahead = words.word_at(at);
            if ahead | node.ignored != node.text {
                return;
            }
            at += usize::from(node.length);
            let next = (ahead >> ((8 * node.length) & 63)) as u8;
            visit(Step { value: &node.value, at, next });
            let Some(child) = self.slots.at(node.base, next) else { return };
            let Some(below) = self.nodes.get(child as usize) else { return };
            if below.parent != number {
                return;
            }
            (node, number) = (below, child);
            at += 1;
        }
    }

    pub(super) fn memory_usage(&self) -> usize {
        size_of_val(&*self.nodes) + size_of_val(&*self.slots.nodes)
    }
}

impl<V> Node<V> {
    fn new(label: &[u8], fold: bool, value: V, parent: u32) -> Self {
        let (mut text, mut ignored) = ([0xff; 8], [0xff; 8]);
        for ((text, ignored), byte) in text.iter_mut().zip(&mut ignored).zip(label) {
            *text = *byte;
            *ignored = if fold && byte.is_ascii_lowercase() { CASE } else { 0 };
        }
        let (text, ignored) = (u64::from_le_bytes(text), u64::from_le_bytes(ignored));
        Self { text, ignored, value, base: 0, parent, length: label.len() as u8 }
    }
}

impl Slots {
    #[inline(always)]
    fn at(&self, base: u32, lead: u8) -> Option<u32> {
        self.nodes.get(base.wrapping_add(u32::from(lead)) as usize).copied()
    }

    /// Puts children into free slots; the base of their sums.
    fn take(&mut self, ways: &[(u8, u32)]) -> u32 {
        let Some(least) = ways.iter().map(|(lead, _)| u32::from(*lead)).min() else { return 0 };
        let is_free = |slot: &usize| self.nodes.get(*slot).is_none_or(|node| *node == 0);
        self.free = (self.free..).find(is_free).unwrap_or(0);
        let fits =
            |base: &u32| ways.iter().all(|(lead, _)| self.at(*base, *lead).is_none_or(|node| node == 0));
        // Only so many, or the time to build a tree would be the square of its size.
        let tried = (self.free..self.nodes.len()).filter(is_free).take(TRIES);
        let new = self.nodes.len();
        let base_of = |slot: usize| (slot as u32).wrapping_sub(least);
        let base = tried.map(base_of).find(fits).unwrap_or_else(|| base_of(new));
        for (lead, child) in ways {
            let slot = base.wrapping_add(u32::from(*lead)) as usize;
            if slot >= self.nodes.len() {
                self.nodes.resize(slot + 1, 0);
            }
            if let Some(node) = self.nodes.get_mut(slot) {
                *node = *child;
            }
        }
        base
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn tree(texts: &BTreeSet<Vec<u8>>, fold: bool) -> Texts<Option<usize>> {
        let texts: Vec<_> = texts.iter().map(Vec::as_slice).zip((0..).map(Some)).collect();
        Texts::new(&texts, None, fold)
    }

    fn found(texts: &BTreeSet<Vec<u8>>, fold: bool, path: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        tree(texts, fold).walk(path, |Step { value, at, next }| {
            assert_eq!(next, path.get(at).copied().unwrap_or(0));
            let text = value.and_then(|number| texts.iter().nth(number));
            found.extend(text.map(|text| (text.clone(), path[at..].to_vec())));
        });
        found
    }

    /// What `found` has to be, one text after the other.
    fn scanned(texts: &BTreeSet<Vec<u8>>, fold: bool, path: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let folded = if fold { path.to_ascii_lowercase() } else { path.to_vec() };
        let starts = |text: &&Vec<u8>| folded.starts_with(text);
        texts.iter().filter(starts).map(|text| (text.clone(), path[text.len()..].to_vec())).collect()
    }

    proptest! {
        #[test]
        fn finds_what_a_scan_finds(
            texts in prop::collection::btree_set("(/?[ab@`{\\[]{1,4}){0,6}", 0..40),
            paths in prop::collection::vec("(/?[abAB@`{\\[\\x00]{1,4}){0,6}", 1..40),
            fold: bool,
        ) {
            let texts: BTreeSet<_> = texts.into_iter().map(String::into_bytes).collect();
            // Most paths that are drawn meet nothing; the texts themselves and what lies behind them do.
            let longer = texts.iter().flat_map(|text| {
                let upper = text.to_ascii_uppercase();
                [text.clone(), upper.clone(), [&upper, &b"/xa"[..]].concat()]
            });
            for path in longer.chain(paths.into_iter().map(String::into_bytes)) {
                prop_assert_eq!(found(&texts, fold, &path), scanned(&texts, fold, &path), "{:?}", path);
            }
        }
    }

    #[test]
    fn every_byte_may_lead_on() {
        let texts: BTreeSet<Vec<u8>> = (1..=255).map(|byte| vec![b'/', byte, byte]).collect();
        for byte in 0..=255 {
            let path = [b'/', byte, byte, b'x'];
            assert_eq!(found(&texts, false, &path), scanned(&texts, false, &path), "{byte:#x}");
            assert_eq!(found(&texts, false, &path).len(), usize::from(byte != 0));
        }
    }

    /// Deep trees neither recurse nor grow out of proportion.
    #[test]
    fn long_texts_within_each_other() {
        let texts: BTreeSet<Vec<u8>> = (0..300).map(|count| vec![b'a'; 7 * count]).collect();
        let path = vec![b'A'; 1_000];
        assert_eq!(found(&texts, true, &path), scanned(&texts, true, &path));
        let long = BTreeSet::from([vec![b'x'; 1 << 16]]);
        assert!(tree(&long, false).memory_usage() < 7 << 16);
        for path in &long {
            assert_eq!(found(&long, false, path), scanned(&long, false, path));
        }
    }
}
