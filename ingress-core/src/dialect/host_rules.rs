//! The rules of one host while they are put in order.

use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::host::HostPattern;
use crate::ingress::Ingress;
use crate::path::PathKind;
use crate::rule::Rule;

/// A rule before it has a number, beside the object that it came from.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    rule: Rule,
    ingress: &'a Ingress,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(rule: Rule, ingress: &'a Ingress) -> Self {
        Self { rule, ingress }
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The object. [`arrange`](super::Dialect::arrange) may read its annotations besides what
    /// [`compare`](super::Dialect::compare) orders by: a change of these brings all hosts of the object
    /// back to it, a change of anything else only those hosts whose rules it changed.
    pub fn ingress(&self) -> &'a Ingress {
        self.ingress
    }

    /// The same place, with another rule.
    #[must_use]
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    pub(crate) fn into_rule(self) -> Rule {
        self.rule
    }
}

/// All rules of one host, in the order of their objects, then of their lines.
///
/// The order they are left in is their precedence.
#[derive(Debug)]
pub struct HostRules<'a> {
    host: &'a HostPattern,
    drafts: Vec<Draft<'a>>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> HostRules<'a> {
    pub(crate) fn new(host: &'a HostPattern, drafts: Vec<Draft<'a>>) -> Self {
        Self { host, drafts, diagnostics: Vec::new() }
    }

    pub(crate) fn finish(self) -> (Vec<Rule>, Vec<Diagnostic>) {
        (self.drafts.into_iter().map(Draft::into_rule).collect(), self.diagnostics)
    }

    /// The host.
    pub fn host(&self) -> &'a HostPattern {
        self.host
    }

    /// The rules in their present order.
    pub fn drafts(&self) -> &[Draft<'a>] {
        &self.drafts
    }

    /// The rules, to be reordered, changed, joined or dropped.
    pub fn drafts_mut(&mut self) -> &mut Vec<Draft<'a>> {
        &mut self.drafts
    }

    /// A finding about the object of one draft.
    pub fn diagnose(&mut self, draft: usize, kind: DiagnosticKind, message: String) {
        if let Some(draft) = self.drafts.get(draft) {
            let origin = draft.rule.origin();
            self.diagnostics.push(Diagnostic::new(
                kind,
                origin.ingress().clone(),
                origin.field().clone(),
                message,
            ));
        }
    }

    /// The order of the specification: the longest path first, among equals Exact, then the rule
    /// with more conditions, then the older object, then the earlier line.
    pub fn sort_by_specificity(&mut self) {
        self.drafts.sort_by_cached_key(|draft| {
            let path = draft.rule.path();
            let conditions = draft.rule.predicates().len();
            (
                std::cmp::Reverse(path.specificity()),
                path.kind() != PathKind::Exact,
                std::cmp::Reverse(conditions),
            )
        });
    }
}
