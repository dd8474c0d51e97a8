//! Whether two answers are the same.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;

use super::requests::Witness;
use super::{Aspect, Doubt};
use crate::rule::{Action, Backend, Forward, Policy, Reason, Rewrite, Rule};
use crate::table::{Match, Outcome, RouteTable};

/// What comes of comparing two answers to one request, and to others like it: nothing, if they are the same.
#[derive(Default)]
pub(super) struct Judgement {
    pub(super) differs: Option<(BTreeSet<Aspect>, Witness)>,
    pub(super) policies: Option<PolicyChange>,
    pub(super) doubt: Option<Doubt>,
}

/// Policies that are not the same, by what they are called: many rules have the same change.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct PolicyChange {
    pub(super) dropped: BTreeSet<&'static str>,
    pub(super) changed: BTreeSet<&'static str>,
    pub(super) added: BTreeSet<&'static str>,
}

impl Judgement {
    fn differs<const N: usize>(aspects: [Aspect; N], request: &Witness) -> Self {
        Self { differs: Some((aspects.into(), request.clone())), ..Self::default() }
    }

    fn unknown(doubt: Doubt) -> Self {
        Self { doubt: Some(doubt), ..Self::default() }
    }
}

impl PolicyChange {
    fn between(a: &Rule, b: &Rule) -> Option<Self> {
        let without = |own: &Rule, other: &Rule| -> BTreeSet<&'static str> {
            let holds = |all: &[Policy], one: &Policy| all.iter().filter(|other| *other == one).count();
            let missing = |policy: &&Policy| holds(own.policies(), policy) > holds(other.policies(), policy);
            own.policies().iter().filter(missing).map(Policy::code).collect()
        };
        let (own, other) = (without(a, b), without(b, a));
        let change = Self {
            dropped: own.difference(&other).copied().collect(),
            changed: own.intersection(&other).copied().collect(),
            added: other.difference(&own).copied().collect(),
        };
        (!own.is_empty() || !other.is_empty()).then_some(change)
    }
}

/// Compares the answers of two tables.
pub(super) struct Judge {
    /// Both read paths alike and send them on alike.
    same_reading: bool,
}

impl Judge {
    pub(super) fn new((before, after): (&RouteTable, &RouteTable)) -> Self {
        let (a, b) = (before.semantics(), after.semantics());
        let same_reading = a.paths() == b.paths() && a.forward_received() == b.forward_received();
        Self { same_reading }
    }

    /// Judges the answers to `request`, which are those to all requests of a region but for what is made of the
    /// path; `paths` are some of the region.
    pub(super) fn judge(
        &self,
        (before, after): (Outcome<'_>, Outcome<'_>),
        request: &Witness,
        paths: &[String],
    ) -> Judgement {
        let (Some(a), Some(b)) = (before.matched(), after.matched()) else {
            // One of them is no rule: both are if both say the same status.
            return match (status(before), status(after)) {
                (Some(a), Some(b)) if a == b => Judgement::default(),
                _ => Judgement::differs([Aspect::Answer], request),
            };
        };
        if self.same_reading && a.rule().answers_as(b.rule()) {
            return Judgement::default();
        }
        if let Some(doubt) = doubt(a.rule()).or_else(|| doubt(b.rule())) {
            return Judgement::unknown(doubt);
        }
        match (a.rule().action(), b.rule().action()) {
            (Action::Respond(a), Action::Respond(b)) if a == b => Judgement::default(),
            (Action::Redirect(own), Action::Redirect(other)) if own.status() == other.status() => {
                self.locations(a, b, request, paths)
            }
            (own, other) => match (own.as_forward(), other.as_forward()) {
                (Some(own), Some(other)) => self.forwards((a, own), (b, other), request, paths),
                _ => Judgement::differs([Aspect::Answer], request),
            },
        }
    }

    fn locations(&self, a: Match<'_>, b: Match<'_>, request: &Witness, paths: &[String]) -> Judgement {
        let told = |hit: Match<'_>, request: &Witness| request.ask(|head| hit.location(head));
        if let Some(request) = parted(request, paths, |request| told(a, request) != told(b, request)) {
            return Judgement::differs([Aspect::Location], &request);
        }
        let templates = [a, b].map(|hit| match hit.rule().action() {
            Action::Redirect(redirect) => Some(redirect.location()),
            _ => None,
        });
        let fixed = templates.iter().all(|template| template.is_some_and(|own| own.fixed().is_some()));
        let same = self.same_reading && templates.first() == templates.last() && a.rule().sends_as(b.rule());
        if fixed || same { Judgement::default() } else { Judgement::unknown(Doubt::Rewrites) }
    }

    fn forwards(
        &self,
        (a, own): (Match<'_>, &Forward),
        (b, other): (Match<'_>, &Forward),
        request: &Witness,
        paths: &[String],
    ) -> Judgement {
        let mut aspects = BTreeSet::new();
        let (shares, others) = (shares(own), shares(other));
        if !shares.keys().eq(others.keys()) {
            aspects.insert(Aspect::Backend);
        } else if shares != others {
            aspects.insert(Aspect::Weights);
        }
        let asks = |hit: Match<'_>| matches!(hit.rule().action(), Action::Authorize(_));
        if asks(a) != asks(b) {
            aspects.insert(Aspect::Authorization);
        }
        let mut doubt = None;
        let mut policies = PolicyChange::between(a.rule(), b.rule());
        if asks(a) && asks(b) && decisions(a.rule()) != decisions(b.rule()) {
            // Both may say the same in the end.
            policies = None;
            doubt = Some(Doubt::ExternalDecision);
        }
        let sent = |hit: Match<'_>, request: &Witness| request.ask(|head| hit.sent_target(head));
        let mut witness = request.clone();
        match parted(request, paths, |request| sent(a, request) != sent(b, request)) {
            Some(request) => {
                aspects.insert(Aspect::Target);
                witness = request;
            }
            None if !self.same_reading || !a.rule().sends_as(b.rule()) => {
                // Without a rewrite both send what they read, which was compared.
                let plain = a.rule().path_rewrite().is_none() && b.rule().path_rewrite().is_none();
                let fixed = [a, b].iter().all(|hit| hit.rule().path_rewrite().is_some_and(Rewrite::is_fixed));
                if !plain && !fixed {
                    doubt = doubt.or(Some(Doubt::Rewrites));
                }
            }
            None => {}
        }
        let differs = (!aspects.is_empty()).then_some((aspects, witness));
        Judgement { differs, policies, doubt }
    }
}

/// The first request among those of a region for which something is so.
fn parted(request: &Witness, paths: &[String], is_so: impl Fn(&Witness) -> bool) -> Option<Witness> {
    paths.iter().map(|path| request.at(path)).find(is_so)
}

/// The status of an answer that is no forwarding.
fn status(outcome: Outcome<'_>) -> Option<StatusCode> {
    match outcome {
        Outcome::Matched(hit) => match hit.rule().action() {
            Action::Respond(status) => Some(*status),
            _ => None,
        },
        Outcome::NoHost | Outcome::NoPath(_) => Some(StatusCode::NOT_FOUND),
        Outcome::Refused(refusal) => Some(refusal.status()),
    }
}

/// Why a rule does not tell what its controller would do.
fn doubt(rule: &Rule) -> Option<Doubt> {
    match rule.reason() {
        Some(Reason::OversizedExpression) => Some(Doubt::Oversized),
        Some(Reason::Unsupported) => Some(Doubt::Unsupported),
        _ => None,
    }
}

/// The share of each backend, in lowest terms.
fn shares(forward: &Forward) -> BTreeMap<String, (u64, u64)> {
    let mut weights: BTreeMap<String, u64> = BTreeMap::new();
    for (backend, weight) in forward.backends().filter(|(_, weight)| *weight > 0) {
        *weights.entry(name(backend)).or_default() += u64::from(weight);
    }
    let total: u64 = weights.values().sum();
    let divisor = weights.values().fold(total, |a, b| greatest_common_divisor(a, *b)).max(1);
    weights.into_iter().map(|(name, weight)| (name, (weight / divisor, total / divisor))).collect()
}

fn name(backend: &Backend) -> String {
    match backend {
        Backend::Resource(resource) => format!("resource {resource}"),
        Backend::Service(service) => service.to_string(),
    }
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The questions that somebody else decides.
fn decisions(rule: &Rule) -> Vec<&Policy> {
    let asked = |policy: &&Policy| {
        matches!(
            policy,
            Policy::AuthorizeBasic(_)
                | Policy::AuthorizeExternal(_)
                | Policy::AuthorizeCertificate(_)
                | Policy::AuthorizeAny
        )
    };
    rule.policies().iter().filter(asked).collect()
}
