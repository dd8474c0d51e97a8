//! Objects: their order, their claims, and what they are reported for.

use std::cmp::Ordering;
use std::sync::Arc;

use ingress_core::diagnostic::DialectFinding;
use ingress_core::dialect::Contributions;
use ingress_core::origin::FieldPath;
use ingress_core::path::PathKind;
use ingress_core::table::HostTable;
use ingress_core::{
    Compiler, DiagnosticKind, HostPattern, Ingress, IngressId, PathPattern, RouteTable, Rule, Severity,
};

use crate::closures::{Test, annotated, dialect, get, host, object, prefix, regex, to};

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
