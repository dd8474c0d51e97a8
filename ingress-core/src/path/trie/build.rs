//! From sorted patterns to the bytes of a trie.
//!
//! Nothing here recurses: the depth of the tree is in the hands of whoever writes the rules.

#![expect(
    clippy::indexing_slicing,
    reason = "nodes are made here and named by the index they were pushed at"
)]

use super::{CHILDREN_SHIFT, ELEMENT, EXACT, LIST, LITERAL, LONG_LABEL, MANY_CHILDREN, RANKS_IN_ORDER, WIDE};
use crate::path::{PathKind, PathPattern};

/// One pattern to be indexed under its rank.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    text: &'a [u8],
    kind: u8,
    rank: u32,
    conditional: bool,
}

impl<'a> Entry<'a> {
    /// `None` for a pattern that is no matter of a trie.
    pub(crate) fn new(pattern: &'a PathPattern, rank: u32, conditional: bool) -> Option<Self> {
        let text = pattern.compared().as_bytes();
        let kind = match pattern.kind() {
            PathKind::Exact => EXACT,
            // The root, element by element, is met by everything, even by what has no element.
            PathKind::Prefix if text.is_empty() => LITERAL,
            PathKind::Prefix => ELEMENT,
            PathKind::Any | PathKind::Literal => LITERAL,
            PathKind::Regex => return None,
        };
        Some(Self { text, kind, rank, conditional })
    }

    pub(crate) fn text(&self) -> &'a [u8] {
        self.text
    }

    pub(crate) fn rank(&self) -> u32 {
        self.rank
    }

    /// The same pattern with its text lower-cased into `folded`.
    pub(crate) fn with_text(self, folded: &'a [u8]) -> Self {
        Self { text: folded, ..self }
    }
}

/// `loser` can never be reached: `winner` says the same and stands before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Shadowed {
    pub(crate) loser: u32,
    pub(crate) winner: u32,
}

/// A node before it is laid out. Children form a list in the order of their first bytes.
#[derive(Clone, Copy)]
struct Node {
    /// The label is `text[start..end]` of the entry `sample`.
    sample: usize,
    start: usize,
    end: usize,
    /// The entries that end here, as a range; empty for a mere branch.
    entries: (usize, usize),
    first_child: usize,
    last_child: usize,
    sibling: usize,
    children: usize,
    /// Bytes of this node and everything below it.
    size: usize,
    wide: bool,
    is_root: bool,
}

const NONE: usize = usize::MAX;

/// Sorts the entries as [`build`] wants them, and takes out what can never be reached: a rank that is
/// listed behind an unconditional one with the same pattern.
pub(crate) fn sort_out(entries: &mut Vec<Entry<'_>>, shadowed: &mut Vec<Shadowed>) {
    entries.sort_unstable_by(|a, b| a.text.cmp(b.text).then(a.kind.cmp(&b.kind)).then(a.rank.cmp(&b.rank)));
    let mut winner: Option<Entry<'_>> = None;
    entries.retain(|entry| {
        if let Some(winner) = winner.filter(|w| w.kind == entry.kind && w.text == entry.text) {
            shadowed.push(Shadowed { loser: entry.rank, winner: winner.rank });
            return false;
        }
        if !entry.conditional {
            winner = Some(*entry);
        }
        true
    });
}

/// Appends the trie of `entries`, [sorted out](sort_out), to `out`.
pub(crate) fn build(entries: &[Entry<'_>], out: &mut Vec<u8>) {
    let mut nodes = grow(entries);
    take_over_only_child(&mut nodes);
    let order = measure(entries, &mut nodes);
    lay_out(entries, &nodes, &order, out);
}

/// Grows the tree along its right edge: entries are sorted, so each new text shares the edge as far
/// as it equals the one before it.
fn grow(entries: &[Entry<'_>]) -> Vec<Node> {
    let mut nodes = Vec::with_capacity(entries.len() * 2 + 1);
    nodes.push(Node::new(0, 0, 0));
    let mut edge = vec![0];
    let mut previous: &[u8] = b"";
    let mut from = 0;
    while let Some(entry) = entries.get(from) {
        let to = from + entries.iter().skip(from).take_while(|e| e.text == entry.text).count();
        let shared = previous.iter().zip(entry.text).take_while(|(a, b)| a == b).count();
        let mut cut_off = NONE;
        while let Some(&top) = edge.last()
            && nodes[top].end > shared
        {
            cut_off = top;
            edge.pop();
        }
        let mut top = edge.last().copied().unwrap_or(0);
        if cut_off != NONE && nodes[top].end < shared {
            top = split(&mut nodes, top, cut_off, shared);
            edge.push(top);
        }
        if nodes[top].end == entry.text.len() {
            nodes[top].entries = (from, to);
            nodes[top].sample = from;
        } else {
            let mut leaf = Node::new(from, nodes[top].end, entry.text.len());
            leaf.entries = (from, to);
            let index = nodes.len();
            nodes.push(leaf);
            adopt(&mut nodes, top, index);
            edge.push(index);
        }
        previous = entry.text;
        from = to;
    }
    nodes
}

/// A root that is a mere branch to one child becomes that child: nearly every walk starts with the
/// same slash, if not with the same word.
fn take_over_only_child(nodes: &mut [Node]) {
    let root = nodes[0];
    nodes[0].is_root = true;
    if root.children == 1 && root.entries.0 == root.entries.1 {
        nodes[0] = Node { start: 0, sibling: NONE, is_root: true, ..nodes[root.first_child] };
    }
}

/// Puts a branch between `parent` and its last child `below`, where the text reaches `end`.
fn split(nodes: &mut Vec<Node>, parent: usize, below: usize, end: usize) -> usize {
    let mut branch = Node::new(nodes[below].sample, nodes[below].start, end);
    branch.first_child = below;
    branch.last_child = below;
    branch.children = 1;
    nodes[below].start = end;
    let index = nodes.len();
    nodes.push(branch);
    if nodes[parent].first_child == below {
        nodes[parent].first_child = index;
    } else {
        // The child before the last one points at it. Lists are short, their lengths bounded by 256.
        let mut child = nodes[parent].first_child;
        while nodes[child].sibling != below {
            child = nodes[child].sibling;
        }
        nodes[child].sibling = index;
    }
    nodes[parent].last_child = index;
    index
}

fn adopt(nodes: &mut [Node], parent: usize, child: usize) {
    let last = nodes[parent].last_child;
    if last == NONE {
        nodes[parent].first_child = child;
    } else {
        nodes[last].sibling = child;
    }
    nodes[parent].last_child = child;
    nodes[parent].children += 1;
}

impl Node {
    fn new(sample: usize, start: usize, end: usize) -> Self {
        Self {
            sample,
            start,
            end,
            entries: (0, 0),
            first_child: NONE,
            last_child: NONE,
            sibling: NONE,
            children: 0,
            size: 0,
            wide: false,
            is_root: false,
        }
    }

    fn label<'a>(&self, entries: &[Entry<'a>]) -> &'a [u8] {
        // The byte that led here stands in the parent's list; to the root nothing led.
        let start = self.start + usize::from(!self.is_root);
        entries.get(self.sample).and_then(|entry| entry.text.get(start..self.end)).unwrap_or_default()
    }

    fn ends<'e, 'a>(&self, entries: &'e [Entry<'a>]) -> &'e [Entry<'a>] {
        entries.get(self.entries.0..self.entries.1).unwrap_or_default()
    }
}

/// Sizes every node, the deepest first; gives the order of the layout.
fn measure(entries: &[Entry<'_>], nodes: &mut [Node]) -> Vec<usize> {
    let mut order = Vec::with_capacity(nodes.len());
    let mut open = vec![0];
    let mut turn = Vec::new();
    while let Some(index) = open.pop() {
        order.push(index);
        turn.extend(children(nodes, index));
        open.extend(turn.drain(..).rev());
    }
    let mut head = Vec::new();
    for &index in order.iter().rev() {
        let node = nodes[index];
        let (mut below, mut furthest) = (0, 0);
        for child in children(nodes, index) {
            furthest = below;
            below += nodes[child].size;
        }
        // The list of distances itself lies between, 256 of them at most.
        let wide = furthest + 256 * 2 > usize::from(u16::MAX);
        head.clear();
        write_head(entries, &node, wide, &mut head);
        let list = match node.children {
            0 => 0,
            count => usize::from(count >= MANY_CHILDREN) + count + count * if wide { 4 } else { 2 },
        };
        nodes[index].wide = wide;
        nodes[index].size = head.len() + list + below;
    }
    order
}

fn children(nodes: &[Node], parent: usize) -> impl Iterator<Item = usize> {
    let first = nodes[parent].first_child;
    std::iter::successors((first != NONE).then_some(first), |&child| {
        Some(nodes[child].sibling).filter(|&sibling| sibling != NONE)
    })
}

fn lay_out(entries: &[Entry<'_>], nodes: &[Node], order: &[usize], out: &mut Vec<u8>) {
    for &index in order {
        let node = &nodes[index];
        write_head(entries, node, node.wide, out);
        if node.children >= MANY_CHILDREN {
            out.push(u8::try_from(node.children - 1).unwrap_or(u8::MAX));
        }
        for child in children(nodes, index) {
            let child = &nodes[child];
            out.push(entries.get(child.sample).and_then(|e| e.text.get(child.start)).copied().unwrap_or(0));
        }
        let width = if node.wide { 4 } else { 2 };
        let mut distance = u32::try_from(node.children * width).unwrap_or(u32::MAX);
        for child in children(nodes, index) {
            out.extend_from_slice(&distance.to_le_bytes()[..width]);
            distance = distance.saturating_add(u32::try_from(nodes[child].size).unwrap_or(u32::MAX));
        }
    }
}

/// Head, label and ranks.
fn write_head(entries: &[Entry<'_>], node: &Node, wide: bool, out: &mut Vec<u8>) {
    let ends = node.ends(entries);
    let of_kind = |kind| ends.iter().filter(move |entry| entry.kind == kind);
    let kinds = ends.iter().fold(0, |kinds, entry| kinds | entry.kind);
    let list = RANKS_IN_ORDER.iter().any(|&kind| of_kind(kind).count() > 1);
    let children = u8::try_from(node.children.min(MANY_CHILDREN)).unwrap_or(0);
    let flags = if wide { WIDE } else { 0 } | if list { LIST } else { 0 };
    out.push(kinds | flags | children << CHILDREN_SHIFT);
    let label = node.label(entries);
    match u8::try_from(label.len()) {
        Ok(length) if length < LONG_LABEL => out.push(length),
        _ => {
            out.push(LONG_LABEL);
            out.extend_from_slice(&u32::try_from(label.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
    }
    out.extend_from_slice(label);
    for kind in RANKS_IN_ORDER {
        if list && kinds & kind != 0 {
            let count = u32::try_from(of_kind(kind).count()).unwrap_or(u32::MAX);
            out.extend_from_slice(&count.to_le_bytes());
        }
        for entry in of_kind(kind) {
            if list {
                out.extend_from_slice(&entry.rank.to_le_bytes());
            } else {
                write_varint(entry.rank, out);
            }
        }
    }
}

fn write_varint(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::super::{PADDING, walk};
    use super::*;

    fn index(patterns: &[PathPattern]) -> (Vec<u8>, Vec<Shadowed>) {
        let mut entries: Vec<_> =
            (0..).zip(patterns).filter_map(|(rank, pattern)| Entry::new(pattern, rank, false)).collect();
        let (mut out, mut shadowed) = (Vec::new(), Vec::new());
        sort_out(&mut entries, &mut shadowed);
        build(&entries, &mut out);
        out.extend([0; PADDING]);
        (out, shadowed)
    }

    fn found(block: &[u8], path: &str) -> Vec<u32> {
        let mut ranks = Vec::new();
        walk::<false>(block, 0, path.as_bytes(), |rank| ranks.push(rank));
        ranks.sort_unstable();
        ranks
    }

    fn prefix(text: &str) -> PathPattern {
        PathPattern::prefix(text).unwrap()
    }

    #[test]
    fn an_empty_trie_finds_nothing() {
        assert!(found(&index(&[]).0, "/a").is_empty());
    }

    #[test]
    fn every_pattern_on_the_way_is_visited() {
        let (block, shadowed) = index(&[
            prefix("/"),
            prefix("/a"),
            prefix("/a/b"),
            PathPattern::exact("/a/b").unwrap(),
            PathPattern::literal("/a/b").unwrap(),
            prefix("/a/bc"),
        ]);
        assert_eq!(shadowed, []);
        assert_eq!(found(&block, "/a/b"), [0, 1, 2, 3, 4]);
        assert_eq!(found(&block, "/a/b/"), [0, 1, 2, 4]);
        assert_eq!(found(&block, "/a/bc"), [0, 1, 4, 5]);
        assert_eq!(found(&block, "/ab"), [0]);
        assert_eq!(found(&block, "*"), [0]);
    }

    #[test]
    fn equal_patterns_hide_each_other() {
        let (block, shadowed) = index(&[prefix("/a"), prefix("/a/"), PathPattern::exact("/a").unwrap()]);
        assert_eq!(shadowed, [Shadowed { loser: 1, winner: 0 }]);
        assert_eq!(found(&block, "/a"), [0, 2]);
    }

    /// Chains, fans and long labels: what grows a stack, a child list or a distance past a byte.
    #[test]
    fn awkward_shapes() {
        let chain: Vec<_> = (1..3_000).map(|n| prefix(&"/a".repeat(n))).collect();
        let (block, _) = index(&chain);
        assert_eq!(found(&block, &"/a".repeat(2_000)).len(), 2_000);

        let fan: Vec<_> = ('\u{20}'..'\u{7f}')
            .chain('\u{80}'..'\u{2000}')
            .map(|c| PathPattern::exact(format!("/{c}{}", "x".repeat(40))).unwrap())
            .collect();
        let (block, _) = index(&fan);
        assert!(block.len() > usize::from(u16::MAX));
        for (rank, pattern) in (0..).zip(&fan) {
            assert_eq!(found(&block, pattern.as_str()), [rank]);
        }

        let long = prefix(&format!("/{}", "l".repeat(70_000)));
        let (block, _) = index(&[long.clone(), prefix("/l")]);
        assert_eq!(found(&block, long.as_str()), [0]);
    }
}
