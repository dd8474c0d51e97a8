//! Annotations of known controllers: whose they are, and what they do there.
//!
//! A dialect that does not act on an annotation loses its effect. The table says which effect that is, so
//! that it can be reported; it gives no annotation any meaning.

mod ingress_nginx;
mod others;

use super::Dialect;
use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::ingress::Ingress;
use crate::origin::{FieldPath, Leaf};
use crate::printable::Excerpt;

/// An annotation of a known controller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KnownAnnotation {
    controller: &'static str,
    effect: Option<&'static str>,
}

impl KnownAnnotation {
    /// The controller that reads it.
    pub fn controller(&self) -> &'static str {
        self.controller
    }

    /// What it does there, as a phrase that goes on after "it"; `None` for a name that is not in the
    /// table.
    pub fn effect(&self) -> Option<&'static str> {
        self.effect
    }
}

struct Controller {
    prefix: &'static str,
    name: &'static str,
    /// What follows the prefix, and the effect. What ends in a dot stands for everything that it begins.
    effects: &'static [(&'static str, &'static str)],
}

const CONTROLLERS: &[Controller] = &[
    Controller { prefix: "alb.ingress.kubernetes.io/", name: "AWS Load Balancer Controller", effects: &[] },
    Controller { prefix: "appgw.ingress.kubernetes.io/", name: "Application Gateway", effects: &[] },
    Controller {
        prefix: "haproxy-ingress.github.io/",
        name: "HAProxy Ingress",
        effects: others::HAPROXY_INGRESS,
    },
    Controller {
        prefix: "haproxy.org/",
        name: "HAProxy Kubernetes Ingress Controller",
        effects: others::HAPROXY_TECHNOLOGIES,
    },
    Controller { prefix: "ingress.kubernetes.io/", name: "several controllers", effects: &[] },
    Controller { prefix: "konghq.com/", name: "Kong", effects: others::KONG },
    Controller {
        prefix: "nginx.ingress.kubernetes.io/",
        name: "ingress-nginx",
        effects: ingress_nginx::EFFECTS,
    },
    Controller { prefix: "nginx.com/", name: "NGINX Ingress Controller", effects: others::NGINX_INC },
    Controller { prefix: "nginx.org/", name: "NGINX Ingress Controller", effects: others::NGINX_INC },
    Controller { prefix: "projectcontour.io/", name: "Contour", effects: others::CONTOUR },
    Controller { prefix: "traefik.ingress.kubernetes.io/", name: "Traefik", effects: others::TRAEFIK },
    Controller { prefix: "virtual-server.f5.com/", name: "F5", effects: others::F5 },
];

/// Whose annotation this is, if it is a known controller's.
///
/// ```
/// use ingress_core::dialect::annotations;
///
/// let rewrite = annotations::known("haproxy.org/path-rewrite").unwrap();
/// assert_eq!(rewrite.effect(), Some("sends another path to the backend"));
/// assert!(annotations::known("example.com/owner").is_none());
/// ```
pub fn known(annotation: &str) -> Option<KnownAnnotation> {
    CONTROLLERS.iter().find_map(|controller| {
        let name = annotation.strip_prefix(controller.prefix)?;
        Some(KnownAnnotation { controller: controller.name, effect: effect(controller.effects, name) })
    })
}

fn effect(effects: &'static [(&str, &str)], name: &str) -> Option<&'static str> {
    // The last entry that is not greater is the name itself, or what it begins with.
    let at = effects.partition_point(|(key, _)| *key <= name).checked_sub(1)?;
    let (key, effect) = effects.get(at)?;
    (*key == name || key.ends_with('.') && name.starts_with(key)).then_some(*effect)
}

/// The annotations of an object that its controller would act on, and the dialect does not.
pub(crate) fn ignored(dialect: &dyn Dialect, ingress: &Ingress) -> impl Iterator<Item = Diagnostic> {
    ingress.annotations().filter_map(|(key, _)| {
        let known = known(key).filter(|_| !dialect.acts_on(key))?;
        let whose = known.controller;
        let lost = match known.effect {
            Some(effect) => format!("in {whose} it {effect}"),
            None => format!("it belongs to {whose}"),
        };
        let message = format!("dialect {} ignores the annotation {}; {lost}", dialect.name(), Excerpt(key));
        let field = FieldPath::annotation(key);
        Some(Diagnostic::new(DiagnosticKind::IgnoredAnnotations, ingress.id().clone(), field, message))
    })
}

/// What in an object its controller reads as a regular expression: paths, and values of annotations. It
/// says nothing about whether the chosen dialect does.
pub fn expressions(ingress: &Ingress) -> Vec<(FieldPath, &str)> {
    let switched = SWITCHES.iter().any(|(key, values)| {
        let value = ingress.annotation(key).filter(|value| !value.is_empty());
        value.is_some_and(|value| values.is_empty() || values.contains(&value))
    });
    let mut found = Vec::new();
    for (key, value) in ingress.annotations().filter(|(key, _)| EXPRESSIONS.contains(key)) {
        found.push((FieldPath::annotation(key), value));
    }
    for rule in ingress.rules() {
        for path in rule.paths().unwrap_or_default() {
            let Some(text) = path.path() else { continue };
            let expression = text.strip_prefix("/~").or_else(|| switched.then_some(text));
            let field = FieldPath::path(rule.index(), path.index()).leaf(Leaf::Path);
            found.extend(expression.map(|text| (field, text)));
        }
    }
    found
}

/// Annotations that turn the paths of their object into expressions, and the values that do; where none is
/// listed, all of them.
const SWITCHES: &[(&str, &[&str])] = &[
    ("haproxy-ingress.github.io/path-type", &["regex"]),
    ("nginx.ingress.kubernetes.io/rewrite-target", &[]),
    ("nginx.ingress.kubernetes.io/use-regex", &["1", "T", "TRUE", "True", "t", "true"]),
    ("nginx.org/path-regex", &["case_insensitive", "case_sensitive"]),
    ("traefik.ingress.kubernetes.io/router.pathmatcher", &["PathRegexp"]),
];

/// Annotations whose values are expressions.
const EXPRESSIONS: &[&str] = &[
    "haproxy-ingress.github.io/http-header-match-regex",
    "haproxy-ingress.github.io/redirect-from-regex",
    "haproxy-ingress.github.io/server-alias-regex",
    "nginx.ingress.kubernetes.io/canary-by-header-pattern",
];

/// Whether objects of this class can name it by the annotation only: their controller passes over those
/// that name it in `spec.ingressClassName`.
pub fn is_class_of_annotations(class: &str) -> bool {
    class == "gce" || class.starts_with("gce-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_in_order_and_every_name_is_found() {
        for Controller { prefix, name, effects } in CONTROLLERS {
            assert!(effects.is_sorted_by_key(|(key, _)| *key), "{name}");
            for (key, effect) in *effects {
                let annotation = format!("{prefix}{key}");
                let found = known(&annotation).map(|known| (known.controller(), known.effect()));
                assert_eq!(found, Some((*name, Some(*effect))), "{annotation}");
                assert!(!effect.ends_with('.') || effect.ends_with("..."), "{annotation}: {effect}");
            }
        }
    }

    #[test]
    fn names_that_only_look_alike_have_no_effect() {
        let effect = |annotation| known(annotation).and_then(|known| known.effect());
        assert_eq!(effect("konghq.com/headers.x-user"), Some("takes only requests with this header"));
        for other in ["konghq.com/headers", "konghq.com/rewrites", "nginx.ingress.kubernetes.io/"] {
            assert_eq!(effect(other), None, "{other}");
            assert!(known(other).is_some(), "{other}");
        }
        assert!(known("xnginx.ingress.kubernetes.io/use-regex").is_none());
    }
}
