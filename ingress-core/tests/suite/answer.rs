//! What became of a request, and whether it is what was expected.

#![allow(clippy::panic, reason = "a file that cannot be read is a failed test")]

use ingress_core::endpoint::{Endpoints, Resolution, ResolveOptions};
use ingress_core::{Action, Backend, Outcome, RouteTable};
use serde_json::Value;

use super::file::{Fields, Request};

/// What a driver found out. Each is `None` where it does not apply.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Answer {
    /// As the backend is written: `namespace/service:port`, or kind, group and name of a resource.
    pub(crate) backend: Option<String>,
    /// Whether a default backend took the request.
    pub(crate) default_backend: bool,
    /// Object and field of the rule that took it.
    pub(crate) rule: Option<String>,
    /// The target that the upstream gets.
    pub(crate) upstream_path: Option<String>,
    /// The status of an answer that no upstream gives.
    pub(crate) status: Option<u16>,
    /// Why that status.
    pub(crate) reason: Option<String>,
    /// The Secret whose certificate the connection gets.
    pub(crate) certificate: Option<String>,
    /// How many endpoints there are to choose from, where the file has Services.
    pub(crate) endpoints: Option<u64>,
}

impl Answer {
    /// Puts into words what a table said.
    pub(crate) fn new(
        table: &RouteTable,
        services: &Endpoints,
        request: &Request,
        outcome: &Outcome<'_>,
    ) -> Self {
        let certificate = table.certificate(request.server_name()).map(ToString::to_string);
        let mut answer = Self { certificate, ..Self::default() };
        match outcome {
            Outcome::Matched(hit) => {
                answer.default_backend = hit.is_default();
                answer.rule = Some(hit.rule().origin().to_string());
                match hit.rule().action() {
                    Action::Forward(forward) => {
                        let backend = forward.backend(0);
                        answer.backend = Some(backend.to_string());
                        answer.upstream_path =
                            hit.upstream(&request.head()).ok().map(|path| path.to_string());
                        answer.resolve(services, backend);
                    }
                    Action::Redirect(redirect) => answer.status = Some(redirect.status().as_u16()),
                    Action::Respond(status) => answer.status = Some(status.as_u16()),
                    other => panic!("an action that suites do not know: {other}"),
                }
            }
            Outcome::NoHost | Outcome::NoPath(_) => {
                answer.status = Some(404);
                answer.reason = Some("no-route".to_owned());
            }
            Outcome::Refused(refusal) => {
                answer.status = Some(400);
                answer.reason = Some(refusal.code().to_owned());
            }
            other => panic!("an outcome that suites do not know: {other}"),
        }
        answer
    }
}

impl Answer {
    /// What the backend comes to. A file without Services says nothing about that.
    fn resolve(&mut self, services: &Endpoints, backend: &Backend) {
        let Backend::Service(service) = backend else { return };
        if services.services().len() == 0 {
            return;
        }
        match services.resolve(service.id(), service.port(), &ResolveOptions::default()) {
            Resolution::Endpoints(set) => self.endpoints = Some(set.len() as u64),
            Resolution::ExternalName { .. } => self.endpoints = Some(1),
            none => {
                self.status = Some(503);
                self.reason = none.reason().map(str::to_owned);
            }
        }
    }
}

/// What a file says of a request. What it does not say is not asked, with two exceptions: a default
/// backend is one only where the file says so, and the upstream gets what was sent unless the file
/// says otherwise.
pub(crate) struct Expectation {
    backend: Option<String>,
    default_backend: bool,
    rule: Option<String>,
    upstream_path: Option<String>,
    status: Option<u16>,
    reason: Option<String>,
    certificate: Option<String>,
    endpoints: Option<u64>,
}

impl Expectation {
    pub(crate) fn read(value: &Value) -> Self {
        let mut fields = Fields::of(value);
        let status =
            fields.take("status").map(|status| status.as_u64().and_then(|status| u16::try_from(status).ok()));
        let expectation = Self {
            backend: fields.text("backend"),
            default_backend: fields.flag("default_backend").unwrap_or(false),
            rule: fields.text("rule"),
            upstream_path: fields.text("upstream_path"),
            status: status.map(|status| status.unwrap_or_else(|| panic!("no status: {value}"))),
            reason: fields.text("reason"),
            certificate: fields.text("certificate"),
            endpoints: fields
                .take("endpoints")
                .map(|count| count.as_u64().unwrap_or_else(|| panic!("endpoints is a number: {value}"))),
        };
        fields.done();
        assert!(
            expectation.backend.is_some()
                || expectation.status.is_some()
                || expectation.certificate.is_some(),
            "nothing is expected: {value}"
        );
        expectation
    }

    /// Where an answer is another one, line by line; empty when it is as expected.
    pub(crate) fn differences(&self, request: &Request, answer: &Answer) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, wanted: &dyn std::fmt::Debug, got: &dyn std::fmt::Debug| {
            let (wanted, got) = (format!("{wanted:?}"), format!("{got:?}"));
            if wanted != got {
                found.push(format!("{what}: expected {wanted}, got {got}"));
            }
        };
        if self.backend.is_some() || self.status.is_some() {
            compare("backend", &self.backend, &answer.backend);
            compare("status", &self.status, &answer.status);
        }
        if self.backend.is_some() {
            compare("default_backend", &self.default_backend, &answer.default_backend);
            let upstream = self.upstream_path.as_ref().or(Some(&request.target));
            compare("upstream_path", &upstream, &answer.upstream_path.as_ref());
        }
        if self.rule.is_some() {
            compare("rule", &self.rule, &answer.rule);
        }
        if self.reason.is_some() {
            compare("reason", &self.reason, &answer.reason);
        }
        if let Some(wanted) = &self.certificate {
            compare("certificate", &wanted.as_str(), &answer.certificate.as_deref().unwrap_or("none"));
        }
        if self.endpoints.is_some() {
            compare("endpoints", &self.endpoints, &answer.endpoints);
        }
        found
    }
}
