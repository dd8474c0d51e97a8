//! Which rules take requests from others, held against what happens without the rule that takes.

#![cfg(feature = "k8s-openapi")]
#![allow(clippy::unwrap_used, reason = "a helper that cannot go on is a test that failed")]

use ingress_core::dialect::{Contributions, Dialect, HostRules, Kubernetes};
use ingress_core::origin::FieldPath;
use ingress_core::overlap::{Overlap, overlaps};
use ingress_core::path::{PathKind, PathPattern};
use ingress_core::rule::{Action, RuleId};
use ingress_core::{Compiler, Ingress, Outcome, RequestHead, RouteTable, Rule};
use k8s_openapi::api::networking::v1;
use proptest::prelude::*;

fn ingress(rules: &[(String, String)]) -> Ingress {
    let paths: Vec<_> = rules
        .iter()
        .enumerate()
        .map(|(index, (kind, path))| {
            let backend =
                serde_json::json!({"service": {"name": format!("s{index}"), "port": {"number": 80}}});
            serde_json::json!({"path": path, "pathType": kind, "backend": backend})
        })
        .collect();
    let object: v1::Ingress = serde_json::from_value(serde_json::json!({
        "metadata": {"name": "web"}, "spec": {"rules": [{"host": "a.example", "http": {"paths": paths}}]}
    }))
    .unwrap();
    Ingress::from(&object)
}

fn table(dialect: impl Dialect, rules: &[(String, String)]) -> std::sync::Arc<RouteTable> {
    let mut compiler = Compiler::new(dialect);
    let _ = compiler.upsert(ingress(rules));
    compiler.compile()
}

fn shown(table: &RouteTable) -> Vec<String> {
    let host = table.host(&"a.example".parse().unwrap()).unwrap();
    let path = |id: RuleId| host.rules()[id.index()].path().to_string();
    overlaps(host)
        .iter()
        .map(|Overlap { loser, winner, .. }| format!("{} < {}", path(*loser), path(*winner)))
        .collect()
}

fn rules(texts: &[(&str, &str)]) -> Vec<(String, String)> {
    texts.iter().map(|(kind, path)| ((*kind).to_owned(), (*path).to_owned())).collect()
}

#[test]
fn each_rule_takes_from_the_next_wider_one() {
    let rules = rules(&[
        ("Prefix", "/"),
        ("Prefix", "/a"),
        ("Exact", "/a"),
        ("Prefix", "/a/b/"),
        ("Exact", "/a/b/c"),
        ("Prefix", "/a-b"),
        ("Prefix", "/ab"),
        ("Exact", "/a/d"),
        ("Exact", "/c"),
        ("Exact", "/a/d"),
    ]);
    assert_eq!(
        shown(&table(Kubernetes, &rules)),
        [
            "Prefix /a/b/ < Exact /a/b/c",
            "Prefix /a < Exact /a/d",
            "Prefix /a < Prefix /a/b/",
            "Prefix /a < Exact /a",
        ]
    );
}

/// Bytes instead of elements, without case, and the earlier line first: a wide rule hides what stands
/// behind it, which is no overlap but a rule that is never reached.
#[derive(Debug)]
struct Lines;

impl Dialect for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn expand(&self, ingress: &Ingress, out: &mut Contributions<'_>) {
        for rule in ingress.rules() {
            for path in rule.paths().unwrap_or_default() {
                let pattern = PathPattern::literal(path.path().unwrap().clone()).unwrap().ignore_case();
                let origin = out.origin(FieldPath::path(rule.index(), path.index()));
                let action = Action::forward(path.backend().clone());
                out.rule(rule.host(), Rule::new(pattern, action, origin));
            }
        }
    }

    fn arrange(&self, _: &mut HostRules<'_>) {}
}

#[test]
fn only_an_earlier_rule_takes_anything() {
    let rules =
        rules(&[("Prefix", "/AB"), ("Prefix", "/a"), ("Prefix", "/ac"), ("Prefix", "/d"), ("Prefix", "/")]);
    assert_eq!(shown(&table(Lines, &rules)), ["Literal~* /a < Literal~* /AB"]);
}

fn rule() -> impl Strategy<Value = (String, String)> {
    let kind = prop::sample::select(vec!["Exact", "Prefix"]);
    let element = prop::sample::select(vec!["/a", "/b", "/ab", "/a-", "/"]);
    (kind, prop::collection::vec(element, 1..4)).prop_map(|(kind, path)| (kind.to_owned(), path.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// What is reported happens: the winner gets a request that the loser gets as soon as the winner is
    /// gone. And whatever happens like that is reported.
    #[test]
    fn who_takes_and_who_loses(rules in prop::collection::vec(rule(), 1..9)) {
        let full = table(Kubernetes, &rules);
        let host = full.host(&"a.example".parse().unwrap()).unwrap();
        let mut happens = Vec::new();
        for (index, winner) in host.rules().iter().enumerate() {
            let path = winner.path();
            if host.rules()[..index].iter().any(|earlier| earlier.path().same_as(path)) {
                continue;
            }
            // Below the edge of a prefix nothing else of these few is in the way.
            let below = format!("{}/zz/zz", path.as_str().strip_suffix('/').unwrap_or(path.as_str()));
            let probe = if path.kind() == PathKind::Prefix { &below } else { path.as_str() };
            let next = host.rules()[index + 1..].iter().position(|later| {
                later.path().matches(probe.as_bytes()) && !later.path().same_as(path)
            });
            let request = RequestHead::new("a.example", probe);
            let Outcome::Matched(hit) = full.lookup(&request) else { panic!("{probe}") };
            prop_assert_eq!(hit.rule().action(), winner.action());
            let Some(next) = next.map(|next| index + 1 + next) else { continue };
            if host.rules()[next].path().as_str() != "/" {
                happens.push((next, index));
            }
        }
        let reported = overlaps(host).into_iter().map(|found| (found.loser.index(), found.winner.index()));
        let mut reported: Vec<_> = reported.collect();
        reported.sort_unstable();
        happens.sort_unstable();
        prop_assert_eq!(reported, happens);
    }
}
