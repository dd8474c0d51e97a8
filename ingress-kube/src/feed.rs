//! The order of events of one kind: which objects a list has named so far, and whether one ever ended.

use std::collections::BTreeSet;

/// One kind's feed, by the keys of its objects.
#[derive(Debug)]
pub(crate) struct Feed<K> {
    /// What the list that is under way has named; `None` between lists.
    seen: Option<BTreeSet<K>>,
    listed: bool,
}

impl<K: Ord> Feed<K> {
    pub(crate) const fn new() -> Self {
        Self { seen: None, listed: false }
    }

    /// A list begins. One that was under way has ended without an end, and is forgotten.
    pub(crate) fn begin(&mut self) {
        self.seen = Some(BTreeSet::new());
    }

    /// A list names an object. If none was begun, this one begins it.
    pub(crate) fn name(&mut self, key: K) {
        self.seen.get_or_insert_default().insert(key);
    }

    /// An object changed besides a list. While one is under way, that names it as well.
    pub(crate) fn applied(&mut self, key: K) {
        if let Some(seen) = &mut self.seen {
            seen.insert(key);
        }
    }

    /// An object is gone.
    pub(crate) fn deleted(&mut self, key: &K) {
        if let Some(seen) = &mut self.seen {
            seen.remove(key);
        }
    }

    /// The list is complete: what it named. `None` if none was begun; then nothing follows about
    /// anything.
    pub(crate) fn end(&mut self) -> Option<BTreeSet<K>> {
        self.listed = true;
        self.seen.take()
    }

    /// Whether a list was ever complete.
    pub(crate) const fn is_listed(&self) -> bool {
        self.listed
    }
}
