//! A dialect that uses everything the seam offers, directed by data.
//!
//! What an object contributes is a *plan*. Objects carry the number of theirs in an annotation, so
//! that plans are drawn at random together with the objects that refer to them.

use http::{HeaderName, Method, StatusCode};
use ingress_core::dialect::{
    Contributions, Dialect, Draft, HostChoice, HostReading, HostRules, Semantics, Wildcards,
};
use ingress_core::origin::{FieldPath, Origin, SecretRef};
use ingress_core::path::{Fragment, PathPattern, PathReading, Step};
use ingress_core::rule::{Action, Backend, Predicate, Rewrite, Rule, ServiceRef, ValueTest};
use ingress_core::{HostPattern, Ingress};

/// The annotation that holds the number of an object's plan.
pub(crate) const PLAN: &str = "test.example/plan";
/// The annotation that ranks an object's rules among those of others.
pub(crate) const PRIORITY: &str = "test.example/priority";

/// The dialect: how requests are read, and what the objects' numbers mean.
#[derive(Clone, Debug)]
pub(crate) struct Seam {
    pub(crate) reading: Reading,
    pub(crate) plans: Vec<Vec<Entry>>,
}

/// How requests are read and rules are ordered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) choice: HostChoice,
    pub(crate) wildcards: Wildcards,
    pub(crate) keep_case: bool,
    pub(crate) keep_dot: bool,
    pub(crate) paths: PathReading,
    pub(crate) forward_received: bool,
    pub(crate) order: Order,
}

/// In which order the rules of a host are left.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// By [`PRIORITY`], which stands in the objects and not in their rules; a rule of an object
    /// without one is dropped if it is the only rule of its host.
    Priority,
    Reversed,
    Specificity,
    Written,
}

/// One thing that an object contributes to a host.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) host: String,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Certificate(u8),
    Claim,
    Default(RuleSpec),
    Rule(RuleSpec),
    WeakRule(RuleSpec),
}

#[derive(Clone, Debug)]
pub(crate) struct RuleSpec {
    pub(crate) pattern: PatternSpec,
    pub(crate) ignore_case: bool,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) act: Act,
    pub(crate) rewrite: Option<RewriteSpec>,
    pub(crate) key: &'static [u8],
}

#[derive(Clone, Debug)]
pub(crate) enum PatternSpec {
    Any,
    Exact(String),
    Literal(String),
    Prefix(String),
    Regex(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Condition {
    CookieAbsent,
    CookieAlways,
    HeaderAlways,
    HeaderRegex,
    Post,
    QueryVersion,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Forward(u8),
    Redirect,
    Respond,
    Split(u32),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum RewriteSpec {
    Match(&'static str),
    Template(&'static str),
}

/// Step lists, in orders that differ in what they make of a path.
pub(crate) const READINGS: &[PathReading] = &[
    PathReading::new(&[Step::DecodeUnreserved, Step::DotSegments]),
    PathReading::new(&[Step::DecodeUnreserved, Step::DotSegments]).fragment(Fragment::Cut),
    PathReading::new(&[Step::Backslash, Step::DecodeNotReserved, Step::MergeSlashes, Step::DotSegments]),
    PathReading::new(&[Step::DecodeAll, Step::MergeSlashes, Step::DotSegments]).fragment(Fragment::Cut),
    PathReading::new(&[Step::DotSegments, Step::MergeSlashes]).fragment(Fragment::Keep),
    PathReading::new(&[Step::MergeSlashes, Step::DotSegments, Step::DecodeAll]),
    PathReading::new(&[]),
    PathReading::raw(),
    PathReading::raw().fragment(Fragment::Refuse),
];

impl Dialect for Seam {
    fn name(&self) -> &'static str {
        "seam"
    }

    fn semantics(&self) -> Semantics {
        let mut hosts = HostReading::new(self.reading.wildcards);
        if self.reading.keep_case {
            hosts = hosts.keep_case();
        }
        if self.reading.keep_dot {
            hosts = hosts.keep_dot();
        }
        Semantics::default()
            .with_choice(self.reading.choice)
            .with_hosts(hosts)
            .with_paths(self.reading.paths)
            .with_forward_received(self.reading.forward_received)
    }

    fn expand(&self, ingress: &Ingress, out: &mut Contributions<'_>) {
        let plan = ingress.annotation(PLAN).and_then(|number| number.parse::<usize>().ok());
        let entries = plan.and_then(|number| self.plans.get(number)).into_iter().flatten();
        for (index, entry) in (0..).zip(entries) {
            let Ok(host) = entry.host.parse::<HostPattern>() else { continue };
            let origin = || out.origin(FieldPath::path(0, index));
            match &entry.what {
                What::Certificate(secret) => {
                    let secret = SecretRef::new("ns", &format!("tls-{secret}"));
                    out.certificate(&host, secret, FieldPath::tls_host(0, index));
                }
                What::Claim => out.claim(&host),
                What::Default(spec) => {
                    if let Some(rule) = spec.rule(origin()) {
                        out.default_backend(&host, rule);
                    }
                }
                What::Rule(spec) => {
                    if let Some(rule) = spec.rule(origin()) {
                        out.rule(&host, rule);
                    }
                }
                What::WeakRule(spec) => {
                    if let Some(rule) = spec.rule(origin()) {
                        out.weak_rule(&host, rule);
                    }
                }
            }
        }
    }

    fn arrange(&self, host: &mut HostRules<'_>) {
        match self.reading.order {
            Order::Priority => {
                let priority = |draft: &Draft<'_>| draft.ingress().annotation(PRIORITY).map(str::to_owned);
                if let [only] = host.drafts()
                    && priority(only).is_none()
                {
                    host.drafts_mut().clear();
                }
                host.drafts_mut().sort_by_key(|draft| std::cmp::Reverse(priority(draft)));
            }
            Order::Reversed => host.drafts_mut().reverse(),
            Order::Specificity => host.sort_by_specificity(),
            Order::Written => {}
        }
    }
}

impl RuleSpec {
    /// `None` when the pattern is none; the vocabulary has such texts.
    fn rule(&self, origin: Origin) -> Option<Rule> {
        let pattern = match &self.pattern {
            PatternSpec::Any => Ok(PathPattern::any()),
            PatternSpec::Exact(text) => PathPattern::exact(text.as_str()),
            PatternSpec::Literal(text) => PathPattern::literal(text.as_str()),
            PatternSpec::Prefix(text) => PathPattern::prefix(text.as_str()),
            PatternSpec::Regex(text) => PathPattern::regex(*text),
        };
        let pattern = pattern.ok()?;
        let pattern = if self.ignore_case { pattern.ignore_case() } else { pattern };
        let mut rule = Rule::new(pattern, self.act.action(), origin).order_key(self.key);
        for condition in &self.conditions {
            rule = rule.when(condition.predicate());
        }
        match self.rewrite {
            None => {}
            Some(RewriteSpec::Match(text)) => rule = rule.rewrite(Rewrite::replace_match(text).ok()?),
            Some(RewriteSpec::Template(text)) => rule = rule.rewrite(Rewrite::template(text).ok()?),
        }
        Some(rule)
    }
}

impl Condition {
    fn predicate(self) -> Predicate {
        let canary = HeaderName::from_static("x-canary");
        match self {
            Self::CookieAbsent => Predicate::cookie("canary", ValueTest::absent()),
            Self::CookieAlways => Predicate::cookie("canary", ValueTest::equals("always")),
            Self::HeaderAlways => Predicate::header(canary, ValueTest::equals("always")),
            Self::HeaderRegex => Predicate::header(canary, expression("^always(-[0-9])?$")),
            Self::Post => Predicate::method(Method::POST),
            Self::QueryVersion => Predicate::query("v", ValueTest::equals("2")),
        }
    }
}

fn expression(text: &str) -> ValueTest {
    ValueTest::regex(text).unwrap_or(ValueTest::absent())
}

impl Act {
    fn action(self) -> Action {
        let service = |number: u8| Backend::Service(ServiceRef::new("ns", &format!("s{number}"), 80));
        match self {
            Self::Forward(number) => Action::forward(service(number)),
            Self::Redirect => Action::redirect(StatusCode::FOUND, "https://a.com/"),
            Self::Respond => Action::respond(StatusCode::FORBIDDEN),
            Self::Split(weight) => Action::split([(service(0), weight), (service(1), 100 - weight)]),
        }
    }
}
