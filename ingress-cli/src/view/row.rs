//! One rule of the table.

use std::io::{self, Write};

use ingress_core::endpoint::Resolution;
use ingress_core::table::HostTable;
use ingress_core::{Action, Backend, Rule};
use serde::Serialize;

use crate::answer::{BackendView, RuleView, Weight, weights};
use crate::inventory::Standing;
use crate::output::{DIM, printable};
use crate::session::{Line, Session};

#[derive(Serialize)]
pub(crate) struct Row<'t> {
    number: usize,
    default_backend: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<String>,
    #[serde(flatten)]
    action: ActionView<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rewrite: Option<String>,
    /// One for each backend of which the input says something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    endpoints: Vec<Reached>,
    rule: RuleView<'t>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    line: Option<Line<'t>>,
    #[serde(skip)]
    text: &'t Rule,
}

#[derive(Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
enum ActionView<'t> {
    Backend { backend: BackendView<'t> },
    Split { weights: Vec<Weight<'t>> },
    Redirect { status: u16, location: String },
    Respond { status: u16 },
    Other,
}

/// What a backend comes to.
#[derive(Serialize)]
struct Reached {
    backend: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<String>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl<'t> Row<'t> {
    pub(crate) fn new(
        session: &'t Session,
        host: &'t HostTable,
        number: usize,
        rule: &'t Rule,
        line: Option<Line<'t>>,
        default_backend: bool,
    ) -> Self {
        let backends: Vec<_> = match rule.action() {
            Action::Forward(forward) => forward.backends().map(|(backend, _)| backend).collect(),
            _ => Vec::new(),
        };
        Self {
            number,
            default_backend,
            conditions: rule.predicates().iter().map(ToString::to_string).collect(),
            action: ActionView::new(rule.action()),
            rewrite: rule.path_rewrite().map(ToString::to_string),
            endpoints: backends.into_iter().filter_map(|backend| Reached::new(session, backend)).collect(),
            rule: RuleView::new(session, rule, host.pattern()),
            line,
            text: rule,
        }
    }

    /// A line for the rule, and one for each of its backends of which something is known.
    pub(crate) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let label = if self.default_backend { "default: " } else { "" };
        let rule = format!("#{} {label}{}", self.number, self.text);
        write!(out, "  {}  {DIM}[{}", printable(&rule), self.text.origin())?;
        if let Some(line) = self.line {
            write!(out, ", {line}")?;
        }
        writeln!(out, "]{DIM:#}")?;
        for reached in &self.endpoints {
            let addresses = match reached.reason {
                Some(reason) => reason.to_owned(),
                None => reached.addresses.join(", "),
            };
            writeln!(out, "     {}: {}", printable(&reached.backend), printable(&addresses))?;
        }
        Ok(())
    }
}

impl Reached {
    fn new(session: &Session, backend: &Backend) -> Option<Self> {
        let (addresses, reason) = match session.inventory.standing(backend) {
            Standing::Unsaid => return None,
            Standing::Missing(reason) => (Vec::new(), Some(reason)),
            Standing::Resolved(Resolution::Endpoints(set)) => {
                (set.iter().map(|endpoint| endpoint.address().to_string()).collect(), None)
            }
            Standing::Resolved(other) => (vec![other.to_string()], None),
        };
        Some(Self { backend: backend.to_string(), addresses, reason })
    }
}

impl<'t> ActionView<'t> {
    fn new(action: &'t Action) -> Self {
        match action {
            Action::Forward(forward) if forward.is_weighted() => {
                Self::Split { weights: weights(forward.backends()) }
            }
            Action::Forward(forward) => Self::Backend { backend: BackendView::new(forward.backend(0)) },
            Action::Redirect(redirect) => Self::Redirect {
                status: redirect.status().as_u16(),
                location: redirect.location().to_string(),
            },
            Action::Respond(status) => Self::Respond { status: status.as_u16() },
            _ => Self::Other,
        }
    }
}
