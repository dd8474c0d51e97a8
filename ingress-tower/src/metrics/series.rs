//! Handles of a recorder by their labels.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, PoisonError, RwLock};

use ::metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, SharedString, Unit,
};

/// So many shards: as many requests may end at the same moment without one waiting for another.
const SHARDS: usize = 16;
/// So many handles in a shard at most. Then it starts anew, and asks the recorder again: labels of routes
/// that are long gone are forgotten, and the recorder still has every count.
const FULL: usize = 4096;

const METADATA: Metadata<'static> =
    Metadata::new("ingress_tower", Level::INFO, Some("ingress_tower::metrics"));

/// The program's recorder, or one of its own.
#[derive(Clone, Default)]
pub(super) struct Recording(Option<Arc<dyn Recorder + Send + Sync>>);

impl Recording {
    pub(super) fn to(recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        Self(Some(recorder))
    }

    fn with<T>(&self, work: impl FnOnce(&dyn Recorder) -> T) -> T {
        match &self.0 {
            Some(recorder) => work(&**recorder),
            None => ::metrics::with_recorder(|recorder| work(recorder)),
        }
    }

    pub(super) fn counter(&self, name: &'static str, labels: Vec<Label>) -> Counter {
        self.with(|recorder| recorder.register_counter(&Key::from_parts(name, labels), &METADATA))
    }

    pub(super) fn gauge(&self, name: &'static str, labels: Vec<Label>) -> Gauge {
        self.with(|recorder| recorder.register_gauge(&Key::from_parts(name, labels), &METADATA))
    }

    pub(super) fn histogram(&self, name: &'static str, labels: Vec<Label>) -> Histogram {
        self.with(|recorder| recorder.register_histogram(&Key::from_parts(name, labels), &METADATA))
    }

    pub(super) fn describe_counter(&self, name: &'static str, text: &'static str) {
        let name = KeyName::from_const_str(name);
        self.with(|recorder| {
            recorder.describe_counter(name, Some(Unit::Count), SharedString::const_str(text));
        });
    }

    pub(super) fn describe_gauge(&self, name: &'static str, unit: Unit, text: &'static str) {
        let name = KeyName::from_const_str(name);
        self.with(|recorder| recorder.describe_gauge(name, Some(unit), SharedString::const_str(text)));
    }

    pub(super) fn describe_histogram(&self, name: &'static str, unit: Unit, text: &'static str) {
        let name = KeyName::from_const_str(name);
        self.with(|recorder| recorder.describe_histogram(name, Some(unit), SharedString::const_str(text)));
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Recording(own)" } else { "Recording(global)" })
    }
}

/// What was registered already. To ask a recorder means to write all labels out as text, which takes longer
/// than many a lookup in the route table.
///
/// Locks for reading, spread over shards, and not one swapped map as for routes: there one map is made
/// for thousands of requests, here each new entry would copy all others, while a request waits.
pub(super) struct Series<K, V> {
    shards: [RwLock<HashMap<K, V>>; SHARDS],
    hasher: RandomState,
}

impl<K: Eq + Hash, V: Clone> Series<K, V> {
    pub(super) fn new() -> Self {
        Self { shards: Default::default(), hasher: RandomState::new() }
    }

    /// The handle with these labels. `register` may be called by two threads at once, which does no harm:
    /// a recorder gives both the same.
    pub(super) fn handle(&self, key: K, register: impl FnOnce(&K) -> V) -> V {
        let shard = self.hasher.hash_one(&key) as usize % SHARDS;
        let Some(shard) = self.shards.get(shard) else { return register(&key) };
        // A panic elsewhere has left a map that is as good as before.
        if let Some(known) = shard.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let handle = register(&key);
        let mut known = shard.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= FULL {
            known.clear();
        }
        known.insert(key, handle.clone());
        handle
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }
}

impl<K, V> fmt::Debug for Series<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Series")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_registered_once_and_memory_is_bounded() {
        let series = Series::new();
        assert_eq!(series.handle("a", |_| 1), 1);
        assert_eq!(series.handle("a", |_| 2), 1);
        let series = Series::new();
        for key in 0..3 * SHARDS * FULL {
            assert_eq!(series.handle(key, |key| *key), key);
            assert!(series.len() <= SHARDS * FULL || key % 1000 != 0);
        }
        assert!(series.len() <= SHARDS * FULL && series.len() > FULL);
    }
}
