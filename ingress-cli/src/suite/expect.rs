//! What is expected of an answer: as much of it as matters, in its own form or a shorter one.

use std::borrow::Cow;

use ingress_core::port::Port;
use serde_json::{Map, Value as Json, json};

use super::fields::{flag, mistake, text, unknown};
use crate::manifest::{Entry, Mistake, Node, Value};
use crate::suggest::did_you_mean;

/// Keys of an answer and what they hold. `null` is what the answer must not have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expectation(pub(super) Map<String, Json>);

const KEYS: &[&str] = &[
    "outcome",
    "backend",
    "default_backend",
    "upstream_path",
    "weights",
    "endpoints",
    "status",
    "location",
    "reason",
    "rule",
    "certificate",
    "certificate_absent",
];
const OUTCOMES: &[&str] = &["backend", "redirect", "respond"];
const BACKEND: &[&str] = &["namespace", "service", "port", "resource"];
const RESOURCE: &[&str] = &["group", "kind", "name"];
const RULE: &[&str] = &["ingress", "field", "host", "path", "path_type", "read_as"];
const WEIGHT: &[&str] = &["backend", "weight"];

impl Expectation {
    pub(super) fn read(node: &Node<'_>, mistakes: &mut Vec<Mistake>) -> Option<Self> {
        let mut wanted = Map::new();
        match &node.value {
            Value::Text(text) => {
                wanted.insert("backend".to_owned(), backend_text(text, node, mistakes)?);
            }
            Value::Int(_) => {
                wanted.insert("status".to_owned(), status(node, mistakes)?);
            }
            Value::Map(entries) => {
                for entry in entries {
                    if let Some(value) = value(entry, mistakes) {
                        wanted.insert(entry.key.to_string(), value);
                    }
                }
                if entries.is_empty() {
                    mistakes.push(mistake(node.place, "nothing is expected"));
                }
            }
            _ => mistakes.push(mistake(node.place, "expect is a mapping, a backend or a status")),
        }
        (!wanted.is_empty()).then_some(Self(wanted))
    }

    /// The backend that is expected, in full or in part.
    pub(crate) fn backend(&self) -> Option<&Json> {
        self.0.get("backend")
    }
}

fn value(entry: &Entry<'_>, mistakes: &mut Vec<Mistake>) -> Option<Json> {
    let node = &entry.value;
    if matches!(node.value, Value::Null) && KEYS.contains(&&*entry.key) {
        return Some(Json::Null);
    }
    match &*entry.key {
        "outcome" => {
            let outcome = text(entry, mistakes)?;
            if !OUTCOMES.contains(&&*outcome) {
                let meant = did_you_mean(&outcome, OUTCOMES.iter().copied());
                let message = format!("there is no outcome {outcome:?}, but {}{meant}", OUTCOMES.join(", "));
                mistakes.push(mistake(node.place, &message));
            }
            Some(outcome.into())
        }
        "backend" => backend(node, mistakes),
        "weights" => weights(node, mistakes),
        "default_backend" | "certificate_absent" => flag(entry, mistakes).map(Json::from),
        "endpoints" => number(node, "endpoints is a number", mistakes),
        "status" => status(node, mistakes),
        "rule" => rule(node, mistakes),
        "certificate" => {
            let secret = text(entry, mistakes)?;
            Some(if secret == "none" { Json::Null } else { secret.into() })
        }
        "upstream_path" | "location" | "reason" => text(entry, mistakes).map(Json::from),
        _ => {
            mistakes.push(unknown(entry, "an answer", KEYS));
            None
        }
    }
}

fn number(node: &Node<'_>, message: &str, mistakes: &mut Vec<Mistake>) -> Option<Json> {
    match node.value {
        Value::Int(number) if number >= 0 => Some(number.into()),
        _ => {
            mistakes.push(mistake(node.place, message));
            None
        }
    }
}

fn status(node: &Node<'_>, mistakes: &mut Vec<Mistake>) -> Option<Json> {
    match node.value {
        Value::Int(number @ 100..=599) => Some(number.into()),
        _ => {
            mistakes.push(mistake(node.place, "a status is a number from 100 to 599"));
            None
        }
    }
}

/// A mapping whose keys are known, each read by `value`.
fn mapping(
    node: &Node<'_>,
    what: &str,
    known: &[&str],
    mistakes: &mut Vec<Mistake>,
    mut value: impl FnMut(&Entry<'_>, &mut Vec<Mistake>) -> Option<Json>,
) -> Option<Json> {
    let Value::Map(entries) = &node.value else {
        mistakes.push(mistake(node.place, &format!("{what} is a mapping or text")));
        return None;
    };
    let mut object = Map::new();
    for entry in entries {
        if !known.contains(&&*entry.key) {
            mistakes.push(unknown(entry, what, known));
        } else if matches!(entry.value.value, Value::Null) {
            object.insert(entry.key.to_string(), Json::Null);
        } else if let Some(value) = value(entry, mistakes) {
            object.insert(entry.key.to_string(), value);
        }
    }
    Some(Json::Object(object))
}

fn backend(node: &Node<'_>, mistakes: &mut Vec<Mistake>) -> Option<Json> {
    if let Value::Text(text) = &node.value {
        return backend_text(text, node, mistakes);
    }
    mapping(node, "a backend", BACKEND, mistakes, |entry, mistakes| match &*entry.key {
        "port" => match &entry.value.value {
            Value::Int(port) => Some((*port).into()),
            _ => text(entry, mistakes).map(Json::from),
        },
        "resource" => mapping(&entry.value, "a resource", RESOURCE, mistakes, |entry, mistakes| {
            text(entry, mistakes).map(Json::from)
        }),
        _ => text(entry, mistakes).map(Json::from),
    })
}

fn backend_text(text: &str, node: &Node<'_>, mistakes: &mut Vec<Mistake>) -> Option<Json> {
    let backend = resource_text(text).or_else(|| BackendText::parse(text).map(|backend| backend.json()));
    if backend.is_none() {
        let message = format!("{text:?} is no backend: write namespace/service:port or namespace/service");
        mistakes.push(mistake(node.place, &message));
    }
    backend
}

/// As answers in text show it: `Bucket.storage.example.com shop/assets`.
fn resource_text(text: &str) -> Option<Json> {
    let (kind, id) = text.split_once(' ')?;
    let (namespace, name) = id.split_once('/')?;
    let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
    Some(json!({"namespace": namespace, "resource": {"group": group, "kind": kind, "name": name}}))
}

/// `namespace/service:port`, where the port may be left out.
pub(super) struct BackendText {
    pub(super) namespace: String,
    pub(super) service: String,
    pub(super) port: Option<Port>,
}

impl BackendText {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (namespace, rest) = text.split_once('/')?;
        let (service, port) = match rest.split_once(':') {
            Some((service, port)) => (service, Some(port)),
            None => (rest, None),
        };
        let good = |word: &str| !word.is_empty() && !word.contains(['/', ':', ' ']);
        let port = port.map(|port| {
            good(port).then(|| port.parse::<u16>().map_or_else(|_| Port::from(port), Port::from))
        });
        let port = match port {
            None => None,
            Some(port) => Some(port?),
        };
        (good(namespace) && good(service)).then(|| Self {
            namespace: namespace.to_owned(),
            service: service.to_owned(),
            port,
        })
    }

    fn json(&self) -> Json {
        let mut backend = json!({"namespace": self.namespace, "service": self.service});
        if let (Some(port), Some(object)) = (&self.port, backend.as_object_mut()) {
            let port = match port {
                Port::Number(number) => (*number).into(),
                Port::Name(name) => Json::from(&**name),
            };
            object.insert("port".to_owned(), port);
        }
        backend
    }
}

fn rule(node: &Node<'_>, mistakes: &mut Vec<Mistake>) -> Option<Json> {
    let Value::Text(said) = &node.value else {
        return mapping(node, "a rule", RULE, mistakes, |entry, mistakes| {
            text(entry, mistakes).map(Json::from)
        });
    };
    Some(match (&**said, said.split_once(' ')) {
        ("configuration", _) => json!({"ingress": null, "field": "(configuration)"}),
        (_, Some((ingress, field))) => json!({"ingress": ingress, "field": field.trim_start()}),
        (ingress, None) => json!({"ingress": ingress}),
    })
}

fn weights(node: &Node<'_>, mistakes: &mut Vec<Mistake>) -> Option<Json> {
    if !matches!(node.value, Value::List(_)) {
        mistakes.push(mistake(node.place, "weights is a list of backend and weight"));
        return None;
    }
    let weight = |node: &Node<'_>, mistakes: &mut Vec<Mistake>| {
        mapping(node, "a weight", WEIGHT, mistakes, |entry, mistakes| match &*entry.key {
            "backend" => backend(&entry.value, mistakes),
            _ => number(&entry.value, "a weight is a number", mistakes),
        })
    };
    Some(node.items().iter().filter_map(|node| weight(node, mistakes)).collect())
}

/// A value on one line, for people.
pub(super) fn shown(value: &Json) -> Cow<'static, str> {
    match value {
        Json::Null => Cow::Borrowed("nothing"),
        other => Cow::Owned(other.to_string()),
    }
}
