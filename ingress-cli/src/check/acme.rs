//! ACME challenges that do not reach their solver.
//!
//! An authority asks `/.well-known/acme-challenge/TOKEN` of each host before it issues a certificate. A
//! rule for that path which names no host, or a wildcard, is a solver for many hosts; a rule of one of
//! these hosts for everything goes before it.

use std::collections::BTreeMap;

use ingress_core::path::{PathKind, PathPattern};
use ingress_core::rule::Rule;
use ingress_core::table::HostTable;
use ingress_core::{Action, HostPattern, Outcome, RequestHead};

use super::kind::Kind;
use super::paths::sample;
use super::quoted::Quoted;
use super::{Found, Subject};

const CHALLENGES: &str = "/.well-known/acme-challenge";

/// How many rules of one host are taken for solvers. There is one, or one for each challenge that is open.
const SOLVERS: usize = 8;

/// How many hosts are named.
const NAMED: usize = 3;

pub(super) fn find<'m>(subject: &Subject<'m>, found: &mut Vec<Found<'m>>) {
    let solvers: BTreeMap<&HostPattern, Vec<&Rule>> = subject
        .table
        .hosts()
        .map(|host| (host.pattern(), solvers(host)))
        .filter(|(_, solvers)| !solvers.is_empty())
        .collect();
    if solvers.is_empty() {
        return;
    }
    // By the solver: the hosts that it does not get the challenges of, and who does.
    let mut losses: BTreeMap<(&HostPattern, usize), Vec<(&HostPattern, &Rule)>> = BTreeMap::new();
    for host in subject.table.hosts() {
        let pattern = host.pattern();
        let parent = pattern.as_str().split_once('.').and_then(|(_, rest)| format!("*.{rest}").parse().ok());
        let wider = [Some(pattern.clone()), parent, Some(HostPattern::any())];
        for wider in wider.iter().flatten().filter(|wider| *wider != pattern || !pattern.is_any()) {
            let Some((wider, solvers)) = solvers.get_key_value(wider) else { continue };
            for (index, solver) in solvers.iter().enumerate() {
                if let Some(taker) = taker(subject, pattern, solver) {
                    let lost = losses.entry((wider, index)).or_default();
                    if lost.last().is_none_or(|(last, _)| *last != pattern) {
                        lost.push((pattern, taker));
                    }
                }
            }
        }
    }
    for ((wider, index), lost) in losses {
        let Some(solver) = solvers.get(wider).and_then(|solvers| solvers.get(index)) else { continue };
        let Some(object) = subject.objects.get(solver.origin().ingress()) else { continue };
        found.push(object.found(Kind::AcmePathTaken, solver.origin().field(), message(&lost)));
    }
}

/// Whether only a solver has a use for the path.
pub(super) fn is_challenge(path: &PathPattern) -> bool {
    let rest = path.as_str().strip_prefix(CHALLENGES);
    path.kind() != PathKind::Regex && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn solvers(host: &HostTable) -> Vec<&Rule> {
    let solver = |rule: &&Rule| is_challenge(rule.path()) && rule.predicates().is_empty();
    host.rules().iter().filter(solver).take(SOLVERS).collect()
}

/// The rule that gets a challenge of a host in the place of its solver.
fn taker<'t>(subject: &Subject<'t>, host: &HostPattern, solver: &Rule) -> Option<&'t Rule> {
    let path = solver.path();
    let target = match path.kind() {
        PathKind::Exact => path.as_str().to_owned(),
        _ => format!("{}/token", path.as_str().trim_end_matches('/')),
    };
    let name = sample(host)?;
    let Outcome::Matched(hit) = subject.table.lookup(&RequestHead::new(&name, &target)) else { return None };
    // An authority follows redirects; a solver of the host's own is as good.
    let harmless = matches!(hit.rule().action(), Action::Redirect(_)) || is_challenge(hit.rule().path());
    (!harmless && hit.rule().action() != solver.action()).then(|| hit.rule())
}

fn message(lost: &[(&HostPattern, &Rule)]) -> String {
    let mut message = "challenges do not reach this solver: ".to_owned();
    for (index, (host, taker)) in lost.iter().take(NAMED).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        message.push_str(&format!(
            "{comma}{} of {} takes those of host {host}",
            Quoted(&taker.path().to_string()),
            taker.origin()
        ));
    }
    if let Some(more) = lost.len().checked_sub(NAMED).filter(|more| *more > 0) {
        message.push_str(&format!(", and likewise for {more} more hosts"));
    }
    message
}
