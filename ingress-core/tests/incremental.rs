//! A compiler that followed changes against one that starts from what they came to.

#![cfg(feature = "k8s-openapi")]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test says no by a panic")]

mod generate {
    pub(crate) mod objects;
    pub(crate) mod plans;
    pub(crate) mod probe;
    pub(crate) mod seam;
    pub(crate) mod settings;
    pub(crate) mod vocabulary;
}

use std::collections::BTreeMap;
use std::sync::Arc;

use generate::objects::content;
use generate::plans::{Uses, object, plan, reading};
use generate::probe::{Recipe, Words, recipe};
use generate::seam::Seam;
use generate::settings::Settings;
use ingress_core::compile::Change;
use ingress_core::dialect::{Dialect, Kubernetes};
use ingress_core::ingress::{ClassSelector, IngressClass};
use ingress_core::{Compiler, Config, Diagnostic, Ingress, IngressId, RequestHead, RouteTable};
use k8s_openapi::api::networking::v1 as api;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use proptest::prelude::*;
use proptest::sample::select;

/// What happens to a cluster. Objects go by the numbers of their names.
#[derive(Clone, Debug)]
enum Operation {
    Classes(usize),
    Compile,
    Remove(usize),
    /// Keeps the objects whose bit is set.
    Retain(u16),
    /// The same object again.
    Repeat(usize),
    Upsert(usize, Box<Ingress>),
}

const NAMES: usize = 8;
/// About what a sequence of operations counts for, in cases.
const OPERATIONS: u32 = 50;

fn operations<C: std::fmt::Debug>(
    content: impl Strategy<Value = C>,
    make: fn(&str, C) -> Ingress,
) -> impl Strategy<Value = Vec<Operation>> {
    let name = || 0..NAMES;
    let operation = prop_oneof![
        8 => (name(), content).prop_map(move |(name, content)| {
            Operation::Upsert(name, Box::new(make(id(name).name(), content)))
        }),
        3 => name().prop_map(Operation::Remove),
        2 => name().prop_map(Operation::Repeat),
        1 => any::<u16>().prop_map(Operation::Retain),
        1 => (0..4usize).prop_map(Operation::Classes),
        5 => Just(Operation::Compile),
    ];
    prop::collection::vec(operation, 1..40)
}

fn classes(number: usize) -> ClassSelector {
    let ours = IngressClass::new("ours", "test.example/ingress");
    let selector = ClassSelector::default().controller("test.example/ingress");
    match number {
        0 => ClassSelector::default(),
        1 => selector.classes([ours]),
        2 => {
            selector.classes([ours.default_class(true), IngressClass::new("theirs", "other.example/ingress")])
        }
        _ => selector.class("theirs").take_unclassed(true),
    }
}

#[test]
fn objects_of_the_kubernetes_dialect() {
    let operations = operations(content(), |name, content| content.ingress(name));
    let strategy = (operations, prop::collection::vec(recipe(), 8));
    Settings::of(20_000).run(OPERATIONS, &strategy, |(operations, recipes)| {
        Follower::new(Kubernetes).follow(&operations, &recipes)
    });
}

#[test]
fn objects_of_a_dialect_that_uses_the_whole_seam() {
    let age = || prop::option::weighted(0.8, 0u8..3);
    let content = (0..12usize, age(), prop::option::of(0u8..3));
    let operations = operations(content, |name, (plan, age, priority)| object(name, plan, age, priority));
    let plans =
        prop::collection::vec(plan(Uses { literals: true, conditions: true, expressions: false }), 12);
    let strategy = (reading(), plans, operations, prop::collection::vec(recipe(), 8));
    Settings::of(20_000).run(OPERATIONS, &strategy, |(reading, plans, operations, recipes)| {
        Follower::new(Seam { reading, plans }).follow(&operations, &recipes)
    });
}

/// A compiler that is told of every change, and the objects that it should know.
struct Follower<D> {
    dialect: D,
    compiler: Compiler,
    objects: BTreeMap<usize, Ingress>,
    classes: usize,
    table: Arc<RouteTable>,
    /// Whether a change since the last compilation said that hosts are concerned.
    pending: bool,
}

impl<D: Dialect + Clone> Follower<D> {
    fn new(dialect: D) -> Self {
        let mut compiler = Compiler::new(dialect.clone());
        let table = compiler.compile();
        Self { dialect, compiler, objects: BTreeMap::new(), classes: 0, table, pending: false }
    }

    fn follow(mut self, operations: &[Operation], recipes: &[Recipe]) -> Result<(), TestCaseError> {
        for (at, operation) in operations.iter().chain([&Operation::Compile]).enumerate() {
            self.apply(operation, recipes).map_err(|error| match error {
                TestCaseError::Fail(reason) => {
                    TestCaseError::fail(format!("{reason}\nafter operation {at} of {operations:#?}"))
                }
                rejected => rejected,
            })?;
        }
        Ok(())
    }

    fn apply(&mut self, operation: &Operation, recipes: &[Recipe]) -> Result<(), TestCaseError> {
        let change = match operation {
            Operation::Classes(number) => {
                self.classes = *number;
                self.compiler.set_classes(classes(*number))
            }
            Operation::Compile => {
                self.compile(recipes)?;
                Change::default()
            }
            Operation::Remove(name) => {
                self.objects.remove(name);
                self.compiler.remove(&id(*name))
            }
            Operation::Retain(mask) => {
                let kept = |name: usize| mask >> name & 1 == 1;
                self.objects.retain(|name, _| kept(*name));
                self.compiler.retain(|held| (0..NAMES).any(|name| kept(name) && *held == id(name)))
            }
            Operation::Repeat(name) => match self.objects.get(name) {
                Some(object) => {
                    let change = self.compiler.upsert(object.clone());
                    prop_assert!(!change.any(), "the same object changed {} hosts", change.hosts());
                    change
                }
                None => Change::default(),
            },
            Operation::Upsert(name, object) => {
                self.objects.insert(*name, (**object).clone());
                self.compiler.upsert((**object).clone())
            }
        };
        self.pending |= change.any();
        Ok(())
    }

    fn compile(&mut self, recipes: &[Recipe]) -> Result<(), TestCaseError> {
        let table = self.compiler.compile();
        // Any order gives the same; from scratch it is the opposite one.
        let mut scratch =
            Compiler::with_config(self.dialect.clone(), Config::default().classes(classes(self.classes)));
        for object in self.objects.values().rev() {
            scratch.upsert(object.clone());
        }
        let fresh = scratch.compile();
        prop_assert_eq!(table.to_string(), fresh.to_string());
        prop_assert!(table.hosts().eq(fresh.hosts()), "{:#?}\nis not\n{:#?}", table, fresh);
        prop_assert_eq!(diagnostics(&self.compiler), diagnostics(&scratch));
        prop_assert!(self.compiler.left_out().eq(scratch.left_out()));
        prop_assert!(self.compiler.ingresses().eq(scratch.ingresses()));
        alike(&table, &fresh, recipes)?;
        shared(&self.table, &table)?;
        if !self.pending {
            prop_assert!(Arc::ptr_eq(&self.table, &table), "a new table after no change");
        }
        prop_assert!(Arc::ptr_eq(&table, &self.compiler.compile()), "a new table at once");
        self.table = table;
        self.pending = false;
        Ok(())
    }
}

fn id(name: usize) -> IngressId {
    IngressId::new("ns", &format!("i{name}"))
}

fn diagnostics(compiler: &Compiler) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<_> = compiler.diagnostics().cloned().collect();
    diagnostics.sort();
    diagnostics
}

/// The rules being equal, so must be what the indexes make of them.
fn alike(table: &RouteTable, fresh: &RouteTable, recipes: &[Recipe]) -> Result<(), TestCaseError> {
    let words = Words::of(table);
    for recipe in recipes {
        let probe = recipe.prepare(&words);
        let head = probe.head();
        prop_assert_eq!(table.lookup(&head), fresh.lookup(&head), "{:?}", probe);
        let name = head.host().unwrap_or("");
        prop_assert_eq!(table.certificate(name), fresh.certificate(name), "{}", name);
    }
    Ok(())
}

/// What did not change is the very same memory, and a table with nothing new is no new table.
fn shared(before: &Arc<RouteTable>, after: &Arc<RouteTable>) -> Result<(), TestCaseError> {
    let mut kept = 0;
    for host in after.hosts() {
        if let Some(old) = before.host(host.pattern()).filter(|old| *old == host) {
            prop_assert!(old.ptr_eq(host), "{} was built again", host.pattern());
            kept += 1;
        }
    }
    let same = kept == before.host_count() && kept == after.host_count();
    prop_assert!(Arc::ptr_eq(before, after) == same, "{} hosts kept of {:?} in {:?}", kept, before, after);
    Ok(())
}

#[test]
fn status_and_managed_fields_change_nothing() {
    let strategy = (content(), select(&["10.0.0.1", "10.0.0.2"][..]));
    Settings::of(10_000).run(OPERATIONS, &strategy, |(content, address)| {
        let mut compiler = Compiler::new(Kubernetes);
        let mut object = content.object("i0");
        compiler.upsert(&object);
        let table = compiler.compile();
        object.metadata.managed_fields =
            Some(vec![ManagedFieldsEntry { manager: Some("kubectl".to_owned()), ..Default::default() }]);
        object.metadata.resource_version = Some("2".to_owned());
        object.metadata.generation = Some(2);
        object.metadata.labels = Some([("a".to_owned(), "b".to_owned())].into());
        object.status = Some(api::IngressStatus {
            load_balancer: Some(api::IngressLoadBalancerStatus {
                ingress: Some(vec![api::IngressLoadBalancerIngress {
                    ip: Some(address.to_owned()),
                    ..Default::default()
                }]),
            }),
        });
        prop_assert!(!compiler.upsert(&object).any());
        prop_assert!(Arc::ptr_eq(&table, &compiler.compile()));
        Ok(())
    });
}

#[test]
fn an_object_that_comes_and_goes_leaves_nothing_behind() {
    let strategy = (prop::collection::vec(content(), 1..5), content());
    Settings::of(10_000).run(OPERATIONS, &strategy, |(others, visitor)| {
        let mut compiler = Compiler::new(Kubernetes);
        for (name, content) in others.iter().enumerate() {
            compiler.upsert(content.ingress(&format!("i{name}")));
        }
        let (before, found) = (compiler.compile(), diagnostics(&compiler));
        compiler.upsert(visitor.ingress("visitor"));
        compiler.compile();
        compiler.remove(&IngressId::new("ns", "visitor"));
        let after = compiler.compile();
        prop_assert_eq!(before.to_string(), after.to_string());
        prop_assert!(before.hosts().eq(after.hosts()));
        prop_assert_eq!(found, diagnostics(&compiler));
        Ok(())
    });
}

/// How many hosts there are to come and go: enough for the index to change its size several times.
const HOSTS: usize = 3_000;

#[test]
fn hosts_by_the_thousand_come_and_go() {
    let objects: Vec<_> = (0..HOSTS).map(one_host).collect();
    let step = (prop::bool::weighted(0.6), 0..HOSTS, prop_oneof![0..10usize, 0..HOSTS / 2]);
    let strategy = prop::collection::vec(step, 2..8);
    Settings::of(36_000).run(HOSTS as u32, &strategy, |steps| {
        let mut compiler = Compiler::new(Kubernetes);
        let mut alive = vec![false; HOSTS];
        let mut table = compiler.compile();
        for (add, from, count) in steps {
            for at in (from..from + count).map(|at| at % HOSTS) {
                alive[at] = add;
                if add {
                    compiler.upsert(objects[at].clone());
                } else {
                    compiler.remove(objects[at].id());
                }
            }
            let next = compiler.compile();
            shared(&table, &next)?;
            table = next;
            prop_assert_eq!(table.host_count(), alive.iter().filter(|alive| **alive).count());
            for (at, alive) in alive.iter().enumerate() {
                let outcome = table.lookup(&RequestHead::new(&requested(at), "/"));
                let origin = outcome.matched().map(|hit| hit.rule().origin().ingress().clone());
                prop_assert_eq!(origin.as_ref(), alive.then_some(objects[at].id()), "host {}", at);
            }
        }
        let (scratch, _) = RouteTable::compile(Kubernetes, compiler.ingresses().cloned());
        prop_assert_eq!(table.to_string(), scratch.to_string());
        Ok(())
    });
}

/// An object with one host; every fourth is a wildcard.
fn one_host(number: usize) -> Ingress {
    let star = if number.is_multiple_of(4) { "*." } else { "" };
    let object: api::Ingress = serde_json::from_value(serde_json::json!({
        "metadata": {"namespace": "ns", "name": format!("i{number}")},
        "spec": {"rules": [{"host": format!("{star}h{number}.example.com"), "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}},
        ]}}]},
    }))
    .expect("it has the shape of an Ingress");
    Ingress::from(object)
}

fn requested(number: usize) -> String {
    let label = if number.is_multiple_of(4) { "w." } else { "" };
    format!("{label}h{number}.example.com")
}
