//! What a rule is: a path, conditions, an action, and where it came from.

mod action;
mod authorize;
mod client_header;
mod policy;
mod predicate;
mod reason;
mod rewrite;
mod source;
mod template;

use std::fmt;
use std::sync::Arc;

use http::StatusCode;

pub use action::{Action, Backend, Forward, Redirect, ResourceRef, ServiceRef};
pub use authorize::Authorize;
pub use client_header::ClientHeader;
pub use policy::{
    Affinity, Balance, BasicAuth, CertificateAuth, Cors, ErrorPages, ExternalAuth, Mirror, Policy, Protocol,
    Retry, UpstreamTls,
};
pub(crate) use predicate::Demand;
pub use predicate::{Predicate, ValueTest};
pub use reason::Reason;
pub use rewrite::{Rewrite, RewriteError};
pub(crate) use rewrite::{as_path_and_query, put_whole, unchanged as rewrite_unchanged};
pub use source::{SourceRangeError, SourceRanges};
pub use template::{Piece, Template};

use crate::origin::Origin;
use crate::path::regex::{Captures, literal_start};
use crate::path::{PathError, PathKind, PathPattern};

/// The number of a rule within its host. The lowest number that matches wins: precedence is settled
/// when a table is compiled, and nowhere else.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RuleId(u32);

impl RuleId {
    pub(crate) const fn new(index: u32) -> Self {
        Self(index)
    }

    /// The number, from 0.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// One line of a host's table.
///
/// Dialects make rules out of objects; the compiler numbers them.
///
/// ```
/// use http::{Method, StatusCode};
/// use ingress_core::path::PathPattern;
/// use ingress_core::origin::{FieldPath, IngressId, Origin};
/// use ingress_core::rule::{Action, Predicate, Rule};
///
/// let origin = Origin::new(IngressId::new("default", "web"), FieldPath::path(0, 0));
/// let rule = Rule::new(PathPattern::prefix("/admin")?, Action::respond(StatusCode::FORBIDDEN), origin)
///     .when(Predicate::method(Method::DELETE));
/// assert_eq!(rule.to_string(), "Prefix /admin, method DELETE -> 403");
/// # Ok::<(), ingress_core::path::PathError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    path: PathPattern,
    action: Action,
    origin: Origin,
    // Most rules have none of this, and there are millions of them.
    extras: Option<Box<Extras>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Extras {
    predicates: Vec<Predicate>,
    rewrite: Option<Rewrite>,
    order_key: Vec<u8>,
    captures: Option<Captured>,
    reason: Option<Reason>,
    policies: Arc<[Policy]>,
    keeps_place: bool,
}

/// An expression whose groups templates refer to, beside what runs it.
#[derive(Clone, Debug)]
struct Captured {
    expression: Box<str>,
    engine: Captures,
}

impl PartialEq for Captured {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression
    }
}

impl Rule {
    /// A rule without conditions.
    pub fn new(path: PathPattern, action: Action, origin: Origin) -> Self {
        Self { path, action, origin, extras: None }
    }

    /// Adds a condition: the rule matches when all of them hold.
    #[must_use]
    pub fn when(mut self, predicate: Predicate) -> Self {
        self.extras().predicates.push(predicate);
        self
    }

    /// Rewrites the path before it is sent on.
    #[must_use]
    pub fn rewrite(mut self, rewrite: Rewrite) -> Self {
        let rewrite = rewrite.bound_to(&self.path);
        self.extras().rewrite = Some(rewrite);
        self
    }

    /// Looks for this expression in the path of a request that the rule takes: its groups are those of the
    /// rule's [templates](Template). Where it is not found and the path ends in a line feed, it is looked
    /// for in the path without: to the expressions that most servers know, that is an end, too.
    pub fn capture(mut self, expression: &str) -> Result<Self, PathError> {
        let captured = Captured { expression: expression.into(), engine: Captures::search(expression)? };
        self.extras().captures = Some(captured);
        Ok(self)
    }

    /// Says why the rule answers as it does, for whoever meets the answer.
    #[must_use]
    pub fn because(mut self, reason: Reason) -> Self {
        self.extras().reason = Some(reason);
        self
    }

    /// Adds what a data plane is to do with the requests that the rule takes.
    #[must_use]
    pub fn with_policies(mut self, policies: impl Into<Arc<[Policy]>>) -> Self {
        let policies = policies.into();
        if !policies.is_empty() || self.extras.is_some() {
            self.extras().policies = policies;
        }
        self
    }

    /// Keeps the place of the rule even if its expression is too large to be run: every request that it
    /// could have taken, as far as can be told, is answered with 503.
    #[must_use]
    pub fn keep_place(mut self) -> Self {
        self.extras().keeps_place = true;
        self
    }

    /// What stands in the place of a rule whose expression cannot be run.
    pub(crate) fn stand_in(&self) -> Option<Self> {
        if !self.extras.as_ref().is_some_and(|extras| extras.keeps_place) {
            return None;
        }
        let literal = if self.path.is_searched() { literal_start(self.path.as_str()) } else { None };
        let mut path =
            literal.and_then(|text| PathPattern::literal(text).ok()).unwrap_or_else(PathPattern::any);
        if self.path.ignores_case() {
            path = path.ignore_case();
        }
        let action = Action::respond(StatusCode::SERVICE_UNAVAILABLE);
        Some(Self::new(path, action, self.origin.clone()).because(Reason::OversizedExpression))
    }

    /// Gives the rule a place among the rules of *all* hosts: keys are compared as bytes, the
    /// smallest wins. Only read by dialects that choose
    /// [the best rule over all hosts](crate::dialect::HostChoice::Best).
    #[must_use]
    pub fn order_key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.extras().order_key = key.into();
        self
    }

    fn extras(&mut self) -> &mut Extras {
        &mut *self.extras.get_or_insert_default()
    }

    /// The condition on the path.
    pub fn path(&self) -> &PathPattern {
        &self.path
    }

    /// The further conditions; all must hold.
    pub fn predicates(&self) -> &[Predicate] {
        self.extras.as_ref().map_or(&[], |extras| &extras.predicates)
    }

    /// What happens to a request that the rule takes.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// How the path is rewritten, if it is.
    pub fn path_rewrite(&self) -> Option<&Rewrite> {
        self.extras.as_ref()?.rewrite.as_ref()
    }

    /// Why the rule answers as it does, where it says so.
    pub fn reason(&self) -> Option<Reason> {
        self.extras.as_ref()?.reason
    }

    /// What a data plane is to do with the requests that the rule takes.
    pub fn policies(&self) -> &[Policy] {
        self.extras.as_ref().map_or(&[], |extras| &extras.policies)
    }

    /// The groups of the expression that the rule captures.
    pub(crate) fn groups(&self, path: &[u8]) -> template::Groups {
        let captured = self.extras.as_ref().and_then(|extras| extras.captures.as_ref());
        let groups = captured.and_then(|captured| {
            let shorter = || captured.engine.groups(path.strip_suffix(b"\n")?);
            captured.engine.groups(path).or_else(shorter)
        });
        groups.unwrap_or_default()
    }

    /// Whether a request that takes one of the rules gets the same from the other, wherever both were
    /// written down.
    pub(crate) fn routes_as(&self, other: &Self) -> bool {
        self.path.same_as(&other.path)
            && self.predicates() == other.predicates()
            && self.key() == other.key()
            && self.answers_as(other)
    }

    /// Whether both do the same with a request, for the reason that both say the same.
    pub(crate) fn answers_as(&self, other: &Self) -> bool {
        self.action == other.action
            && self.policies() == other.policies()
            && self.reason() == other.reason()
            && self.sends_as(other)
    }

    /// Whether both make the same of a path, for the reason that both say the same.
    pub(crate) fn sends_as(&self, other: &Self) -> bool {
        let captured = |rule: &Self| {
            rule.extras.as_ref().and_then(|extras| Some(extras.captures.as_ref()?.expression.clone()))
        };
        self.path_rewrite() == other.path_rewrite()
            && captured(self) == captured(other)
            && (self.path_rewrite().is_none_or(Rewrite::reads_no_match) || self.path.same_as(&other.path))
    }

    /// The object and field that the rule was made from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Its place among the rules of all hosts; empty, and so before all others, if it was given none.
    pub fn key(&self) -> &[u8] {
        self.extras.as_ref().map_or(&[], |extras| &extras.order_key)
    }

    pub(crate) fn is_conditional(&self) -> bool {
        !self.predicates().is_empty()
    }

    /// Bytes held beyond `size_of::<Rule>()`, as far as this rule alone holds them.
    pub(crate) fn heap_usage(&self) -> usize {
        let extras = self.extras.as_ref().map_or(0, |extras| {
            size_of::<Extras>()
                + size_of_val(&*extras.predicates)
                + extras.order_key.len()
                + size_of_val(&*extras.policies)
        });
        ARC_HEADER + self.path.as_str().len() + self.action.heap_usage() + extras
    }
}

/// What `Arc` keeps beside its value.
pub(crate) const ARC_HEADER: usize = 16;

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.kind() == PathKind::Any {
            f.write_str("any path")?;
        } else {
            write!(f, "{}", self.path)?;
        }
        for predicate in self.predicates() {
            write!(f, ", {predicate}")?;
        }
        write!(f, " -> {}", self.action)?;
        if let Some(rewrite) = self.path_rewrite() {
            write!(f, " as {rewrite}")?;
        }
        Ok(())
    }
}
