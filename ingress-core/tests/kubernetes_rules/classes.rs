//! K5: which objects are ours.

use ingress_core::ingress::{ClassSelector, IngressClass};
use ingress_core::{Compiler, Config, Ingress, dialect::Kubernetes};
use k8s_openapi::api::networking::v1 as networking;
use serde_json::json;

use super::manifest;
use super::objects::{Object, World, object, prefix};

const OURS: &str = "example.com/ingress";

/// One object for each way of naming a class, each with a path of its own.
fn objects() -> Vec<Object> {
    let annotation = "/metadata/annotations/kubernetes.io~ingress.class";
    let field = "/spec/ingressClassName";
    let named = |name: &str| object(&format!("shop/{name}")).rule("", [prefix(&format!("/{name}"), name)]);
    vec![
        named("edge").set(field, json!("edge")),
        named("other").set(field, json!("other")),
        named("absent").set(field, json!("absent")),
        named("annotated").set(annotation, json!("edge")),
        named("annotated-other").set(annotation, json!("other")),
        named("both").set(field, json!("edge")).set(annotation, json!("other")),
        named("both-other").set(field, json!("other")).set(annotation, json!("edge")),
        named("blank").set(field, json!("")).set(annotation, json!("")),
        named("plain"),
    ]
}

fn taken(classes: ClassSelector) -> Vec<String> {
    let world = World::with(Config::default().classes(classes), objects());
    let names = objects().into_iter().map(|object| Ingress::from(object).id().name().to_owned());
    names.filter(|name| world.ask("h", &format!("/{name}")) != "404").collect()
}

fn class(name: &str, controller: &str) -> IngressClass {
    IngressClass::new(name, controller)
}

/// Catches, line by line: a filter where there is nothing to choose by; the controller not compared;
/// an annotation that is not heeded, or that goes before the field; a class that does not exist taken
/// as ours; a default class that is not ours or not wanted; unclassed objects taken unasked.
#[test]
fn k05_an_object_is_ours_by_its_class() {
    let all = objects().len();
    let two = || [class("edge", OURS), class("other", "other.io/ingress")];
    let field_or_annotation = ["edge", "annotated", "both"];
    let none = ClassSelector::default;

    assert_eq!(taken(none()).len(), all, "nothing to choose by");
    assert_eq!(taken(none().controller(OURS).classes(two())), field_or_annotation);
    assert_eq!(taken(none().class("edge")), field_or_annotation);
    assert_eq!(taken(none().class("edge").controller(OURS).classes(two())), field_or_annotation);
    assert!(taken(none().class("other").controller(OURS).classes(two())).is_empty(), "wanted, but not ours");
    assert!(taken(none().class("absent").classes(two())).is_empty(), "wanted, but it does not exist");

    let default = [class("edge", OURS).default_class(true), class("other", "other.io/ingress")];
    let with_unclassed = ["edge", "annotated", "both", "blank", "plain"];
    assert_eq!(taken(none().controller(OURS).classes(default.clone())), with_unclassed);
    assert_eq!(
        taken(none().controller("other.io/ingress").classes(default)),
        ["other", "annotated-other", "both-other"]
    );
    let not_wanted = [class("edge", OURS), class("other", OURS).default_class(true)];
    assert_eq!(taken(none().class("edge").controller(OURS).classes(not_wanted)), field_or_annotation);

    assert_eq!(taken(none().class("edge").take_unclassed(true)), with_unclassed);
    assert_eq!(taken(none().controller(OURS).classes(two()).take_unclassed(true)), with_unclassed);
}

/// Catches the annotation of a default class read under another name, or any value of it as a yes.
#[test]
fn k05_a_class_object_says_whether_it_is_the_default() {
    for (value, is_default) in [("true", true), ("false", false), ("True", false), ("", false)] {
        let yaml = format!(
            "{{metadata: {{name: edge, annotations: {{ingressclass.kubernetes.io/is-default-class: \"{value}\"}}}}, \
             spec: {{controller: {OURS}}}}}"
        );
        let object: networking::IngressClass = manifest::read(&manifest::documents(&yaml)[0]);
        let read = IngressClass::from(&object);
        assert_eq!(read, class("edge", OURS).default_class(is_default), "{value}");
    }
}

/// Catches a conflict that is not reported, and a warning where both say the same.
#[test]
fn k05_field_and_annotation_that_differ_are_reported() {
    let world = World::of(objects());
    let place = "metadata.annotations[kubernetes.io/ingress.class]";
    assert_eq!(
        world.found(),
        [format!("class-conflict shop/both {place}"), format!("class-conflict shop/both-other {place}")]
    );
    let same =
        objects().swap_remove(0).set("/metadata/annotations/kubernetes.io~ingress.class", json!("edge"));
    assert!(World::of([same]).findings.is_empty());
}

/// Catches an object of another class that still leaves its default backend, its certificate or its
/// findings behind.
#[test]
fn k05_nothing_of_an_object_that_is_not_ours_counts() {
    let theirs = object("other/web")
        .set("/spec/ingressClassName", json!("other"))
        .default_backend("lost")
        .tls(&["shop.example.com"], "their-tls")
        .rule("10.0.0.1", [prefix("bad", "bad")]);
    let mut compiler =
        Compiler::with_config(Kubernetes, Config::default().classes(ClassSelector::default().class("edge")));
    assert!(!compiler.upsert(theirs).any());
    let table = compiler.compile();
    assert_eq!((table.rule_count(), table.certificate("shop.example.com")), (0, None));
    assert_eq!(compiler.diagnostics().count(), 0);
    let left_out: Vec<_> = compiler.left_out().map(ToString::to_string).collect();
    assert_eq!(left_out, ["other/web"]);
}

/// Catches a choice that is made once and never again.
#[test]
fn k05_classes_that_come_and_go_take_their_objects_with_them() {
    let mut compiler = Compiler::new(Kubernetes);
    for object in objects() {
        let _ = compiler.upsert(object);
    }
    assert_eq!(compiler.compile().rule_count(), 9);
    let ours =
        |classes: &[IngressClass]| ClassSelector::default().controller(OURS).classes(classes.iter().cloned());
    assert!(compiler.set_classes(ours(&[class("edge", OURS)])).any());
    assert_eq!(compiler.compile().rule_count(), 3);
    assert!(compiler.set_classes(ours(&[class("edge", OURS), class("other", OURS)])).any());
    assert_eq!(compiler.compile().rule_count(), 6);
    assert!(!compiler.set_classes(ours(&[class("other", OURS), class("edge", OURS)])).any());
    assert!(compiler.set_classes(ours(&[class("edge", "other.io/ingress")])).any());
    assert_eq!(compiler.compile().rule_count(), 0);
}
