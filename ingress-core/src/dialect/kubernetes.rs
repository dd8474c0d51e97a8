//! The Ingress specification, and no controller's habits.

use std::collections::BTreeSet;

use super::{Contributions, Dialect};
use crate::diagnostic::DiagnosticKind;
use crate::host::HostPattern;
use crate::ingress::{Ingress, IngressPath, IngressRule, PathType};
use crate::origin::{FieldPath, Leaf};
use crate::path::{PathError, PathPattern};
use crate::printable::Excerpt;
use crate::rule::{Action, Rule};
use crate::table::Semantics;

/// The default dialect: what the API reference says, and where it is silent, what the crate's
/// documentation says.
///
/// `ImplementationSpecific` is read as `Prefix`, and an absent path of that type as `/`. A request
/// that the rules of its exact host do not match goes on to the wildcard and then to rules without a
/// host. Annotations have no meaning here; those of known controllers are reported as ignored.
#[derive(Clone, Copy, Debug, Default)]
#[allow(
    clippy::exhaustive_structs,
    reason = "a unit struct: it is its own constructor, and has nothing to add"
)]
pub struct Kubernetes;

impl Dialect for Kubernetes {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn semantics(&self) -> Semantics {
        Semantics::default()
    }

    fn expand(&self, ingress: &Ingress, out: &mut Contributions<'_>) {
        for rule in ingress.rules() {
            for path in rule.paths().unwrap_or_default() {
                let field = FieldPath::path(rule.index(), path.index());
                if let Some(pattern) = pattern(path, &field, out) {
                    let origin = out.origin(field);
                    out.rule(
                        rule.host(),
                        Rule::new(pattern, Action::forward(path.backend().clone()), origin),
                    );
                }
            }
        }
        default_backend(ingress, out);
        certificates(ingress, out);
    }
}

fn pattern(path: &IngressPath, field: &FieldPath, out: &mut Contributions<'_>) -> Option<PathPattern> {
    let at = || field.clone().leaf(Leaf::Path);
    let kind = path.path_type().unwrap_or(PathType::ImplementationSpecific);
    let text = match (path.path(), kind) {
        (Some(text), _) => text.clone(),
        (None, PathType::ImplementationSpecific) => "/".into(),
        (None, PathType::Exact | PathType::Prefix) => {
            out.diagnose(
                DiagnosticKind::MissingPath,
                at(),
                format!("pathType {kind:?} needs a path; it is not served"),
            );
            return None;
        }
    };
    let made = match kind {
        PathType::Exact => PathPattern::exact(text.clone()),
        PathType::ImplementationSpecific | PathType::Prefix => PathPattern::prefix(text.clone()),
    };
    match made {
        Ok(pattern) => {
            if let Some(reason) = unreachable(&text) {
                let message = format!("no request is ever compared with path {}: {reason}", Excerpt(&text));
                out.diagnose(DiagnosticKind::UnreachablePath, at(), message);
            }
            Some(pattern)
        }
        Err(error) => {
            let kind = if PathError::is_relative(&error) {
                DiagnosticKind::RelativePath
            } else {
                DiagnosticKind::InvalidPath
            };
            out.diagnose(kind, at(), format!("path {} is not served: {error}", Excerpt(&text)));
            None
        }
    }
}

/// Why no normalised path is equal to `text` or starts with it.
fn unreachable(text: &str) -> Option<&'static str> {
    if text.contains('?') {
        return Some("the query is no part of the path");
    }
    if text.bytes().any(|byte| byte == b' ' || byte >= 0x7f || b"\"<>`".contains(&byte)) {
        return Some("requests spell such characters as escapes");
    }
    if text.contains('#') {
        return Some("a fragment never reaches a server");
    }
    let Ok(path) = Kubernetes.semantics().paths().normalize(text) else {
        return Some("requests with such an escape are refused");
    };
    (path.path() != text.as_bytes())
        .then_some("dot segments and needless escapes are resolved before the comparison")
}

/// The default backend serves the hosts that the object names before anybody else's does, and every
/// host when nobody else's does.
fn default_backend(ingress: &Ingress, out: &mut Contributions<'_>) {
    let Some(backend) = ingress.default_backend() else { return };
    let rule = |out: &Contributions<'_>| {
        let origin = out.origin(FieldPath::default_backend());
        Rule::new(PathPattern::any(), Action::forward(backend.clone()), origin)
    };
    let mut hosts: Vec<&HostPattern> = ingress.rules().iter().map(IngressRule::host).collect();
    hosts.sort_unstable();
    hosts.dedup();
    for host in hosts.into_iter().filter(|host| !host.is_any()) {
        let rule = rule(out);
        out.default_backend(host, rule);
    }
    let rule = rule(out);
    out.default_backend(&HostPattern::any(), rule);
}

fn certificates(ingress: &Ingress, out: &mut Contributions<'_>) {
    // Sets, because an object may list thousands of hosts on either side. A wildcard on either side
    // covers the names one label below it on the other.
    let parent = |host: &HostPattern| host.as_str().split_once('.').map(|(_, rest)| format!("*.{rest}"));
    let named: BTreeSet<&str> = ingress.rules().iter().map(|rule| rule.host().as_str()).collect();
    let parents: BTreeSet<String> = ingress.rules().iter().filter_map(|rule| parent(rule.host())).collect();
    let has_rule = |host: &HostPattern| {
        named.contains(host.as_str())
            || parents.contains(host.as_str())
            || parent(host).is_some_and(|wildcard| named.contains(&*wildcard))
    };
    for entry in ingress.tls() {
        for (place, host) in entry.hosts() {
            if !has_rule(host) {
                let message = format!("no rule of the object is for host {host}");
                out.diagnose(
                    DiagnosticKind::TlsHostWithoutRule,
                    FieldPath::tls_host(entry.index(), place),
                    message,
                );
            }
        }
        let Some(secret) = entry.secret() else {
            let field = FieldPath::tls(entry.index()).leaf(Leaf::SecretName);
            let message = "the entry names no Secret, so no certificate comes from it".to_owned();
            out.diagnose(DiagnosticKind::TlsWithoutSecret, field, message);
            continue;
        };
        if !entry.names_hosts() {
            out.certificate(&HostPattern::any(), secret.clone(), FieldPath::tls(entry.index()));
        }
        for (place, host) in entry.hosts() {
            out.certificate(host, secret.clone(), FieldPath::tls_host(entry.index(), place));
        }
    }
}
