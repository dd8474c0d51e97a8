//! Which objects documents hold.

use std::collections::{BTreeMap, BTreeSet};

use ingress_core::ingress::{IngressClass, LegacyIngress};
use ingress_core::origin::ObjectId;
use ingress_core::{Ingress, IngressId};
use k8s_openapi::api::networking::v1;
use serde::Deserialize;

use super::compose::{SyntaxError, shown};
use super::issued;
use super::location::Located;
use super::node::{Node, Value};
use super::place::Place;
use super::resource::{Resource, ResourceKind};

/// The versions of Ingress that Kubernetes dropped, and manifests did not.
const OUTDATED: [&str; 2] = ["networking.k8s.io/v1beta1", "extensions/v1beta1"];

const NO_OBJECT: &str = "an item of this list is an object, with apiVersion and kind";

/// What was found in some documents.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) ingresses: Vec<Located<Ingress>>,
    /// Those that are written in a version which Kubernetes dropped, with its name.
    pub(super) outdated: Vec<Located<(IngressId, &'static str)>>,
    pub(super) classes: Vec<Located<IngressClass>>,
    pub(super) resources: Vec<Located<Resource>>,
    /// Secrets that other objects promise to make.
    pub(super) issued: BTreeSet<ObjectId>,
    /// Documents that hold no object at all, by index.
    pub(super) plain: Vec<usize>,
    /// The kinds of objects that nobody here reads, and how many there are of each.
    pub(super) ignored: BTreeMap<String, usize>,
    /// Documents, or objects in them, that are not what they should be.
    pub(super) errors: Vec<(usize, SyntaxError)>,
}

/// What the elements of a typed list, such as an `IngressList`, need not say again.
#[derive(Clone, Copy)]
struct Inherited<'n> {
    version: &'n str,
    kind: &'n str,
}

/// An object in the course of being read.
struct Reading<'n, 't> {
    node: &'n Node<'t>,
    document: usize,
    /// The way to it through the `items` of lists.
    items: Vec<u32>,
    inherited: Option<Inherited<'n>>,
}

impl Found {
    /// Adds the objects of a document.
    pub(super) fn read(&mut self, document: usize, root: &Node<'_>) {
        self.object(&mut Reading { node: root, document, items: Vec::new(), inherited: None });
    }

    fn object(&mut self, reading: &mut Reading<'_, '_>) {
        let (node, inherited) = (reading.node, reading.inherited);
        let version = node.text("apiVersion").or_else(|| inherited.map(|list| list.version));
        let kind = node.text("kind").or_else(|| inherited.map(|list| list.kind));
        let (version, kind) = match (version, kind) {
            (Some(version), Some(kind)) => (version, kind),
            // Values of charts and the like stand beside manifests. They are nobody's mistake.
            (None, None) if reading.items.is_empty() => {
                self.plain.push(reading.document);
                return self.ignore("no Kubernetes object");
            }
            (None, None) => {
                let message = match node.value {
                    Value::Map(_) => "apiVersion and kind are missing".to_owned(),
                    _ => NO_OBJECT.to_owned(),
                };
                return self.error(reading, node.place, message);
            }
            (None, Some(kind)) if !matches!(kind, "Ingress" | "IngressList" | "List") => {
                return self.ignore(kind);
            }
            (None, Some(_)) => return self.error(reading, node.place, "apiVersion is missing".to_owned()),
            (Some(_), None) => return self.error(reading, node.place, "kind is missing".to_owned()),
        };
        if let (Some(element), Some(items)) = (kind.strip_suffix("List"), node.get("items")) {
            if let Value::List(elements) = &items.value {
                reading.inherited = (!element.is_empty()).then_some(Inherited { version, kind: element });
                return self.elements(reading, elements);
            }
            // Who else has a kind of such a name may put there what they like.
            if matches!(kind, "List" | "IngressList") && !matches!(items.value, Value::Null) {
                return self.error(reading, items.place, "items is no list".to_owned());
            }
        }
        let group = version.split_once('/').map_or("", |(group, _)| group);
        self.issued.extend(issued::secret(kind, group, node));
        match (kind, group) {
            ("Ingress", "networking.k8s.io" | "extensions") => self.ingress(reading, version),
            // Other projects have kinds of this name in groups of their own. Without a group it is a slip.
            ("Ingress", group) if !group.contains('.') => self.unknown_version(reading, version),
            ("IngressClass", "networking.k8s.io") => {
                let class = self.typed::<Class>(reading);
                self.classes.extend(class.map(|class| reading.located(class.into())));
            }
            _ => match ResourceKind::of(kind, group) {
                Some(kind) => self.resource(reading, kind),
                None => self.ignore(kind),
            },
        }
    }

    fn elements<'n, 't>(&mut self, reading: &mut Reading<'n, 't>, elements: &'n [Node<'t>]) {
        for (index, element) in (0..).zip(elements) {
            reading.items.push(index);
            let items = std::mem::take(&mut reading.items);
            let mut within = Reading { node: element, items, ..*reading };
            self.object(&mut within);
            reading.items = within.items;
            reading.items.pop();
        }
    }

    fn ingress(&mut self, reading: &Reading<'_, '_>, version: &str) {
        let outdated = OUTDATED.iter().find(|outdated| **outdated == version);
        let object = match (version, outdated) {
            ("networking.k8s.io/v1", _) => self.typed::<v1::Ingress>(reading).map(Ingress::from),
            (_, Some(_)) => self.typed::<LegacyIngress>(reading).map(Ingress::from),
            (_, None) => return self.unknown_version(reading, version),
        };
        if let (Some(object), Some(outdated)) = (&object, outdated) {
            self.outdated.push(reading.located((object.id().clone(), *outdated)));
        }
        self.ingresses.extend(object.map(|object| reading.located(object)));
    }

    fn resource(&mut self, reading: &Reading<'_, '_>, kind: ResourceKind) {
        let metadata = reading.node.get("metadata");
        let text = |key| metadata.and_then(|metadata| metadata.text(key));
        let id = ObjectId::new(text("namespace").unwrap_or("default"), text("name").unwrap_or(""));
        let object = self.typed(reading).map(|value| Resource::new(kind, id, value));
        self.resources.extend(object.map(|object| reading.located(object)));
    }

    /// Reads a node as an object of the API. Fields that it does not know are none of our business.
    fn typed<'n, T: Deserialize<'n>>(&mut self, reading: &Reading<'n, '_>) -> Option<T> {
        match T::deserialize(reading.node) {
            Ok(object) => Some(object),
            Err(error) => {
                self.error(reading, error.place().unwrap_or(reading.node.place), error.to_string());
                None
            }
        }
    }

    fn unknown_version(&mut self, reading: &Reading<'_, '_>, version: &str) {
        let place = reading.node.get("apiVersion").map_or(reading.node.place, |node| node.place);
        let message = format!(
            "apiVersion {} of Ingress is not known; there are networking.k8s.io/v1, \
             networking.k8s.io/v1beta1 and extensions/v1beta1",
            shown(version)
        );
        self.error(reading, place, message);
    }

    fn error(&mut self, reading: &Reading<'_, '_>, place: Place, message: String) {
        self.errors.push((reading.document, SyntaxError { place, message, template: false }));
    }

    fn ignore(&mut self, kind: &str) {
        match self.ignored.get_mut(kind) {
            Some(count) => *count += 1,
            None => {
                self.ignored.insert(kind.to_owned(), 1);
            }
        }
    }

    /// Adds what was found in later documents.
    pub(super) fn append(&mut self, later: Self) {
        self.ingresses.extend(later.ingresses);
        self.outdated.extend(later.outdated);
        self.classes.extend(later.classes);
        self.resources.extend(later.resources);
        self.issued.extend(later.issued);
        self.plain.extend(later.plain);
        for (kind, count) in later.ignored {
            *self.ignored.entry(kind).or_default() += count;
        }
        self.errors.extend(later.errors);
    }
}

impl Reading<'_, '_> {
    fn located<T>(&self, object: T) -> Located<T> {
        Located::new(object, self.document, self.items.as_slice().into(), self.node.place)
    }
}

/// An IngressClass of whatever version: they agree in what is read here.
#[derive(Deserialize)]
struct Class {
    #[serde(default)]
    metadata: ClassMetadata,
    #[serde(default)]
    spec: Option<ClassSpec>,
}

#[derive(Default, Deserialize)]
struct ClassMetadata {
    name: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct ClassSpec {
    controller: Option<String>,
}

impl From<Class> for IngressClass {
    fn from(class: Class) -> Self {
        let is_default = class.metadata.annotations.is_some_and(|annotations| {
            annotations
                .get("ingressclass.kubernetes.io/is-default-class")
                .is_some_and(|value| value == "true")
        });
        let controller = class.spec.and_then(|spec| spec.controller);
        Self::new(class.metadata.name.as_deref().unwrap_or(""), controller.as_deref().unwrap_or(""))
            .default_class(is_default)
    }
}
