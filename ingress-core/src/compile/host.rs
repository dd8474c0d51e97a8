//! One host: what all objects contribute, put in order, numbered and indexed.

use std::sync::Arc;

use super::{Config, Object};
use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::dialect::{Contribution, Dialect, Draft, HostRules};
use crate::host::HostPattern;
use crate::origin::{Origin, SecretRef};
use crate::path::PathPattern;
use crate::printable::Excerpt;
use crate::rule::{Action, Reason, Rule};
use crate::table::{HostCertificate, HostParts, IndexReport, Prepared, Semantics};

/// Builds a host out of its contributors, the one with precedence first. No table when nothing is left
/// of it; findings there may be all the same.
pub(super) fn build(
    dialect: &dyn Dialect,
    config: &Config,
    pattern: &HostPattern,
    contributors: &[&Object],
    semantics: &Arc<Semantics>,
    blocks: &mut Vec<u8>,
) -> (Option<Prepared>, Vec<Diagnostic>) {
    let mut gathered = Gathered::default();
    for object in contributors {
        for contribution in object.for_host(pattern) {
            gathered.add(object, contribution);
        }
    }
    if !gathered.claimed {
        gathered.drafts.append(&mut gathered.weak);
    }
    if pattern.is_any()
        && let Some(backend) = config.backend()
    {
        let action = Action::forward(backend.clone());
        gathered.defaults.push(Rule::new(PathPattern::any(), action, Origin::configuration()));
    }
    let mut rules = HostRules::new(pattern, gathered.drafts);
    dialect.arrange(&mut rules);
    let (mut rules, mut diagnostics) = rules.finish();
    diagnostics.append(&mut gathered.diagnostics);
    if rules.is_empty() && gathered.defaults.is_empty() && gathered.certificate.is_none() && !gathered.claimed
    {
        return (None, diagnostics);
    }
    let first_default = u32::try_from(rules.len()).unwrap_or(u32::MAX);
    rules.append(&mut gathered.defaults);
    let parts = HostParts {
        pattern: pattern.clone(),
        rules,
        first_default,
        certificate: gathered
            .certificate
            .map_or(HostCertificate::Inherited, |(secret, _)| HostCertificate::Own(secret.clone())),
        claimed: gathered.claimed,
        semantics: semantics.clone(),
    };
    let (prepared, report) = Prepared::new(parts, blocks);
    diagnostics.extend(findings(pattern, prepared.rules(), report));
    (Some(prepared), diagnostics)
}

#[derive(Default)]
struct Gathered<'a> {
    drafts: Vec<Draft<'a>>,
    weak: Vec<Draft<'a>>,
    defaults: Vec<Rule>,
    certificate: Option<(&'a SecretRef, &'a Object)>,
    claimed: bool,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Gathered<'a> {
    fn add(&mut self, object: &'a Object, contribution: &'a Contribution) {
        match contribution {
            Contribution::Rule(rule) => {
                self.claimed = true;
                self.drafts.push(Draft::new(rule.clone(), &object.ingress));
            }
            Contribution::WeakRule(rule) => self.weak.push(Draft::new(rule.clone(), &object.ingress)),
            Contribution::Claim => self.claimed = true,
            Contribution::Default(rule) => self.defaults.push(rule.clone()),
            Contribution::Certificate(secret, field) => match self.certificate {
                None => self.certificate = Some((secret, object)),
                Some((winner, _)) if winner == secret => {}
                Some((winner, owner)) => self.diagnostics.push(Diagnostic::new(
                    DiagnosticKind::CertificateConflict,
                    object.ingress.id().clone(),
                    field.clone(),
                    format!(
                        "Secret {} is not used: {} names {} for the same host",
                        Excerpt(secret.as_str()),
                        owner.ingress.id(),
                        Excerpt(winner.as_str())
                    ),
                )),
            },
        }
    }
}

pub(super) fn findings(host: &HostPattern, rules: &[Rule], report: IndexReport) -> Vec<Diagnostic> {
    let finding = |rank: u32, kind, message: &dyn Fn(&Rule) -> String| {
        let rule = rules.get(rank as usize)?;
        let origin = rule.origin();
        Some(Diagnostic::new(kind, origin.ingress().clone(), origin.field().clone(), message(rule)))
    };
    let shadowed = report.shadowed.into_iter().filter_map(|shadowed| {
        let winner = rules.get(shadowed.winner as usize)?;
        finding(shadowed.loser, DiagnosticKind::ShadowedRule, &|rule| {
            format!(
                "{} of host {} is never reached: {} comes first and takes the same requests",
                shown(rule),
                host,
                winner.origin()
            )
        })
    });
    let oversized = report.oversized.into_iter().filter_map(|rank| {
        finding(rank, DiagnosticKind::OversizedPattern, &|rule| {
            if rule.reason() == Some(Reason::OversizedExpression) {
                let what = "the expression needs more memory than it may take";
                return format!("{what}; requests for {} are answered with 503", shown(rule));
            }
            format!("{} needs more memory than an expression may take; it is not served", shown(rule))
        })
    });
    shadowed.chain(oversized).collect()
}

fn shown(rule: &Rule) -> String {
    Excerpt(&rule.path().to_string()).to_string()
}
