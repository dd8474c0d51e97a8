//! Rules that do not get all the requests they name, because another object takes some of them.

use ingress_core::origin::Origin;
use ingress_core::overlap::{Overlap, overlaps};
use ingress_core::path::PathKind;
use ingress_core::rule::{Rule, RuleId};
use ingress_core::table::HostTable;

use super::acme::is_challenge;
use super::kind::Kind;
use super::quoted::Quoted;
use super::{Found, Subject};

/// How many rules that take something are named.
const NAMED: usize = 3;

/// Within one object, and where both lead to the same backend, there is nobody to be surprised.
pub(super) fn find<'m>(subject: &Subject<'m>, found: &mut Vec<Found<'m>>) {
    for host in subject.table.hosts() {
        let overlaps = overlaps(host);
        for taken in overlaps.chunk_by(|a, b| a.loser == b.loser) {
            let Some(loser) = taken.first().and_then(|first| rule(host, first.loser)) else { continue };
            let winners = taken.iter().filter_map(|Overlap { winner, .. }| rule(host, *winner));
            let winners: Vec<_> = winners
                .filter(|winner| winner.origin().ingress() != loser.origin().ingress())
                .filter(|winner| winner.action() != loser.action())
                // What solvers take from others is gone again in a minute, and meant for nobody else.
                .filter(|winner| !is_challenge(winner.path()))
                .collect();
            if winners.is_empty() {
                continue;
            }
            let origin: &Origin = loser.origin();
            let Some(object) = subject.objects.get(origin.ingress()) else { continue };
            let message = format!(
                "{} of host {} does not get all of its requests: {}",
                Quoted(&loser.path().to_string()),
                host.pattern(),
                listed(&winners)
            );
            found.push(object.found(Kind::PartlyShadowedRule, origin.field(), message));
        }
    }
}

fn rule(host: &HostTable, id: RuleId) -> Option<&Rule> {
    host.rules().get(id.index())
}

fn listed(winners: &[&Rule]) -> String {
    let mut listed = String::new();
    for (index, winner) in winners.iter().take(NAMED).enumerate() {
        let semicolon = if index == 0 { "" } else { "; " };
        let what = if winner.path().kind() == PathKind::Exact { "exactly" } else { "everything below" };
        let path = Quoted(winner.path().as_str());
        listed.push_str(&format!("{semicolon}{} takes {what} {path}", winner.origin()));
    }
    if let Some(more) = winners.len().checked_sub(NAMED).filter(|more| *more > 0) {
        listed.push_str(&format!("; and {more} more"));
    }
    listed
}
