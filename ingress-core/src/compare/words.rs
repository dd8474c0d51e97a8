//! A region in words.

use super::hosts::HostClass;
use super::side::Side;
use crate::path::regex::literal_start;
use crate::path::{PathKind, PathPattern};
use crate::rule::Rule;
use crate::table::Outcome;

/// How many exceptions are named.
const MOST_EXCEPTIONS: usize = 3;

/// The requests that get one answer on one side and another one on the other.
pub(super) fn region(
    class: &HostClass,
    (a, before): (&Side<'_>, Outcome<'_>),
    (b, after): (&Side<'_>, Outcome<'_>),
) -> String {
    let rules = [before, after]
        .map(|outcome| outcome.matched().filter(|hit| !hit.is_default()).map(|hit| hit.rule()));
    let everything = PathPattern::any();
    let mut patterns = rules.iter().flatten().map(|rule| rule.path());
    let first = patterns.next().unwrap_or(&everything);
    let second = patterns.next();
    // The narrower of the two, or both.
    let (main, also) = match second {
        None => (first, None),
        Some(second) if holds(second, first) => (first, None),
        Some(second) if holds(first, second) => (second, None),
        Some(second) => (first, Some(second)),
    };
    let mut text = format!("{}, {}", class.words(), phrase(main));
    if let Some(also) = also {
        text += &format!(" that are also {}", phrase(also));
    }
    let mut exceptions: Vec<&PathPattern> = Vec::new();
    for rule in a.before(before).chain(b.before(after)) {
        let path = rule.path();
        if !rule.is_conditional()
            && may_overlap(main, path)
            && !exceptions.iter().any(|known| holds(known, path))
        {
            exceptions.retain(|known| !holds(path, known));
            exceptions.push(path);
        }
    }
    let named: Vec<String> = exceptions.iter().take(MOST_EXCEPTIONS).map(|pattern| phrase(pattern)).collect();
    if !named.is_empty() {
        text += &format!(" except {}", named.join(", "));
    }
    if exceptions.len() > MOST_EXCEPTIONS {
        text += &format!(" and {} more", exceptions.len() - MOST_EXCEPTIONS);
    }
    for condition in conditions(&rules) {
        text += &format!(", {condition}");
    }
    text
}

fn conditions(rules: &[Option<&Rule>]) -> Vec<String> {
    let mut conditions: Vec<String> = Vec::new();
    for condition in rules.iter().flatten().flat_map(|rule| rule.predicates()) {
        let text = condition.to_string();
        if !conditions.contains(&text) {
            conditions.push(text);
        }
    }
    conditions
}

fn phrase(pattern: &PathPattern) -> String {
    let case = if pattern.ignores_case() { " in any case" } else { "" };
    match pattern.kind() {
        PathKind::Any => "all paths".to_owned(),
        PathKind::Exact => format!("the path {}{case}", pattern.as_str()),
        PathKind::Literal if pattern.as_str() == "/" => "all paths".to_owned(),
        PathKind::Literal => format!("paths that start with {}{case}", pattern.as_str()),
        PathKind::Prefix if pattern.compared().is_empty() => "all paths".to_owned(),
        PathKind::Prefix => format!("paths under {}{case}", pattern.compared()),
        PathKind::Regex => format!("paths that match {}{case}", pattern.as_str()),
    }
}

/// Whether every path of `inner` is one of `outer`. May say no too often.
fn holds(outer: &PathPattern, inner: &PathPattern) -> bool {
    if outer.same_as(inner) {
        return true;
    }
    let (text, own) = (outer.compared(), inner.compared());
    match outer.kind() {
        PathKind::Any => true,
        PathKind::Prefix if text.is_empty() => true,
        PathKind::Literal if text == "/" => true,
        _ if outer.ignores_case() || inner.ignores_case() || inner.kind() == PathKind::Regex => false,
        PathKind::Literal => own.starts_with(text),
        PathKind::Prefix => own.strip_prefix(text).is_some_and(|rest| {
            rest.starts_with('/') || rest.is_empty() && inner.kind() != PathKind::Literal
        }),
        PathKind::Exact | PathKind::Regex => false,
    }
}

/// Whether a path may be one of both. May say yes too often.
fn may_overlap(a: &PathPattern, b: &PathPattern) -> bool {
    let (Some(start), Some(other)) = (start(a), start(b)) else { return true };
    let length = start.len().min(other.len());
    let same = start.get(..length).zip(other.get(..length));
    same.is_none_or(|(start, other)| start.eq_ignore_ascii_case(other)) && {
        let plain = |pattern: &PathPattern| pattern.kind() != PathKind::Regex && !pattern.ignores_case();
        !(plain(a) && plain(b)) || holds(a, b) || holds(b, a)
    }
}

/// What all paths of a pattern start with, as far as its text says so.
fn start(pattern: &PathPattern) -> Option<String> {
    match pattern.kind() {
        PathKind::Regex if pattern.is_searched() && !pattern.as_str().starts_with('^') => None,
        PathKind::Regex => literal_start(pattern.as_str()),
        _ => Some(pattern.compared().to_owned()),
    }
}
