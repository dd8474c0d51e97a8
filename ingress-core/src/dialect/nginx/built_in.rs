//! What the controller answers itself on the host for everything.

use http::StatusCode;

use crate::origin::Origin;
use crate::path::PathPattern;
use crate::rule::{Action, Predicate, Reason, Rule, SourceRanges};

const HEALTH: &str = "/healthz";
const STATUS: &str = "/nginx_status";

/// The locations of its own.
pub(super) const PATHS: [&str; 2] = [HEALTH, STATUS];

/// Adds the pages for health and status, as prefixes with their lengths.
pub(super) fn add(prefixes: &mut Vec<(usize, Vec<Rule>)>) {
    let page = |path: &'static str, status| {
        let action = Action::respond(status);
        PathPattern::literal(path)
            .ok()
            .map(|pattern| Rule::new(pattern, action, Origin::configuration()).because(Reason::BuiltIn))
    };
    let own = SourceRanges::parse(["127.0.0.1", "::1"]).unwrap_or_default();
    let turned_away =
        page(STATUS, StatusCode::FORBIDDEN).map(|rule| rule.when(Predicate::source(own, false, None)));
    let status = turned_away.into_iter().chain(page(STATUS, StatusCode::OK)).collect();
    prefixes.push((HEALTH.len(), page(HEALTH, StatusCode::OK).into_iter().collect()));
    prefixes.push((STATUS.len(), status));
}
