//! All ports that have been asked for, found without a lock.
//!
//! Readers load one part of the table and search it. Who adds or replaces a port copies its part, under
//! the part's lock, and swaps the copy in: 64 parts keep the copies small.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, Guard};
use hashbrown::HashTable;
use ingress_core::rule::ServiceRef;

use super::group::Group;

const PARTS: usize = 64;

/// The table.
#[derive(Debug)]
pub(super) struct Registry {
    parts: Box<[Part]>,
    /// Ports in one part.
    most: usize,
}

#[derive(Debug, Default)]
struct Part {
    groups: ArcSwap<Groups>,
    writing: Mutex<()>,
}

/// One part as it is published.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups(HashTable<(u64, Arc<Group>)>);

/// The right to change one part.
pub(super) struct Writer<'r> {
    part: &'r Part,
    most: usize,
    _guard: MutexGuard<'r, ()>,
}

impl Groups {
    #[inline]
    pub(super) fn find(&self, hash: u64, key: &ServiceRef) -> Option<&Arc<Group>> {
        self.0.find(hash, |(known, group)| *known == hash && group.key() == key).map(|(_, group)| group)
    }
}

impl Registry {
    /// With room for about so many ports.
    pub(super) fn new(capacity: usize) -> Self {
        let parts = std::iter::repeat_with(Part::default).take(PARTS).collect();
        Self { parts, most: capacity.div_ceil(PARTS).max(1) }
    }

    fn part(&self, hash: u64) -> Option<&Part> {
        // The table uses the lowest bits for places and the highest for tags.
        self.parts.get((hash >> 32) as usize % PARTS)
    }

    #[inline]
    pub(super) fn read(&self, hash: u64) -> Option<Guard<Arc<Groups>>> {
        self.part(hash).map(|part| part.groups.load())
    }

    pub(super) fn write(&self, hash: u64) -> Option<Writer<'_>> {
        let part = self.part(hash)?;
        let guard = part.writing.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Writer { part, most: self.most, _guard: guard })
    }

    /// How many ports are remembered.
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.groups.load().0.len()).sum()
    }
}

impl Writer<'_> {
    pub(super) fn groups(&self) -> Guard<Arc<Groups>> {
        self.part.groups.load()
    }

    /// Puts a port in, in the place of what it was before. `is_gone` tells of others that are of no more
    /// use; they are looked for whenever the part has doubled.
    pub(super) fn put(&self, hash: u64, group: Arc<Group>, is_gone: impl Fn(&Group) -> bool) {
        let mut groups = Groups::clone(&self.part.groups.load());
        Self::take_out(&mut groups, hash, group.key());
        let count = groups.0.len();
        if count >= self.most || count >= 8 && count.is_power_of_two() {
            groups.0.retain(|(_, group)| !is_gone(group));
        }
        if groups.0.len() >= self.most {
            // More ports in use than there is room for. What is forgotten are counts, no routes.
            groups.0.clear();
        }
        groups.0.insert_unique(hash, (hash, group), |(hash, _)| *hash);
        self.part.groups.store(Arc::new(groups));
    }

    pub(super) fn remove(&self, hash: u64, key: &ServiceRef) {
        if self.groups().find(hash, key).is_some() {
            let mut groups = Groups::clone(&self.part.groups.load());
            Self::take_out(&mut groups, hash, key);
            self.part.groups.store(Arc::new(groups));
        }
    }

    fn take_out(groups: &mut Groups, hash: u64, key: &ServiceRef) {
        if let Ok(entry) = groups.0.find_entry(hash, |(_, group)| group.key() == key) {
            entry.remove();
        }
    }
}
