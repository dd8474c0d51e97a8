//! Regular expressions that engines read differently.

mod features;

use std::collections::BTreeMap;

use ingress_core::dialect::annotations::expressions;
use ingress_core::origin::{FieldPath, Leaf};
use ingress_core::path::PathKind;
use ingress_core::table::HostTable;

use super::kind::Kind;
use super::quoted::Quoted;
use super::{Found, Object, Subject};
use features::Features;

/// How many features of one expression are named.
const NAMED: usize = 4;

/// One finding an object and kind: what moves one of its expressions moves all of them.
pub(super) fn find<'m>(subject: &Subject<'m>, found: &mut Vec<Found<'m>>) {
    // Expressions that the dialect made, and those that only the controller of their annotations makes.
    let mut made: BTreeMap<_, BTreeMap<FieldPath, &str>> = BTreeMap::new();
    for rule in subject.table.hosts().flat_map(HostTable::rules) {
        if rule.path().kind() == PathKind::Regex {
            let field = rule.origin().field().clone().leaf(Leaf::Path);
            made.entry(rule.origin().ingress()).or_default().insert(field, rule.path().as_str());
        }
    }
    for (id, object) in &subject.objects {
        let mut texts = made.remove(id).unwrap_or_default();
        texts.extend(expressions(object.ingress));
        if !texts.is_empty() {
            judge(*object, &texts, found);
        }
    }
}

fn judge<'m>(object: Object<'m>, texts: &BTreeMap<FieldPath, &str>, found: &mut Vec<Found<'m>>) {
    let read: Vec<_> = texts.iter().map(|(field, text)| (field, text, Features::of(text))).collect();
    let mut unportable = read.iter().filter(|(.., features)| !features.special.is_empty());
    if let Some((field, text, features)) = unportable.next() {
        let named: Vec<_> = features.special.iter().take(NAMED).map(ToString::to_string).collect();
        let message = format!(
            "expression {} has {}, which engines with a bound on their running time do not have, or read differently{}",
            Quoted(text),
            named.join(", "),
            likewise(unportable.count())
        );
        found.push(object.found(Kind::RegexNotPortable, field, message));
    }
    let mut ends = read.iter().filter(|(.., features)| features.line_end);
    if let Some((field, text, _)) = ends.next() {
        let message = format!(
            "expression {} has `$`, which PCRE also finds before a newline (%0A) at the end of the path, and \
             other engines do not{}",
            Quoted(text),
            likewise(ends.count())
        );
        found.push(object.found(Kind::RegexLineEnd, field, message).because_of("$"));
    }
}

fn likewise(more: usize) -> String {
    match more {
        0 => String::new(),
        1 => "; so has one more expression of the object".to_owned(),
        _ => format!("; so have {more} more expressions of the object"),
    }
}
