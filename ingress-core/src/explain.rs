//! The reference: where a request goes, decided by reading every rule literally.
//!
//! This is the specification in executable form. It goes through all hosts and all rules in order,
//! with the single comparisons of [`HostPattern`], [`PathPattern`] and predicates, and shares no
//! index with [`RouteTable::lookup`]. The property tests and the fuzzer hold the one against the
//! other; people read it to see why their rule did not match.

use std::fmt;

use crate::host::{HostName, HostPattern};
use crate::path::{PathKind, PathPattern, Refusal};
use crate::printable::Printable;
use crate::request::RequestHead;
use crate::rule::{Rule, RuleId};
use crate::table::{HostChoice, HostTable, Match, Outcome, RouteTable, Wildcards};

/// Why a request goes where it goes.
///
/// ```
/// # use ingress_core::{RequestHead, RouteTable, dialect::Kubernetes};
/// # let shop: k8s_openapi::api::networking::v1::Ingress = serde_json::from_value(serde_json::json!({
/// #     "metadata": {"name": "web", "namespace": "shop"},
/// #     "spec": {"rules": [{"host": "shop.example.com", "http": {"paths": [
/// #         {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
/// #         {"path": "/cart", "pathType": "Exact", "backend": {"service": {"name": "cart", "port": {"number": 80}}}},
/// #     ]}}]}
/// # })).unwrap();
/// let (table, _) = RouteTable::compile(Kubernetes, [&shop]);
/// let why = table.explain(&RequestHead::new("shop.example.com", "/cart/7"));
/// assert_eq!(why.to_string(), "\
/// GET shop.example.com/cart/7
///   host shop.example.com   2 rules
///   #0 Exact /cart   no    the request goes on after byte 5
///   #1 Prefix /      WON   shop/web spec.rules[0].http.paths[0] -> shop/web:80
/// ");
/// ```
#[derive(Clone, Debug)]
pub struct Explanation<'t> {
    request: String,
    path: Result<String, Refusal>,
    path_changed: bool,
    host: Option<String>,
    host_given: bool,
    hosts: Vec<HostStep<'t>>,
    outcome: Outcome<'t>,
}

/// One host pattern that the request may belong to.
#[derive(Clone, Debug)]
pub struct HostStep<'t> {
    table: &'t HostTable,
    consulted: bool,
    candidates: Vec<Candidate<'t>>,
}

/// One rule of a consulted host.
#[derive(Clone, Debug)]
pub struct Candidate<'t> {
    rule_id: RuleId,
    rule: &'t Rule,
    verdict: Verdict,
}

/// What became of a rule.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It is a default backend, and a rule, or a default backend before it, takes the request.
    NotNeeded,
    /// The path is not the rule's.
    Path(PathMiss),
    /// A condition does not hold.
    Predicate {
        /// The condition.
        wanted: String,
        /// What the request has in its place.
        found: Option<String>,
    },
    /// It matches, but a rule before it does, too.
    Shadowed(RuleId),
    /// It matches, but a rule of another host has precedence.
    Outranked,
    /// Its expression was too large to be served.
    Oversized,
    /// It takes the request.
    Won,
}

/// Where a path and a pattern part.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PathMiss {
    /// They differ at this byte.
    DiffersAt(usize),
    /// The path ends where the pattern goes on.
    EndsAt(usize),
    /// The path goes on where the pattern ends.
    GoesOnAfter(usize),
    /// The expression does not match.
    NoMatch,
}

impl RouteTable {
    /// Where a request goes, and why: the same answer as [`lookup`](Self::lookup), found the slow
    /// way. Reads every host of the table.
    pub fn explain(&self, request: &RequestHead<'_>) -> Explanation<'_> {
        let mut explanation = Explanation {
            request: request.to_string(),
            path: Ok(String::new()),
            path_changed: false,
            host: None,
            host_given: request.host().is_some(),
            hosts: Vec::new(),
            outcome: Outcome::NoHost,
        };
        let admitted = self.admit(request);
        let request = &admitted.unwrap_or(*request);
        let paths = self.semantics().paths();
        let normal = match admitted.and_then(|_| paths.normalize(request.target())) {
            Ok(normal) => normal,
            Err(refusal) => {
                explanation.path = Err(refusal);
                explanation.outcome = Outcome::Refused(refusal);
                return explanation;
            }
        };
        let path = normal.path();
        let request = &request.judged(self.semantics().paths().judged(request.target()));
        let received = request.target().split(['?', '#']).next().unwrap_or_default();
        explanation.path_changed = path != received.as_bytes();
        explanation.path = Ok(String::from_utf8_lossy(path).into_owned());

        let reading = self.semantics().hosts();
        let name = request.host().and_then(|raw| reading.name(raw));
        explanation.host = name.as_ref().map(ToString::to_string);

        let tables: Vec<_> =
            self.hosts().filter(|table| meant(table.pattern(), name.as_ref(), reading.wildcards())).collect();
        let mut bound = false;
        for table in &tables {
            let consulted = table.is_claimed()
                && match self.semantics().choice() {
                    HostChoice::MostSpecific => !bound,
                    HostChoice::MostSpecificThenAny => !bound || table.pattern().is_any(),
                    HostChoice::FallThrough | HostChoice::Best => true,
                };
            bound |= table.is_claimed();
            let candidates = if consulted { candidates(table, path, request) } else { Vec::new() };
            explanation.hosts.push(HostStep { table, consulted, candidates });
        }
        explanation.decide(self.semantics().choice());
        explanation
    }
}

fn meant(pattern: &HostPattern, name: Option<&HostName<'_>>, wildcards: Wildcards) -> bool {
    let Some(name) = name else { return pattern.is_any() };
    match wildcards {
        Wildcards::Dead => !pattern.is_wildcard() && pattern.matches(name),
        Wildcards::ManyLabels => pattern.matches_deep(name),
        Wildcards::OneLabel => pattern.matches(name),
    }
}

/// Every rule of a host with its own verdict; the first that matches has won within the host.
fn candidates<'t>(table: &'t HostTable, path: &[u8], request: &RequestHead<'_>) -> Vec<Candidate<'t>> {
    let mut winner = None;
    let mut candidates = Vec::with_capacity(table.routed());
    for (index, rule) in (0..).zip(table.rules()).take(table.routed()) {
        let rule_id = RuleId::new(index);
        let verdict = if table.is_oversized(rule_id) {
            Verdict::Oversized
        } else if !rule.path().matches(path) {
            Verdict::Path(miss(rule.path(), path))
        } else if let Some(failed) = rule.predicates().iter().find(|predicate| !predicate.holds(request)) {
            Verdict::Predicate { wanted: failed.to_string(), found: failed.found(request) }
        } else if let Some(first) = winner {
            Verdict::Shadowed(first)
        } else {
            winner = Some(rule_id);
            Verdict::Won
        };
        candidates.push(Candidate { rule_id, rule, verdict });
    }
    candidates
}

fn miss(pattern: &PathPattern, path: &[u8]) -> PathMiss {
    if pattern.kind() == PathKind::Regex {
        return PathMiss::NoMatch;
    }
    let text = pattern.compared().as_bytes();
    let same = |(a, b): &(&u8, &u8)| a == b || pattern.ignores_case() && a.eq_ignore_ascii_case(b);
    let shared = text.iter().zip(path).take_while(same).count();
    if shared == text.len() {
        PathMiss::GoesOnAfter(shared)
    } else if shared == path.len() {
        PathMiss::EndsAt(shared)
    } else {
        PathMiss::DiffersAt(shared)
    }
}

impl<'t> Explanation<'t> {
    /// Chooses among the winners of the hosts, then among the default backends.
    fn decide(&mut self, choice: HostChoice) {
        let mut chosen: Option<(usize, &Rule)> = None;
        for (at, step) in self.hosts.iter().enumerate() {
            let Some(rule) = step.winner() else { continue };
            let better = match (chosen, choice) {
                (None, _) => true,
                (Some((_, best)), HostChoice::Best) => rule.rule.key() < best.key(),
                (Some(_), _) => false,
            };
            if better {
                chosen = Some((at, rule.rule));
            }
        }
        let chosen = chosen.map(|(at, _)| at);
        for (at, step) in self.hosts.iter_mut().enumerate() {
            if chosen.is_some_and(|chosen| chosen != at) {
                step.outrank();
            }
        }
        let mut default_taken = chosen.is_some();
        for step in &mut self.hosts {
            for (index, rule) in (0..).zip(step.table.rules()).skip(step.table.routed()) {
                let verdict = if default_taken { Verdict::NotNeeded } else { Verdict::Won };
                default_taken = true;
                step.candidates.push(Candidate { rule_id: RuleId::new(index), rule, verdict });
            }
        }
        let winner = self.hosts.iter().find_map(|step| Some(Match::new(step.table, step.winner()?.rule_id)));
        let first = self.hosts.iter().find(|step| step.consulted);
        self.outcome = match (winner, first) {
            (Some(winner), _) => Outcome::Matched(winner),
            (None, Some(step)) => Outcome::NoPath(step.table.pattern()),
            (None, None) => Outcome::NoHost,
        };
    }

    /// Where the request goes.
    pub fn outcome(&self) -> Outcome<'t> {
        self.outcome
    }

    /// The path as the rules judged it, or why the request was refused.
    pub fn path(&self) -> Result<&str, Refusal> {
        match &self.path {
            Ok(path) => Ok(path),
            Err(refusal) => Err(*refusal),
        }
    }

    /// The host in canonical form; `None` when the request names none that could be read.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The hosts that the request may belong to, the most specific first.
    pub fn hosts(&self) -> &[HostStep<'t>] {
        &self.hosts
    }
}

impl<'t> HostStep<'t> {
    /// The host pattern.
    pub fn pattern(&self) -> &'t HostPattern {
        self.table.pattern()
    }

    /// Whether its rules were asked; a dialect may stay with a more specific host.
    pub fn is_consulted(&self) -> bool {
        self.consulted
    }

    /// Its rules in order, each with what became of it.
    pub fn candidates(&self) -> &[Candidate<'t>] {
        &self.candidates
    }

    fn winner(&self) -> Option<&Candidate<'t>> {
        self.candidates.iter().find(|candidate| candidate.verdict == Verdict::Won)
    }

    fn outrank(&mut self) {
        for candidate in &mut self.candidates {
            if matches!(candidate.verdict, Verdict::Won | Verdict::Shadowed(_)) {
                candidate.verdict = Verdict::Outranked;
            }
        }
    }
}

impl<'t> Candidate<'t> {
    /// The rule's number.
    pub fn rule_id(&self) -> RuleId {
        self.rule_id
    }

    /// The rule.
    pub fn rule(&self) -> &'t Rule {
        self.rule
    }

    /// What became of it.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

impl Verdict {
    /// One word for a column.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NotNeeded => "spare",
            Self::Oversized => "dead",
            Self::Path(_) | Self::Predicate { .. } => "no",
            Self::Shadowed(_) | Self::Outranked => "late",
            Self::Won => "WON",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNeeded => f.write_str("another one takes the request"),
            Self::Oversized => f.write_str("the expression is too large to be served"),
            Self::Path(PathMiss::DiffersAt(at)) => write!(f, "the path differs at byte {at}"),
            Self::Path(PathMiss::EndsAt(at)) => write!(f, "the path ends at byte {at}"),
            Self::Path(PathMiss::GoesOnAfter(at)) => write!(f, "the request goes on after byte {at}"),
            Self::Path(PathMiss::NoMatch) => f.write_str("the expression does not match"),
            Self::Predicate { wanted, found: Some(found) } => write!(f, "wants {wanted}, got {found:?}"),
            Self::Predicate { wanted, found: None } => write!(f, "wants {wanted}, got nothing"),
            Self::Shadowed(by) => write!(f, "matches, but {by} comes first"),
            Self::Outranked => f.write_str("matches, but a rule of another host has precedence"),
            Self::Won => f.write_str("takes the request"),
        }
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", Printable(&self.request))?;
        match &self.path {
            Err(refusal) => return writeln!(f, "  refused: {refusal}"),
            Ok(path) if self.path_changed => writeln!(f, "  path {}   as normalised", Printable(path))?,
            Ok(_) => {}
        }
        if self.host_given && self.host.is_none() {
            writeln!(f, "  the host cannot be read: only rules without a host apply")?;
        }
        for step in &self.hosts {
            step.fmt(f)?;
        }
        if !matches!(self.outcome, Outcome::Matched(_)) {
            writeln!(f, "  {}", self.outcome)?;
        }
        Ok(())
    }
}

impl fmt::Display for HostStep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.table.routed();
        let rules = if count == 1 { "rule" } else { "rules" };
        let skipped = if self.consulted || count == 0 {
            ""
        } else {
            ", not asked: the request stays with the host above"
        };
        writeln!(f, "  host {}   {count} {rules}{skipped}", self.pattern())?;
        let heads: Vec<String> = self.candidates.iter().map(|candidate| candidate.head(self.table)).collect();
        let width = heads.iter().map(|head| head.chars().count()).max().unwrap_or(0).min(60);
        for (candidate, head) in self.candidates.iter().zip(heads) {
            let (rule, label) = (candidate.rule, candidate.verdict.label());
            write!(f, "  {head:width$}   {label:5} ")?;
            match candidate.verdict {
                Verdict::Won => {
                    write!(f, "{} -> {}", rule.origin(), rule.action())?;
                    match rule.reason() {
                        Some(reason) => writeln!(f, ", {reason}")?,
                        None => writeln!(f)?,
                    }
                }
                _ => writeln!(f, "{}", candidate.verdict)?,
            }
        }
        Ok(())
    }
}

impl Candidate<'_> {
    fn head(&self, table: &HostTable) -> String {
        if table.is_default(self.rule_id) {
            format!("{} default backend", self.rule_id)
        } else {
            format!("{} {}", self.rule_id, self.rule.path())
        }
    }
}
