//! Whether two tables answer every possible request alike; where not, which requests they part on.
//!
//! Of a request, routing looks at the host, the path, and finitely many conditions. Hosts fall into finitely many
//! classes: each exact name, the names of each wildcard, and all others. Within a class the rules of both tables
//! are sets of paths, and an automaton tells exactly which of the sets a path is in. So all paths can be gone
//! through, by going through the states of both automata side by side, shortest paths first; and for each
//! combination of sets, all combinations of conditions. What is the same in every one of these regions is the same
//! for every request.
//!
//! # What is compared, and what is not
//!
//! * Paths are followed from their raw form, so that two dialects which read paths differently are compared on
//!   what a client sends. A path is a sequence of visible ASCII characters and escapes. Paths with dot segments
//!   are all alike where both tables read paths in the same way; otherwise they are asked for by example.
//! * Malformed requests (bad escapes, control bytes, targets that are no path, odd methods, hosts in upper case or
//!   with a final dot) are asked for by example, one of each kind.
//! * Two rewrites that are written differently are compared on many paths of the region. If all agree, the region
//!   is *unknown*, not equal.
//! * Where one table leaves the decision to somebody else, or cannot run an expression, the region is unknown.
//!
//! Every difference comes with the shortest request that shows it, which both tables were asked before it was
//! reported.

mod hosts;
mod judge;
mod probe;
mod report;
mod requests;
mod side;
mod values;
mod walk;
mod words;

use std::collections::BTreeSet;
use std::fmt;

use hosts::HostClass;
use judge::Judge;
use report::Report;
use requests::requests;
use side::{Side, are_alike};
use walk::{End, Walk};

use crate::origin::SecretRef;
use crate::request::Scheme;
use crate::table::{Outcome, RouteTable};

pub use requests::Witness;

/// Compares two tables.
///
/// ```
/// use ingress_core::{RouteTable, compare::compare, dialect::Kubernetes};
/// # use k8s_openapi::api::networking::v1::Ingress;
/// # fn web(path: &str) -> Ingress { serde_json::from_value(serde_json::json!({
/// #     "metadata": {"name": "web", "namespace": "shop"},
/// #     "spec": {"rules": [{"host": "shop.example.com", "http": {"paths": [
/// #         {"path": path, "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
/// #     ]}}]}
/// # })).unwrap() }
///
/// let (before, _) = RouteTable::compile(Kubernetes, [&web("/")]);
/// let (after, _) = RouteTable::compile(Kubernetes, [&web("/cart")]);
/// assert!(compare(&before, &before).is_equal());
///
/// let comparison = compare(&before, &after);
/// let [difference] = comparison.differences() else { panic!() };
/// assert_eq!(difference.witness().to_string(), "GET http://shop.example.com/");
/// assert_eq!(difference.to_string(), "\
/// host shop.example.com, all paths except paths under /cart
///   before  shop/web:80
///   after   404, no such path on host shop.example.com
/// ");
/// ```
pub fn compare<'t>(before: &'t RouteTable, after: &'t RouteTable) -> Comparison<'t> {
    compare_hosts(before, after, |_| true)
}

/// Compares two tables on the hosts that `wanted` says yes to, which is asked for each by what it is called: as
/// [`Difference::host`] calls it.
pub fn compare_hosts<'t>(
    before: &'t RouteTable,
    after: &'t RouteTable,
    wanted: impl Fn(&str) -> bool,
) -> Comparison<'t> {
    let mut report = Report::default();
    let classes = hosts::classes(before, after, &mut report);
    for class in classes.iter().filter(|class| wanted(class.title())) {
        compare_class(class, (before, after), &mut report);
    }
    let wanted: Vec<_> = classes.iter().filter(|class| wanted(class.title())).collect();
    probe::probe(&wanted, (before, after), &mut report);
    report.finish()
}

fn compare_class<'t>(
    class: &HostClass,
    (before, after): (&'t RouteTable, &'t RouteTable),
    report: &mut Report<'t>,
) {
    report.class();
    if let Some(name) = class.name() {
        let secrets = (before.certificate(name), after.certificate(name));
        if secrets.0 != secrets.1 {
            report.certificate(class, secrets);
        }
    }
    let sides = (Side::new(before, class), Side::new(after, class));
    if are_alike(&sides.0, &sides.1) {
        report.alike();
        return;
    }
    if sides.0.is_incomplete() || sides.1.is_incomplete() {
        report.unknown(class, None, Doubt::Oversized);
    }
    let Ok(walk) = Walk::through(&sides.0, &sides.1) else {
        report.unknown(class, None, Doubt::TooManyPaths);
        return;
    };
    let judge = Judge::new((before, after));
    for crossing in walk.crossings() {
        let candidates = |side: &Side<'_>, end: &End| match end {
            End::In(label) => side.candidates(label),
            End::Refused(_) => Vec::new(),
        };
        let candidates = (candidates(&sides.0, &crossing.ends.0), candidates(&sides.1, &crossing.ends.1));
        let conditions = sides.0.conditions(&candidates.0).chain(sides.1.conditions(&candidates.1));
        let Ok(requests) = requests(conditions, class.name(), crossing.shortest()) else {
            report.unknown(class, Some(crossing.shortest()), Doubt::TooManyConditions);
            continue;
        };
        let mut region = report.region(class, crossing.changed);
        for request in requests {
            let outcome = |side: &Side<'t>, candidates: &[u32], end: &End| match end {
                End::In(_) => request.ask(|head| side.decide(candidates, head)),
                End::Refused(refusal) => Outcome::Refused(*refusal),
            };
            let outcomes = (
                outcome(&sides.0, &candidates.0, &crossing.ends.0),
                outcome(&sides.1, &candidates.1, &crossing.ends.1),
            );
            let judgement = judge.judge(outcomes, &request, &crossing.paths);
            let elsewhere = judgement.differs.as_ref().is_some_and(|(aspects, _)| goes_elsewhere(aspects));
            if let Some(change) = judgement.policies.filter(|_| !elsewhere) {
                region.policies(class, outcomes, change, request.clone());
            }
            if let Some((aspects, witness)) = judgement.differs {
                let words = words::region(class, (&sides.0, outcomes.0), (&sides.1, outcomes.1));
                let only = |own: &Side<'t>, other: &Side<'t>, outcome: Outcome<'t>| {
                    let rule = outcome.matched().map(|hit| hit.rule())?;
                    (own.count(rule) != other.count(rule)).then_some(rule)
                };
                let changed =
                    only(&sides.0, &sides.1, outcomes.0).or_else(|| only(&sides.1, &sides.0, outcomes.1));
                region.differs(outcomes, changed, aspects, witness, words);
            } else if let Some(doubt) = judgement.doubt {
                region.unknown(request.path(), doubt);
            }
        }
        region.finish();
    }
}

/// Whether a request goes to somebody else, so that it says little what happens to it there.
fn goes_elsewhere(aspects: &BTreeSet<Aspect>) -> bool {
    aspects.contains(&Aspect::Answer) || aspects.contains(&Aspect::Backend)
}

/// What came of comparing two tables.
#[derive(Clone, Debug, Default)]
pub struct Comparison<'t> {
    differences: Vec<Difference<'t>>,
    unknowns: Vec<Unknown>,
    summary: Summary,
}

/// How much was compared.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// Classes of hosts: exact names, wildcards, and the rest.
    pub hosts: usize,
    /// Those whose rules say the same in both tables, so that nothing had to be gone through.
    pub alike: usize,
    /// Regions: paths of a host that both tables treat alike among each other. A host whose rules say the same is
    /// one region.
    pub regions: usize,
    /// Regions in which every request gets the same.
    pub equal: usize,
    /// Regions in which some request gets something else.
    pub different: usize,
    /// Regions in which it cannot be told for every request, and no difference is known.
    pub unknown: usize,
}

/// A class of requests that get something else, with one cause.
#[derive(Clone, Debug)]
pub struct Difference<'t> {
    host: String,
    more_hosts: usize,
    requests: String,
    cause: Cause,
    aspects: Vec<Aspect>,
    before: Answer<'t>,
    after: Answer<'t>,
    witness: Witness,
    regions: usize,
}

/// What one table says.
#[derive(Clone, Copy, Debug)]
enum Answer<'t> {
    Outcome(Outcome<'t>),
    Certificate(Option<&'t SecretRef>),
}

/// Where a difference comes from.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Cause {
    /// From the rules.
    Rules,
    /// The rules say the same; the requests are read differently.
    Reading(Reading),
}

/// What about a request is read differently.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Reading {
    /// `\`.
    Backslashes,
    /// `.` and `..` as segments of a path.
    DotSegments,
    /// `%` and two digits.
    Escapes,
    /// How the host is written.
    Host,
    /// Requests that a strict server refuses.
    Malformed,
    /// More than one slash in a row.
    RepeatedSlashes,
}

/// What is not the same.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Aspect {
    /// What kind of answer it is, or its status.
    Answer,
    /// Whether somebody else has to agree.
    Authorization,
    /// Which backends there are.
    Backend,
    /// The certificate of the host.
    Certificate,
    /// Where a redirect leads.
    Location,
    /// What a data plane is to do besides.
    Policies,
    /// What is sent upstream as the target.
    Target,
    /// How requests are shared among the backends.
    Weights,
}

/// Why nothing certain can be said of a region.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Doubt {
    /// Both read dot segments in paths, each in its own way.
    DotSegments,
    /// Somebody else decides, and not the same one.
    ExternalDecision,
    /// Hosts are compared with expressions.
    HostExpressions,
    /// An expression needs more memory than it may take.
    Oversized,
    /// Both rewrite the path, each in its own words; on all paths that were tried they agree.
    Rewrites,
    /// There are too many combinations of conditions.
    TooManyConditions,
    /// There are too many combinations of hosts.
    TooManyHosts,
    /// The paths cannot be told apart within the memory that this may take.
    TooManyPaths,
    /// An object wants something that cannot be evaluated here.
    Unsupported,
}

/// Regions of which nothing certain can be said.
#[derive(Clone, Debug)]
pub struct Unknown {
    host: String,
    more_hosts: usize,
    path: Option<String>,
    doubt: Doubt,
    regions: usize,
}

impl<'t> Comparison<'t> {
    /// Whether every request gets the same.
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty() && self.unknowns.is_empty()
    }

    /// The differences, one for each cause.
    pub fn differences(&self) -> &[Difference<'t>] {
        &self.differences
    }

    /// What is not known.
    pub fn unknowns(&self) -> &[Unknown] {
        &self.unknowns
    }

    /// How much was compared.
    pub fn summary(&self) -> Summary {
        self.summary
    }
}

impl<'t> Difference<'t> {
    /// The host, as it is called in a table; words in brackets where it has no name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// How many more hosts have the same difference for the same cause.
    pub fn more_hosts(&self) -> usize {
        self.more_hosts
    }

    /// The requests in words.
    pub fn requests(&self) -> &str {
        &self.requests
    }

    /// Where it comes from.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// What is not the same.
    pub fn aspects(&self) -> &[Aspect] {
        &self.aspects
    }

    /// What the request that shows it got; `None` where certificates differ.
    pub fn before(&self) -> Option<Outcome<'t>> {
        self.before.outcome()
    }

    /// What it gets.
    pub fn after(&self) -> Option<Outcome<'t>> {
        self.after.outcome()
    }

    /// The certificates, before and after, where it is these that differ.
    pub fn certificates(&self) -> Option<(Option<&'t SecretRef>, Option<&'t SecretRef>)> {
        match (self.before, self.after) {
            (Answer::Certificate(before), Answer::Certificate(after)) => Some((before, after)),
            _ => None,
        }
    }

    /// The shortest request that shows it.
    pub fn witness(&self) -> &Witness {
        &self.witness
    }

    /// How many regions it takes up.
    pub fn regions(&self) -> usize {
        self.regions
    }
}

impl<'t> Answer<'t> {
    fn outcome(self) -> Option<Outcome<'t>> {
        match self {
            Self::Outcome(outcome) => Some(outcome),
            Self::Certificate(_) => None,
        }
    }
}

impl Unknown {
    /// The host, as a [`Difference`] calls it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// How many more hosts it concerns.
    pub fn more_hosts(&self) -> usize {
        self.more_hosts
    }

    /// A path of the region; `None` if it is the whole host.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Why it is not known.
    pub fn doubt(&self) -> Doubt {
        self.doubt
    }

    /// How many regions it concerns.
    pub fn regions(&self) -> usize {
        self.regions
    }
}

impl Doubt {
    /// A stable name for scripts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::DotSegments => "dot-segments",
            Self::ExternalDecision => "external-decision",
            Self::HostExpressions => "host-expressions",
            Self::Oversized => "oversized-expression",
            Self::Rewrites => "rewrites",
            Self::TooManyConditions => "too-many-conditions",
            Self::TooManyHosts => "too-many-hosts",
            Self::TooManyPaths => "too-many-paths",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DotSegments => "the two read `.` and `..` in paths differently",
            Self::ExternalDecision => "another service decides, and not the same one on both sides",
            Self::HostExpressions => {
                "hosts are compared with expressions, whose overlaps are not gone through"
            }
            Self::Oversized => "an expression needs more memory than it may take, so its rule is not served",
            Self::Rewrites => {
                "the two rewrite the path in different words; they agree on every path that was tried"
            }
            Self::TooManyConditions => "there are too many combinations of conditions to go through",
            Self::TooManyHosts => "there are too many combinations of hosts to go through",
            Self::TooManyPaths => "telling the paths apart would take too much memory",
            Self::Unsupported => "an object asks for something that cannot be evaluated",
        })
    }
}

impl Cause {
    /// A stable name for scripts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Reading(Reading::Backslashes) => "reading-backslashes",
            Self::Reading(Reading::DotSegments) => "reading-dot-segments",
            Self::Reading(Reading::Escapes) => "reading-escapes",
            Self::Reading(Reading::Host) => "reading-host",
            Self::Reading(Reading::Malformed) => "reading-malformed",
            Self::Reading(Reading::RepeatedSlashes) => "reading-repeated-slashes",
        }
    }
}

impl Aspect {
    /// A stable name for scripts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Authorization => "authorization",
            Self::Backend => "backend",
            Self::Certificate => "certificate",
            Self::Location => "location",
            Self::Policies => "policies",
            Self::Target => "target",
            Self::Weights => "weights",
        }
    }
}

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outcome(Outcome::Matched(hit)) => {
                hit.rule().action().fmt(f)?;
                match hit.rule().path_rewrite() {
                    Some(rewrite) => write!(f, " as {rewrite}"),
                    None => Ok(()),
                }
            }
            Self::Outcome(outcome) => outcome.fmt(f),
            Self::Certificate(Some(secret)) => write!(f, "certificate {secret}"),
            Self::Certificate(None) => f.write_str("no certificate of its own"),
        }
    }
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.requests)?;
        writeln!(f, "  before  {}", self.before)?;
        writeln!(f, "  after   {}", self.after)
    }
}
