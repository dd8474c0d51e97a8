//! The radix trie of one host: a read-only tree of bytes, laid out in one run.
//!
//! A table is looked at far more often than a processor's cache can hold it, so what counts is how
//! many cache lines a walk touches. Nodes are therefore bytes in depth-first order, without pointers
//! or padding, inside the block of their host (see `table::host`):
//!
//! ```text
//! head        1   bits: which ranks follow and how, width of distances, number of children up to 6
//! label       1+n length (0xff: four more bytes hold it) and text, without the byte that led here
//! ranks           literal, element, exact; each one varint, or, in a LIST node, a count and four
//!                 bytes each
//! children        if there are 7 or more: their number less one, in a byte;
//!             n   their first bytes in order,
//!             then for each its distance from the end of its first bytes, two or four bytes
//! ```
//!
//! The root alone has a label that starts at its first byte. Reads beyond the block give zero, which ends a walk: the builder
//! never makes such a node, and a mistake in it must not become a panic in somebody's proxy.

mod build;

use wide::u8x16;

use crate::words::{Text, equal, equal_folded, to_lower, word_at};

pub(crate) use build::{Entry, Shadowed, build, sort_out};

/// Bytes of zero that must follow a block, so that it can be read in words and lanes to its end.
pub(crate) const PADDING: usize = 16;

const LITERAL: u8 = 1;
const ELEMENT: u8 = 2;
const EXACT: u8 = 4;
const LIST: u8 = 8;
const WIDE: u8 = 16;
const RANKS: u8 = LITERAL | ELEMENT | EXACT;
const RANKS_IN_ORDER: [u8; 3] = [LITERAL, ELEMENT, EXACT];
/// The topmost three bits of a head count the children; more than fit are counted in a byte of their own.
const CHILDREN_SHIFT: u32 = 5;
const MANY_CHILDREN: usize = 7;
const LONG_LABEL: u8 = 0xff;
/// What fits beside head and length into one word.
const SHORT_LABEL: usize = 6;

/// Calls `visit` with the rank of every pattern that matches `path`, in no useful order.
///
/// With `FOLD` the trie holds lower-case text and the path is compared without case.
#[inline]
pub(crate) fn walk<const FOLD: bool>(block: &[u8], root: usize, path: &[u8], mut visit: impl FnMut(u32)) {
    let mut short = [0; 8];
    let words = Text::new(path, &mut short);
    let mut at = root;
    let mut done = 0;
    // One load brings the head of a node and, mostly, its whole label.
    while let Some(node) = word_at(block, at) {
        let head = node as u8;
        let mut length = usize::from((node >> 8) as u8);
        let ahead = word::<FOLD>(words, done);
        let next;
        if length <= SHORT_LABEL {
            // All bits of the difference but those of the label are shifted out.
            if ((ahead ^ node >> 16) << 16) << (8 * (SHORT_LABEL - length)) != 0 {
                return;
            }
            next = (ahead >> (8 * length)) as u8;
            at += 2 + length;
            done += length;
        } else {
            at += 2;
            if length == usize::from(LONG_LABEL) {
                length = read_u32(block, &mut at) as usize;
            }
            if !is_next::<FOLD>(path, done, block, at, length) {
                return;
            }
            at += length;
            done += length;
            next = word::<FOLD>(words, done) as u8;
        }
        // A label holds no zero, so where it was equal the path had not ended.
        let ended = done >= path.len();
        if head & RANKS != 0 {
            let applies =
                LITERAL | if ended { EXACT } else { 0 } | if ended | (next == b'/') { ELEMENT } else { 0 };
            if head & LIST != 0 {
                read_lists(block, &mut at, head, applies, &mut visit);
            } else {
                for kind in RANKS_IN_ORDER {
                    if head & kind != 0 {
                        let rank = read_varint(block, &mut at);
                        if applies & kind != 0 {
                            visit(rank);
                        }
                    }
                }
            }
        }
        let children = usize::from(head >> CHILDREN_SHIFT);
        if ended || children == 0 {
            return;
        }
        let Some(child) = child(block, at, children, next, head & WIDE != 0) else { return };
        at = child;
        done += 1;
    }
}

/// The next eight bytes of the path, as labels spell them.
#[inline(always)]
fn word<const FOLD: bool>(path: Text<'_>, at: usize) -> u64 {
    if FOLD { to_lower(path.word_at(at)) } else { path.word_at(at) }
}

/// Whether the path goes on with a label too long for one word.
#[inline]
fn is_next<const FOLD: bool>(path: &[u8], from: usize, block: &[u8], label: usize, length: usize) -> bool {
    let (Some(ahead), Some(label)) = (path.get(from..from + length), block.get(label..label + length)) else {
        return false;
    };
    if FOLD { equal_folded(label, ahead) } else { equal(ahead, label) }
}

#[cold]
fn read_lists(block: &[u8], at: &mut usize, head: u8, applies: u8, visit: &mut impl FnMut(u32)) {
    for kind in RANKS_IN_ORDER {
        if head & kind == 0 {
            continue;
        }
        for _ in 0..read_u32(block, at) {
            let rank = read_u32(block, at);
            if applies & kind != 0 {
                visit(rank);
            }
        }
    }
}

/// Finds the child that starts with `byte`: where its node is.
#[inline(always)]
fn child(block: &[u8], mut at: usize, mut count: usize, byte: u8, wide: bool) -> Option<usize> {
    if count == MANY_CHILDREN {
        count = usize::from(*block.get(at)?) + 1;
        at += 1;
    }
    let wanted = u8x16::splat(byte);
    let mut index = 0;
    loop {
        let lanes = u8x16::new(*block.get(at + index..)?.first_chunk()?);
        let found = lanes.simd_eq(wanted).to_bitmask();
        if found != 0 {
            index += found.trailing_zeros() as usize;
            break;
        }
        index += 16;
        if index >= count {
            return None;
        }
    }
    // Behind the first bytes stand others, which may be equal.
    if index >= count {
        return None;
    }
    let distances = at + count;
    let distance = if wide {
        read_u32(block, &mut (distances + 4 * index)) as usize
    } else {
        usize::from(u16::from_le_bytes(*block.get(distances + 2 * index..)?.first_chunk()?))
    };
    Some(distances + distance)
}

#[inline(always)]
fn read_u32(block: &[u8], at: &mut usize) -> u32 {
    let value = block.get(*at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes));
    *at += 4;
    value
}

#[inline(always)]
fn read_varint(block: &[u8], at: &mut usize) -> u32 {
    let mut value = 0;
    let mut shift = 0;
    loop {
        let byte = block.get(*at).copied().unwrap_or(0);
        *at += 1;
        value |= u32::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 || shift > 28 {
            return value;
        }
    }
}
