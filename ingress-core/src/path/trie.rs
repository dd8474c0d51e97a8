//! The radix trie of one host: a read-only tree of bytes, laid out in one run.
//!
//! A table is looked at far more often than a processor's cache can hold it, so what counts is how
//! many cache lines a walk touches. Nodes are therefore bytes in depth-first order, without pointers
//! or padding, inside the block of their host (see `table::host`):
//!
//! ```text
//! head        1   bits: which ranks follow, whether there are children, widths
//! label       1+n length (0xff: four more bytes hold it) and text, without the byte that led here
//! ranks           literal, element, exact; each one varint, or, in a LIST node, a count and four
//!                 bytes each
//! children    1+n number less one, their first bytes in order,
//!             then for all but the first their distance from the end of this list, two or four bytes
//! ```
//!
//! The first child follows at once. Reads beyond the block give zero, which ends a walk: the builder
//! never makes such a node, and a mistake in it must not become a panic in somebody's proxy.

mod build;

pub(crate) use build::{Entry, Shadowed, build};

/// Bytes of zero that must follow a trie, so that a child list can be read eight at a time.
pub(crate) const PADDING: usize = 8;

const LITERAL: u8 = 1;
const ELEMENT: u8 = 2;
const EXACT: u8 = 4;
const CHILDREN: u8 = 8;
const WIDE: u8 = 16;
const LIST: u8 = 32;
const LONG_LABEL: u8 = 0xff;

/// Calls `visit` with the rank of every pattern that matches `path`, in no useful order.
///
/// With `FOLD` the trie holds lower-case text and the path is compared without case.
#[inline]
pub(crate) fn walk<const FOLD: bool>(block: &[u8], root: usize, path: &[u8], mut visit: impl FnMut(u32)) {
    let mut at = root;
    let mut rest = path;
    loop {
        let Some(&[head, length]) = block.get(at..).and_then(<[u8]>::first_chunk) else { return };
        at += 2;
        let length =
            if length == LONG_LABEL { read_u32(block, &mut at) as usize } else { usize::from(length) };
        let Some(label) = block.get(at..at + length) else { return };
        let Some((start, after)) = rest.split_at_checked(length) else { return };
        if !same::<FOLD>(start, label) {
            return;
        }
        rest = after;
        at += length;
        let next = rest.first().copied();
        if head & (LITERAL | ELEMENT | EXACT) != 0 {
            let applies = LITERAL
                | if next.is_none() { EXACT } else { 0 }
                | if matches!(next, None | Some(b'/')) { ELEMENT } else { 0 };
            for kind in [LITERAL, ELEMENT, EXACT] {
                if head & kind == 0 {
                    continue;
                }
                if head & LIST == 0 {
                    let rank = read_varint(block, &mut at);
                    if applies & kind != 0 {
                        visit(rank);
                    }
                } else {
                    for _ in 0..read_u32(block, &mut at) {
                        let rank = read_u32(block, &mut at);
                        if applies & kind != 0 {
                            visit(rank);
                        }
                    }
                }
            }
        }
        let Some(next) = next else { return };
        if head & CHILDREN == 0 {
            return;
        }
        let Some(child) =
            child(block, at, if FOLD { next.to_ascii_lowercase() } else { next }, head & WIDE != 0)
        else {
            return;
        };
        at = child;
        rest = rest.get(1..).unwrap_or_default();
    }
}

#[inline(always)]
fn same<const FOLD: bool>(path: &[u8], label: &[u8]) -> bool {
    if FOLD { path.eq_ignore_ascii_case(label) } else { path == label }
}

/// Finds the child that starts with `byte`: where its node is.
#[inline(always)]
fn child(block: &[u8], at: usize, byte: u8, wide: bool) -> Option<usize> {
    let count = usize::from(*block.get(at)?) + 1;
    let first = at + 1;
    let mut index = 0;
    while index < count {
        let eight = u64::from_le_bytes(*block.get(first + index..)?.first_chunk()?);
        let found = zero_byte(eight ^ (u64::from(byte) * LOW_BITS));
        if found != 0 {
            index += (found.trailing_zeros() / 8) as usize;
            break;
        }
        index += 8;
    }
    if index >= count {
        return None;
    }
    let offsets = first + count;
    let width = if wide { 4 } else { 2 };
    let nodes = offsets + (count - 1) * width;
    if index == 0 {
        return Some(nodes);
    }
    let mut offset = offsets + (index - 1) * width;
    let distance = if wide {
        read_u32(block, &mut offset) as usize
    } else {
        usize::from(u16::from_le_bytes(*block.get(offset..)?.first_chunk()?))
    };
    Some(nodes + distance)
}

const LOW_BITS: u64 = 0x0101_0101_0101_0101;

/// Marks the lowest zero byte of `word` with its high bit; marks above that one may be wrong.
#[inline(always)]
const fn zero_byte(word: u64) -> u64 {
    word.wrapping_sub(LOW_BITS) & !word & (LOW_BITS << 7)
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
