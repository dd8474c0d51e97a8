//! Which objects are ours.

use std::sync::Arc;

use super::Ingress;
use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::origin::FieldPath;
use crate::printable::Excerpt;

/// The annotation that named the class before `spec.ingressClassName` did.
const ANNOTATION: &str = "kubernetes.io/ingress.class";

/// An IngressClass object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IngressClass {
    name: Arc<str>,
    controller: Arc<str>,
    is_default: bool,
}

impl IngressClass {
    /// A class and the controller that it belongs to.
    pub fn new(name: &str, controller: &str) -> Self {
        Self { name: name.into(), controller: controller.into(), is_default: false }
    }

    /// Sets whether objects without a class belong to it.
    #[must_use]
    pub fn default_class(mut self, is_default: bool) -> Self {
        self.is_default = is_default;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its controller.
    pub fn controller(&self) -> &str {
        &self.controller
    }
}

/// Decides which objects belong to us, by their class.
///
/// The default takes everything: with neither class objects nor a class option there is nothing to
/// choose by. Once there are class objects, an object is ours when the class it names belongs to our
/// controller, or when it names none and one of our classes is the default.
///
/// ```
/// use ingress_core::ingress::{ClassSelector, IngressClass};
///
/// let ours = ClassSelector::default()
///     .controller("example.com/ingress")
///     .classes([IngressClass::new("edge", "example.com/ingress"), IngressClass::new("other", "other.io/ingress")]);
/// assert!(ours.owns("edge") && !ours.owns("other") && !ours.owns("absent"));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClassSelector {
    controller: Option<Arc<str>>,
    class: Option<Arc<str>>,
    classes: Vec<IngressClass>,
    take_unclassed: bool,
    complete: bool,
}

/// The decision about one object.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Selection {
    /// It belongs to another class.
    Left,
    /// It is ours.
    Taken,
}

impl ClassSelector {
    /// Only classes of this controller are ours. Without it, every class object is.
    #[must_use]
    pub fn controller(mut self, controller: &str) -> Self {
        self.controller = Some(controller.into());
        self
    }

    /// Only the class of this name is ours.
    #[must_use]
    pub fn class(mut self, class: &str) -> Self {
        self.class = Some(class.into());
        self
    }

    /// The class objects that exist.
    #[must_use]
    pub fn classes(mut self, classes: impl IntoIterator<Item = IngressClass>) -> Self {
        self.classes = classes.into_iter().collect();
        self
    }

    /// The class objects given are all there are, even if there are none: then no object is ours by
    /// its class. For those who follow a cluster, where the last class may be deleted.
    #[must_use]
    pub fn complete(mut self, complete: bool) -> Self {
        self.complete = complete;
        self
    }

    /// Objects that name no class are ours, too.
    #[must_use]
    pub fn take_unclassed(mut self, take: bool) -> Self {
        self.take_unclassed = take;
        self
    }

    /// The class objects that exist; `None` when nothing is known of them.
    pub fn known(&self) -> Option<&[IngressClass]> {
        self.knows_classes().then_some(&self.classes[..])
    }

    /// The class that alone is ours, if there is one.
    pub fn wanted(&self) -> Option<&str> {
        self.class.as_deref()
    }

    /// The controller that our classes belong to, if it was said.
    pub fn wanted_controller(&self) -> Option<&str> {
        self.controller.as_deref()
    }

    fn takes_everything(&self) -> bool {
        self.class.is_none() && !self.knows_classes()
    }

    fn knows_classes(&self) -> bool {
        self.complete || !self.classes.is_empty()
    }

    /// Whether the class of this name is ours.
    pub fn owns(&self, name: &str) -> bool {
        let wanted = self.class.as_deref().is_none_or(|class| class == name);
        let exists = || {
            self.classes.iter().any(|class| {
                *class.name == *name && self.controller.as_ref().is_none_or(|ours| *ours == class.controller)
            })
        };
        self.takes_everything() || wanted && (!self.knows_classes() || exists())
    }

    /// Whether an annotation names our class: it is older than class objects and needs none, but it
    /// cannot name one that is another controller's.
    fn is_called(&self, name: &str) -> bool {
        self.class.as_deref() == Some(name) && !self.classes.iter().any(|class| *class.name == *name)
    }

    /// Decides about one object.
    pub fn select(&self, ingress: &Ingress) -> Selection {
        let annotation = || ingress.annotation(ANNOTATION).filter(|name| !name.is_empty());
        let taken = match (ingress.class(), annotation()) {
            (Some(name), _) => self.owns(name),
            (None, Some(name)) => self.owns(name) || self.is_called(name),
            (None, None) => {
                let default = |class: &IngressClass| class.is_default && self.owns(&class.name);
                self.takes_everything() || self.take_unclassed || self.classes.iter().any(default)
            }
        };
        if taken { Selection::Taken } else { Selection::Left }
    }
}

/// What is odd about how an object names its class.
pub(crate) fn conflict(ingress: &Ingress) -> Option<Diagnostic> {
    let (field, annotation) = (ingress.class()?, ingress.annotation(ANNOTATION)?);
    (field != annotation).then(|| {
        Diagnostic::new(
            DiagnosticKind::ClassConflict,
            ingress.id().clone(),
            FieldPath::annotation(ANNOTATION),
            format!(
                "the annotation says {}, spec.ingressClassName says {}",
                Excerpt(annotation),
                Excerpt(field)
            ),
        )
    })
}
