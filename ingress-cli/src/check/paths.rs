//! Paths that meet fewer requests than whoever wrote them may think.

use ingress_core::origin::Leaf;
use ingress_core::path::PathKind;
use ingress_core::rule::Rule;
use ingress_core::table::HostTable;
use ingress_core::{Action, DiagnosticKind, HostPattern, Outcome, RequestHead, RouteTable};

use super::kind::Kind;
use super::quoted::Quoted;
use super::{Found, Subject};

pub(super) fn find<'m>(subject: &Subject<'m>, found: &mut Vec<Found<'m>>) {
    let unreachable = subject.diagnosed(DiagnosticKind::UnreachablePath);
    for host in subject.table.hosts() {
        for rule in host.rules() {
            let origin = rule.origin();
            let Some(object) = subject.objects.get(origin.ingress()) else { continue };
            let field = origin.field().clone().leaf(Leaf::Path);
            if unreachable.contains(&(origin.ingress(), &field)) {
                continue;
            }
            if let Some(message) = empty_element(rule) {
                found.push(object.found(Kind::EmptyPathElement, &field, message));
            } else if let Some(message) = trailing_slash(subject.table, host, rule) {
                found.push(object.found(Kind::ExactTrailingSlash, &field, message));
            }
        }
    }
}

fn empty_element(rule: &Rule) -> Option<String> {
    let path = rule.path();
    let compared = matches!(path.kind(), PathKind::Exact | PathKind::Literal | PathKind::Prefix);
    (compared && path.as_str().contains("//")).then(|| {
        format!(
            "path {} has an empty element: only a request that repeats the slash as well would meet it, \
             and the API takes no such path",
            Quoted(path.as_str())
        )
    })
}

/// `Exact /docs/` leaves `/docs` to others. That is no trap where both lead to the same place.
fn trailing_slash(table: &RouteTable, host: &HostTable, rule: &Rule) -> Option<String> {
    let path = rule.path().as_str();
    let without = path.strip_suffix('/').filter(|without| !without.is_empty())?;
    if rule.path().kind() != PathKind::Exact || !rule.predicates().is_empty() {
        return None;
    }
    let name = sample(host.pattern());
    let request = match &name {
        Some(name) => RequestHead::new(name, without),
        None => RequestHead::without_host(without),
    };
    let instead = match table.lookup(&request) {
        // Who writes both of them knows the difference.
        Outcome::Matched(hit) if is_beside(hit.rule(), rule, without) => return None,
        Outcome::Matched(hit) => match hit.rule().action() {
            action if action == rule.action() => return None,
            // Most likely to the path with the slash.
            Action::Redirect(_) => return None,
            action => format!("goes to {action}"),
        },
        _ => "has no route".to_owned(),
    };
    Some(format!("Exact {} does not take {}, which {instead}", Quoted(path), Quoted(without)))
}

/// Whether a rule is one of the same object for this very path.
fn is_beside(found: &Rule, rule: &Rule, path: &str) -> bool {
    let same_object = found.origin().ingress() == rule.origin().ingress();
    same_object && found.path().kind() == PathKind::Exact && found.path().as_str() == path
}

/// A name that belongs to a host pattern, and most likely to no more specific one.
pub(super) fn sample(host: &HostPattern) -> Option<String> {
    if host.is_any() {
        None
    } else if host.is_wildcard() {
        Some(format!("ingress-check-sample.{}", host.suffix()))
    } else {
        Some(host.as_str().to_owned())
    }
}
