//! Random readings and plans for the dialect of [`seam`](super::seam).

use ingress_core::Ingress;
use ingress_core::dialect::{HostChoice, Wildcards};
use k8s_openapi::api::networking::v1 as api;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::seam::{
    Act, Condition, Entry, Order, PLAN, PRIORITY, PatternSpec, READINGS, Reading, RewriteSpec, RuleSpec, What,
};
use super::vocabulary::{host, path};

pub(crate) fn reading() -> impl Strategy<Value = Reading> {
    let choice = select(
        &[
            HostChoice::Best,
            HostChoice::FallThrough,
            HostChoice::MostSpecific,
            HostChoice::MostSpecificThenAny,
        ][..],
    );
    let wildcards =
        select(&[Wildcards::Dead, Wildcards::ManyLabels, Wildcards::ManyLabels, Wildcards::OneLabel][..]);
    let order = select(&[Order::Priority, Order::Reversed, Order::Specificity, Order::Written][..]);
    let seldom = || prop::bool::weighted(0.2);
    (choice, wildcards, seldom(), seldom(), select(READINGS), seldom(), order).prop_map(
        |(choice, wildcards, keep_case, keep_dot, paths, forward_received, order)| Reading {
            choice,
            wildcards,
            keep_case,
            keep_dot,
            paths,
            forward_received,
            order,
        },
    )
}

/// What the rules of a table use besides `Exact` and `Prefix`. The table indexes hosts according to it, so
/// one rule that uses everything hides how the others would have been found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Uses {
    pub(crate) conditions: bool,
    /// Compiling these takes longer than all the rest.
    pub(crate) expressions: bool,
    pub(crate) literals: bool,
}

/// What one object contributes.
pub(crate) fn plan(uses: Uses) -> impl Strategy<Value = Vec<Entry>> {
    let rule = move || rule(uses);
    let what = prop_oneof![
        12 => rule().prop_map(What::Rule),
        2 => rule().prop_map(What::WeakRule),
        1 => rule().prop_map(What::Default),
        1 => Just(What::Claim),
        2 => (0u8..3).prop_map(What::Certificate),
    ];
    prop::collection::vec((host(), what).prop_map(|(host, what)| Entry { host, what }), 0..16)
}

const KEYS: &[&[u8]] = &[b"", b"", b"1", b"2", b"10"];

fn rule(uses: Uses) -> impl Strategy<Value = RuleSpec> {
    let conditional = if uses.conditions { 1 } else { 0 };
    let conditions =
        prop_oneof![2 => Just(Vec::new()), conditional => prop::collection::vec(condition(), 1..3)];
    let rewrite = prop::option::weighted(0.3, rewrite());
    let key = select(KEYS);
    let fold = prop::bool::weighted(if uses.literals { 0.25 } else { 0.0 });
    (pattern(uses), fold, conditions, act(), rewrite, key).prop_map(
        |(pattern, ignore_case, conditions, act, rewrite, key)| RuleSpec {
            pattern,
            ignore_case,
            conditions,
            act,
            rewrite,
            key,
        },
    )
}

fn pattern(uses: Uses) -> impl Strategy<Value = PatternSpec> {
    let regex = select(
        &[
            "",
            "/",
            "/a",
            "/a$",
            "/a|/ab",
            "/ab|/a",
            "/(a|b)+/",
            "/a(/|$)(.*)",
            "/api(/|$)(.*)",
            "/[a-c]{1,3}$",
            "(?i)/A/b",
            ".*/b",
            "/(a)(b)?/(.*)",
            r"\*",
            "/[^/]+/?$",
            r"/a\b",
            "(?x)/a # comment",
        ][..],
    );
    prop_oneof![
        1 => Just(PatternSpec::Any),
        4 => path().prop_map(PatternSpec::Exact),
        if uses.literals { 3 } else { 0 } => path().prop_map(PatternSpec::Literal),
        8 => path().prop_map(PatternSpec::Prefix),
        if uses.expressions { 12 } else { 0 } => regex.prop_map(PatternSpec::Regex),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    use Condition as C;
    select(&[C::CookieAbsent, C::CookieAlways, C::HeaderAlways, C::HeaderRegex, C::Post, C::QueryVersion][..])
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0u8..3).prop_map(Act::Forward),
        1 => Just(Act::Redirect),
        1 => Just(Act::Respond),
        1 => (0u32..=100).prop_map(Act::Split),
    ]
}

fn rewrite() -> impl Strategy<Value = RewriteSpec> {
    prop_oneof![
        select(&["/", "/new", "/new/", "$", "/x?y=z"][..]).prop_map(RewriteSpec::Match),
        select(&["/$2", "/r/$1", "$0", "$1", "/x?y=$2", "/$0$9$", "/fixed"][..])
            .prop_map(RewriteSpec::Template),
    ]
}

/// An object that stands for a plan.
pub(crate) fn object(name: &str, plan: usize, created: Option<u8>, priority: Option<u8>) -> Ingress {
    let mut annotations = serde_json::Map::new();
    annotations.insert(PLAN.to_owned(), json!(plan.to_string()));
    if let Some(priority) = priority {
        annotations.insert(PRIORITY.to_owned(), json!(priority.to_string()));
    }
    let object: api::Ingress = serde_json::from_value(json!({
        "metadata": {
            "namespace": "ns",
            "name": name,
            "creationTimestamp": created.map(|second| format!("2024-01-01T00:00:0{second}Z")),
            "annotations": annotations,
        },
    }))
    .expect("it has the shape of an Ingress");
    Ingress::from(object)
}
