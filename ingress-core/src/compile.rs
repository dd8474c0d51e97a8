//! From objects to tables, one change at a time.

mod config;
mod host;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use config::Config;

use crate::diagnostic::Diagnostic;
use crate::dialect::{Contributions, ContributionsByHost, Dialect, Surroundings, annotations};
use crate::host::HostPattern;
use crate::host::index::HostIndex;
use crate::ingress::{ClassSelector, Ingress, Selection, class_conflict};
use crate::origin::IngressId;
use crate::table::{HostTable, OddHosts, Prepared, RouteTable, Semantics};

/// Turns Ingress objects into route tables, and keeps up with their changes.
///
/// Compilation is total. What is wrong with an object becomes [diagnostics](Self::diagnostics); the
/// rest of it, and every other object, is served. Only hosts whose rules changed are built anew; all
/// others share their memory with the previous table.
///
/// ```
/// use ingress_core::{Compiler, IngressId, dialect::Kubernetes};
/// # let shop: k8s_openapi::api::networking::v1::Ingress = serde_json::from_value(serde_json::json!({
/// #     "metadata": {"name": "web", "namespace": "shop"},
/// #     "spec": {"rules": [{"host": "shop.example.com", "http": {"paths": [
/// #         {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
/// #     ]}}]}
/// # })).unwrap();
///
/// let mut compiler = Compiler::new(Kubernetes);
/// assert!(compiler.upsert(&shop).any());
/// let table = compiler.compile();
/// assert_eq!(table.rule_count(), 1);
///
/// // The same object once more changes nothing, and the table stays the very same.
/// assert!(!compiler.upsert(&shop).any());
/// assert!(std::sync::Arc::ptr_eq(&table, &compiler.compile()));
///
/// compiler.remove(&IngressId::new("shop", "web"));
/// assert_eq!(compiler.compile().rule_count(), 0);
/// ```
#[derive(Debug)]
pub struct Compiler {
    dialect: Box<dyn Dialect>,
    config: Config,
    objects: BTreeMap<IngressId, Object>,
    hosts: BTreeMap<HostPattern, Host>,
    dirty: BTreeSet<HostPattern>,
    surroundings: Surroundings,
    /// Of a dialect that reads all objects at once: whether something changed, and what it found.
    stale: bool,
    whole_diagnostics: Vec<Diagnostic>,
    table: Arc<RouteTable>,
}

/// An object and what the dialect made of it.
#[derive(Debug)]
struct Object {
    ingress: Ingress,
    selection: Selection,
    contributions: ContributionsByHost,
    diagnostics: Vec<Diagnostic>,
}

/// A host: who contributes to it, and what came of it.
#[derive(Debug, Default)]
struct Host {
    contributors: BTreeSet<IngressId>,
    diagnostics: Vec<Diagnostic>,
}

/// How many hosts a change touched.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Change {
    hosts: usize,
}

impl Change {
    /// The number of hosts whose rules changed.
    pub fn hosts(self) -> usize {
        self.hosts
    }

    /// Whether any did.
    pub fn any(self) -> bool {
        self.hosts > 0
    }
}

impl Compiler {
    /// A compiler without objects.
    pub fn new(dialect: impl Dialect) -> Self {
        Self::with_config(dialect, Config::default())
    }

    /// A compiler with settings.
    pub fn with_config(dialect: impl Dialect, config: Config) -> Self {
        let index = HostIndex::new(config.seeds());
        let mut dirty = BTreeSet::new();
        if config.has_default_backend() {
            dirty.insert(HostPattern::any());
        }
        let table = Arc::new(RouteTable::new(
            (index, OddHosts::default()),
            dialect.semantics(),
            dialect.name(),
            config.certificate().cloned(),
            0,
        ));
        Self {
            dialect: Box::new(dialect),
            config,
            objects: BTreeMap::new(),
            hosts: BTreeMap::new(),
            dirty,
            surroundings: Surroundings::default(),
            stale: true,
            whole_diagnostics: Vec::new(),
            table,
        }
    }

    /// Adds an object, or puts it in the place of the one with its name.
    pub fn upsert(&mut self, ingress: impl Into<Ingress>) -> Change {
        let ingress = ingress.into();
        let id = ingress.id().clone();
        if self.objects.get(&id).is_some_and(|object| object.ingress == ingress) {
            return Change::default();
        }
        let object = self.read(ingress);
        self.replace(id, Some(object))
    }

    /// Takes an object away.
    pub fn remove(&mut self, id: &IngressId) -> Change {
        self.replace(id.clone(), None)
    }

    /// Takes away all objects but those that `keep` says yes to.
    pub fn retain(&mut self, mut keep: impl FnMut(&IngressId) -> bool) -> Change {
        let gone: Vec<_> = self.objects.keys().filter(|id| !keep(id)).cloned().collect();
        let hosts = gone.into_iter().map(|id| self.replace(id, None).hosts).sum();
        Change { hosts }
    }

    /// Decides anew which objects are ours.
    pub fn set_classes(&mut self, classes: ClassSelector) -> Change {
        self.config.set_classes(classes);
        let ids: Vec<_> = self.objects.keys().cloned().collect();
        let mut hosts = 0;
        for id in ids {
            let Some(object) = self.objects.get(&id) else { continue };
            if self.dialect.select(&object.ingress, self.config.class_selector()) != object.selection {
                let object = self.read(object.ingress.clone());
                hosts += self.replace(id, Some(object)).hosts;
            }
        }
        Change { hosts }
    }

    /// Sets what stands around the objects, for dialects that look at it.
    pub fn set_surroundings(&mut self, surroundings: Surroundings) -> Change {
        if self.dialect.whole().is_none() || self.surroundings == surroundings {
            return Change::default();
        }
        self.surroundings = surroundings;
        self.stale = true;
        Change { hosts: self.table.host_count().max(1) }
    }

    fn read(&self, ingress: Ingress) -> Object {
        let selection = self.dialect.select(&ingress, self.config.class_selector());
        let mut diagnostics = Vec::new();
        let mut contributions = Vec::new();
        if selection == Selection::Taken {
            diagnostics.extend(ingress.diagnostics().iter().cloned());
            diagnostics.extend(class_conflict(&ingress));
            // An object without a name has said so; anything that it made could not be told apart.
            if !ingress.id().name().is_empty() {
                diagnostics.extend(annotations::ignored(&*self.dialect, &ingress));
                if self.dialect.whole().is_none() {
                    let mut out = Contributions::new(&ingress);
                    self.dialect.expand(&ingress, &mut out);
                    let (made, found) = out.finish();
                    contributions = made;
                    diagnostics.extend(found);
                }
            }
        }
        Object { ingress, selection, contributions, diagnostics }
    }

    fn replace(&mut self, id: IngressId, object: Option<Object>) -> Change {
        let before = self.objects.remove(&id);
        if self.dialect.whole().is_some() {
            let taken = |object: &Object| object.selection == Selection::Taken;
            let hosts = |object: &Object| object.ingress.rules().len().max(1);
            let change = before.iter().chain(&object).filter(|object| taken(object)).map(hosts).max();
            if let Some(object) = object {
                self.objects.insert(id, object);
            }
            self.stale |= change.is_some();
            return Change { hosts: change.unwrap_or(0) };
        }
        let touched = touched(before.as_ref(), object.as_ref(), &*self.dialect);
        for (pattern, contributes) in &touched {
            let host = self.hosts.entry(pattern.clone()).or_default();
            if *contributes {
                host.contributors.insert(id.clone());
            } else {
                host.contributors.remove(&id);
            }
        }
        let change = Change { hosts: touched.len() };
        self.dirty.extend(touched.into_iter().map(|(pattern, _)| pattern));
        if let Some(object) = object {
            self.objects.insert(id, object);
        }
        change
    }

    /// The table of the objects as they are now. Builds the hosts that changed; when none did, it
    /// gives the very table it gave before.
    pub fn compile(&mut self) -> Arc<RouteTable> {
        if self.dialect.whole().is_some() {
            if std::mem::take(&mut self.stale) {
                self.assemble();
            }
            return self.table.clone();
        }
        let semantics = Arc::new(self.dialect.semantics());
        let mut blocks = Vec::new();
        let mut changed = Vec::new();
        for pattern in std::mem::take(&mut self.dirty) {
            let new = self.build(&pattern, &semantics, &mut blocks);
            let same = match (&new, self.table.host(&pattern)) {
                (Some(new), Some(old)) => new.is_same_as(old, &blocks),
                (None, None) => true,
                _ => false,
            };
            if !same {
                changed.push((pattern, new));
            }
        }
        let changes: BTreeMap<HostPattern, Option<HostTable>> =
            changed.into_iter().map(|(pattern, new)| (pattern, new.map(|new| new.finish(&blocks)))).collect();
        if !changes.is_empty() || self.table.generation() == 0 {
            self.table = Arc::new(RouteTable::new(
                self.table.updated(changes),
                self.dialect.semantics(),
                self.dialect.name(),
                self.config.certificate().cloned(),
                self.table.generation() + 1,
            ));
        }
        self.table.clone()
    }

    fn build(
        &mut self,
        pattern: &HostPattern,
        semantics: &Arc<Semantics>,
        blocks: &mut Vec<u8>,
    ) -> Option<Prepared> {
        let mut contributors: Vec<&Object> = self
            .hosts
            .get(pattern)
            .into_iter()
            .flat_map(|host| &host.contributors)
            .filter_map(|id| self.objects.get(id))
            .collect();
        contributors.sort_by(|a, b| self.dialect.compare(&a.ingress, &b.ingress));
        let (table, diagnostics) =
            host::build(&*self.dialect, &self.config, pattern, &contributors, semantics, blocks);
        if table.is_none() && contributors.is_empty() {
            self.hosts.remove(pattern);
        } else {
            // A dialect may have dropped every rule: who wrote them is remembered all the same.
            self.hosts.entry(pattern.clone()).or_default().diagnostics = diagnostics;
        }
        table
    }

    /// What is wrong with the objects: first object by object, then what came out when the rules of
    /// a host met. The latter is as of the last [`compile`](Self::compile).
    pub fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        let objects = self.objects.values().flat_map(|object| &object.diagnostics);
        let hosts = self.hosts.values().flat_map(|host| &host.diagnostics);
        objects.chain(hosts).chain(&self.whole_diagnostics)
    }

    /// The objects that belong to another class.
    pub fn left_out(&self) -> impl Iterator<Item = &IngressId> {
        self.objects.iter().filter(|(_, object)| object.selection == Selection::Left).map(|(id, _)| id)
    }

    /// The object of this name, ours or not.
    pub fn ingress(&self, id: &IngressId) -> Option<&Ingress> {
        self.objects.get(id).map(|object| &object.ingress)
    }

    /// The objects that are held, ours or not.
    pub fn ingresses(&self) -> impl Iterator<Item = &Ingress> {
        self.objects.values().map(|object| &object.ingress)
    }
}

impl Object {
    fn for_host(&self, pattern: &HostPattern) -> &[crate::dialect::Contribution] {
        let at = self.contributions.binary_search_by(|(host, _)| host.cmp(pattern)).ok();
        at.and_then(|at| self.contributions.get(at)).map_or(&[], |(_, contributions)| contributions)
    }
}

/// The hosts where two versions of an object differ, and whether the new one contributes there.
fn touched(
    before: Option<&Object>,
    after: Option<&Object>,
    dialect: &dyn Dialect,
) -> Vec<(HostPattern, bool)> {
    // A change of age may change the order among objects, and one of annotations what the dialect
    // makes of the host as a whole: each touches all hosts of the object.
    let moved = match (before, after) {
        (Some(Object { ingress: before, .. }), Some(Object { ingress: after, .. })) => {
            dialect.compare(before, after).is_ne() || !before.annotations().eq(after.annotations())
        }
        _ => true,
    };
    let old: BTreeMap<_, _> =
        before.iter().flat_map(|object| &object.contributions).map(|(h, c)| (h, c)).collect();
    let new: BTreeMap<_, _> =
        after.iter().flat_map(|object| &object.contributions).map(|(h, c)| (h, c)).collect();
    let mut touched: Vec<_> =
        old.keys().filter(|host| !new.contains_key(*host)).map(|host| ((*host).clone(), false)).collect();
    touched.extend(
        new.iter()
            .filter(|(host, contributions)| moved || old.get(*host) != Some(contributions))
            .map(|(host, _)| ((*host).clone(), true)),
    );
    touched
}

impl RouteTable {
    /// Compiles objects once. To follow their changes, use a [`Compiler`].
    pub fn compile<I>(dialect: impl Dialect, ingresses: I) -> (Arc<Self>, Vec<Diagnostic>)
    where
        I: IntoIterator,
        I::Item: Into<Ingress>,
    {
        let mut compiler = Compiler::new(dialect);
        for ingress in ingresses {
            compiler.upsert(ingress);
        }
        let table = compiler.compile();
        let diagnostics = compiler.diagnostics().cloned().collect();
        (table, diagnostics)
    }
}
