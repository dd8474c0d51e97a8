//! The reader of manifests.

use std::path::PathBuf;

use ingress_cli::manifest::{Located, Manifests, ReadError, ResourceKind};
use ingress_core::Ingress;

use super::program::directory;

fn read(test: &str, files: &[(&str, &str)]) -> Manifests {
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    Manifests::read(&[directory(test, &files)])
}

fn ids(manifests: &Manifests) -> Vec<String> {
    manifests.ingresses().iter().map(|ingress| ingress.object().id().to_string()).collect()
}

fn messages(manifests: &Manifests) -> Vec<String> {
    let top = env!("CARGO_TARGET_TMPDIR");
    manifests.errors().iter().map(|error| error.to_string().replace(top, "")).collect()
}

fn ingress(name: &str) -> String {
    format!("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}, namespace: n}}\n")
}

#[test]
fn directories_are_read_in_order_and_to_the_bottom() {
    let manifests = read(
        "directories",
        &[
            ("b.yaml", &ingress("b")),
            ("a/z.yml", &ingress("a-z")),
            (
                "a/deep/er/x.JSON",
                r#"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"deep","namespace":"n"}}"#,
            ),
            ("a.yaml", &ingress("a")),
            ("notes.txt", "not: read: at: all"),
            (".hidden/x.yaml", "{"),
            (".hidden.yaml", "{"),
        ],
    );
    assert_eq!(ids(&manifests), ["n/deep", "n/a-z", "n/a", "n/b"]);
    assert_eq!(messages(&manifests), Vec::<String>::new());
    assert_eq!(manifests.file_count(), 4);
}

#[test]
fn no_file_is_read_twice() {
    let directory = directory("twice", &[("a.yaml", ingress("a").as_bytes())]);
    let inputs = [directory.clone(), directory.join("a.yaml"), directory.join("../twice/a.yaml")];
    assert_eq!(ids(&Manifests::read(&inputs)), ["n/a"]);
}

/// Opening a pipe waits for somebody who writes to it, which may be for ever.
#[cfg(unix)]
#[test]
fn pipes_in_directories_are_not_waited_for() {
    let directory = directory("pipes", &[("a.yaml", ingress("a").as_bytes())]);
    let pipe = directory.join("b.yaml");
    let _ = std::fs::remove_file(&pipe);
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || drop(done.send(Manifests::read(&[directory]))));
    let manifests = wait.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
    assert_eq!(ids(&manifests), ["n/a"]);
    assert_eq!(messages(&manifests), ["/pipes/b.yaml: not a regular file; give it by name to read it"]);
}

#[test]
fn items_that_are_no_objects_are_named() {
    let item =
        r#"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"a","namespace":"n"}}"#;
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {item}\n- null\n- a.yaml\n- metadata: {{}}\n");
    let manifests = read("items", &[("a.yaml", &list)]);
    assert_eq!(ids(&manifests), ["n/a"]);
    let item = "an item of this list is an object, with apiVersion and kind";
    assert_eq!(
        messages(&manifests),
        [
            format!("/items/a.yaml:5: {item} (document 1)"),
            format!("/items/a.yaml:6: {item} (document 1)"),
            "/items/a.yaml:7: apiVersion and kind are missing (document 1)".to_owned(),
        ]
    );
    // Lists of other projects hold what they like.
    let other = "apiVersion: example.com/v1\nkind: AllowList\nitems: [192.0.2.1, 192.0.2.2]\n";
    assert_eq!(messages(&read("items-of-others", &[("a.yaml", other)])), Vec::<String>::new());
}

/// Ingresses that are in the input are read, or somebody is told: none is taken for somebody else's.
#[test]
fn lists_that_are_none_are_named() {
    let item = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a, namespace: n}}";
    for (name, list, message) in [
        ("map", format!("apiVersion: v1\nkind: List\nitems:\n  a: {item}\n"), "4: items is no list"),
        ("object", format!("apiVersion: v1\nkind: List\nitems: {item}\n"), "3: items is no list"),
        (
            "typed",
            "apiVersion: networking.k8s.io/v1\nkind: IngressList\nitems: a\n".to_owned(),
            "3: items is no list",
        ),
        ("version", format!("kind: List\nitems:\n- {item}\n"), "1: apiVersion is missing"),
    ] {
        let manifests = read(&format!("no-list-{name}"), &[("a.yaml", &list)]);
        assert_eq!(messages(&manifests), [format!("/no-list-{name}/a.yaml:{message} (document 1)")]);
    }
    for items in ["", "items:\n", "items: []\n"] {
        let list = format!("apiVersion: v1\nkind: List\n{items}");
        assert_eq!(messages(&read("empty-list", &[("a.yaml", &list)])), Vec::<String>::new(), "{items}");
    }
    let other = "apiVersion: example.com/v1\nkind: AllowList\nitems: {a: b}\n";
    assert_eq!(messages(&read("items-of-others-in-a-map", &[("a.yaml", other)])), Vec::<String>::new());
}

#[test]
fn what_is_not_there() {
    let directory = directory("absent", &[("a.yaml", ingress("a").as_bytes()), ("empty/x.txt", b"")]);
    let manifests =
        Manifests::read(&[PathBuf::from("none.yaml"), directory.join("empty"), directory.join("a.yaml")]);
    assert_eq!(ids(&manifests), ["n/a"]);
    assert_eq!(
        messages(&manifests),
        [
            "none.yaml: No such file or directory (os error 2)",
            "/absent/empty: the directory holds no .yaml, .yml or .json file",
        ]
    );
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    let directory = directory("links", &[("a/a.yaml", ingress("a").as_bytes())]);
    std::os::unix::fs::symlink(&directory, directory.join("a/up")).unwrap();
    std::os::unix::fs::symlink(directory.join("a"), directory.join("b")).unwrap();
    let manifests = Manifests::read(&[directory]);
    assert_eq!(ids(&manifests), ["n/a"]);
    assert!(messages(&manifests).is_empty());
}

#[test]
fn three_versions_of_one_object() {
    let v1 = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec:\n  \
              defaultBackend: {service: {name: s, port: {number: 80}}}\n";
    let old = |version| {
        format!(
            "apiVersion: {version}\nkind: Ingress\nmetadata: {{name: a}}\nspec:\n  backend: {{serviceName: s, servicePort: 80}}\n"
        )
    };
    let text = [v1.to_owned(), old("networking.k8s.io/v1beta1"), old("extensions/v1beta1")].join("---\n");
    let manifests = read("versions", &[("a.yaml", &text)]);
    let backends: Vec<_> = manifests
        .ingresses()
        .iter()
        .map(|ingress| ingress.object().default_backend().unwrap().to_string())
        .collect();
    assert_eq!(backends, ["default/s:80"; 3]);
}

#[test]
fn lists_are_opened() {
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {}- apiVersion: v1\n  kind: List\n  items:\n  - {}- apiVersion: v1\n  kind: Service\n",
        ingress("a").replace('\n', "\n  ").trim_end_matches(' '),
        ingress("b").replace('\n', "\n    ").trim_end_matches(' '),
    );
    let typed =
        "apiVersion: networking.k8s.io/v1\nkind: IngressList\nitems:\n- metadata: {name: c, namespace: n}\n";
    let classes = "apiVersion: networking.k8s.io/v1\nkind: IngressClassList\nitems:\n- metadata: {name: d}\n  spec: {controller: x/y}\n";
    let manifests = read("lists", &[("a.yaml", &list), ("b.yaml", typed), ("c.yaml", classes)]);
    assert_eq!(messages(&manifests), Vec::<String>::new());
    assert_eq!(ids(&manifests), ["n/a", "n/b", "n/c"]);
    assert_eq!(manifests.resources().len(), 1);
    assert_eq!(manifests.classes().first().unwrap().object().controller(), "x/y");
}

#[test]
fn a_bad_element_of_a_list_takes_no_other_with_it() {
    let item = |name: &str| format!("- metadata: {{name: {name}, namespace: n}}\n");
    let list = format!(
        "apiVersion: networking.k8s.io/v1\nkind: IngressList\nitems:\n{}- metadata: {{name: 7}}\n- nothing\n{}",
        item("a"),
        item("b")
    );
    let manifests = read("bad_element", &[("a.yaml", &list)]);
    assert_eq!(ids(&manifests), ["n/a", "n/b"]);
    assert_eq!(
        messages(&manifests),
        [
            "/bad_element/a.yaml:5: metadata.name: invalid type: integer `7`, expected a string (document 1)",
            "/bad_element/a.yaml:6: invalid type: string \"nothing\", expected Ingress (document 1)",
        ]
    );
}

#[test]
fn other_kinds_are_kept_or_counted() {
    let object =
        |version: &str, kind: &str| format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\n");
    let text = [
        object("v1", "Service"),
        object("v1", "Endpoints"),
        object("discovery.k8s.io/v1", "EndpointSlice"),
        object("v1", "Secret") + "data: {tls.crt: 'ENC[encrypted in its repository]'}\n",
        object("v1", "ConfigMap"),
        object("apps/v1", "Deployment"),
        object("apps/v1", "Deployment"),
        object("serving.example.com/v1", "Service"),
        object("networking.internal.example.com/v1alpha1", "Ingress"),
        "replicaCount: 2\n".to_owned(),
        "just text\n".to_owned(),
    ]
    .join("---\n");
    let manifests = read("kinds", &[("a.yaml", &text)]);
    assert_eq!(messages(&manifests), Vec::<String>::new());
    let kinds: Vec<_> = manifests.resources().iter().map(|resource| resource.object().kind()).collect();
    use ResourceKind::{ConfigMap, EndpointSlice, Endpoints, Secret, Service};
    assert_eq!(kinds, [Service, Endpoints, EndpointSlice, Secret, ConfigMap]);
    assert_eq!(manifests.resources().first().unwrap().object().id().as_str(), "default/x");
    let ignored: Vec<_> = manifests.ignored().iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(ignored, [("Deployment", 2), ("Ingress", 1), ("Service", 1), ("no Kubernetes object", 2)]);
}

#[test]
fn objects_that_are_not_quite() {
    let cases = [
        ("kind: Ingress\n", "apiVersion is missing"),
        ("apiVersion: networking.k8s.io/v1\n", "kind is missing"),
        (
            "apiVersion: networking.k8s.io/v2\nkind: Ingress\n",
            "apiVersion \"networking.k8s.io/v2\" of Ingress is not known; there are networking.k8s.io/v1, \
             networking.k8s.io/v1beta1 and extensions/v1beta1",
        ),
        (
            "apiVersion: v1\nkind: Ingress\n",
            "apiVersion \"v1\" of Ingress is not known; there are networking.k8s.io/v1, \
             networking.k8s.io/v1beta1 and extensions/v1beta1",
        ),
        (
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {annotations: {a: yes}}\n",
            "metadata.annotations.a: invalid type: boolean `true`, expected a string",
        ),
        (
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nspec: {rules: [{host: [a]}]}\n",
            "spec.rules[0].host: invalid type: sequence, expected a string",
        ),
        (
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nspec:\n  defaultBackend: {service: {port: {number: 99999999999}}}\n",
            "spec.defaultBackend.service.port.number: invalid value: integer `99999999999`, expected i32",
        ),
    ];
    for (text, wanted) in cases {
        let manifests = read("not_quite", &[("a.yaml", text)]);
        let found: Vec<_> = manifests.errors().iter().map(ReadError::message).collect();
        assert_eq!(found, [wanted]);
    }
}

#[test]
fn anchors_aliases_merges_and_tags() {
    let text = "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: !!str 7, namespace: n, annotations: &marks {a: b, c: 'yes'}, labels: {<<: *marks, c: d}}
spec:
  rules:
  - &rule
    host: &host a.example.com
    http: &http
      paths: [{path: /, pathType: Prefix, backend: {service: {name: s, port: {number: 0x50}}}}]
  - <<: [*rule, {host: ignored}]
    host: b.example.com
  - {host: *host, http: *http}
";
    let manifests = read("anchors", &[("a.yaml", text)]);
    assert_eq!(messages(&manifests), Vec::<String>::new());
    let object = manifests.ingresses().first().unwrap().object();
    assert_eq!(object.id().as_str(), "n/7");
    assert_eq!(object.annotation("c"), Some("yes"));
    let rules: Vec<_> = object
        .rules()
        .iter()
        .map(|rule| format!("{} {}", rule.host(), rule.paths().unwrap().first().unwrap().backend()))
        .collect();
    assert_eq!(rules, ["a.example.com n/s:80", "b.example.com n/s:80", "a.example.com n/s:80"]);
}

fn places(manifests: &Manifests, ingress: &Located<Ingress>, fields: &[&str]) -> Vec<(u32, u32, String)> {
    let asked: Vec<_> = fields.iter().map(|field| (ingress.location(), *field)).collect();
    let found = manifests.places(&asked).into_iter();
    found
        .map(|(place, excerpt)| {
            let excerpt = excerpt.as_ref().unwrap();
            let meant = excerpt.text().chars().skip(excerpt.column()).take(excerpt.width()).collect();
            (place.line(), place.column(), meant)
        })
        .collect()
}

#[test]
fn fields_are_found_again() {
    let text = "\
# A comment.
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: a
  annotations:
    example.com/a.b[0]: \"x\"
spec:
  rules:
    - host: a.example.com
      http:
        paths:
          - path: /a
            backend:
              service:
                name: s
";
    let manifests = read("fields", &[("a.yaml", text)]);
    let found = places(
        &manifests,
        manifests.ingresses().first().unwrap(),
        &[
            "metadata",
            "metadata.annotations[example.com/a.b[0]]",
            "metadata.annotations[none]",
            "spec.rules[0].host",
            "spec.rules[0].http.paths[0]",
            "spec.rules[0].http.paths[0].path",
            "spec.rules[0].http.paths[0].pathType",
            "spec.rules[0].http.paths[0].backend.service.name",
            "spec.rules[0].http.paths[0].backend.service.port",
            "spec.rules[7].host",
            "spec.tls[0]",
        ],
    );
    let wanted = [
        (5, 1, "metadata"),
        (8, 25, "\"x\""),
        (7, 3, "annotations"),
        (11, 13, "a.example.com"),
        (14, 13, "path: /a"),
        (14, 19, "/a"),
        (14, 13, "path: /a"),
        (17, 23, "s"),
        (16, 15, "service"),
        (10, 3, "rules"),
        (9, 1, "spec"),
    ];
    assert_eq!(found, wanted.map(|(line, column, text)| (line, column, text.to_owned())));
}

#[test]
fn fields_of_old_versions_are_found_under_their_old_names() {
    let text = "\
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: a}
spec:
  backend:
    serviceName: main
    servicePort: 0
  rules:
  - http:
      paths:
      - backend: {serviceName: s, servicePort: http}
";
    let manifests = read("old_fields", &[("a.yaml", text)]);
    let found = places(
        &manifests,
        manifests.ingresses().first().unwrap(),
        &[
            "spec.defaultBackend",
            "spec.defaultBackend.service.name",
            "spec.defaultBackend.service.port",
            "spec.rules[0].http.paths[0].backend.service.port",
        ],
    );
    let wanted = [(5, 3, "backend"), (6, 18, "main"), (7, 18, "0"), (11, 48, "http")];
    assert_eq!(found, wanted.map(|(line, column, text)| (line, column, text.to_owned())));
}
