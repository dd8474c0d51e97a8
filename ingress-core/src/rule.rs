//! What a rule is: a path, conditions, an action, and where it came from.

mod action;
mod predicate;
mod rewrite;

use std::fmt;

pub use action::{Action, Backend, Forward, Redirect, ResourceRef, ServiceRef};
pub use predicate::{Predicate, ValueTest};
pub(crate) use rewrite::unchanged as rewrite_unchanged;
pub use rewrite::{Rewrite, RewriteError};

use crate::origin::Origin;
use crate::path::{PathKind, PathPattern};

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
            size_of::<Extras>() + size_of_val(&*extras.predicates) + extras.order_key.len()
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
