//! Single differences that are put in on purpose, one of every kind; and changes that are none.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method, StatusCode};
use ingress_core::compare::{Aspect, Comparison, Doubt, compare};
use ingress_core::dialect::{Contributions, Dialect, HostRules};
use ingress_core::origin::{FieldPath, IngressId, Origin, SecretRef};
use ingress_core::path::PathPattern;
use ingress_core::request::Scheme;
use ingress_core::rule::{
    Action, Backend, Policy, Predicate, Rewrite, Rule, ServiceRef, SourceRanges, ValueTest,
};
use ingress_core::{Compiler, HostPattern, Ingress, RouteTable};

const HOST: &str = "shop.example.com";

/// A dialect that says what it is told.
#[derive(Clone, Debug)]
struct Told {
    rules: Vec<Rule>,
    secret: &'static str,
}

impl Dialect for Told {
    fn name(&self) -> &'static str {
        "told"
    }

    fn expand(&self, _: &Ingress, out: &mut Contributions<'_>) {
        let host: HostPattern = HOST.parse().expect("it is a host");
        out.certificate(&host, SecretRef::new("shop", self.secret), FieldPath::tls_host(0, 0));
        for rule in &self.rules {
            out.rule(&host, rule.clone());
        }
    }

    fn arrange(&self, _: &mut HostRules<'_>) {}
}

fn table(told: Told) -> Arc<RouteTable> {
    let object = serde_json::json!({"metadata": {"namespace": "shop", "name": "web"}});
    let object: k8s_openapi::api::networking::v1::Ingress =
        serde_json::from_value(object).expect("it is an Ingress");
    let mut compiler = Compiler::new(told);
    compiler.upsert(&object);
    compiler.compile()
}

fn to(name: &str) -> Action {
    Action::forward(backend(name))
}

fn backend(name: &str) -> Backend {
    Backend::Service(ServiceRef::new("shop", name, 80))
}

fn rule(path: PathPattern, action: Action) -> Rule {
    // Each stands in an object of its own, which a change leaves it in.
    let text = action.to_string();
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 1).collect();
    Rule::new(path, action, Origin::new(IngressId::new("shop", &words.concat()), FieldPath::path(0, 0)))
}

fn header(name: &'static str, test: ValueTest) -> Predicate {
    Predicate::header(HeaderName::from_static(name), test)
}

fn exact(path: &str) -> PathPattern {
    PathPattern::exact(path).expect("it is a path")
}

fn prefix(path: &str) -> PathPattern {
    PathPattern::prefix(path).expect("it is a path")
}

fn search(expression: &str) -> PathPattern {
    PathPattern::search(expression).expect("it is an expression")
}

fn regex(expression: &str) -> ValueTest {
    ValueTest::regex(expression).expect("it is an expression")
}

fn inside(ranges: &[&str]) -> Predicate {
    let ranges = SourceRanges::parse(ranges.iter().copied()).expect("they are ranges");
    Predicate::source(ranges, true, None)
}

fn rewrite(template: &str) -> Rewrite {
    Rewrite::template(template).expect("it is a template")
}

/// Rules that use everything there is.
fn base() -> Vec<Rule> {
    vec![
        rule(exact("/a"), to("a")),
        rule(prefix("/b"), to("canary")).when(header("x-canary", ValueTest::equals("always"))),
        rule(prefix("/b"), to("agent")).when(header("user-agent", regex("^Mo.*[0-9]$"))),
        rule(prefix("/b"), to("cookie")).when(Predicate::cookie("version", ValueTest::equals("2"))),
        rule(prefix("/b"), to("query")).when(Predicate::query("v", ValueTest::ends_with("-rc"))),
        rule(prefix("/b"), to("post")).when(Predicate::method(Method::POST)),
        rule(prefix("/b"), to("inside")).when(inside(&["10.0.0.0/8", "2001:db8::/48"])),
        rule(prefix("/b"), to("secure")).when(Predicate::scheme(Scheme::Https, None)),
        rule(prefix("/b"), to("spare")).when(Predicate::unavailable(ServiceRef::new("shop", "b", 80))),
        rule(prefix("/b"), to("b")),
        rule(search("^/c/[0-9]+/x"), to("c")).rewrite(rewrite("/numbers$0")),
        rule(search("/d(/|$)(.*)"), to("d")).rewrite(rewrite("/$2")),
        rule(prefix("/e"), Action::split([(backend("e1"), 80), (backend("e2"), 20)])),
        rule(prefix("/f"), Action::redirect(StatusCode::FOUND, "https://other.example.com/")),
        rule(prefix("/g"), Action::respond(StatusCode::FORBIDDEN)),
        rule(prefix("/h"), to("h")).with_policies(vec![Policy::ReadTimeout(Duration::from_secs(60))]),
        rule(prefix("/i"), to("i").authorized()),
        rule(prefix("/J").ignore_case(), to("j")),
        rule(prefix("/"), to("rest")),
    ]
}

fn told(rules: Vec<Rule>) -> Told {
    Told { rules, secret: "tls" }
}

/// Compares the rules with others.
fn against(changed: Told, check: impl FnOnce(&Comparison<'_>)) {
    let (before, after) = (table(told(base())), table(changed));
    check(&compare(&before, &after));
    // What is found does not depend on which is which.
    let there = compare(&before, &after).differences().len();
    assert_eq!(compare(&after, &before).differences().len(), there);
}

/// A rule in the place of another.
fn with(place: usize, rule: Rule) -> Told {
    let mut rules = base();
    rules[place] = rule;
    told(rules)
}

#[track_caller]
fn shows(changed: Told, aspect: Aspect, witness: &str) {
    shows_all(changed, &[aspect], witness);
}

#[track_caller]
fn shows_all(changed: Told, aspects: &[Aspect], witness: &str) {
    against(changed, |comparison| {
        let [difference] = comparison.differences() else { panic!("{comparison:?}") };
        assert_eq!(difference.aspects(), aspects);
        assert_eq!(difference.witness().to_string(), witness);
        // Whether two rewrites are the same need not be told.
        assert!(comparison.unknowns().iter().all(|unknown| unknown.doubt() == Doubt::Rewrites));
    });
}

#[test]
fn nothing_changed() {
    against(told(base()), |comparison| {
        assert!(comparison.is_equal());
        assert_eq!(comparison.summary().alike, comparison.summary().hosts);
    });
}

#[test]
fn one_rule_moved() {
    let mut rules = base();
    let last = rules.pop().expect("there are rules");
    rules.insert(0, last);
    against(told(rules), |comparison| {
        // It takes from each of the others.
        assert_eq!(comparison.differences().len(), base().len() - 1);
    });
    // Conditions that may hold at the same time.
    let mut rules = base();
    rules.swap(1, 2);
    shows(told(rules), Aspect::Backend, "GET http://shop.example.com/b, user-agent: Mo0, x-canary: always");
}

#[test]
fn one_rule_added_or_dropped() {
    let mut rules = base();
    rules.remove(0);
    shows(told(rules), Aspect::Backend, "GET http://shop.example.com/a");
    let mut rules = base();
    rules.insert(0, rule(exact("/b/exactly/here"), to("a")));
    against(told(rules), |comparison| {
        // It takes from each of those that share the path.
        let [difference] = comparison.differences() else { panic!("{comparison:?}") };
        assert_eq!(difference.witness().target(), "/b/exactly/here");
    });
}

#[test]
fn one_path() {
    shows(with(0, rule(exact("/a/"), to("a"))), Aspect::Backend, "GET http://shop.example.com/a");
    shows(with(17, rule(prefix("/J"), to("j"))), Aspect::Backend, "GET http://shop.example.com/j");
}

#[test]
fn one_byte_of_an_expression() {
    shows_all(
        with(10, rule(search("^/c/[0-8]+/x"), to("c")).rewrite(rewrite("/numbers$0"))),
        &[Aspect::Backend, Aspect::Target],
        "GET http://shop.example.com/c/9/x",
    );
    shows_all(
        with(10, rule(search("^/c/[0-9]+/x$"), to("c")).rewrite(rewrite("/numbers$0"))),
        &[Aspect::Backend, Aspect::Target],
        "GET http://shop.example.com/c/0/xa",
    );
}

#[test]
fn one_condition() {
    shows(
        with(1, rule(prefix("/b"), to("canary")).when(header("x-canary", ValueTest::equals("Always")))),
        Aspect::Backend,
        "GET http://shop.example.com/b, x-canary: always",
    );
    shows(
        with(2, rule(prefix("/b"), to("agent")).when(header("user-agent", regex("^Mo.*[0-8]$")))),
        Aspect::Backend,
        "GET http://shop.example.com/b, user-agent: Mo9",
    );
    shows(
        with(3, rule(prefix("/b"), to("cookie")).when(Predicate::cookie("version", ValueTest::present()))),
        Aspect::Backend,
        "GET http://shop.example.com/b, cookie: version=",
    );
    shows(
        with(4, rule(prefix("/b"), to("query")).when(Predicate::query("v", ValueTest::ends_with("rc")))),
        Aspect::Backend,
        "GET http://shop.example.com/b?v=rc",
    );
    shows(
        with(5, rule(prefix("/b"), to("post")).when(Predicate::method(Method::PUT))),
        Aspect::Backend,
        "POST http://shop.example.com/b",
    );
    shows(
        with(6, rule(prefix("/b"), to("inside")).when(inside(&["10.0.0.0/9", "2001:db8::/48"]))),
        Aspect::Backend,
        "GET http://shop.example.com/b, from 10.255.255.255",
    );
    let service = ServiceRef::new("shop", "b", 81);
    against(with(8, rule(prefix("/b"), to("spare")).when(Predicate::unavailable(service))), |comparison| {
        let [difference] = comparison.differences() else { panic!("{comparison:?}") };
        assert!(difference.witness().to_string().ends_with("without endpoints"), "{difference:?}");
    });
}

#[test]
fn one_weight() {
    let split = Action::split([(backend("e1"), 81), (backend("e2"), 20)]);
    shows(with(12, rule(prefix("/e"), split)), Aspect::Weights, "GET http://shop.example.com/e");
    let split = Action::split([(backend("e1"), 80), (backend("e3"), 20)]);
    shows(with(12, rule(prefix("/e"), split)), Aspect::Backend, "GET http://shop.example.com/e");
}

#[test]
fn one_rewrite() {
    shows(
        with(11, rule(search("/d(/|$)(.*)"), to("d")).rewrite(rewrite("/$1$2"))),
        Aspect::Target,
        "GET http://shop.example.com/d/",
    );
    // The same for the shortest path, and not for others.
    shows(
        with(11, rule(search("/d(/|$)(.?)"), to("d")).rewrite(rewrite("/$2"))),
        Aspect::Target,
        "GET http://shop.example.com/d/aa",
    );
}

#[test]
fn one_answer() {
    let found = |location: &str| rule(prefix("/f"), Action::redirect(StatusCode::FOUND, location));
    shows(with(13, found("https://other.example.com")), Aspect::Location, "GET http://shop.example.com/f");
    let seen = Action::redirect(StatusCode::SEE_OTHER, "https://other.example.com/");
    shows(with(13, rule(prefix("/f"), seen)), Aspect::Answer, "GET http://shop.example.com/f");
    let gone = Action::respond(StatusCode::GONE);
    shows(with(14, rule(prefix("/g"), gone)), Aspect::Answer, "GET http://shop.example.com/g");
}

#[test]
fn one_policy() {
    let other = vec![Policy::ReadTimeout(Duration::from_secs(61))];
    shows(
        with(15, rule(prefix("/h"), to("h")).with_policies(other)),
        Aspect::Policies,
        "GET http://shop.example.com/h",
    );
    shows(with(16, rule(prefix("/i"), to("i"))), Aspect::Authorization, "GET http://shop.example.com/i");
}

#[test]
fn one_secret() {
    let changed = Told { rules: base(), secret: "tls-2" };
    against(changed, |comparison| {
        let [difference] = comparison.differences() else { panic!("{comparison:?}") };
        assert_eq!(difference.aspects(), [Aspect::Certificate]);
        let (before, after) = difference.certificates().expect("they are certificates");
        assert_eq!((before.unwrap().name(), after.unwrap().name()), ("tls", "tls-2"));
    });
}

#[test]
fn other_words_for_the_same() {
    let same = [
        with(9, rule(prefix("/b/"), to("b"))),
        with(2, rule(prefix("/b"), to("agent")).when(header("user-agent", regex("^Mo(.*[0-5]|.*[6-9])$")))),
        with(
            6,
            rule(prefix("/b"), to("inside")).when(inside(&["10.0.0.0/9", "10.128.0.0/9", "2001:db8::/48"])),
        ),
        with(12, rule(prefix("/e"), Action::split([(backend("e2"), 1), (backend("e1"), 4)]))),
        with(17, rule(search("(?i)^/j(/|$)"), to("j"))),
        with(18, rule(PathPattern::any(), to("rest"))),
    ];
    for (index, changed) in same.into_iter().enumerate() {
        against(changed, |comparison| assert!(comparison.is_equal(), "{index}: {comparison:?}"));
    }
    // Rules that share no path, in another order.
    let mut rules = base();
    rules.swap(13, 14);
    against(told(rules), |comparison| assert!(comparison.is_equal(), "{comparison:?}"));
}

#[test]
fn what_cannot_be_told() {
    // The same on all paths, for a reason that no comparison of words finds.
    let changed = with(11, rule(search("/d(/+|$)(.*)"), to("d")).rewrite(rewrite("/$2")));
    against(changed, |comparison| {
        // Repeated slashes tell the two apart.
        assert_eq!(comparison.differences()[0].witness().target(), "/d//");
    });
    let changed = with(11, rule(search("/d(/|$)([^\n]*)"), to("d")).rewrite(rewrite("/$2")));
    against(changed, |comparison| {
        assert!(comparison.differences().is_empty(), "{comparison:?}");
        assert_eq!(comparison.unknowns()[0].doubt(), Doubt::Rewrites);
        assert!(!comparison.is_equal());
    });
}

#[test]
fn words() {
    let mut rules = base();
    rules.insert(0, rule(prefix("/e/inner"), to("inner")));
    against(told(rules), |comparison| {
        let [difference] = comparison.differences() else { panic!("{comparison:?}") };
        assert_eq!(
            difference.to_string(),
            "host shop.example.com, paths under /e/inner except paths that match /d(/|$)(.*)\n  \
               before  80 x shop/e1:80, 20 x shop/e2:80\n  \
               after   shop/inner:80\n"
        );
    });
}
