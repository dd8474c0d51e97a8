//! Which hosts are asked, and how they are read.

use std::sync::Arc;

use ingress_core::dialect::{Contributions, HostChoice, HostReading, HostRules, Semantics, Wildcards};
use ingress_core::origin::{FieldPath, SecretRef};
use ingress_core::{HostPattern, Ingress, PathPattern, RequestHead, RouteTable};

use crate::closures::{dialect, get, host, prefix, to};

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

/// Names that no Ingress may declare. What a request spells like one of them is read like any other host
/// first, so it may come to another name, or to none.
#[test]
fn odd_names_are_compared_with_what_was_read() {
    let long = "a".repeat(300);
    let names = ["a b", "a/b", "a..b", "a:80", "a.", ".a", "a@b", "é", "[::1", "", "a_b", "1.2.3.4", &long];
    let names = names.map(str::to_owned);
    let hosts = names.clone();
    let table = |reading| {
        let hosts = hosts.clone();
        dialect(move |_, out| {
            for name in &hosts {
                out.rule(&HostPattern::literal(name), to("odd", prefix("/"), out));
                out.certificate(&HostPattern::literal(name), SecretRef::new("ns", "odd"), FieldPath::tls(0));
            }
            out.rule(&HostPattern::below("b"), to("below", prefix("/"), out));
            out.rule(&host("*.example"), to("wild", prefix("/"), out));
        })
        .semantics(Semantics::default().with_hosts(reading))
        .table()
    };
    let strict = table(HostReading::new(Wildcards::OneLabel));
    let lenient = table(HostReading::new(Wildcards::OneLabel).lenient());
    let deep = table(HostReading::new(Wildcards::ManyLabels).lenient());
    assert_eq!(strict.host_count(), names.len() + 2);
    for (name, answers) in [
        ("a b", ["no host", "no host"]),
        ("a/b", ["no host", "no host"]),
        ("a..b", ["no host", "no host"]),
        ("x y.b", ["no host", "no host"]),
        ("a:80", ["no host", "no host"]),
        ("a.", ["no host", "no host"]),
        ("a.:x.y", ["no host", "odd"]),
        (".a", ["no host", "odd"]),
        ("a@b", ["no host", "odd"]),
        ("A@B:80", ["no host", "odd"]),
        ("é", ["no host", "odd"]),
        ("[::1", ["no host", "odd"]),
        ("", ["no host", "no host"]),
        ("a_b", ["odd", "odd"]),
        ("1.2.3.4:8080", ["odd", "odd"]),
        (&long, ["no host", "odd"]),
        ("x@y.b", ["no host", "below"]),
        ("x@y.example", ["no host", "no host"]),
        (".x.example", ["no host", "no host"]),
        ("x.example", ["wild", "wild"]),
    ] {
        assert_eq!([&strict, &lenient].map(|table| get(table, name, "/")), answers, "{name:?}");
        // Of these, `*` means no more where it stands for many labels.
        assert_eq!(get(&deep, name, "/"), answers[1], "{name:?}");
        for (table, answer) in [(&strict, answers[0]), (&lenient, answers[1])] {
            assert_eq!(table.certificate(name).is_some(), answer == "odd", "{name:?}");
        }
    }
    assert_eq!(get(&deep, "y.x.example", "/"), "wild");
    for name in &names {
        let pattern = HostPattern::literal(name);
        assert!(pattern.is_exact() && strict.host(&pattern).is_some(), "{name:?}");
    }
}
