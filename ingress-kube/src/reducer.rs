//! Events in, compiler calls and published tables out.

use std::collections::BTreeMap;
use std::sync::Arc;

use ingress_core::ingress::{ClassSelector, IngressClass};
use ingress_core::{Compiler, Config, Diagnostic, Dialect, Ingress, IngressId, RouteTable, SharedTable};
use k8s_openapi::api::networking::v1 as api;
use kube::runtime::watcher::Event;

use crate::feed::Feed;

/// Keeps a table current with the watch events of a cluster. See the [crate's documentation](crate).
///
/// One watch for each kind: the end of a list takes out every object of the kind that the list did not
/// name, so watches of several namespaces have to be merged into one list before they come here.
#[derive(Debug)]
pub struct Reducer {
    compiler: Compiler,
    selector: ClassSelector,
    classes: BTreeMap<String, IngressClass>,
    ingress_feed: Feed<IngressId>,
    /// `None` when classes are not followed.
    class_feed: Option<Feed<String>>,
    table: SharedTable,
    published: Option<Arc<RouteTable>>,
    pending: bool,
}

impl Reducer {
    /// Follows objects whose class belongs to `controller`, the value of `spec.controller` of our
    /// IngressClass objects.
    pub fn new(dialect: impl Dialect, controller: &str) -> Self {
        Self::with_config(dialect, Config::default(), ClassSelector::default().controller(controller))
    }

    /// The same with settings. The class objects in `selector` and the selector in `config` do not count:
    /// classes come as [events](Self::class).
    pub fn with_config(dialect: impl Dialect, config: Config, selector: ClassSelector) -> Self {
        let selector = selector.classes([]).complete(true);
        Self {
            compiler: Compiler::with_config(dialect, config.classes(selector.clone())),
            selector,
            classes: BTreeMap::new(),
            ingress_feed: Feed::new(),
            class_feed: Some(Feed::new()),
            table: SharedTable::default(),
            published: None,
            pending: false,
        }
    }

    /// Does without IngressClass objects, which belong to no namespace and may not be readable: an object
    /// is ours if it names the class of the selector; where the selector names none, every object is.
    /// Publication does not wait for classes then, and [their events](Self::class) are not looked at.
    #[must_use]
    pub fn without_classes(mut self) -> Self {
        self.class_feed = None;
        self.selector = self.selector.complete(false);
        self.classes.clear();
        self.follow_classes();
        self
    }

    /// Publishes into this table, from the next publication on, instead of one of its own.
    #[must_use]
    pub fn publish_into(mut self, table: SharedTable) -> Self {
        self.table = table;
        self
    }

    /// Takes in an event of the Ingress watch. Says whether there is something to publish.
    pub fn ingress(&mut self, event: Event<api::Ingress>) -> bool {
        match event {
            Event::Init => self.ingress_feed.begin(),
            Event::InitApply(object) => {
                let id = self.upsert(&object);
                self.ingress_feed.name(id);
            }
            Event::Apply(object) => {
                let id = self.upsert(&object);
                self.ingress_feed.applied(id);
            }
            Event::Delete(object) => {
                let id = Ingress::from(&object).id().clone();
                self.ingress_feed.deleted(&id);
                self.pending |= self.compiler.remove(&id).any();
            }
            Event::InitDone => {
                if let Some(seen) = self.ingress_feed.end() {
                    self.pending |= self.compiler.retain(|id| seen.contains(id)).any();
                }
            }
        }
        self.is_pending()
    }

    /// Takes in an event of the IngressClass watch. Says whether there is something to publish.
    pub fn class(&mut self, event: Event<api::IngressClass>) -> bool {
        let Some(feed) = &mut self.class_feed else { return self.is_pending() };
        let changed = match event {
            Event::Init => {
                feed.begin();
                false
            }
            Event::InitApply(object) => {
                let class = IngressClass::from(&object);
                feed.name(class.name().to_owned());
                insert(&mut self.classes, class)
            }
            Event::Apply(object) => {
                let class = IngressClass::from(&object);
                feed.applied(class.name().to_owned());
                insert(&mut self.classes, class)
            }
            Event::Delete(object) => {
                let name = object.metadata.name.unwrap_or_default();
                feed.deleted(&name);
                self.classes.remove(&name).is_some()
            }
            Event::InitDone => {
                let before = self.classes.len();
                if let Some(seen) = feed.end() {
                    self.classes.retain(|name, _| seen.contains(name));
                }
                self.classes.len() != before
            }
        };
        if changed {
            self.follow_classes();
        }
        self.is_pending()
    }

    fn upsert(&mut self, object: &api::Ingress) -> IngressId {
        let ingress = Ingress::from(object);
        let id = ingress.id().clone();
        self.pending |= self.compiler.upsert(ingress).any();
        id
    }

    fn follow_classes(&mut self) {
        let classes = self.selector.clone().classes(self.classes.values().cloned());
        self.pending |= self.compiler.set_classes(classes).any();
    }

    /// Whether every required kind was listed once: whether there is anything to serve from.
    pub fn is_synced(&self) -> bool {
        self.ingress_feed.is_listed() && self.class_feed.as_ref().is_none_or(Feed::is_listed)
    }

    /// Whether [`publish`](Self::publish) would build something.
    pub fn is_pending(&self) -> bool {
        self.is_synced() && (self.pending || self.published.is_none())
    }

    /// Compiles what changed and publishes it. `None` where there is nothing to publish: before
    /// [synchronisation](Self::is_synced), and when the table would be the one that is published already.
    pub fn publish(&mut self) -> Option<Arc<RouteTable>> {
        if !self.is_pending() {
            return None;
        }
        self.pending = false;
        let table = self.compiler.compile();
        if self.published.as_ref().is_some_and(|published| Arc::ptr_eq(published, &table)) {
            return None;
        }
        self.table.publish(table.clone());
        self.published = Some(table.clone());
        Some(table)
    }

    /// Where tables are published. Readers clone it.
    pub fn table(&self) -> &SharedTable {
        &self.table
    }

    /// What is wrong with our objects, as of the last compilation.
    pub fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.compiler.diagnostics()
    }

    /// The objects that are held, ours or not, in their parsed form.
    pub fn ingresses(&self) -> impl Iterator<Item = &Ingress> {
        self.compiler.ingresses()
    }
}

fn insert(classes: &mut BTreeMap<String, IngressClass>, class: IngressClass) -> bool {
    if classes.get(class.name()) == Some(&class) {
        return false;
    }
    classes.insert(class.name().to_owned(), class);
    true
}
