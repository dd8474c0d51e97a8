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
use super::name::{HostName, MAX_NAME, is_label, is_word};
use crate::table::{HostReading, HostTable, Wildcards};
use crate::words::{LOW_BITS, zeros};

const SLOTS: usize = 7;
/// Hosts per bucket that a shard is laid out for: some room, so that few spill over.
const LOAD: usize = 4;

pub(crate) struct HostIndex {
    shards: Box<[Arc<[Bucket]>]>,
    /// The logarithm of their number.
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

/// What the last byte of `tags` says; no fingerprint is even.
const SPILT: u64 = 2 << 56;
/// Keeps the wildcard `*.a` apart from the host `a`.
const WILDCARD: u64 = 1 << 32;

impl<'h> Needle<'h> {
    /// The name, if it is one.
    pub(crate) fn host(&self, reading: HostReading) -> Option<HostName<'h>> {
        reading.name_in_form(str::from_utf8(self.name).ok()?)
    }
}

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

    /// Makes a name ready.
    #[inline(always)]
    pub(crate) fn needle<'h>(&self, name: &'h [u8]) -> Needle<'h> {
        Needle { name, hash: hash(&self.state, name, 0) }
    }

    #[inline(always)]
    pub(crate) fn exact(&self, needle: &Needle<'_>) -> Option<&HostTable> {
        self.probe(needle.hash, needle.name, false)
    }

    /// The wildcards that mean the name, the longest suffix first.
    pub(crate) fn wildcards<'t, 'n>(
        &'t self,
        needle: &'n Needle<'_>,
        reading: HostReading,
    ) -> impl Iterator<Item = &'t HostTable> + use<'t, 'n> {
        let too_long = needle.name.len() > MAX_NAME && !reading.is_lenient();
        let name = if self.wildcards == 0 || too_long { &b""[..] } else { needle.name };
        let depth = match reading.wildcards() {
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
            let is_name = if reading.is_lenient() { is_word(label) } else { is_label(label) };
            is_name.then_some(suffix)
        })
        .take(depth)
        .filter_map(|suffix| self.probe(hash(&self.state, suffix, WILDCARD), suffix, true))
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

    #[inline(always)]
    fn probe(&self, hash: u64, text: &[u8], wildcard: bool) -> Option<&HostTable> {
        let shard = self.shards.get(shard_of(hash, self.shards.len()))?;
        let at = bucket_of(hash, shard.len());
        let bucket = shard.get(at)?;
        match bucket.find(tag_of(hash), text, wildcard) {
            None if bucket.has_spilt() => Self::probe_on(shard, at, hash, text, wildcard),
            found => found,
        }
    }

    /// Goes on behind a bucket that could not hold all its hosts.
    #[cold]
    fn probe_on<'t>(
        shard: &'t [Bucket],
        first: usize,
        hash: u64,
        text: &[u8],
        wildcard: bool,
    ) -> Option<&'t HostTable> {
        let (before, behind) = shard.split_at_checked(first + 1)?;
        for bucket in behind.iter().chain(before) {
            let found = bucket.find(tag_of(hash), text, wildcard);
            if found.is_some() || !bucket.has_spilt() {
                return found;
            }
        }
        None
    }

    fn hash_of(&self, pattern: &HostPattern) -> u64 {
        let kind = if pattern.is_wildcard() { WILDCARD } else { 0 };
        hash(&self.state, pattern.suffix().as_bytes(), kind)
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
            let shard = shard_of(self.hash_of(&pattern), self.shards.len());
            by_shard.entry(shard).or_default().insert(pattern, change);
        }
        let wanted = shard_bits_for(next.hosts);
        if wanted.abs_diff(self.shard_bits) > 1 || wanted == 0 && self.shard_bits != 0 {
            let kept = |host: &&HostTable| {
                let shard = shard_of(self.hash_of(host.pattern()), self.shards.len());
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
        let count = 1usize << self.shard_bits;
        let mut by_shard: Vec<Vec<HostTable>> = (0..count).map(|_| Vec::new()).collect();
        for host in hosts {
            if let Some(shard) = by_shard.get_mut(shard_of(self.hash_of(host.pattern()), count)) {
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
    #[inline(always)]
    fn find(&self, tag: u8, text: &[u8], wildcard: bool) -> Option<&HostTable> {
        // Fingerprints are odd: neither an empty slot nor the last byte is mistaken for one.
        let mut hits = zeros(u64::from_le_bytes(self.tags) ^ (u64::from(tag) * LOW_BITS));
        while hits != 0 {
            let slot = (hits.trailing_zeros() / 8) as usize;
            if let Some(Some(host)) = self.slots.get(slot)
                && host.is_for(text, wildcard)
            {
                return Some(host);
            }
            hits &= hits - 1;
        }
        None
    }

    #[inline(always)]
    const fn has_spilt(&self) -> bool {
        u64::from_le_bytes(self.tags) & SPILT != 0
    }

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
        *spilt = (SPILT >> 56) as u8;
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

/// The number of shards is a power of two.
#[inline(always)]
fn shard_of(hash: u64, shards: usize) -> usize {
    // Of the topmost 24 bits; no table has more shards than these can tell apart.
    (hash >> 40) as usize & shards.wrapping_sub(1)
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

/// Hashes a name word by word.
#[inline(always)]
fn hash(state: &RandomState, name: &[u8], kind: u64) -> u64 {
    let mut hasher = state.build_hasher();
    let mut rest = name;
    while let Some((eight, after @ [_, ..])) = rest.split_first_chunk::<8>() {
        hasher.write_u64(u64::from_le_bytes(*eight));
        rest = after;
    }
    // The last word may overlap the one before it; a name shorter than a word makes up a word of its own.
    let last = match name.last_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => name.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    hasher.write_u64(last ^ (name.len() as u64 | kind).rotate_right(16));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_grow_with_the_root() {
        assert_eq!(shard_bits_for(0), 0);
        assert_eq!(shard_bits_for(100), 3);
        assert_eq!(shard_bits_for(100_000), 8);
        assert_eq!(size_of::<Bucket>(), 64);
    }
}
