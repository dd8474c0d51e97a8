//! Scripted and random watch events: what is held, what is published, and when.

use std::collections::BTreeMap;
use std::sync::Arc;

use ingress_core::dialect::Kubernetes;
use ingress_core::ingress::{ClassSelector, IngressClass};
use ingress_core::{Compiler, Config, IngressId, RequestHead, RouteTable, SharedTable};
use ingress_kube::Reducer;
use k8s_openapi::api::networking::v1 as api;
use kube::core::ObjectMeta;
use kube::runtime::watcher::Event;
use proptest::prelude::*;

const OURS: &str = "example.com/ingress";

fn meta(name: &str) -> ObjectMeta {
    ObjectMeta { namespace: Some("ns".to_owned()), name: Some(name.to_owned()), ..ObjectMeta::default() }
}

/// An Ingress of class `edge` whose every host goes to one Service.
fn ingress(name: &str, hosts: &[&str], service: &str) -> api::Ingress {
    let backend = api::IngressBackend {
        service: Some(api::IngressServiceBackend {
            name: service.to_owned(),
            port: Some(api::ServiceBackendPort { number: Some(80), name: None }),
        }),
        resource: None,
    };
    let path = api::HTTPIngressPath { path: Some("/".to_owned()), path_type: "Prefix".to_owned(), backend };
    let rule = |host: &&str| api::IngressRule {
        host: Some((*host).to_owned()),
        http: Some(api::HTTPIngressRuleValue { paths: vec![path.clone()] }),
    };
    api::Ingress {
        metadata: meta(name),
        spec: Some(api::IngressSpec {
            ingress_class_name: Some("edge".to_owned()),
            rules: Some(hosts.iter().map(rule).collect()),
            ..api::IngressSpec::default()
        }),
        status: None,
    }
}

fn class(name: &str, controller: &str) -> api::IngressClass {
    let spec = api::IngressClassSpec { controller: Some(controller.to_owned()), parameters: None };
    api::IngressClass { metadata: ObjectMeta { namespace: None, ..meta(name) }, spec: Some(spec) }
}

fn list<T: Clone>(objects: &[T]) -> Vec<Event<T>> {
    let named = objects.iter().cloned().map(Event::InitApply);
    [Event::Init].into_iter().chain(named).chain([Event::InitDone]).collect()
}

/// Both kinds listed, published once.
fn synced(objects: &[api::Ingress]) -> Reducer {
    let mut reducer = Reducer::new(Kubernetes, OURS);
    for event in list(&[class("edge", OURS)]) {
        reducer.class(event);
    }
    listing(&mut reducer, objects);
    reducer.publish();
    reducer
}

fn listing(reducer: &mut Reducer, objects: &[api::Ingress]) {
    for event in list(objects) {
        reducer.ingress(event);
    }
}

/// The Service that requests for a host go to, as readers see it.
fn seen(table: &SharedTable, host: &str) -> Option<String> {
    let table = table.load();
    let hit = table.lookup(&RequestHead::new(host, "/")).matched()?;
    Some(hit.rule().action().to_string())
}

fn to(service: &str) -> Option<String> {
    Some(format!("ns/{service}:80"))
}

#[test]
fn nothing_is_published_before_every_kind_was_listed() {
    let mut reducer = Reducer::new(Kubernetes, OURS);
    let readers = reducer.table().clone();
    for event in list(&[ingress("a", &["a.example"], "a")]) {
        assert!(!reducer.ingress(event), "the classes are missing");
        assert!(reducer.publish().is_none());
    }
    assert!(!reducer.class(Event::Init));
    assert!(!reducer.class(Event::InitApply(class("edge", OURS))));
    assert!(!reducer.is_synced() && reducer.publish().is_none());
    assert_eq!(readers.load().generation(), 0);

    assert!(reducer.class(Event::InitDone));
    assert_eq!(reducer.publish().unwrap().generation(), 1);
    assert_eq!(seen(&readers, "a.example"), to("a"));
}

#[test]
fn a_first_list_is_one_compilation_and_an_empty_cluster_one_too() {
    let names: Vec<_> = (0..100).map(|index| format!("web-{index}")).collect();
    let objects: Vec<_> = names.iter().map(|name| ingress(name, &["a.example"], name)).collect();
    assert_eq!(synced(&objects).table().load().generation(), 1);

    let mut empty = synced(&[]);
    assert_eq!(empty.table().load().generation(), 1);
    assert!(!empty.is_pending() && empty.publish().is_none());
}

#[test]
fn changes_are_taken_in_and_published_when_asked() {
    let mut reducer = synced(&[ingress("a", &["a.example"], "a")]);
    let readers = reducer.table().clone();

    assert!(reducer.ingress(Event::Apply(ingress("b", &["b.example"], "b"))));
    assert_eq!(seen(&readers, "b.example"), None);
    reducer.publish().unwrap();
    assert_eq!(seen(&readers, "b.example"), to("b"));

    assert!(reducer.ingress(Event::Apply(ingress("a", &["c.example"], "a"))));
    assert!(reducer.ingress(Event::Delete(ingress("b", &[], "b"))));
    reducer.publish().unwrap();
    assert_eq!([seen(&readers, "a.example"), seen(&readers, "b.example")], [None, None]);
    assert_eq!(seen(&readers, "c.example"), to("a"));
}

/// A controller's own status writes come back as events; so do managed fields, and lists of what is known.
#[test]
fn what_does_not_route_publishes_nothing() {
    let web = ingress("a", &["a.example"], "a");
    let mut reducer = synced(std::slice::from_ref(&web));

    let mut echoed = web.clone();
    echoed.metadata.resource_version = Some("4711".to_owned());
    echoed.metadata.managed_fields = Some(Vec::new());
    echoed.status = Some(api::IngressStatus {
        load_balancer: Some(api::IngressLoadBalancerStatus {
            ingress: Some(vec![api::IngressLoadBalancerIngress {
                ip: Some("192.0.2.1".to_owned()),
                ..api::IngressLoadBalancerIngress::default()
            }]),
        }),
    });
    assert!(!reducer.ingress(Event::Apply(echoed)));
    for event in list(&[web]) {
        assert!(!reducer.ingress(event));
    }
    assert!(!reducer.class(Event::Apply(class("edge", OURS))));
    assert!(reducer.publish().is_none());

    // There and back again within one interval: built, found equal, not published.
    reducer.ingress(Event::Apply(ingress("a", &["a.example"], "other")));
    assert!(reducer.ingress(Event::Apply(ingress("a", &["a.example"], "a"))));
    assert!(reducer.publish().is_none() && !reducer.is_pending());
}

#[test]
fn removals_wait_for_the_end_of_a_list_and_nothing_else_does() {
    let mut reducer =
        synced(&[ingress("gone", &["gone.example"], "gone"), ingress("kept", &["kept.example"], "old")]);
    let readers = reducer.table().clone();

    reducer.ingress(Event::Init);
    assert!(reducer.ingress(Event::InitApply(ingress("kept", &["kept.example"], "new"))));
    reducer.publish().unwrap();
    assert_eq!(seen(&readers, "kept.example"), to("new"), "newer truth does not wait");
    assert_eq!(seen(&readers, "gone.example"), to("gone"), "absence is none yet");

    // Another kind goes on being followed meanwhile.
    assert!(reducer.class(Event::Apply(class("edge", "example.com/other"))));
    assert!(reducer.class(Event::Apply(class("edge", OURS))));

    reducer.ingress(Event::InitDone);
    reducer.publish().unwrap();
    assert_eq!(seen(&readers, "gone.example"), None);
}

/// `Init` only says that an attempt began. What an attempt that broke off had named counts for nothing.
#[test]
fn a_list_that_broke_off_is_not_mixed_with_the_next() {
    let (a, b) = (ingress("a", &["a.example"], "a"), ingress("b", &["b.example"], "b"));
    let mut reducer = synced(&[a.clone(), b.clone()]);
    let readers = reducer.table().clone();

    reducer.ingress(Event::Init);
    reducer.ingress(Event::InitApply(a));
    reducer.ingress(Event::InitApply(ingress("late", &["late.example"], "late")));
    // The connection is lost; `a` and `late` are deleted before the next attempt.
    reducer.ingress(Event::Init);
    reducer.ingress(Event::Init);
    reducer.ingress(Event::InitApply(b));
    reducer.publish();
    assert_eq!(seen(&readers, "a.example"), to("a"));
    assert_eq!(seen(&readers, "late.example"), to("late"));
    reducer.ingress(Event::InitDone);
    reducer.publish().unwrap();
    assert_eq!([seen(&readers, "a.example"), seen(&readers, "late.example")], [None, None]);
    assert_eq!(seen(&readers, "b.example"), to("b"));
}

#[test]
fn events_out_of_their_order_do_no_harm() {
    let a = ingress("a", &["a.example"], "a");
    let mut reducer = synced(std::slice::from_ref(&a));
    let readers = reducer.table().clone();

    // An end without a beginning removes nothing.
    assert!(!reducer.ingress(Event::InitDone));
    assert_eq!(seen(&readers, "a.example"), to("a"));
    // Naming an object begins a list.
    reducer.ingress(Event::InitApply(ingress("b", &["b.example"], "b")));
    // What comes between belongs to the list, and what goes does not.
    reducer.ingress(Event::Apply(ingress("c", &["c.example"], "c")));
    reducer.ingress(Event::Apply(ingress("d", &["d.example"], "d")));
    reducer.ingress(Event::Delete(ingress("d", &[], "d")));
    reducer.ingress(Event::Delete(ingress("never", &[], "never")));
    reducer.ingress(Event::InitDone);
    reducer.publish().unwrap();
    let held: Vec<_> = reducer.ingresses().map(|ingress| ingress.id().as_str().to_owned()).collect();
    assert_eq!(held, ["ns/b", "ns/c"]);
}

#[test]
fn objects_follow_their_class() {
    let mut reducer = synced(&[ingress("a", &["a.example"], "a")]);
    let readers = reducer.table().clone();
    let mut change = |event| {
        reducer.class(event);
        reducer.publish();
        seen(&readers, "a.example")
    };
    assert_eq!(change(Event::Apply(class("edge", "example.com/other"))), None);
    assert_eq!(change(Event::Apply(class("edge", OURS))), to("a"));
    // No class is left: nothing is ours, rather than everything.
    assert_eq!(change(Event::Delete(class("edge", OURS))), None);
    assert_eq!(change(Event::Init), None);
    assert_eq!(change(Event::InitApply(class("edge", OURS))), to("a"));
    assert_eq!(change(Event::InitDone), to("a"));
    assert_eq!(change(Event::Init), to("a"));
    assert_eq!(change(Event::InitDone), None);
}

#[test]
fn classes_may_be_left_aside() {
    let take = |selector| {
        let mut reducer = Reducer::with_config(Kubernetes, Config::default(), selector).without_classes();
        listing(&mut reducer, &[ingress("a", &["a.example"], "a")]);
        assert!(reducer.publish().is_some(), "classes are not waited for");
        reducer.class(Event::Apply(class("edge", "example.com/other")));
        assert!(reducer.publish().is_none());
        seen(reducer.table(), "a.example")
    };
    assert_eq!(take(ClassSelector::default()), to("a"));
    assert_eq!(take(ClassSelector::default().class("edge")), to("a"));
    assert_eq!(take(ClassSelector::default().class("other")), None);
}

#[test]
fn a_table_of_ones_own_is_published_into() {
    let shared = SharedTable::default();
    let mut reducer = Reducer::new(Kubernetes, OURS).publish_into(shared.clone()).without_classes();
    listing(&mut reducer, &[ingress("a", &["a.example"], "a")]);
    let table = reducer.publish().unwrap();
    assert!(Arc::ptr_eq(shared.load().routes(), &table));
    assert_eq!(reducer.diagnostics().count(), 0);
}

// --- random histories -------------------------------------------------------------------------------------

/// What happens in a cluster, and what a watch makes of it.
#[derive(Clone, Debug)]
enum Step {
    /// An object is written, or deleted; an event says so.
    Write(u8, Option<u8>),
    /// The same while the watch is down: no event says so, and there is a list before the next.
    Unseen(u8, Option<u8>),
    /// A list of Ingresses that breaks off after so many objects.
    Broken(u8),
    /// A complete list.
    List,
    Class(u8, Option<bool>),
    ClassList,
    Publish,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..6_u8;
    prop_oneof![
        6 => (key.clone(), proptest::option::weighted(0.7, 0..8_u8)).prop_map(|(k, v)| Step::Write(k, v)),
        2 => (key, proptest::option::weighted(0.5, 0..8_u8)).prop_map(|(k, v)| Step::Unseen(k, v)),
        1 => (0..6_u8).prop_map(Step::Broken),
        2 => Just(Step::List),
        2 => (0..3_u8, proptest::option::of(any::<bool>())).prop_map(|(k, v)| Step::Class(k, v)),
        1 => Just(Step::ClassList),
        3 => Just(Step::Publish),
    ]
}

/// Few hosts, so that objects meet; few classes, of which not all are ours or there.
fn variant(key: u8, variant: u8) -> api::Ingress {
    let hosts = [
        ["a.example", "b.example"],
        ["b.example", "*.example"],
        ["c.example", ""],
        ["not a host", "a.example"],
    ];
    let mut object = ingress(&format!("web-{key}"), &hosts[usize::from(variant % 4)], &format!("s{variant}"));
    if let Some(spec) = &mut object.spec {
        spec.ingress_class_name = Some(format!("class-{}", (key + variant) % 3));
    }
    object
}

fn class_variant(key: u8, ours: bool) -> api::IngressClass {
    class(&format!("class-{key}"), if ours { OURS } else { "example.com/other" })
}

/// The cluster as it is, next to the reducer that follows it.
struct History {
    reducer: Reducer,
    objects: BTreeMap<u8, u8>,
    classes: BTreeMap<u8, bool>,
    /// Something changed that no event told.
    behind: bool,
    listed: bool,
    classes_listed: bool,
}

impl History {
    fn new() -> Self {
        Self {
            reducer: Reducer::new(Kubernetes, OURS),
            objects: BTreeMap::new(),
            classes: BTreeMap::new(),
            behind: false,
            listed: false,
            classes_listed: false,
        }
    }

    fn list(&mut self, broken_after: Option<u8>) {
        self.reducer.ingress(Event::Init);
        let count = broken_after.map_or(usize::MAX, usize::from);
        for (key, value) in self.objects.iter().take(count) {
            self.reducer.ingress(Event::InitApply(variant(*key, *value)));
        }
        if broken_after.is_none() {
            self.reducer.ingress(Event::InitDone);
            (self.behind, self.listed) = (false, true);
        } else {
            // Until a list ends, the watch tells nothing.
            self.behind = true;
        }
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Write(key, value) | Step::Unseen(key, value) => {
                let told = matches!(step, Step::Write(..)) && self.listed && !self.behind;
                let before = match value {
                    Some(value) => self.objects.insert(key, value),
                    None => self.objects.remove(&key),
                };
                let event = match (value, before) {
                    (Some(value), _) => Event::Apply(variant(key, value)),
                    (None, Some(before)) => Event::Delete(variant(key, before)),
                    (None, None) => return,
                };
                if told {
                    self.reducer.ingress(event);
                } else {
                    self.behind = true;
                }
            }
            Step::Broken(count) => self.list(Some(count)),
            Step::List => self.list(None),
            Step::Class(key, ours) => {
                let before = match ours {
                    Some(ours) => self.classes.insert(key, ours),
                    None => self.classes.remove(&key),
                };
                let event = match (ours, before) {
                    (Some(ours), _) => Event::Apply(class_variant(key, ours)),
                    (None, Some(before)) => Event::Delete(class_variant(key, before)),
                    (None, None) => return,
                };
                if self.classes_listed {
                    self.reducer.class(event);
                }
            }
            Step::ClassList => {
                let classes: Vec<_> =
                    self.classes.iter().map(|(key, ours)| class_variant(*key, *ours)).collect();
                for event in list(&classes) {
                    self.reducer.class(event);
                }
                self.classes_listed = true;
            }
            Step::Publish => {
                self.reducer.publish();
            }
        }
    }

    /// The cluster compiled from scratch.
    fn scratch(&self) -> (Arc<RouteTable>, Vec<String>) {
        let classes = self.classes.iter().map(|(key, ours)| IngressClass::from(&class_variant(*key, *ours)));
        let selector = ClassSelector::default().controller(OURS).classes(classes).complete(true);
        let mut compiler = Compiler::with_config(Kubernetes, Config::default().classes(selector));
        for (key, value) in &self.objects {
            compiler.upsert(variant(*key, *value));
        }
        let table = compiler.compile();
        (table, compiler.diagnostics().map(ToString::to_string).collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_published_is_the_cluster_compiled_from_scratch(steps in prop::collection::vec(step(), 0..40)) {
        let mut history = History::new();
        for step in &steps {
            history.apply(step);
            let synced = history.listed && history.classes_listed;
            prop_assert_eq!(history.reducer.is_synced(), synced);
            if !synced {
                prop_assert_eq!(history.reducer.table().load().generation(), 0);
                continue;
            }
            if history.behind {
                continue;
            }
            history.reducer.publish();
            let (table, findings) = history.scratch();
            prop_assert_eq!(history.reducer.table().load().to_string(), table.to_string());
            let found: Vec<_> = history.reducer.diagnostics().map(ToString::to_string).collect();
            prop_assert_eq!(found, findings);
            let held: Vec<IngressId> = history.reducer.ingresses().map(|held| held.id().clone()).collect();
            prop_assert_eq!(held.len(), history.objects.len());
        }
    }
}
