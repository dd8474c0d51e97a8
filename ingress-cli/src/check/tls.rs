//! Hosts that an object serves without a certificate, beside others that it has one for.

use std::collections::BTreeSet;

use ingress_core::HostPattern;
use ingress_core::ingress::TlsEntry;
use ingress_core::origin::{FieldPath, Leaf};

use super::kind::Kind;
use super::{Found, Subject};

pub(super) fn find<'m>(subject: &Subject<'m>, found: &mut Vec<Found<'m>>) {
    let entries = || subject.objects.values().flat_map(|object| object.ingress.tls());
    // An entry without hosts is for every host.
    if entries().any(|entry| !entry.names_hosts()) {
        return;
    }
    let covered: BTreeSet<&str> =
        entries().flat_map(TlsEntry::hosts).map(|(_, host)| host.as_str()).collect();
    let is_covered = |host: &HostPattern| {
        covered.contains(host.as_str())
            || host.as_str().split_once('.').is_some_and(|(_, rest)| covered.contains(&*format!("*.{rest}")))
    };
    for object in subject.objects.values() {
        let mut named = object.ingress.tls().iter().flat_map(TlsEntry::hosts).map(|(_, host)| host);
        let Some(example) = named.next() else { continue };
        let mut said = BTreeSet::new();
        for rule in object.ingress.rules() {
            let host = rule.host();
            if host.is_any() || is_covered(host) || !said.insert(host) {
                continue;
            }
            let message = format!("no tls names host {host}, while tls of the same object names {example}");
            let field = FieldPath::rule(rule.index()).leaf(Leaf::Host);
            found.push(object.found(Kind::RuleHostWithoutTls, &field, message));
        }
    }
}
