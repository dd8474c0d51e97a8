//! Expressions, case, literal prefixes, and how paths are read.

use ingress_core::dialect::{Contributions, Semantics};
use ingress_core::explain::Verdict;
use ingress_core::path::{Fragment, PathReading, Step};
use ingress_core::{Diagnostic, DiagnosticKind, Ingress, RequestHead, RouteTable, Severity};

use crate::closures::{dialect, exact, get, host, literal, object, prefix, regex, to, verdict};

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
