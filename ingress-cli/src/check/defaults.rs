//! Default backends that no request falls to, because another object's comes first everywhere.

use std::collections::{BTreeMap, BTreeSet};

use ingress_core::rule::Rule;
use ingress_core::{DiagnosticKind, IngressId};

use super::{Found, Subject};

const HELP: &str = "remove one of the two, or give this object rules for the hosts that it is for";

/// The one of an object that is the first for any of its hosts is of use; where two lead to the same
/// backend, nobody misses the other.
pub(super) fn find<'m>(subject: &Subject<'m>, found: &mut Vec<Found<'m>>) {
    let mut reached: BTreeSet<&IngressId> = BTreeSet::new();
    let mut late: BTreeMap<&IngressId, (&Rule, &Rule)> = BTreeMap::new();
    for host in subject.table.hosts() {
        let mut taker: Option<&Rule> = None;
        for rule in host.default_backends() {
            match taker {
                Some(taker) if taker.action() != rule.action() => {
                    late.entry(rule.origin().ingress()).or_insert((rule, taker));
                }
                Some(_) => {
                    reached.insert(rule.origin().ingress());
                }
                None => {
                    reached.insert(rule.origin().ingress());
                    taker = Some(rule).filter(|rule| rule.predicates().is_empty());
                }
            }
        }
    }
    for (id, (rule, taker)) in late {
        let Some(object) = subject.objects.get(id).filter(|_| !reached.contains(id)) else { continue };
        let message = format!(
            "this default backend is never reached: {} comes first and takes the same requests",
            taker.origin()
        );
        let shadowed = object.found_as(DiagnosticKind::ShadowedRule, rule.origin().field(), message);
        found.push(Found { help: HELP, ..shadowed });
    }
}
