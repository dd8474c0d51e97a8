//! Objects as they are written: given twice, in an old version, with their class in an annotation.

use std::collections::BTreeMap;

use ingress_core::dialect::annotations::is_class_of_annotations;
use ingress_core::origin::FieldPath;
use ingress_core::{DiagnosticKind, IngressId};

use super::kind::Kind;
use super::quoted::Quoted;
use super::{Found, Object, Subject};
use crate::manifest::Manifests;

/// What named the class before `spec.ingressClassName` did.
const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";

/// The objects by their names; which of them others replace, and what is wrong with those without a name.
pub(super) fn by_name<'m>(
    manifests: &'m Manifests,
    found: &mut Vec<Found<'m>>,
) -> BTreeMap<&'m IngressId, Object<'m>> {
    let mut objects = BTreeMap::new();
    for ingress in manifests.ingresses() {
        let object = Object { ingress: ingress.object(), location: ingress.location() };
        let diagnostics = object.ingress.diagnostics();
        if diagnostics.iter().any(|found| found.kind() == DiagnosticKind::UnnamedIngress) {
            // Nameless objects cannot be told apart, so each speaks for itself.
            found.extend(diagnostics.iter().map(|diagnostic| object.diagnosed(diagnostic)));
        } else if let Some(replaced) = objects.insert(object.ingress.id(), object) {
            let message = format!(
                "{} is given again in {}:{}, which takes the place of this one",
                object.ingress.id(),
                manifests.file(object.location),
                object.location.line()
            );
            let mut replaced = replaced.found(Kind::ReplacedObject, &FieldPath::object(), message);
            replaced.field.push_str(".name");
            found.push(replaced);
        }
    }
    objects
}

pub(super) fn find<'m>(subject: &Subject<'m>, found: &mut Vec<Found<'m>>) {
    for outdated in subject.manifests.outdated() {
        let (id, version) = outdated.object();
        // Others of the name may be of another version.
        let object = subject.objects.get(id).filter(|object| object.location == outdated.location());
        found.extend(object.map(|object| {
            let message = format!("Kubernetes has not taken Ingresses of {version} since version 1.22");
            let mut found = object.found(Kind::DeprecatedApiVersion, &FieldPath::object(), message);
            found.field = "apiVersion".to_owned();
            found.because_of(version)
        }));
    }
    for object in subject.objects.values() {
        found.extend(class_annotation(*object));
    }
}

fn class_annotation(object: Object<'_>) -> Option<Found<'_>> {
    let named = object.ingress.annotation(CLASS_ANNOTATION).filter(|class| !class.is_empty())?;
    let message = match object.ingress.class() {
        // The compiler has said that they differ.
        Some(class) if class != named => return None,
        Some(_) => "the annotation is deprecated, and spec.ingressClassName says the same".to_owned(),
        None if is_class_of_annotations(named) => return None,
        None => {
            format!("the annotation is deprecated; spec.ingressClassName: {} takes its place", Quoted(named))
        }
    };
    let found =
        object.found(Kind::DeprecatedClassAnnotation, &FieldPath::annotation(CLASS_ANNOTATION), message);
    Some(found.because_of(named))
}
