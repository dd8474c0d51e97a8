//! An explanation as data.

use std::net::IpAddr;

use ingress_core::explain::{Candidate, Explanation, HostStep, Verdict};
use serde::Serialize;

use crate::answer::{Answer, RuleView};
use crate::request::Request;
use crate::session::Session;

/// The answer that `route` gives, and the way to it.
#[derive(Serialize)]
pub(crate) struct Reasons<'t> {
    #[serde(flatten)]
    answer: Answer<'t>,
    request: RequestView<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    normalized_host: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    normalized_path: Option<&'t str>,
    hosts: Vec<HostView<'t>>,
}

#[derive(Serialize)]
struct RequestView<'t> {
    method: &'t str,
    scheme: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'t str>,
    path: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sni: Option<&'t str>,
    draw: u32,
}

#[derive(Serialize)]
struct HostView<'t> {
    host: &'t str,
    consulted: bool,
    rules: Vec<CandidateView<'t>>,
}

#[derive(Serialize)]
struct CandidateView<'t> {
    number: usize,
    verdict: &'static str,
    detail: String,
    default_backend: bool,
    action: String,
    rule: RuleView<'t>,
}

impl<'t> Reasons<'t> {
    pub(crate) fn new(
        session: &'t Session,
        request: &'t Request,
        explanation: &'t Explanation<'t>,
        answer: Answer<'t>,
    ) -> Self {
        Self {
            answer,
            request: RequestView {
                method: request.method.as_str(),
                scheme: request.scheme.name(),
                host: request.host.as_deref(),
                path: &request.path,
                client_ip: request.client_ip,
                sni: request.sni.as_deref(),
                draw: request.draw,
            },
            normalized_host: explanation.host(),
            normalized_path: explanation.path().ok(),
            hosts: explanation.hosts().iter().map(|step| HostView::new(step, session)).collect(),
        }
    }
}

impl<'t> HostView<'t> {
    fn new(step: &'t HostStep<'t>, session: &'t Session) -> Self {
        let rules = session.table.host(step.pattern());
        let view = |candidate: &'t Candidate<'t>| CandidateView {
            number: candidate.rule_id().index(),
            verdict: name(candidate.verdict()),
            detail: candidate.verdict().to_string(),
            default_backend: rules.is_some_and(|rules| rules.is_default(candidate.rule_id())),
            action: candidate.rule().action().to_string(),
            rule: RuleView::new(session, candidate.rule(), step.pattern()),
        };
        Self {
            host: step.pattern().as_str(),
            consulted: step.is_consulted(),
            rules: step.candidates().iter().map(view).collect(),
        }
    }
}

/// A stable name for scripts.
fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::NotNeeded => "not-needed",
        Verdict::Path(_) => "path-differs",
        Verdict::Predicate { .. } => "condition-fails",
        Verdict::Shadowed(_) => "shadowed",
        Verdict::Outranked => "outranked",
        Verdict::Oversized => "oversized",
        Verdict::Won => "won",
        _ => "other",
    }
}
