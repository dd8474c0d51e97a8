//! What a client and an upstream see of an answer: when two answers are the same.

use std::collections::BTreeMap;

use ingress_core::{Action, Outcome, RequestHead};

/// The answer of a table to a request, with everything that is to be the same.
pub(crate) fn answer(outcome: Outcome<'_>, request: &RequestHead<'_>) -> String {
    let hit = match outcome {
        Outcome::Matched(hit) => hit,
        Outcome::NoHost | Outcome::NoPath(_) => return "404".to_owned(),
        Outcome::Refused(refusal) => return refusal.status().as_str().to_owned(),
        other => panic!("an outcome that is not known here: {other}"),
    };
    let rule = hit.rule();
    match rule.action() {
        Action::Respond(status) => return status.as_str().to_owned(),
        Action::Redirect(redirect) => return format!("{} {:?}", redirect.status(), hit.location(request)),
        _ => {}
    }
    let forward = rule.action().as_forward().expect("there is nothing else that a rule can do");
    let mut shares: BTreeMap<String, f64> = BTreeMap::new();
    let total: f64 = forward.backends().map(|(_, weight)| f64::from(weight)).sum();
    for (backend, weight) in forward.backends().filter(|(_, weight)| *weight > 0) {
        *shares.entry(backend.to_string()).or_default() += f64::from(weight) / total;
    }
    let shares: Vec<String> = shares.iter().map(|(name, share)| format!("{share:.9} {name}")).collect();
    let mut policies: Vec<String> = rule.policies().iter().map(|policy| format!("{policy:?}")).collect();
    policies.sort();
    let asks = matches!(rule.action(), Action::Authorize(_));
    format!("{shares:?} as {:?}, {policies:?}, {asks}", hit.sent_target(request))
}
