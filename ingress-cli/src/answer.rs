//! The answer to a request, as data and as a line of text.
//!
//! The names of the keys are a contract: scripts read them. Keys may be added, and keys that do not
//! apply are absent.

use std::fmt;

use ingress_core::path::PathKind;
use ingress_core::port::Port;
use ingress_core::table::Match;
use ingress_core::{Action, Backend, HostPattern, Outcome, Rule};
use serde::Serialize;

use crate::request::Request;

/// Where a request goes.
#[derive(Debug, Serialize)]
pub(crate) struct Answer<'t> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'t str>,
    #[serde(flatten)]
    decision: Decision<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleView<'t>>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
enum Decision<'t> {
    Backend {
        backend: BackendView<'t>,
        default_backend: bool,
        upstream_path: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        weights: Option<Vec<Weight<'t>>>,
    },
    Redirect {
        status: u16,
        location: String,
    },
    Respond {
        status: u16,
        reason: &'static str,
        #[serde(skip)]
        detail: Option<String>,
    },
}

/// A backend: a Service and its port, or another kind of object.
#[derive(Debug, Serialize)]
pub(crate) struct BackendView<'t> {
    namespace: &'t str,
    #[serde(flatten)]
    target: BackendTarget<'t>,
    #[serde(skip)]
    text: &'t Backend,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum BackendTarget<'t> {
    Service { service: &'t str, port: PortView<'t> },
    Resource { resource: ResourceView<'t> },
    Unknown {},
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum PortView<'t> {
    Number(u16),
    Name(&'t str),
}

#[derive(Debug, Serialize)]
struct ResourceView<'t> {
    group: &'t str,
    kind: &'t str,
    name: &'t str,
}

#[derive(Debug, Serialize)]
pub(crate) struct Weight<'t> {
    backend: BackendView<'t>,
    weight: u32,
}

/// A rule: what it says, and the line of the manifest that says it.
#[derive(Debug, Serialize)]
pub(crate) struct RuleView<'t> {
    #[serde(skip_serializing_if = "Option::is_none")]
    ingress: Option<&'t str>,
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_type: Option<&'static str>,
    #[serde(skip)]
    text: &'t Rule,
}

impl<'t> Answer<'t> {
    /// Puts an outcome into words.
    pub(crate) fn new(request: &'t Request, outcome: Outcome<'t>) -> Self {
        let id = request.id.as_deref();
        match outcome {
            Outcome::Matched(hit) => {
                let rule = Some(RuleView::new(hit.rule(), hit.host()));
                Self { id, decision: Decision::matched(request, hit), rule }
            }
            Outcome::Refused(refusal) => {
                let decision = Decision::Respond {
                    status: refusal.status().as_u16(),
                    reason: refusal.code(),
                    detail: Some(refusal.to_string()),
                };
                Self { id, decision, rule: None }
            }
            other => {
                let detail = match other {
                    Outcome::NoPath(host) => Some(format!("no rule of host {host} has this path")),
                    Outcome::NoHost => Some("no rule has this host".to_owned()),
                    _ => None,
                };
                let decision = Decision::Respond { status: 404, reason: "no-route", detail };
                Self { id, decision, rule: None }
            }
        }
    }
}

impl<'t> Decision<'t> {
    fn matched(request: &Request, hit: Match<'t>) -> Self {
        let reason = hit.rule().reason().map(ingress_core::rule::Reason::code);
        let default_backend = hit.is_default() || reason == Some("no-route");
        if let Some(forward) = hit.rule().action().as_forward() {
            return match hit.sent_target(&request.head()) {
                Ok(upstream_path) => Self::Backend {
                    backend: BackendView::new(forward.backend(request.draw)),
                    default_backend,
                    upstream_path,
                    weights: forward.is_weighted().then(|| weights(forward.backends())),
                },
                Err(error) => {
                    Self::Respond { status: 400, reason: "bad-target", detail: Some(error.to_string()) }
                }
            };
        }
        match hit.rule().action() {
            Action::Redirect(redirect) => Self::Redirect {
                status: redirect.status().as_u16(),
                location: hit.location(&request.head()).unwrap_or_default(),
            },
            Action::Respond(status) => {
                Self::Respond { status: status.as_u16(), reason: reason.unwrap_or("rule"), detail: None }
            }
            // `Action` may gain variants; what the table would do then is not known here.
            _ => Self::Respond { status: 501, reason: "unknown-action", detail: None },
        }
    }
}

/// The backends of a split with their weights.
pub(crate) fn weights<'t>(backends: impl Iterator<Item = (&'t Backend, u32)>) -> Vec<Weight<'t>> {
    backends.map(|(backend, weight)| Weight { backend: BackendView::new(backend), weight }).collect()
}

impl<'t> BackendView<'t> {
    pub(crate) fn new(backend: &'t Backend) -> Self {
        let (namespace, target) = match backend {
            Backend::Service(service) => {
                let port = match service.port() {
                    Port::Number(number) => PortView::Number(*number),
                    Port::Name(name) => PortView::Name(name),
                };
                (service.namespace(), BackendTarget::Service { service: service.name(), port })
            }
            Backend::Resource(resource) => {
                let (group, kind) = (resource.group(), resource.kind());
                let view = ResourceView { group, kind, name: resource.id().name() };
                (resource.id().namespace(), BackendTarget::Resource { resource: view })
            }
            _ => ("", BackendTarget::Unknown {}),
        };
        Self { namespace, target, text: backend }
    }
}

impl<'t> RuleView<'t> {
    pub(crate) fn new(rule: &'t Rule, host: &'t HostPattern) -> Self {
        let origin = rule.origin();
        let path_type = match rule.path().kind() {
            PathKind::Any => None,
            PathKind::Exact => Some("Exact"),
            PathKind::Literal => Some("Literal"),
            PathKind::Prefix => Some("Prefix"),
            PathKind::Regex => Some("Regex"),
            _ => Some("Other"),
        };
        Self {
            ingress: (!origin.is_configuration()).then(|| origin.ingress().as_str()),
            field: origin.field().to_string(),
            host: (!host.is_any()).then(|| host.as_str()),
            path: path_type.map(|_| rule.path().as_str()),
            path_type,
            text: rule,
        }
    }
}

/// One line: the answer, and in parentheses where it comes from.
impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.decision {
            Decision::Backend { backend, .. } => write!(f, "{}", backend.text)?,
            Decision::Redirect { status, location } => write!(f, "{status} {location}")?,
            Decision::Respond { status, reason, .. } => write!(f, "{status} {reason}")?,
        }
        let mut remarks = Vec::new();
        if let Some(rule) = &self.rule {
            remarks.push(rule.text.origin().to_string());
            if let Some((path_type, path)) = rule.path_type.zip(rule.path) {
                remarks.push(format!("{path_type} {path}"));
            }
        }
        match &self.decision {
            Decision::Backend { default_backend, weights, .. } => {
                if *default_backend {
                    remarks.push("default backend".to_owned());
                }
                if let Some(weights) = weights {
                    let drawn: Vec<_> = weights
                        .iter()
                        .map(|weight| format!("{} x {}", weight.weight, weight.backend.text))
                        .collect();
                    remarks.push(format!("drawn from {}", drawn.join(", ")));
                }
            }
            Decision::Respond { detail: Some(detail), .. } => remarks.push(detail.clone()),
            _ => {}
        }
        if remarks.is_empty() { Ok(()) } else { write!(f, "  ({})", remarks.join("; ")) }
    }
}

impl Answer<'_> {
    /// The identifier that the request came with.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id
    }

    /// The path that goes upstream, when it is not the one that was asked.
    pub(crate) fn changed_path(&self, request: &Request) -> Option<&str> {
        match &self.decision {
            Decision::Backend { upstream_path, .. } if *upstream_path != request.path => Some(upstream_path),
            _ => None,
        }
    }

    /// Whether a backend gets the request.
    pub(crate) fn is_served(&self) -> bool {
        !matches!(self.decision, Decision::Respond { .. })
    }
}
