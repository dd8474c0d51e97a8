//! A dialect made of closures, and both ways of asking its tables.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use ingress_core::dialect::{Contributions, Dialect, HostChoice, HostRules, Semantics};
use ingress_core::explain::{Candidate, HostStep, Verdict};
use ingress_core::ingress::{ClassSelector, Selection};
use ingress_core::origin::FieldPath;
use ingress_core::rule::ServiceRef;
use ingress_core::table::Match;
use ingress_core::{
    Action, Backend, HostPattern, Ingress, Outcome, PathPattern, RequestHead, RouteTable, Rule,
};
use k8s_openapi::api::networking::v1 as api;

pub(crate) type Expand = Box<dyn Fn(&Ingress, &mut Contributions<'_>) + Send + Sync>;
pub(crate) type Arrange = Box<dyn Fn(&mut HostRules<'_>) + Send + Sync>;

pub(crate) struct Test {
    pub(crate) semantics: Semantics,
    pub(crate) expand: Expand,
    pub(crate) arrange: Arrange,
    pub(crate) compare: fn(&Ingress, &Ingress) -> Ordering,
}

/// Rules stay in the order of their objects and lines.
pub(crate) fn dialect(expand: impl Fn(&Ingress, &mut Contributions<'_>) + Send + Sync + 'static) -> Test {
    Test {
        semantics: Semantics::default(),
        expand: Box::new(expand),
        arrange: Box::new(|_| ()),
        compare: |a, b| a.id().cmp(b.id()),
    }
}

impl Test {
    pub(crate) fn semantics(mut self, semantics: Semantics) -> Self {
        self.semantics = semantics;
        self
    }

    pub(crate) fn choice(self, choice: HostChoice) -> Self {
        let semantics = self.semantics.with_choice(choice);
        self.semantics(semantics)
    }

    pub(crate) fn arrange(mut self, arrange: impl Fn(&mut HostRules<'_>) + Send + Sync + 'static) -> Self {
        self.arrange = Box::new(arrange);
        self
    }

    /// The table of one object.
    pub(crate) fn table(self) -> Arc<RouteTable> {
        RouteTable::compile(self, [object("one")]).0
    }
}

impl fmt::Debug for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Test").finish_non_exhaustive()
    }
}

impl Dialect for Test {
    fn name(&self) -> &'static str {
        "test"
    }

    fn semantics(&self) -> Semantics {
        self.semantics
    }

    /// An object may say itself that it is not ours.
    fn select(&self, ingress: &Ingress, _: &ClassSelector) -> Selection {
        if ingress.annotation("ours") == Some("no") { Selection::Left } else { Selection::Taken }
    }

    fn compare(&self, a: &Ingress, b: &Ingress) -> Ordering {
        (self.compare)(a, b)
    }

    fn expand(&self, ingress: &Ingress, out: &mut Contributions<'_>) {
        (self.expand)(ingress, out);
    }

    fn arrange(&self, host: &mut HostRules<'_>) {
        (self.arrange)(host);
    }
}

pub(crate) fn object(name: &str) -> Ingress {
    annotated(name, &[])
}

pub(crate) fn annotated(name: &str, annotations: &[(&str, &str)]) -> Ingress {
    let mut object = api::Ingress::default();
    object.metadata.namespace = Some("ns".to_owned());
    object.metadata.name = Some(name.to_owned());
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    object.metadata.annotations = Some(annotations.iter().map(pair).collect());
    // Empty, but there: an object without any rule would be reported.
    let rules = Some(vec![api::IngressRule::default()]);
    object.spec = Some(api::IngressSpec { rules, ..api::IngressSpec::default() });
    Ingress::from(&object)
}

pub(crate) fn host(text: &str) -> HostPattern {
    text.parse().unwrap_or_else(|_| HostPattern::any())
}

pub(crate) fn service(name: &str) -> Backend {
    Backend::Service(ServiceRef::new("ns", name, 80))
}

/// A rule that forwards to a Service.
pub(crate) fn to(name: &str, path: PathPattern, out: &Contributions<'_>) -> Rule {
    Rule::new(path, Action::forward(service(name)), out.origin(FieldPath::path(0, 0)))
}

pub(crate) fn exact(text: &str) -> PathPattern {
    pattern(PathPattern::exact(text))
}

pub(crate) fn prefix(text: &str) -> PathPattern {
    pattern(PathPattern::prefix(text))
}

pub(crate) fn literal(text: &str) -> PathPattern {
    pattern(PathPattern::literal(text))
}

pub(crate) fn regex(text: &str) -> PathPattern {
    pattern(PathPattern::regex(text))
}

#[expect(clippy::panic, reason = "a helper of tests")]
pub(crate) fn pattern(made: Result<PathPattern, ingress_core::path::PathError>) -> PathPattern {
    made.unwrap_or_else(|error| panic!("{error}"))
}

/// What both implementations answer: the Service's name, or why there is none.
pub(crate) fn ask(table: &RouteTable, request: &RequestHead<'_>) -> String {
    let found = table.lookup(request);
    let why = table.explain(request);
    assert_eq!(found, why.outcome(), "lookup and explain differ:\n{table}\n{why}");
    let won = |verdict: &Verdict| *verdict == Verdict::Won;
    let winners: Vec<_> = why
        .hosts()
        .iter()
        .flat_map(HostStep::candidates)
        .filter(|candidate| won(candidate.verdict()))
        .map(Candidate::rule)
        .collect();
    let taken: Vec<_> = found.matched().iter().map(Match::rule).collect();
    assert_eq!(winners, taken, "the winner is marked, and no other:\n{why}");
    match found {
        Outcome::Matched(hit) => {
            let text = hit.rule().action().to_string();
            let name = text.strip_prefix("ns/").and_then(|rest| rest.strip_suffix(":80"));
            name.filter(|name| !name.contains(' ')).unwrap_or(&text).to_owned()
        }
        Outcome::NoHost => "no host".to_owned(),
        Outcome::NoPath(host) => format!("no path on {host}"),
        Outcome::Refused(refusal) => refusal.code().to_owned(),
        other => other.to_string(),
    }
}

pub(crate) fn get(table: &RouteTable, host: &str, target: &str) -> String {
    ask(table, &RequestHead::new(host, target))
}

/// What one rule became of.
pub(crate) fn verdict(table: &RouteTable, target: &str, rule: usize) -> Verdict {
    let why = table.explain(&RequestHead::new("a.example", target));
    why.hosts()[0].candidates()[rule].verdict().clone()
}
