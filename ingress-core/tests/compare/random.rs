//! Random pairs of tables.

use std::cell::Cell;

use ingress_core::compare::compare;
use ingress_core::dialect::{IngressNginx, Kubernetes};
use ingress_core::{Compiler, Dialect, Ingress, RouteTable};
use proptest::prelude::*;
use proptest::sample::Index;

use super::answer::answer;
use crate::generate::nginx::{annotated, settings};
use crate::generate::objects::content;
use crate::generate::plans::{Uses, object, plan, reading};
use crate::generate::probe::{Recipe, Words, recipe};
use crate::generate::seam::Seam;
use crate::generate::settings::Settings;

/// Requests that each pair is asked.
const REQUESTS: u32 = 64;

fn recipes() -> impl Strategy<Value = Vec<Recipe>> {
    prop::collection::vec(recipe(), REQUESTS as usize)
}

fn table(dialect: impl Dialect + 'static, objects: &[Ingress]) -> std::sync::Arc<RouteTable> {
    let mut compiler = Compiler::new(dialect);
    for object in objects {
        compiler.upsert(object.clone());
    }
    compiler.compile()
}

/// What the runs met.
#[derive(Debug, Default)]
struct Seen {
    equal: Cell<u32>,
    different: Cell<u32>,
    unknown: Cell<u32>,
    parted: Cell<u32>,
}

fn count(cell: &Cell<u32>) {
    cell.set(cell.get() + 1);
}

/// Whatever is said of two tables is so.
fn hold(
    before: &RouteTable,
    after: &RouteTable,
    recipes: &[Recipe],
    seen: &Seen,
) -> Result<(), TestCaseError> {
    let comparison = compare(before, after);
    let tables = || format!("\n{before}\n{after}\n{comparison:?}");
    for difference in comparison.differences() {
        let witness = difference.witness();
        if let Some((own, other)) = difference.certificates() {
            let host = witness.host().expect("a certificate is one of a host");
            prop_assert_eq!(
                (before.certificate(host), after.certificate(host)),
                (own, other),
                "{}",
                tables()
            );
            prop_assert_ne!(own, other);
            continue;
        }
        let answers = witness
            .ask(|head| [before, after].map(|table| (answer(table.lookup(head), head), table.lookup(head))));
        prop_assert_ne!(&answers[0].0, &answers[1].0, "{} is none: {}", witness, tables());
        prop_assert_eq!(Some(answers[0].1), difference.before(), "{} {}", witness, tables());
        prop_assert_eq!(Some(answers[1].1), difference.after(), "{} {}", witness, tables());
    }
    let same = before.semantics() == after.semantics();
    let equal = comparison.is_equal();
    count(if equal {
        &seen.equal
    } else if comparison.differences().is_empty() {
        &seen.unknown
    } else {
        &seen.different
    });
    let words = [Words::of(before), Words::of(after)];
    for (index, recipe) in recipes.iter().enumerate() {
        let probe = recipe.prepare(&words[index % 2]);
        let head = probe.head();
        // No request can carry these.
        if head.target().contains([' ', '#']) {
            continue;
        }
        let answers = [before, after].map(|table| answer(table.lookup(&head), &head));
        if answers[0] != answers[1] {
            count(&seen.parted);
            prop_assert!(!equal, "{probe:?} gets {answers:?}{}", tables());
            prop_assert!(
                !same || !comparison.differences().is_empty() || !comparison.unknowns().is_empty(),
                "{probe:?} gets {answers:?}{}",
                tables()
            );
        }
    }
    let summary = comparison.summary();
    prop_assert!(summary.equal + summary.different + summary.unknown == summary.regions, "{summary:?}");
    Ok(())
}

/// What becomes of one of several objects.
#[derive(Clone, Copy, Debug)]
enum Change {
    Dropped,
    None,
    Replaced,
}

fn change() -> impl Strategy<Value = (Change, Index)> {
    let change =
        prop_oneof![1 => Just(Change::Dropped), 1 => Just(Change::None), 2 => Just(Change::Replaced)];
    (change, any::<Index>())
}

fn changed<T: Clone>(all: &[T], (change, place): (Change, Index), other: &T) -> Vec<T> {
    let mut all = all.to_vec();
    let place = place.index(all.len());
    match change {
        Change::Dropped => drop(all.remove(place)),
        Change::None => {}
        Change::Replaced => all[place] = other.clone(),
    }
    all
}

#[test]
fn tables_of_the_kubernetes_dialect() {
    let seen = Seen::default();
    let strategy = (prop::collection::vec(content(), 1..5), content(), change(), recipes());
    Settings::of(10_000).run(REQUESTS, &strategy, |(contents, other, change, recipes)| {
        let build = |contents: &[_]| {
            let objects: Vec<Ingress> = (0..)
                .zip(contents)
                .map(|(at, content): (u32, &crate::generate::objects::Content)| {
                    content.ingress(&format!("i{at}"))
                })
                .collect();
            table(Kubernetes, &objects)
        };
        let (before, after) = (build(&contents), build(&changed(&contents, change, &other)));
        hold(&before, &after, &recipes, &seen)
    });
    println!("{seen:?}");
    assert!(seen.equal.get() > 20 && seen.different.get() > 50 && seen.unknown.get() == 0, "{seen:?}");
}

#[test]
fn tables_of_a_dialect_that_uses_the_whole_seam() {
    let seen = Seen::default();
    let none = Uses::default();
    let plans = |uses| (prop::collection::vec(plan(uses), 1..4), plan(uses));
    let plans = prop_oneof![
        plans(none),
        plans(Uses { literals: true, ..none }),
        plans(Uses { conditions: true, literals: true, ..none }),
        plans(Uses { expressions: true, conditions: true, literals: true }),
    ];
    let readings = (reading(), prop::option::weighted(0.3, reading()));
    let strategy = (readings, plans, change(), recipes());
    Settings::of(10_000).run(
        REQUESTS,
        &strategy,
        |((reading, other_reading), (plans, other), change, recipes)| {
            let build = |reading, plans: Vec<_>| {
                let objects: Vec<_> =
                    (0..plans.len()).map(|at| object(&format!("i{at}"), at, None, None)).collect();
                table(Seam { reading, plans }, &objects)
            };
            let before = build(reading, plans.clone());
            let after = build(other_reading.unwrap_or(reading), changed(&plans, change, &other));
            hold(&before, &after, &recipes, &seen)
        },
    );
    println!("{seen:?}");
    assert!(seen.equal.get() > 10 && seen.different.get() > 50, "{seen:?}");
}

#[test]
fn tables_of_ingress_nginx() {
    let seen = Seen::default();
    let strategy = (prop::collection::vec(annotated(), 1..4), annotated(), change(), recipes(), settings());
    Settings::of(6_000).run(REQUESTS, &strategy, |(contents, other, change, recipes, settings)| {
        let build = |contents: &[_]| {
            let objects: Vec<Ingress> = (0..)
                .zip(contents)
                .map(|(at, content): (u32, &crate::generate::nginx::Annotated)| {
                    content.ingress(&format!("i{at}"))
                })
                .collect();
            table(IngressNginx::new(&settings).0, &objects)
        };
        let (before, after) = (build(&contents), build(&changed(&contents, change, &other)));
        hold(&before, &after, &recipes, &seen)
    });
    println!("{seen:?}");
    assert!(seen.equal.get() > 5 && seen.different.get() > 20, "{seen:?}");
}

#[test]
fn one_set_under_two_dialects() {
    let seen = Seen::default();
    let strategy = (prop::collection::vec(content(), 1..4), recipes());
    Settings::of(3_000).run(REQUESTS, &strategy, |(contents, recipes)| {
        let objects: Vec<Ingress> =
            (0..).zip(&contents).map(|(at, content): (u32, _)| content.ingress(&format!("i{at}"))).collect();
        let (before, after) = (table(Kubernetes, &objects), table(IngressNginx::default(), &objects));
        hold(&before, &after, &recipes, &seen)
    });
    println!("{seen:?}");
    assert!(seen.different.get() > 20, "{seen:?}");
}
