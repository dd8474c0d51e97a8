//! Requests that are not gone through, but asked for by example.

use http::Method;

use super::hosts::HostClass;
use super::report::Report;
use super::requests::Witness;
use super::{Doubt, Reading};
use crate::table::{Outcome, RouteTable};

/// Asks both tables for examples. Their answers can only differ where something about requests is read
/// differently, so that where nothing is, nobody is asked.
pub(super) fn probe<'t>(
    classes: &[&HostClass],
    (before, after): (&'t RouteTable, &'t RouteTable),
    report: &mut Report<'t>,
) {
    let (a, b) = (before.semantics(), after.semantics());
    // What differs anyway shows nothing.
    let is_quiet = |class: &&&HostClass| {
        let root = Witness::plain(class.name(), "/");
        root.ask(|head| kind(before.lookup(head)) == kind(after.lookup(head)))
    };
    let Some(class) = classes.iter().find(is_quiet) else {
        if let Some(class) = classes.first().filter(|_| a.paths() != b.paths()) {
            report.unknown(class, None, Doubt::DotSegments);
        }
        return;
    };
    let ask = |report: &mut Report<'t>, reading: Reading, witness: Witness| {
        let outcomes = witness.ask(|head| (before.lookup(head), after.lookup(head)));
        let parted = kind(outcomes.0) != kind(outcomes.1);
        if parted {
            report.reading(class, reading, outcomes, witness);
        }
        parted
    };
    let plain = |path: &str| Witness::plain(class.name(), path);
    if a.paths() != b.paths() {
        let dotted = ["/a/../", "/.", "/..", "/a//..", "/a%2f../"];
        if !dotted.iter().any(|path| ask(report, Reading::DotSegments, plain(path))) {
            report.unknown(class, Some("/a/../"), Doubt::DotSegments);
        }
    }
    if a.paths() != b.paths() || a.checks() != b.checks() {
        let methods = [Method::TRACE, Method::CONNECT].map(|method| Witness { method, ..plain("/") });
        let lower = Method::from_bytes(b"get").ok().map(|method| Witness { method, ..plain("/") });
        let paths = ["/%zz", "/%00", "/\u{1}", "/#", "*", "a"].map(plain);
        let mut malformed = paths.into_iter().chain(methods).chain(lower);
        malformed.any(|witness| ask(report, Reading::Malformed, witness));
    }
    if a.hosts() != b.hosts() {
        let name = class.name().unwrap_or("a.invalid");
        let spellings = [name.to_ascii_uppercase(), format!("{name}."), format!("{name}:8080")];
        spellings.iter().any(|host| ask(report, Reading::Host, Witness::plain(Some(host), "/")));
    }
}

/// Who answers, as far as it is comparable between tables.
fn kind(outcome: Outcome<'_>) -> (u8, String) {
    match outcome {
        Outcome::Matched(hit) => (0, hit.rule().action().to_string()),
        Outcome::NoHost | Outcome::NoPath(_) => (1, String::new()),
        Outcome::Refused(refusal) => (2, refusal.status().to_string()),
    }
}
