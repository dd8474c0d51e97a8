//! The answer to a request, as data and as a line of text.
//!
//! The names of the keys are a contract: scripts read them. Keys may be added, and keys that do not
//! apply are absent.

use std::fmt;

use ingress_core::endpoint::Resolution;
use ingress_core::ingress::PathType;
use ingress_core::origin::SecretRef;
use ingress_core::path::PathKind;
use ingress_core::port::Port;
use ingress_core::rule::{Forward, Reason};
use ingress_core::table::Match;
use ingress_core::{Action, Backend, HostPattern, Outcome, Rule};
use serde::Serialize;

use crate::inventory::Standing;
use crate::request::Request;
use crate::session::Session;

/// Where a request goes.
#[derive(Debug, Serialize)]
pub(crate) struct Answer<'t> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'t str>,
    #[serde(flatten)]
    decision: Decision<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleView<'t>>,
    /// The Secret whose certificate the connection gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<&'t str>,
    /// Whether that Secret is missing in the input.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    certificate_absent: bool,
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
        /// How many there are to choose from, where the input says.
        #[serde(skip_serializing_if = "Option::is_none")]
        endpoints: Option<usize>,
    },
    Redirect {
        status: u16,
        location: String,
    },
    Respond {
        status: u16,
        reason: &'static str,
        /// The backend that is not there.
        #[serde(skip_serializing_if = "Option::is_none")]
        backend: Option<BackendView<'t>>,
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
    /// As the object says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_type: Option<&'static str>,
    /// How it is compared, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_as: Option<&'static str>,
    #[serde(skip)]
    text: &'t Rule,
}

impl<'t> Answer<'t> {
    /// Puts an outcome into words.
    pub(crate) fn new(session: &'t Session, request: &'t Request, outcome: Outcome<'t>) -> Self {
        let secret = request.server_name().and_then(|name| session.table.certificate(name));
        let rule = outcome.matched().map(|hit| RuleView::new(session, hit.rule(), hit.host()));
        Self {
            id: request.id.as_deref(),
            decision: Decision::new(session, request, outcome),
            rule,
            certificate: secret.map(SecretRef::as_str),
            certificate_absent: secret.is_some_and(|secret| session.inventory.lacks(secret)),
        }
    }
}

impl<'t> Decision<'t> {
    fn new(session: &'t Session, request: &Request, outcome: Outcome<'t>) -> Self {
        match outcome {
            Outcome::Matched(hit) => Self::matched(session, request, hit),
            Outcome::Refused(refusal) => {
                Self::respond(refusal.status().as_u16(), refusal.code(), Some(refusal.to_string()))
            }
            Outcome::NoPath(host) => {
                Self::respond(404, "no-route", Some(format!("no rule of host {host} has this path")))
            }
            Outcome::NoHost => Self::respond(404, "no-route", Some("no rule has this host".to_owned())),
            _ => Self::respond(404, "no-route", None),
        }
    }

    fn respond(status: u16, reason: &'static str, detail: Option<String>) -> Self {
        Self::Respond { status, reason, backend: None, detail }
    }

    fn matched(session: &'t Session, request: &Request, hit: Match<'t>) -> Self {
        if let Some(forward) = hit.rule().action().as_forward() {
            return Self::forward(session, request, hit, forward);
        }
        match hit.rule().action() {
            Action::Redirect(redirect) => Self::Redirect {
                status: redirect.status().as_u16(),
                location: hit.location(&request.head(&session.circumstances(request))).unwrap_or_default(),
            },
            Action::Respond(status) => {
                let reason = hit.rule().reason().map_or("rule", Reason::code);
                Self::respond(status.as_u16(), reason, None)
            }
            // `Action` may gain variants; what the table would do then is not known here.
            _ => Self::respond(501, "unknown-action", None),
        }
    }

    fn forward(session: &'t Session, request: &Request, hit: Match<'t>, forward: &'t Forward) -> Self {
        let upstream_path = match hit.sent_target(&request.head(&session.circumstances(request))) {
            Ok(target) => target,
            Err(error) => return Self::respond(400, "bad-target", Some(error.to_string())),
        };
        let backend = forward.backend(request.draw);
        let endpoints = match session.inventory.standing(backend) {
            Standing::Missing(reason) => {
                return Self::Respond {
                    status: 503,
                    reason,
                    backend: Some(BackendView::new(backend)),
                    detail: Some(format!("the backend is {backend}")),
                };
            }
            Standing::Resolved(Resolution::Endpoints(set)) => Some(set.len()),
            Standing::Resolved(_) => Some(1),
            Standing::Unsaid => None,
        };
        Self::Backend {
            backend: BackendView::new(backend),
            default_backend: hit.is_default() || hit.rule().reason() == Some(Reason::DefaultBackend),
            upstream_path,
            weights: forward.is_weighted().then(|| weights(forward.backends())),
            endpoints,
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
    pub(crate) fn new(session: &Session, rule: &'t Rule, host: &'t HostPattern) -> Self {
        let origin = rule.origin();
        let compared = match rule.path().kind() {
            PathKind::Any => None,
            PathKind::Exact => Some("Exact"),
            PathKind::Literal => Some("Literal"),
            PathKind::Prefix => Some("Prefix"),
            PathKind::Regex => Some("Regex"),
            _ => Some("Other"),
        };
        let written = compared.and_then(|_| session.path(origin)).map(|path| match path.path_type() {
            Some(PathType::Exact) => "Exact",
            Some(PathType::Prefix) => "Prefix",
            // What the API versions meant that knew no path type.
            Some(PathType::ImplementationSpecific) | None => "ImplementationSpecific",
        });
        Self {
            ingress: (!origin.is_configuration()).then(|| origin.ingress().as_str()),
            field: origin.field().to_string(),
            host: (!host.is_any()).then(|| host.as_str()),
            path: compared.map(|_| rule.path().as_str()),
            path_type: written.or(compared),
            read_as: compared.filter(|_| written.is_some() && written != compared),
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
                let read = rule.read_as.map(|kind| format!(", read as {kind}")).unwrap_or_default();
                remarks.push(format!("{path_type} {path}{read}"));
            }
        }
        if let Decision::Backend { default_backend: true, .. } = &self.decision {
            remarks.push("default backend".to_owned());
        }
        remarks.extend(self.decision.drawn());
        if let Decision::Respond { detail: Some(detail), .. } = &self.decision {
            remarks.push(detail.clone());
        }
        if remarks.is_empty() { Ok(()) } else { write!(f, "  ({})", remarks.join("; ")) }
    }
}

impl Decision<'_> {
    /// What a weighted backend was drawn from.
    fn drawn(&self) -> Option<String> {
        let Self::Backend { weights: Some(weights), .. } = self else { return None };
        let drawn = weights.iter().map(|weight| format!("{} x {}", weight.weight, weight.backend.text));
        Some(format!("drawn from {}", drawn.collect::<Vec<_>>().join(", ")))
    }
}

impl Answer<'_> {
    /// What the rule does not say: which backend was drawn, why none answers, what the connection gets.
    pub(crate) fn beyond_the_rule(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match &self.decision {
            Decision::Backend { backend, weights: Some(_), .. } => {
                let drawn = self.decision.drawn().unwrap_or_default();
                lines.push(format!("{} {drawn}", backend.text));
            }
            Decision::Respond { status, reason, backend: Some(backend), .. } => {
                lines.push(format!("{status} {reason}: the backend is {}", backend.text));
            }
            _ => {}
        }
        if let Some(secret) = self.certificate {
            let absent = if self.certificate_absent { ", which is not in the input" } else { "" };
            lines.push(format!("certificate {secret}{absent}"));
        }
        lines
    }

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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::StatusCode;
    use ingress_core::dialect::{Contributions, Dialect};
    use ingress_core::origin::{FieldPath, IngressId};
    use ingress_core::path::PathPattern;
    use ingress_core::rule::ServiceRef;
    use ingress_core::{Compiler, Ingress};

    use super::*;
    use crate::inventory::Inventory;
    use crate::manifest::Manifests;

    /// Makes a rule of each kind of action, whatever the object says.
    #[derive(Debug)]
    struct EveryAction;

    impl Dialect for EveryAction {
        fn name(&self) -> &'static str {
            "every-action"
        }

        fn expand(&self, _: &Ingress, out: &mut Contributions<'_>) {
            let backend = |name| Backend::Service(ServiceRef::new("shop", name, 80));
            let actions = [
                ("/split", Action::split([(backend("main"), 90), (backend("canary"), 10)])),
                ("/moved", Action::redirect(StatusCode::PERMANENT_REDIRECT, "https://shop.example.com/new")),
                ("/closed", Action::respond(StatusCode::FORBIDDEN)),
            ];
            for (path, action) in actions {
                let origin = out.origin(FieldPath::annotation("example.com/action"));
                out.rule(&HostPattern::any(), Rule::new(PathPattern::prefix(path).unwrap(), action, origin));
            }
        }
    }

    fn answered(request: &str) -> (serde_json::Value, String) {
        let object: k8s_openapi::api::networking::v1::Ingress =
            serde_json::from_str(r#"{"metadata": {"name": "web", "namespace": "shop"}, "spec": {}}"#)
                .unwrap();
        let mut compiler = Compiler::new(EveryAction);
        let _ = compiler.upsert(&object);
        let table = compiler.compile();
        assert!(compiler.ingress(&IngressId::new("shop", "web")).is_some() && Arc::strong_count(&table) > 1);
        let manifests = Manifests::default();
        let session = Session::new(manifests, compiler, table, Inventory::default());
        let (request, _) = Request::parse(request.as_bytes()).unwrap();
        let answer = Answer::new(
            &session,
            &request,
            session.table.lookup(&request.head(&session.circumstances(&request))),
        );
        (serde_json::to_value(&answer).unwrap(), answer.to_string())
    }

    #[test]
    fn draws_count_through_the_weights() {
        let service = |draw: &str| {
            let (answer, text) = answered(&format!(r#"{{"path": "/split"{draw}}}"#));
            assert!(text.contains("drawn from 90 x shop/main:80, 10 x shop/canary:80"), "{text}");
            assert_eq!(answer["weights"][1]["weight"], 10);
            assert_eq!(answer["weights"][1]["backend"]["service"], "canary");
            answer["backend"]["service"].as_str().map(str::to_owned).unwrap()
        };
        let drawn =
            ["", r#", "draw": 89"#, r#", "draw": 90"#, r#", "draw": 199"#, r#", "draw": 200"#].map(service);
        assert_eq!(drawn, ["main", "main", "canary", "canary", "main"]);
    }

    #[test]
    fn redirects_and_answers_of_the_table() {
        let rule = |path| {
            serde_json::json!({
                "ingress": "shop/web", "field": "metadata.annotations[example.com/action]",
                "path": path, "path_type": "Prefix",
            })
        };
        let (answer, text) = answered(r#"{"id": 1, "path": "/moved"}"#);
        let wanted = serde_json::json!({
            "id": "1", "outcome": "redirect", "status": 308, "location": "https://shop.example.com/new",
            "rule": rule("/moved"),
        });
        assert_eq!(answer, wanted);
        assert!(text.starts_with("308 https://shop.example.com/new  (shop/web "), "{text}");
        let (answer, _) = answered(r#"{"path": "/closed"}"#);
        let wanted = serde_json::json!({
            "outcome": "respond", "status": 403, "reason": "rule", "rule": rule("/closed"),
        });
        assert_eq!(answer, wanted);
    }
}
