//! The dialect's table and nginx, asked the same.

use ingress_core::dialect::catalog::{self, Settings};
use ingress_core::rule::{Action, Backend, Forward, ServiceRef};
use ingress_core::table::Match;
use ingress_core::{Compiler, Config, Diagnostic, Outcome, RequestHead, RouteTable, Severity};
use std::sync::Arc;

use crate::answer::Answer;
use crate::client::Client;
use crate::objects::ObjectSet;
use crate::requests::Ask;
use crate::server::Nginx;

/// What the dialect makes of a set.
pub(crate) struct Ours {
    table: Arc<RouteTable>,
    findings: Vec<Diagnostic>,
}

impl Ours {
    pub(crate) fn new(set: &ObjectSet) -> Self {
        let (dialect, warnings) =
            catalog::build("ingress-nginx", &Settings::default()).expect("the dialect exists");
        assert!(warnings.is_empty(), "there are no settings to warn of");
        let mut config = Config::default();
        if set.default_service {
            config = config.default_backend(Backend::Service(ServiceRef::new("infra", "default", 80)));
        }
        let mut compiler = Compiler::with_config(dialect, config);
        for ingress in &set.ingresses {
            compiler.upsert(ingress);
        }
        let table = compiler.compile();
        Self { table, findings: compiler.diagnostics().cloned().collect() }
    }

    /// Whether something in the set is an error.
    pub(crate) fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity() == Severity::Error)
    }

    pub(crate) fn answer(&self, ask: &Ask) -> Answer {
        ask.with_head(|head| {
            let found = self.table.lookup(head);
            let (found, explanation) = (outcome(found, head), self.table.explain(head));
            assert_eq!(found, outcome(explanation.outcome(), head), "{ask:?}\n{explanation}");
            found
        })
    }
}

fn outcome(outcome: Outcome<'_>, head: &RequestHead<'_>) -> Answer {
    match outcome {
        Outcome::Matched(hit) => matched(&hit, head),
        Outcome::NoHost | Outcome::NoPath(_) => Answer::Status(404),
        Outcome::Refused(refusal) => Answer::Status(refusal.status().as_u16()),
        other => panic!("{other} is an outcome that this test does not know"),
    }
}

fn matched(hit: &Match<'_>, head: &RequestHead<'_>) -> Answer {
    match hit.rule().action() {
        Action::Forward(forward) => {
            let backend = backend(forward);
            match hit.sent_target(head) {
                Ok(target) if target.starts_with('/') => Answer::Backend { backend, target: latin1(&target) },
                _ => Answer::Unsendable { backend },
            }
        }
        Action::Redirect(redirect) => {
            let location = hit.location(head).expect("a redirect leads somewhere");
            Answer::Redirect { status: redirect.status().as_u16(), location: latin1(&location) }
        }
        Action::Respond(status) => Answer::Status(status.as_u16()),
        other => panic!("{other} is an action that this test does not know"),
    }
}

/// As nginx's answers are read.
fn latin1(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

/// In the words of the configuration: weights are not drawn.
fn backend(forward: &Forward) -> String {
    let backends: Vec<_> = forward.backends().filter(|(_, weight)| *weight > 0).collect();
    match backends.as_slice() {
        [(only, _)] => only.to_string(),
        [(main, main_weight), (canary, weight)] => {
            format!("{weight}/{} {canary}, else {main}", main_weight + weight)
        }
        _ => panic!("there is no third backend: {forward}"),
    }
}

/// A request that the two answer differently.
pub(crate) struct Difference {
    pub(crate) set: ObjectSet,
    pub(crate) ask: Ask,
    pub(crate) nginx: Answer,
    pub(crate) ours: Answer,
}

impl Difference {
    /// With as few objects, rules, paths and annotations as show a difference.
    pub(crate) fn shrunk(mut self) -> Self {
        'again: loop {
            for smaller in self.set.smaller() {
                if let Some(found) = differ(&smaller, &self.ask) {
                    self = found;
                    continue 'again;
                }
            }
            return self;
        }
    }

    /// All that is needed to see it again.
    pub(crate) fn report(&self) -> String {
        let documents: Vec<_> = self
            .set
            .ingresses
            .iter()
            .map(|ingress| serde_saphyr::to_string(ingress).expect("an Ingress can be written"))
            .collect();
        let nginx = Nginx::serve(std::slice::from_ref(&self.set));
        let explanation = self.ask.with_head(|head| Ours::new(&self.set).table.explain(head).to_string());
        format!(
            "nginx: {}\nours:  {}\nwith INGRESS_SEED={}, a default backend {}, and the request\n{}\n---\n{}\n\
             --- nginx was told\n{}\n--- we say\n{explanation}",
            self.nginx,
            self.ours,
            self.set.seed,
            if self.set.default_service { "given" } else { "built in" },
            String::from_utf8_lossy(&self.ask.on_the_wire()).escape_debug(),
            documents.join("---\n"),
            nginx.configuration(0),
        )
    }
}

/// Asks both about one set.
fn differ(set: &ObjectSet, ask: &Ask) -> Option<Difference> {
    let server = Nginx::serve(std::slice::from_ref(set));
    if server.refusal(0).is_some() {
        return None;
    }
    let socket = server.socket(0);
    let nginx = Client::new(&socket).ask(ask).ok()?;
    let ours = Ours::new(set).answer(ask);
    (nginx != ours).then(|| Difference { set: set.clone(), ask: ask.clone(), nginx, ours })
}
