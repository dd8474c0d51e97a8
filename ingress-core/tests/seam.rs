//! The whole model through the dialect seam: what `kubernetes` itself never uses, used by dialects that
//! exist only here. Every answer is asked twice, of `lookup` and of `explain`.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use ingress_core::diagnostic::DialectFinding;
use ingress_core::dialect::{
    Contributions, Dialect, HostChoice, HostReading, HostRules, Semantics, Wildcards,
};
use ingress_core::explain::{Candidate, HostStep, Verdict};
use ingress_core::ingress::{ClassSelector, Selection};
use ingress_core::origin::FieldPath;
use ingress_core::path::{Fragment, PathKind, PathReading, Step};
use ingress_core::rule::{Predicate, Rewrite, ServiceRef, ValueTest};
use ingress_core::table::{HostTable, Match};
use ingress_core::{
    Action, Backend, Compiler, Diagnostic, DiagnosticKind, HostPattern, Ingress, IngressId, Outcome,
    PathPattern, RequestHead, RouteTable, Rule, Severity,
};
use k8s_openapi::api::networking::v1 as api;

// --- a dialect made of closures ---------------------------------------------------------------------------

type Expand = Box<dyn Fn(&Ingress, &mut Contributions<'_>) + Send + Sync>;
type Arrange = Box<dyn Fn(&mut HostRules<'_>) + Send + Sync>;

struct Test {
    semantics: Semantics,
    expand: Expand,
    arrange: Arrange,
    compare: fn(&Ingress, &Ingress) -> Ordering,
}

/// Rules stay in the order of their objects and lines.
fn dialect(expand: impl Fn(&Ingress, &mut Contributions<'_>) + Send + Sync + 'static) -> Test {
    Test {
        semantics: Semantics::default(),
        expand: Box::new(expand),
        arrange: Box::new(|_| ()),
        compare: |a, b| a.id().cmp(b.id()),
    }
}

impl Test {
    fn semantics(mut self, semantics: Semantics) -> Self {
        self.semantics = semantics;
        self
    }

    fn choice(self, choice: HostChoice) -> Self {
        let semantics = self.semantics.with_choice(choice);
        self.semantics(semantics)
    }

    fn arrange(mut self, arrange: impl Fn(&mut HostRules<'_>) + Send + Sync + 'static) -> Self {
        self.arrange = Box::new(arrange);
        self
    }

    /// The table of one object.
    fn table(self) -> Arc<RouteTable> {
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

fn object(name: &str) -> Ingress {
    annotated(name, &[])
}

fn annotated(name: &str, annotations: &[(&str, &str)]) -> Ingress {
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

fn host(text: &str) -> HostPattern {
    text.parse().unwrap_or_else(|_| HostPattern::any())
}

fn service(name: &str) -> Backend {
    Backend::Service(ServiceRef::new("ns", name, 80))
}

/// A rule that forwards to a Service.
fn to(name: &str, path: PathPattern, out: &Contributions<'_>) -> Rule {
    Rule::new(path, Action::forward(service(name)), out.origin(FieldPath::path(0, 0)))
}

fn exact(text: &str) -> PathPattern {
    pattern(PathPattern::exact(text))
}

fn prefix(text: &str) -> PathPattern {
    pattern(PathPattern::prefix(text))
}

fn literal(text: &str) -> PathPattern {
    pattern(PathPattern::literal(text))
}

fn regex(text: &str) -> PathPattern {
    pattern(PathPattern::regex(text))
}

#[expect(clippy::panic, reason = "a helper of tests")]
fn pattern(made: Result<PathPattern, ingress_core::path::PathError>) -> PathPattern {
    made.unwrap_or_else(|error| panic!("{error}"))
}

/// What both implementations answer: the Service's name, or why there is none.
fn ask(table: &RouteTable, request: &RequestHead<'_>) -> String {
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

fn get(table: &RouteTable, host: &str, target: &str) -> String {
    ask(table, &RequestHead::new(host, target))
}

/// What one rule became of.
fn verdict(table: &RouteTable, target: &str, rule: usize) -> Verdict {
    let why = table.explain(&RequestHead::new("a.example", target));
    why.hosts()[0].candidates()[rule].verdict().clone()
}

// --- rules ------------------------------------------------------------------------------------------------

#[test]
fn when_a_condition_fails_the_next_number_is_tried() {
    let table = dialect(|_, out| {
        let at = host("a.example");
        let canary = HeaderName::from_static("x-canary");
        for rule in [
            to("post", prefix("/"), out).when(Predicate::method(Method::POST)),
            to("header", prefix("/"), out)
                .when(Predicate::header(canary.clone(), ValueTest::equals("always"))),
            to("like", prefix("/"), out)
                .when(Predicate::header(canary.clone(), ValueTest::regex("^v[0-9]+$").unwrap())),
            to("cookie", prefix("/"), out).when(Predicate::cookie("canary", ValueTest::present())),
            to("both", prefix("/"), out)
                .when(Predicate::query("beta", ValueTest::equals("1")))
                .when(Predicate::header(canary, ValueTest::absent())),
            to("main", prefix("/"), out),
        ] {
            out.rule(&at, rule);
        }
    })
    .table();

    let request = RequestHead::new("a.example", "/x");
    let with = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    };
    assert_eq!(ask(&table, &request), "main");
    assert_eq!(ask(&table, &request.method(&Method::POST)), "post");
    assert_eq!(ask(&table, &request.headers(&with("x-canary", "always"))), "header");
    assert_eq!(ask(&table, &request.headers(&with("x-canary", "v12"))), "like");
    assert_eq!(ask(&table, &request.headers(&with("x-canary", "v12!"))), "main");
    assert_eq!(ask(&table, &request.headers(&with("cookie", "a=1; canary="))), "cookie");
    assert_eq!(get(&table, "a.example", "/x?beta=1"), "both");
    let odd = with("x-canary", "never");
    assert_eq!(ask(&table, &RequestHead::new("a.example", "/x?beta=1").headers(&odd)), "main");

    let wanted = Verdict::Predicate { wanted: "method POST".to_owned(), found: Some("GET".to_owned()) };
    assert_eq!(verdict(&table, "/x", 0), wanted);
}

/// More candidates than fit on the stack, in tries of both kinds and among expressions.
#[test]
fn many_conditional_rules_are_tried_in_order() {
    let table = dialect(|_, out| {
        for index in 0..60 {
            let path = match index % 4 {
                0 => prefix("/a"),
                1 => literal("/a").ignore_case(),
                2 => regex("/a|/ab"),
                _ => exact("/a/b"),
            };
            let condition = Predicate::query("n", ValueTest::equals(index.to_string()));
            out.rule(&host("a.example"), to(&format!("n{index}"), path, out).when(condition));
        }
        out.rule(&host("a.example"), to("main", prefix("/"), out));
    })
    .table();
    for index in 0..60 {
        assert_eq!(get(&table, "a.example", &format!("/a/b?n={index}")), format!("n{index}"));
    }
    assert_eq!(get(&table, "a.example", "/A?n=1"), "n1");
    assert_eq!(get(&table, "a.example", "/A?n=2"), "main");
    assert_eq!(get(&table, "a.example", "/a/b"), "main");
}

#[test]
fn weights_choose_among_backends() {
    let table = dialect(|_, out| {
        let split = Action::split([(service("main"), 3), (service("never"), 0), (service("canary"), 1)]);
        out.rule(&host("a.example"), Rule::new(prefix("/"), split, out.origin(FieldPath::path(0, 0))));
        let none = Action::split([(service("never"), 0)]);
        out.rule(&host("b.example"), Rule::new(prefix("/"), none, out.origin(FieldPath::path(0, 1))));
    })
    .table();
    assert_eq!(get(&table, "a.example", "/"), "3 x ns/main:80, 0 x ns/never:80, 1 x ns/canary:80");
    assert_eq!(get(&table, "b.example", "/"), "503");

    let hit = table.lookup(&RequestHead::new("a.example", "/")).matched().unwrap();
    let Action::Forward(forward) = hit.rule().action() else { panic!("it forwards") };
    let drawn: Vec<_> = (0..5).map(|draw| forward.backend(draw).to_string()).collect();
    assert_eq!(drawn, ["ns/main:80", "ns/main:80", "ns/main:80", "ns/canary:80", "ns/main:80"]);
}

#[test]
fn redirects_and_fixed_responses() {
    let table = dialect(|_, out| {
        let origin = out.origin(FieldPath::annotation("redirect"));
        let moved = Action::redirect(StatusCode::PERMANENT_REDIRECT, "https://b.example/");
        out.rule(&host("a.example"), Rule::new(prefix("/old"), moved, origin.clone()));
        let forbidden = Action::respond(StatusCode::FORBIDDEN);
        out.rule(&host("a.example"), Rule::new(prefix("/admin"), forbidden, origin));
    })
    .table();
    assert_eq!(get(&table, "a.example", "/old/x"), "308 https://b.example/");
    assert_eq!(get(&table, "a.example", "/admin"), "403");
    assert_eq!(get(&table, "a.example", "/"), "no path on a.example");
}

// --- rewrites ---------------------------------------------------------------------------------------------

#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn upstream(table: &RouteTable, target: &str) -> String {
    let request = RequestHead::new("a.example", target);
    ask(table, &request);
    let hit = table.lookup(&request).matched().unwrap();
    let sent = hit.upstream(&request);
    match hit.changed_upstream(&request) {
        Ok(None) => assert_eq!(sent.as_ref().unwrap(), target, "what did not change goes on as it came"),
        changed => assert_eq!(changed, sent.clone().map(Some)),
    }
    // The match on its own gives the same once the table is gone.
    assert_eq!(hit.detach().borrow().upstream(&request), sent);
    sent.map_or_else(|error| error.to_string(), |target| target.to_string())
}

#[test]
fn rewrites_with_captures() {
    let table = dialect(|_, out| {
        let at = host("a.example");
        let template = |text| Rewrite::template(text).unwrap();
        let groups = to("api", regex("/api(/|$)(.*)").ignore_case(), out).rewrite(template("/v2/$2"));
        let swap = to("swap", regex("/swap/([^/]+)/([^/]+)"), out).rewrite(template("/$2/$1?from=$0"));
        let replace = to("new", prefix("/old"), out).rewrite(Rewrite::replace_match("/new/").unwrap());
        let fixed = to("one", exact("/fixed"), out).rewrite(template("/page"));
        let broken = to("broken", regex("/broken/(.*)"), out).rewrite(template("$1"));
        for rule in [groups, swap, replace, fixed, broken, to("rest", prefix("/"), out)] {
            out.rule(&at, rule);
        }
    })
    .table();

    assert_eq!(upstream(&table, "/api/users?q=1&r=/"), "/v2/users?q=1&r=/");
    assert_eq!(upstream(&table, "/API"), "/v2/");
    assert_eq!(upstream(&table, "/swap/a/b"), "/b/a?from=/swap/a/b");
    assert_eq!(upstream(&table, "/swap/a/b?q"), "/b/a?from=/swap/a/b&q");
    assert_eq!(upstream(&table, "/old/x/y?q"), "/new/x/y?q");
    assert_eq!(upstream(&table, "/old"), "/new/");
    assert_eq!(upstream(&table, "/fixed?q"), "/page?q");
    assert_eq!(upstream(&table, "/broken/http://evil"), "the path would not start with `/`");
    // Groups are of the judged path, and what they hold stays escaped.
    assert_eq!(upstream(&table, "/x/../api/a%2Fb%20c"), "/v2/a%2Fb%20c");
}

#[test]
fn what_was_judged_goes_on_unless_the_dialect_says_otherwise() {
    let rules = |_: &Ingress, out: &mut Contributions<'_>| {
        out.rule(&host("a.example"), to("main", prefix("/b"), out));
        let rewrite = Rewrite::replace_match("/new").unwrap();
        out.rule(&host("a.example"), to("new", prefix("/c"), out).rewrite(rewrite));
    };
    let judged = dialect(rules).table();
    assert_eq!(upstream(&judged, "/a/../b/x?q=/.."), "/b/x?q=/..");
    assert_eq!(upstream(&judged, "/b/x?q=/.."), "/b/x?q=/..");
    assert_eq!(upstream(&judged, "/a/../c/x"), "/new/x");

    let received = dialect(rules).semantics(Semantics::default().with_forward_received(true)).table();
    assert_eq!(upstream(&received, "/a/../b/x?q=/.."), "/a/../b/x?q=/..");
    assert_eq!(upstream(&received, "/a/../c/x"), "/new/x");
}

// --- paths ------------------------------------------------------------------------------------------------

#[test]
fn expressions_go_in_the_order_they_stand_in() {
    let table = dialect(|_, out| {
        for (name, path) in [
            ("exact", exact("/v1/users")),
            ("any", regex("/v[0-9]+/")),
            ("one", regex("/v1/")),
            ("ends", regex("/v$")),
            ("prefix", prefix("/v1/long/prefix")),
            ("late", regex("/")),
        ] {
            out.rule(&host("a.example"), to(name, path, out));
        }
    })
    .table();
    assert_eq!(get(&table, "a.example", "/v1/users"), "exact");
    assert_eq!(get(&table, "a.example", "/v1/"), "any");
    assert_eq!(get(&table, "a.example", "/v1/long/prefix"), "any");
    assert_eq!(get(&table, "a.example", "/v"), "ends");
    assert_eq!(get(&table, "a.example", "/V1/users"), "late");
    let any = table.lookup(&RequestHead::new("a.example", "/v1/x")).matched().unwrap().rule_id();
    assert_eq!(verdict(&table, "/v1/x", 2), Verdict::Shadowed(any));
}

#[test]
fn an_expression_that_is_too_large_is_named_and_left_out() {
    let bomb = "/(a|b)*a(a|b){18}";
    let rules = move |_: &Ingress, out: &mut Contributions<'_>| {
        for (name, path) in
            [("fits", regex("/x")), ("bomb", regex(bomb)), ("twin", regex(bomb)), ("rest", prefix("/"))]
        {
            out.rule(&host("a.example"), to(name, path, out));
        }
    };
    let (table, findings) = RouteTable::compile(dialect(rules), [object("one")]);
    let codes: Vec<_> = findings.iter().map(Diagnostic::code).collect();
    assert_eq!(codes, ["oversized-pattern", "oversized-pattern"]);
    assert_eq!(findings[0].kind(), DiagnosticKind::OversizedPattern);
    assert_eq!(findings[0].severity(), Severity::Error);

    let path = format!("/{}", "a".repeat(40));
    assert_eq!(get(&table, "a.example", "/x"), "fits");
    assert_eq!(get(&table, "a.example", &path), "rest");
    assert_eq!(verdict(&table, &path, 1), Verdict::Oversized);
    assert_eq!(verdict(&table, &path, 2), Verdict::Oversized);
}

#[test]
fn case_is_a_matter_of_the_pattern() {
    let table = dialect(|_, out| {
        for (name, path) in [
            ("exact", exact("/Exact").ignore_case()),
            ("prefix", prefix("/Prefix/").ignore_case()),
            ("literal", literal("/Lit").ignore_case()),
            ("regex", regex("/re[a-z]x").ignore_case()),
            ("strict", prefix("/prefix/Strict")),
            ("strict", prefix("/strict")),
        ] {
            out.rule(&host("a.example"), to(name, path, out));
        }
    })
    .table();
    for (target, service) in [
        ("/eXACT", "exact"),
        ("/exact/", "no path on a.example"),
        ("/PREFIX", "prefix"),
        ("/prefix/strict", "prefix"),
        ("/prefixed", "no path on a.example"),
        ("/LITERALLY", "literal"),
        ("/REGX/", "regex"),
        ("/reGx", "regex"),
        ("/strict", "strict"),
        ("/Strict", "no path on a.example"),
    ] {
        assert_eq!(get(&table, "a.example", target), service, "{target}");
    }
}

#[test]
fn literal_prefixes_end_where_they_end() {
    let table = dialect(|_, out| {
        for (name, path) in
            [("slash", literal("/foo/")), ("bar", literal("/foobar")), ("foo", literal("/foo"))]
        {
            out.rule(&host("a.example"), to(name, path, out));
        }
    })
    .table();
    for (target, service) in
        [("/foo/", "slash"), ("/foo", "foo"), ("/foobarbaz", "bar"), ("/fo", "no path on a.example")]
    {
        assert_eq!(get(&table, "a.example", target), service, "{target}");
    }
}

#[test]
fn paths_are_read_in_the_steps_of_the_dialect() {
    let rules = |_: &Ingress, out: &mut Contributions<'_>| {
        out.rule(&host("a.example"), to("foo", prefix("/foo"), out));
        out.rule(&host("a.example"), to("x", prefix("/x"), out));
    };
    let with = |paths| dialect(rules).semantics(Semantics::default().with_paths(paths)).table();

    let dots_first = with(PathReading::new(&[Step::DotSegments, Step::MergeSlashes]));
    let slashes_first = with(PathReading::new(&[Step::MergeSlashes, Step::DotSegments]));
    assert_eq!(get(&dots_first, "a.example", "/x//../foo"), "x");
    assert_eq!(get(&slashes_first, "a.example", "/x//../foo"), "foo");

    let all = with(PathReading::new(&[Step::DecodeAll, Step::Backslash]).fragment(Fragment::Cut));
    assert_eq!(get(&all, "a.example", "/%66oo%2Fbar"), "foo");
    assert_eq!(get(&all, "a.example", "/foo\\bar#/x"), "foo");
    assert_eq!(get(&all, "a.example", "/foo%0"), "path-bad-escape");

    let raw = with(PathReading::raw());
    assert_eq!(get(&raw, "a.example", "/foo/../../%zz"), "foo");
    assert_eq!(get(&raw, "a.example", "/%66oo"), "no path on a.example");
    assert_eq!(get(&raw, "a.example", "foo"), "path-relative");
}

// --- hosts ------------------------------------------------------------------------------------------------

fn by_specificity(host: &mut HostRules<'_>) {
    host.sort_by_specificity();
}

/// `exact` has a rule for one path, the wildcard and the rest for all.
fn three_hosts(choice: HostChoice) -> Arc<RouteTable> {
    dialect(|_, out| {
        out.rule(&host("a.b.example"), to("exact", prefix("/a"), out));
        out.rule(&host("*.b.example"), to("wild", prefix("/"), out));
        out.rule(&HostPattern::any(), to("any", prefix("/"), out));
        out.rule(&HostPattern::any(), to("any-only", prefix("/any"), out));
        out.claim(&host("empty.b.example"));
        out.default_backend(&host("a.b.example"), to("default", PathPattern::any(), out));
    })
    .arrange(by_specificity)
    .choice(choice)
    .table()
}

#[test]
fn a_miss_goes_on_or_stays() {
    for (choice, miss, claimed) in [
        (HostChoice::FallThrough, "wild", "wild"),
        (HostChoice::MostSpecific, "default", "no path on empty.b.example"),
        (HostChoice::MostSpecificThenAny, "any", "any"),
    ] {
        let table = three_hosts(choice);
        assert_eq!(get(&table, "a.b.example", "/a"), "exact", "{choice:?}");
        assert_eq!(get(&table, "a.b.example", "/x"), miss, "{choice:?}");
        assert_eq!(get(&table, "empty.b.example", "/x"), claimed, "{choice:?}");
        assert_eq!(get(&table, "c.b.example", "/any"), "wild", "{choice:?}");
        assert_eq!(get(&table, "else.example", "/any"), "any-only", "{choice:?}");
    }
    // A default backend alone claims no host.
    let table = dialect(|_, out| {
        out.default_backend(&host("a.b.example"), to("default", PathPattern::any(), out));
        out.rule(&host("*.b.example"), to("wild", prefix("/w"), out));
    })
    .choice(HostChoice::MostSpecific)
    .table();
    assert_eq!(get(&table, "a.b.example", "/w"), "wild");
    assert_eq!(get(&table, "a.b.example", "/x"), "default");
}

#[test]
fn a_host_that_was_not_asked_says_so() {
    let table = three_hosts(HostChoice::MostSpecific);
    let why = table.explain(&RequestHead::new("a.b.example", "/any"));
    let asked: Vec<_> =
        why.hosts().iter().map(|step| (step.pattern().as_str(), step.is_consulted())).collect();
    assert_eq!(asked, [("a.b.example", true), ("*.b.example", false), ("*", false)]);
}

#[test]
fn the_best_rule_of_all_hosts() {
    let table = dialect(|_, out| {
        let hosts = [host("a.b.example"), host("*.b.example"), HostPattern::any()];
        for (at, name, key) in
            [(0, "exact", 5), (1, "wild", 5), (1, "urgent", 1), (2, "any", 3), (2, "keyless-later", 9)]
        {
            let path = if name == "urgent" { prefix("/urgent") } else { prefix("/") };
            out.rule(&hosts[at], to(name, path, out).order_key([key]));
        }
        out.rule(&HostPattern::any(), to("first", prefix("/first"), out));
        out.default_backend(&HostPattern::any(), to("default", PathPattern::any(), out));
    })
    .arrange(|host| host.drafts_mut().sort_by(|a, b| a.rule().key().cmp(b.rule().key())))
    .choice(HostChoice::Best)
    .table();
    assert_eq!(get(&table, "a.b.example", "/x"), "any");
    assert_eq!(get(&table, "a.b.example", "/urgent/x"), "urgent");
    assert_eq!(get(&table, "a.b.example", "/first"), "first", "no key goes before every key");
    assert_eq!(get(&table, "else.example", "/x"), "any");

    let tie = dialect(|_, out| {
        for (at, name) in [("*", "any"), ("*.b.example", "wild"), ("a.b.example", "exact")] {
            let at = if at == "*" { HostPattern::any() } else { host(at) };
            out.rule(&at, to(name, prefix("/"), out).order_key([7]));
        }
    })
    .choice(HostChoice::Best)
    .table();
    assert_eq!(get(&tie, "a.b.example", "/"), "exact");
    assert_eq!(get(&tie, "b.b.example", "/"), "wild");
}

#[test]
fn wildcards_of_many_labels_and_of_none() {
    let rules = |_: &Ingress, out: &mut Contributions<'_>| {
        out.rule(&host("*.example"), to("short", prefix("/"), out));
        out.rule(&host("*.b.example"), to("long", prefix("/b"), out));
        out.rule(&host("b.example"), to("exact", prefix("/"), out));
    };
    let with = |wildcards| {
        dialect(rules).semantics(Semantics::default().with_hosts(HostReading::new(wildcards))).table()
    };

    let many = with(Wildcards::ManyLabels);
    assert_eq!(get(&many, "x.y.b.example", "/b"), "long");
    assert_eq!(get(&many, "x.y.b.example", "/c"), "short");
    assert_eq!(get(&many, "b.example", "/b"), "exact");
    assert_eq!(get(&many, "example", "/"), "no host");
    assert_eq!(get(&many, "x y.b.example", "/b"), "no host");

    let one = with(Wildcards::OneLabel);
    assert_eq!(get(&one, "x.y.b.example", "/b"), "no host");
    assert_eq!(get(&one, "x.b.example", "/b"), "long");

    let dead = with(Wildcards::Dead);
    assert_eq!(get(&dead, "x.b.example", "/b"), "no host");
    assert_eq!(get(&dead, "b.example", "/"), "exact");
}

#[test]
fn final_dots_and_case_can_matter() {
    let rules = |_: &Ingress, out: &mut Contributions<'_>| {
        out.rule(&host("a.example"), to("exact", prefix("/"), out));
        out.rule(&host("*.w.example"), to("wild", prefix("/"), out));
        out.rule(&HostPattern::any(), to("any", prefix("/"), out));
    };
    let with = |reading| dialect(rules).semantics(Semantics::default().with_hosts(reading)).table();
    let reading = HostReading::new(Wildcards::OneLabel);

    let lenient = with(reading);
    let dotted = with(reading.keep_dot());
    let cased = with(reading.keep_case());
    for (name, answers) in [
        ("a.example", ["exact", "exact", "exact"]),
        ("a.example:8080", ["exact", "exact", "exact"]),
        ("a.example.", ["exact", "any", "exact"]),
        ("a.example.:8080", ["exact", "any", "exact"]),
        ("A.example", ["exact", "exact", "any"]),
        ("x.w.example.", ["wild", "any", "wild"]),
        ("X.w.example:80", ["wild", "wild", "any"]),
    ] {
        let given = [&lenient, &dotted, &cased].map(|table| get(table, name, "/"));
        assert_eq!(given, answers, "{name}");
    }
}

// --- objects ----------------------------------------------------------------------------------------------

/// An alias applies while the host is free, and comes back when it is free again.
#[test]
fn weak_rules_give_way_to_whoever_claims_the_host() {
    let mut compiler = Compiler::new(dialect(|ingress, out| match ingress.id().name() {
        "alias" => out.weak_rule(&host("a.example"), to("alias", prefix("/"), out)),
        "claim" => out.claim(&host("a.example")),
        "default" => {
            out.default_backend(&host("a.example"), to("default", PathPattern::any(), out));
        }
        _ => out.rule(&host("a.example"), to("owner", prefix("/own"), out)),
    }));
    let mut answer = |change: &dyn Fn(&mut Compiler), target: &str| {
        change(&mut compiler);
        get(&compiler.compile(), "a.example", target)
    };
    let add = |name: &'static str| {
        move |compiler: &mut Compiler| {
            compiler.upsert(object(name));
        }
    };
    let remove = |name: &'static str| {
        move |compiler: &mut Compiler| {
            compiler.remove(&IngressId::new("ns", name));
        }
    };
    assert_eq!(answer(&add("alias"), "/"), "alias");
    assert_eq!(answer(&add("default"), "/"), "alias");
    assert_eq!(answer(&add("owner"), "/own"), "owner");
    assert_eq!(answer(&|_| (), "/"), "default");
    assert_eq!(answer(&remove("owner"), "/"), "alias");
    assert_eq!(answer(&add("claim"), "/"), "default");
    assert_eq!(answer(&remove("default"), "/"), "no path on a.example");
    assert_eq!(answer(&remove("claim"), "/"), "alias");
    assert_eq!(answer(&remove("alias"), "/"), "no host");
}

#[test]
fn the_dialect_orders_objects() {
    let rules = |ingress: &Ingress, out: &mut Contributions<'_>| {
        out.rule(&host("a.example"), to(ingress.id().name(), prefix("/"), out));
        let default = to(&format!("{}-default", ingress.id().name()), PathPattern::any(), out);
        out.default_backend(&HostPattern::any(), default);
        let secret = ingress_core::origin::SecretRef::new("ns", ingress.id().name());
        out.certificate(&host("a.example"), secret, FieldPath::tls(0));
    };
    let compile = |compare: fn(&Ingress, &Ingress) -> Ordering| {
        let dialect = Test { compare, ..dialect(rules) };
        RouteTable::compile(dialect, [object("b"), object("c"), object("a")])
    };
    for (compare, first) in [
        ((|a, b| a.id().cmp(b.id())) as fn(&Ingress, &Ingress) -> Ordering, "a"),
        (|a, b| b.id().cmp(a.id()), "c"),
    ] {
        let (table, findings) = compile(compare);
        assert_eq!(get(&table, "a.example", "/"), first);
        assert_eq!(get(&table, "else.example", "/"), format!("{first}-default"));
        assert_eq!(table.certificate("a.example").unwrap().name(), first);
        let count = |code| findings.iter().filter(|finding| finding.code() == code).count();
        assert_eq!((count("shadowed-rule"), count("certificate-conflict")), (2, 2));
    }
}

/// One object switches all paths of the host to expressions, its own and those of others; rules for
/// `/hidden` are dropped, and what was dropped is reported.
fn switching() -> Test {
    static HIDDEN: DialectFinding =
        DialectFinding::new("test-hidden", Severity::Note, "choose another path than /hidden");
    dialect(|ingress, out| {
        let path = ingress.annotation("path").unwrap_or("/").to_owned();
        out.rule(&host("a.example"), to(ingress.id().name(), prefix(&path), out));
    })
    .arrange(|host| {
        let hidden = |rule: &Rule| rule.path().as_str() == "/hidden";
        let found: Vec<_> = (0..host.drafts().len()).filter(|&at| hidden(host.drafts()[at].rule())).collect();
        for at in found {
            host.diagnose(at, DiagnosticKind::Dialect(&HIDDEN), "the path is hidden".to_owned());
        }
        host.drafts_mut().retain(|draft| !hidden(draft.rule()));
        if host.drafts().iter().any(|draft| draft.ingress().annotation("switch") == Some("on")) {
            for draft in host.drafts_mut() {
                let old = draft.rule();
                let new = Rule::new(regex(old.path().as_str()), old.action().clone(), old.origin().clone());
                *draft = draft.clone().with_rule(new);
            }
        }
        host.sort_by_specificity();
    })
}

#[test]
fn arrange_changes_and_drops_rules() {
    let objects = [
        annotated("digits", &[("path", "/v[0-9]")]),
        annotated("hidden", &[("path", "/hidden")]),
        object("rest"),
    ];
    let (table, findings) = RouteTable::compile(switching(), objects.clone());
    assert_eq!(get(&table, "a.example", "/v1"), "rest");
    assert_eq!(get(&table, "a.example", "/hidden"), "rest");
    assert_eq!(table.rule_count(), 2);
    assert_eq!(
        findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["note[test-hidden] ns/hidden spec.rules[0].http.paths[0]: the path is hidden"]
    );
    assert_eq!(findings[0].help(), "choose another path than /hidden");

    let switch = annotated("switch", &[("path", "/s"), ("switch", "on")]);
    let (table, _) = RouteTable::compile(switching(), objects.into_iter().chain([switch]));
    assert_eq!(get(&table, "a.example", "/v1"), "digits");
    assert!(table.hosts().flat_map(HostTable::rules).all(|rule| rule.path().kind() == PathKind::Regex));
}

/// The switch is an annotation that makes no contribution by itself; turning it reaches the host all the
/// same, and only there.
#[test]
fn annotations_that_arrange_reads_are_followed() {
    let mut compiler = Compiler::new(switching());
    compiler.upsert(annotated("digits", &[("path", "/v[0-9]")]));
    compiler.upsert(annotated("switch", &[("path", "/s"), ("switch", "off")]));
    assert_eq!(get(&compiler.compile(), "a.example", "/v1"), "no path on a.example");

    assert!(compiler.upsert(annotated("switch", &[("path", "/s"), ("switch", "on")])).any());
    assert_eq!(get(&compiler.compile(), "a.example", "/v1"), "digits");

    // One that nobody reads builds the host, finds it equal, and keeps the table.
    let before = compiler.compile();
    compiler.upsert(annotated("switch", &[("path", "/s"), ("switch", "on"), ("other", "x")]));
    assert!(Arc::ptr_eq(&before, &compiler.compile()));
}

/// A host of which `arrange` left nothing is empty, not forgotten.
#[test]
fn a_host_without_rules_remembers_who_wrote_them() {
    let make = || {
        dialect(|ingress, out| {
            out.weak_rule(&host("a.example"), to(ingress.id().name(), prefix("/"), out));
        })
        .arrange(|host| {
            if host.drafts().len() < 2 {
                host.diagnose(0, DiagnosticKind::EmptyIngress, "alone".to_owned());
                host.drafts_mut().clear();
            }
        })
    };
    let mut compiler = Compiler::new(make());
    compiler.upsert(object("one"));
    assert_eq!(get(&compiler.compile(), "a.example", "/"), "no host");
    assert_eq!(compiler.diagnostics().count(), 1);

    compiler.upsert(object("two"));
    let table = compiler.compile();
    assert_eq!(get(&table, "a.example", "/"), "one");
    let (fresh, _) = RouteTable::compile(make(), [object("two"), object("one")]);
    assert_eq!(table.to_string(), fresh.to_string());

    compiler.remove(&IngressId::new("ns", "one"));
    compiler.remove(&IngressId::new("ns", "two"));
    assert_eq!(compiler.compile().host_count(), 0);
    assert_eq!(compiler.diagnostics().count(), 0);
}

#[test]
fn a_dialect_reports_findings_of_its_own() {
    static ODD: DialectFinding = DialectFinding::new("test-odd", Severity::Warning, "write an even number");
    let (_, findings) = RouteTable::compile(
        dialect(|_, out| {
            let field = FieldPath::annotation("number");
            out.diagnose(DiagnosticKind::Dialect(&ODD), field, "3 is odd".to_owned());
        }),
        [object("one")],
    );
    assert_eq!(
        findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["warning[test-odd] ns/one metadata.annotations[number]: 3 is odd"]
    );
    assert_eq!(findings[0].help(), "write an even number");
}

#[test]
fn a_dialect_may_choose_its_objects_itself() {
    let mut compiler = Compiler::new(dialect(|ingress, out| {
        out.rule(&host("a.example"), to(ingress.id().name(), prefix("/"), out));
    }));
    compiler.upsert(annotated("left", &[("ours", "no")]));
    compiler.upsert(object("taken"));
    assert_eq!(get(&compiler.compile(), "a.example", "/"), "taken");
    assert_eq!(compiler.left_out().map(IngressId::name).collect::<Vec<_>>(), ["left"]);
}
