//! From a host name to its table in one probe: one cache line to find the host, one more to see
//! that it is the right one.
//!
//! Hosts are spread over shards by their hash, and in a shard over buckets of one cache line each:
//! seven pointers and seven bytes of fingerprint. Shards are shared between tables, so that a change
//! to one host copies its shard and the list of shards, about `2 * sqrt(hosts)` pointers, and not
//! the whole index. (A full copy of 100,000 pointers takes milliseconds: each clone of an `Arc`
//! writes to a cold line.)

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use ahash::RandomState;

use super::HostPattern;
use super::name::{MAX_NAME, is_label};
use crate::table::{HostTable, Wildcards};

const SLOTS: usize = 7;
/// Hosts per bucket that a shard is laid out for: some room, so that few spill over.
const LOAD: usize = 5;

pub(crate) struct HostIndex {
    shards: Box<[Arc<[Bucket]>]>,
    /// The shard of a hash is in its topmost bits; so many, less one.
    shard_bits: u32,
    state: RandomState,
    any: Option<HostTable>,
    hosts: usize,
    wildcards: usize,
}

/// One cache line.
#[repr(align(64))]
#[derive(Clone, Default)]
struct Bucket {
    /// Fingerprints of the slots, 0 for an empty one; the last byte says that more hosts of this
    /// bucket stand in the next.
    tags: [u8; SLOTS + 1],
    slots: [Option<HostTable>; SLOTS],
}

/// A host name, made ready for probing.
#[derive(Debug)]
pub(crate) struct Needle<'h> {
    name: &'h [u8],
    hash: u64,
}

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = LOW_BITS << 7;
/// Keeps the wildcard `*.a` apart from the host `a`.
const WILDCARD: u64 = 1 << 32;

impl HostIndex {
    pub(crate) fn new(seeds: [u64; 4]) -> Self {
        let [a, b, c, d] = seeds;
        Self {
            shards: Box::new([empty_shard()]),
            shard_bits: 0,
            state: RandomState::with_seeds(a, b, c, d),
            any: None,
            hosts: 0,
            wildcards: 0,
        }
    }

    /// Makes a name ready, hashing it on the way; `None` when it is not in canonical form (or no name
    /// at all), so that it has to be brought into that form first.
    #[inline]
    pub(crate) fn needle<'h>(&self, name: &'h [u8]) -> Option<Needle<'h>> {
        let mut odd = 0;
        let hash = hash(&self.state, name, 0, |word| odd |= outside(word))?;
        let dotted = name.last() == Some(&b'.');
        (odd == 0 && !dotted).then_some(Needle { name, hash })
    }

    #[inline]
    pub(crate) fn exact(&self, needle: &Needle<'_>) -> Option<&HostTable> {
        self.probe(needle.hash, needle.name, false)
    }

    /// The wildcards that mean the name, the longest suffix first.
    pub(crate) fn wildcards<'t, 'n>(
        &'t self,
        needle: &'n Needle<'_>,
        reading: Wildcards,
    ) -> impl Iterator<Item = &'t HostTable> + use<'t, 'n> {
        let name = if self.wildcards == 0 || needle.name.len() > MAX_NAME { &b""[..] } else { needle.name };
        let depth = match reading {
            Wildcards::Dead => 0,
            Wildcards::OneLabel => 1,
            Wildcards::ManyLabels => usize::MAX,
        };
        let mut rest = name;
        std::iter::from_fn(move || {
            let dot = rest.iter().position(|&byte| byte == b'.')?;
            let (label, suffix) = (rest.get(..dot)?, rest.get(dot + 1..)?);
            rest = suffix;
            // What stands for the `*` must be a name; what stands behind it is equal to one.
            is_label(label).then_some(suffix)
        })
        .take(depth)
        .filter_map(|suffix| self.probe(hash(&self.state, suffix, WILDCARD, |_| ())?, suffix, true))
    }

    pub(crate) fn any(&self) -> Option<&HostTable> {
        self.any.as_ref()
    }

    pub(crate) fn get(&self, pattern: &HostPattern) -> Option<&HostTable> {
        if pattern.is_any() {
            return self.any();
        }
        self.probe(self.hash_of(pattern), pattern.suffix().as_bytes(), pattern.is_wildcard())
    }

    #[inline]
    fn probe(&self, hash: u64, text: &[u8], wildcard: bool) -> Option<&HostTable> {
        let shard = self.shards.get(self.shard_of(hash))?;
        let mut at = bucket_of(hash, shard.len());
        // A shard has fewer buckets than hosts; one round is enough even if every one of them spilt.
        for _ in 0..shard.len() {
            let bucket = shard.get(at)?;
            let tags = u64::from_le_bytes(bucket.tags);
            let mut hits = zero_bytes(tags ^ (u64::from(tag_of(hash)) * LOW_BITS)) & (u64::MAX >> 8);
            while hits != 0 {
                let slot = (hits.trailing_zeros() / 8) as usize;
                if let Some(Some(host)) = bucket.slots.get(slot)
                    && host.key() == text
                    && host.is_wildcard() == wildcard
                {
                    return Some(host);
                }
                hits &= hits - 1;
            }
            if tags >> 56 == 0 {
                return None;
            }
            at = if at + 1 == shard.len() { 0 } else { at + 1 };
        }
        None
    }

    #[inline]
    fn shard_of(&self, hash: u64) -> usize {
        // Shifting by all 64 bits is not defined, hence in two steps.
        ((hash >> 1) >> (63 - self.shard_bits)) as usize
    }

    fn hash_of(&self, pattern: &HostPattern) -> u64 {
        let kind = if pattern.is_wildcard() { WILDCARD } else { 0 };
        hash(&self.state, pattern.suffix().as_bytes(), kind, |_| ()).unwrap_or(0)
    }

    pub(crate) fn len(&self) -> usize {
        self.hosts + usize::from(self.any.is_some())
    }

    /// All hosts, in no meaningful order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &HostTable> {
        let slots = self
            .shards
            .iter()
            .flat_map(|shard| shard.iter())
            .flat_map(|bucket| bucket.slots.iter().flatten());
        self.any.iter().chain(slots)
    }

    /// The index after some hosts changed (`Some`) or went away (`None`). Shards that hold none of
    /// them are shared with this index.
    pub(crate) fn updated(&self, changes: BTreeMap<HostPattern, Option<HostTable>>) -> Self {
        let mut next = Self {
            shards: Box::default(),
            shard_bits: self.shard_bits,
            state: self.state.clone(),
            any: self.any.clone(),
            hosts: self.hosts,
            wildcards: self.wildcards,
        };
        let mut by_shard: BTreeMap<usize, BTreeMap<HostPattern, Option<HostTable>>> = BTreeMap::new();
        for (pattern, change) in changes {
            if pattern.is_any() {
                next.any = change;
                continue;
            }
            let (before, after) = (self.get(&pattern).is_some(), change.is_some());
            next.hosts = next.hosts + usize::from(after) - usize::from(before);
            if pattern.is_wildcard() {
                next.wildcards = next.wildcards + usize::from(after) - usize::from(before);
            }
            by_shard.entry(self.shard_of(self.hash_of(&pattern))).or_default().insert(pattern, change);
        }
        let wanted = shard_bits_for(next.hosts);
        if wanted.abs_diff(self.shard_bits) > 1 || wanted == 0 && self.shard_bits != 0 {
            let kept = |host: &&HostTable| {
                let shard = self.shard_of(self.hash_of(host.pattern()));
                !by_shard.get(&shard).is_some_and(|changes| changes.contains_key(host.pattern()))
            };
            let old = self.iter().filter(|host| !host.pattern().is_any()).filter(kept).cloned();
            let hosts: Vec<_> =
                old.chain(by_shard.values().flat_map(BTreeMap::values).flatten().cloned()).collect();
            next.shard_bits = wanted;
            next.fill(hosts);
            return next;
        }
        next.shards = self.shards.clone();
        for (at, changes) in by_shard {
            let Some(shard) = next.shards.get_mut(at) else { continue };
            let kept = shard
                .iter()
                .flat_map(|bucket| bucket.slots.iter().flatten())
                .filter(|host| !changes.contains_key(host.pattern()))
                .cloned();
            let hosts: Vec<_> = kept.chain(changes.values().flatten().cloned()).collect();
            *shard = self.shard_with(hosts);
        }
        next
    }

    fn fill(&mut self, hosts: Vec<HostTable>) {
        let mut by_shard: Vec<Vec<HostTable>> = (0..1usize << self.shard_bits).map(|_| Vec::new()).collect();
        for host in hosts {
            if let Some(shard) = by_shard.get_mut(self.shard_of(self.hash_of(host.pattern()))) {
                shard.push(host);
            }
        }
        self.shards = by_shard.into_iter().map(|hosts| self.shard_with(hosts)).collect();
    }

    fn shard_with(&self, hosts: Vec<HostTable>) -> Arc<[Bucket]> {
        let mut buckets = vec![Bucket::default(); hosts.len().div_ceil(LOAD).max(1)];
        let count = buckets.len();
        for mut host in hosts {
            let hash = self.hash_of(host.pattern());
            let mut at = bucket_of(hash, count);
            // There are fewer hosts than slots, so one of the buckets has room.
            while let Some(bucket) = buckets.get_mut(at) {
                match bucket.put(host, tag_of(hash)) {
                    Ok(()) => break,
                    Err(full) => host = full,
                }
                at = (at + 1) % count;
            }
        }
        buckets.into()
    }

    pub(crate) fn memory_usage(&self) -> usize {
        size_of_val(&*self.shards) + self.shards.iter().map(|shard| 64 + size_of_val(&**shard)).sum::<usize>()
    }
}

impl Bucket {
    /// Takes the host in, or gives it back and notes that it stands further on.
    fn put(&mut self, host: HostTable, tag: u8) -> Result<(), HostTable> {
        for (slot, held) in self.slots.iter_mut().zip(&mut self.tags) {
            if slot.is_none() {
                *slot = Some(host);
                *held = tag;
                return Ok(());
            }
        }
        let [.., spilt] = &mut self.tags;
        *spilt = 1;
        Err(host)
    }
}

impl Default for HostIndex {
    fn default() -> Self {
        Self::new([0; 4])
    }
}

impl fmt::Debug for HostIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostIndex")
            .field("hosts", &self.len())
            .field("shards", &self.shards.len())
            .finish_non_exhaustive()
    }
}

fn empty_shard() -> Arc<[Bucket]> {
    Arc::new([Bucket::default()])
}

/// About as many shards as there are hosts in each: then a change copies the least.
fn shard_bits_for(hosts: usize) -> u32 {
    (usize::BITS - hosts.leading_zeros()).div_ceil(2).saturating_sub(1)
}

#[inline(always)]
fn bucket_of(hash: u64, buckets: usize) -> usize {
    // The low half of the hash as a fraction of 2^32, times the number of buckets.
    (((hash & 0xffff_ffff) * buckets as u64) >> 32) as usize
}

/// Bits that neither the shard nor the bucket was chosen by; never 0, which is an empty slot.
#[inline(always)]
const fn tag_of(hash: u64) -> u8 {
    ((hash >> 32) as u8) | 1
}

/// Marks each zero byte of `word`, and only those.
#[inline(always)]
const fn zero_bytes(word: u64) -> u64 {
    let low = LOW_BITS * 0x7f;
    !(((word & low) + low) | word | low)
}

/// Marks bytes that a name in canonical form does not have: `:` to `Z`, and what is not ASCII. All
/// others either stand in names, or make the name differ from every name that there is.
#[inline(always)]
const fn outside(word: u64) -> u64 {
    let seven = word & (LOW_BITS * 0x7f);
    let from_colon = seven + LOW_BITS * (0x80 - b':' as u64);
    let past_z = seven + LOW_BITS * (0x80 - (b'Z' + 1) as u64);
    (from_colon & !past_z | word) & HIGH_BITS
}

/// Hashes a name word by word, showing each word to `look` on the way. `None` for the empty name.
#[inline(always)]
fn hash(state: &RandomState, name: &[u8], kind: u64, mut look: impl FnMut(u64)) -> Option<u64> {
    let mut hasher = state.build_hasher();
    let mut feed = |word: u64| {
        look(word);
        hasher.write_u64(word);
    };
    let mut rest = name;
    while let Some((eight, after)) = rest.split_first_chunk::<8>() {
        feed(u64::from_le_bytes(*eight));
        rest = after;
    }
    if !rest.is_empty() {
        // The last word overlaps the one before it, unless the name is shorter than a word.
        feed(match name.last_chunk::<8>() {
            Some(eight) => u64::from_le_bytes(*eight),
            None => rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
        });
    }
    if name.is_empty() {
        return None;
    }
    hasher.write_u64(name.len() as u64 | kind);
    Some(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_classified_byte_by_byte() {
        for byte in 0..=255u8 {
            let odd = byte >= 0x80 || (b':'..=b'Z').contains(&byte);
            for lane in 0..8 {
                let mut word = [b'a'; 8];
                word[lane] = byte;
                assert_eq!(outside(u64::from_le_bytes(word)) != 0, odd, "{byte:#x} in lane {lane}");
            }
        }
    }

    #[test]
    fn zero_bytes_are_marked_exactly() {
        for word in [0, 1, u64::MAX, 0x0100, 0x0001_0000_0080_ff00, 0x8000_0000_0000_0000] {
            let marked: Vec<bool> = zero_bytes(word).to_le_bytes().iter().map(|byte| *byte != 0).collect();
            let zero: Vec<bool> = word.to_le_bytes().iter().map(|byte| *byte == 0).collect();
            assert_eq!(marked, zero, "{word:#x}");
        }
    }

    #[test]
    fn shards_grow_with_the_root() {
        assert_eq!(shard_bits_for(0), 0);
        assert_eq!(shard_bits_for(100), 3);
        assert_eq!(shard_bits_for(100_000), 8);
        assert_eq!(size_of::<Bucket>(), 64);
    }
}
