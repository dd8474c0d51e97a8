//! Ingress objects as a cluster holds them: mostly right, sometimes not.

use ingress_core::Ingress;
use k8s_openapi::api::networking::v1 as api;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::vocabulary::{any_host, any_path};

/// What an object says, apart from its name.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    created: Option<u8>,
    class: Option<&'static str>,
    default_backend: Option<Value>,
    rules: Vec<(String, Option<Vec<Path>>)>,
    tls: Vec<(Vec<String>, Option<&'static str>)>,
    annotations: Vec<(&'static str, &'static str)>,
}

type Path = (String, &'static str, Value);

/// An object of the Kubernetes dialect.
pub(crate) fn content() -> impl Strategy<Value = Content> {
    let path = || (any_path(), path_type(), backend());
    // Now and then a host with so many rules that it gets an index of another kind.
    let paths = prop_oneof![
        19 => prop::option::weighted(0.95, prop::collection::vec(path(), 0..5)),
        1 => prop::collection::vec(path(), 10..130).prop_map(Some),
    ];
    let secret = || prop::option::weighted(0.9, select(&["tls-a", "tls-b"][..]));
    (
        prop::option::weighted(0.9, 0u8..3),
        select(&[None, None, None, Some("ours"), Some("theirs")][..]),
        prop::option::weighted(0.1, backend()),
        prop::collection::vec((any_host(), paths), 0..4),
        prop::collection::vec((prop::collection::vec(any_host(), 0..3), secret()), 0..3),
        prop::collection::vec(
            select(
                &[
                    ("kubernetes.io/ingress.class", "ours"),
                    ("nginx.ingress.kubernetes.io/use-regex", "true"),
                    ("example.com/note", "x"),
                ][..],
            ),
            0..2,
        ),
    )
        .prop_map(|(created, class, default_backend, rules, tls, annotations)| Content {
            created,
            class,
            default_backend,
            rules,
            tls,
            annotations,
        })
}

fn path_type() -> impl Strategy<Value = &'static str> {
    select(&["Prefix", "Prefix", "Prefix", "Exact", "Exact", "ImplementationSpecific", "Regex"][..])
}

fn backend() -> impl Strategy<Value = Value> {
    prop_oneof![
        16 => (0u8..3).prop_map(|n| json!({"service": {"name": format!("s{n}"), "port": {"number": 80}}})),
        1 => Just(json!({"service": {"name": "s", "port": {"name": "http"}}})),
        1 => Just(json!({"service": {"name": "s", "port": {"number": 0}}})),
        1 => Just(json!({"resource": {"apiGroup": "k8s.example.com", "kind": "Bucket", "name": "static"}})),
        1 => Just(json!({})),
    ]
}

impl Content {
    /// The object under a name.
    pub(crate) fn object(&self, name: &str) -> api::Ingress {
        let rules = self.rules.iter().map(|(host, paths)| {
            let paths = paths.as_ref().map(|paths| {
                let path = |(path, kind, backend): &Path| json!({"path": path, "pathType": kind, "backend": backend});
                json!({"paths": paths.iter().map(path).collect::<Vec<_>>()})
            });
            json!({"host": host, "http": paths})
        });
        let tls = self.tls.iter().map(|(hosts, secret)| json!({"hosts": hosts, "secretName": secret}));
        let annotations: serde_json::Map<_, _> =
            self.annotations.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let object = json!({
            "metadata": {
                "namespace": "ns",
                "name": name,
                "creationTimestamp": self.created.map(|second| format!("2024-01-01T00:00:0{second}Z")),
                "annotations": annotations,
            },
            "spec": {
                "ingressClassName": self.class,
                "defaultBackend": self.default_backend,
                "rules": rules.collect::<Vec<_>>(),
                "tls": tls.collect::<Vec<_>>(),
            },
        });
        serde_json::from_value(object).expect("it has the shape of an Ingress")
    }

    pub(crate) fn ingress(&self, name: &str) -> Ingress {
        Ingress::from(self.object(name))
    }
}
