//! What a lookup answers.

use std::fmt;

use http::uri::PathAndQuery;

use super::HostTable;
use super::semantics::Semantics;
use crate::host::HostPattern;
use crate::path::{Refusal, Scan};
use crate::request::RequestHead;
use crate::rule::{Action, RewriteError, Rule, RuleId, Template, as_path_and_query, rewrite_unchanged};

/// Where a request goes.
#[non_exhaustive]
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome<'t> {
    /// To what this rule says.
    Matched(Match<'t>),
    /// Nowhere: no host of the table is the request's.
    NoHost,
    /// Nowhere: this host was the most specific one asked, and neither it nor any other has the path.
    NoPath(&'t HostPattern),
    /// Nowhere, and the request itself is to blame.
    Refused(Refusal),
}

impl<'t> Outcome<'t> {
    /// The rule that matched, if one did.
    pub fn matched(self) -> Option<Match<'t>> {
        match self {
            Self::Matched(hit) => Some(hit),
            _ => None,
        }
    }
}

impl fmt::Display for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matched(hit) => {
                write!(f, "{} ({} of host {})", hit.rule().action(), hit.rule_id(), hit.host())
            }
            Self::NoHost => f.write_str("404, no such host"),
            Self::NoPath(host) => write!(f, "404, no such path on host {host}"),
            Self::Refused(refusal) => write!(f, "{}, {refusal}", refusal.status().as_u16()),
        }
    }
}

/// A rule that took a request, borrowed from its table.
#[derive(Clone, Copy)]
pub struct Match<'t> {
    host: &'t HostTable,
    rule: RuleId,
}

impl<'t> Match<'t> {
    pub(crate) const fn new(host: &'t HostTable, rule: RuleId) -> Self {
        Self { host, rule }
    }

    /// The rule.
    pub fn rule(&self) -> &'t Rule {
        self.host.rule(self.rule)
    }

    /// Its number within the host.
    pub const fn rule_id(&self) -> RuleId {
        self.rule
    }

    /// The host pattern that it stands under.
    pub fn host(&self) -> &'t HostPattern {
        self.host.pattern()
    }

    /// All rules of that host.
    pub const fn host_table(&self) -> &'t HostTable {
        self.host
    }

    /// Whether it is a default backend: what answers when no rule matches.
    pub fn is_default(&self) -> bool {
        self.host.is_default(self.rule)
    }

    /// The target to send on: the path as it was judged, rewritten when the rule says so, with the
    /// query untouched. `request` is the one that was looked up.
    pub fn upstream(&self, request: &RequestHead<'_>) -> Result<PathAndQuery, RewriteError> {
        let semantics = self.host.semantics();
        upstream(self.rule(), semantics, request)
    }

    /// The target to send on, as it stands on the wire. Unlike [`upstream`](Self::upstream) it can be said of
    /// every request, even where it is one that another server would not take.
    pub fn sent_target(&self, request: &RequestHead<'_>) -> Result<String, RewriteError> {
        sent_target(self.rule(), self.host.semantics(), request)
    }

    /// Where a redirect leads; `None` for a rule that is none. `request` is the one that was looked up.
    pub fn location(&self, request: &RequestHead<'_>) -> Option<String> {
        let Action::Redirect(redirect) = self.rule().action() else { return None };
        if let Some(fixed) = redirect.location().fixed() {
            return Some(fixed.to_owned());
        }
        let request = self.host.semantics().absolute(request).unwrap_or(*request);
        let path = self.host.semantics().paths().normalize(request.target()).ok()?;
        Some(redirect.location().location(&request, &path, &self.rule().groups(path.path())))
    }

    /// What a template among the rule's [policies](Rule::policies) comes to.
    pub fn render(&self, template: &Template, request: &RequestHead<'_>) -> String {
        let request = self.host.semantics().absolute(request).unwrap_or(*request);
        match self.host.semantics().paths().normalize(request.target()) {
            Ok(path) => template.with_groups(&request, &path, &self.rule().groups(path.path())),
            Err(_) => String::new(),
        }
    }

    /// As [`upstream`](Self::upstream), but `None` when the target goes on as it was received: the
    /// common case, which allocates nothing.
    pub fn changed_upstream(&self, request: &RequestHead<'_>) -> Result<Option<PathAndQuery>, RewriteError> {
        let semantics = self.host.semantics();
        if self.rule().path_rewrite().is_none() {
            let target = request.target();
            let (path, query) =
                target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
            let same = || {
                let judged = semantics.paths().normalize(target);
                judged.is_ok_and(|judged| judged.path() == path.as_bytes() && judged.query() == query)
            };
            if semantics.forward_received() && target.starts_with('/')
                || query.is_none() && Scan::of(path.as_bytes()).is_plain()
                || same()
            {
                return Ok(None);
            }
        }
        self.upstream(request).map(Some)
    }

    /// The same, owned: it keeps the rules of its host alive, not the table.
    pub fn detach(&self) -> OwnedMatch {
        OwnedMatch { host: self.host.clone(), rule: self.rule }
    }
}

impl PartialEq for Match<'_> {
    /// Equal when it is the same rule of the same host, in whatever table.
    fn eq(&self, other: &Self) -> bool {
        self.rule == other.rule && self.host() == other.host() && self.rule() == other.rule()
    }
}

impl fmt::Debug for Match<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Match")
            .field("host", &self.host().as_str())
            .field("rule_id", &self.rule)
            .field("rule", self.rule())
            .finish()
    }
}

/// A [`Match`] that outlives its table.
#[derive(Clone)]
pub struct OwnedMatch {
    host: HostTable,
    rule: RuleId,
}

impl OwnedMatch {
    /// The match, borrowed again.
    pub fn borrow(&self) -> Match<'_> {
        Match::new(&self.host, self.rule)
    }
}

impl std::ops::Deref for OwnedMatch {
    type Target = Rule;

    fn deref(&self) -> &Rule {
        self.host.rule(self.rule)
    }
}

impl fmt::Debug for OwnedMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.borrow().fmt(f)
    }
}

fn upstream(
    rule: &Rule,
    semantics: &Semantics,
    request: &RequestHead<'_>,
) -> Result<PathAndQuery, RewriteError> {
    sent_target(rule, semantics, request).and_then(as_path_and_query)
}

fn sent_target(
    rule: &Rule,
    semantics: &Semantics,
    request: &RequestHead<'_>,
) -> Result<String, RewriteError> {
    let request = &semantics.absolute(request).unwrap_or(*request);
    let target = request.target();
    if semantics.forward_received() && rule.path_rewrite().is_none() {
        // An absolute target may have no path at all.
        return Ok(if target.starts_with(['/', '*']) { target.to_owned() } else { format!("/{target}") });
    }
    match semantics.paths().normalize(target) {
        Ok(path) => match rule.path_rewrite() {
            Some(rewrite) => rewrite.apply(rule, request, &path),
            None => rewrite_unchanged(&path),
        },
        Err(_) => Err(RewriteError::refused()),
    }
}
