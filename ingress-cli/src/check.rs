//! What is wrong with manifests beyond what the compiler says: what only their neighbours, the clock or
//! good style tell.
//!
//! One finding, or one family of them, a file; each is a function of a [`Subject`] and nothing else.

mod acme;
mod defaults;
pub(crate) mod finding;
mod kind;
mod moment;
mod objects;
mod overlap;
mod pages;
mod paths;
mod quoted;
mod regex;
mod secrets;
mod services;
mod tls;

use std::collections::{BTreeMap, BTreeSet};

use ingress_core::origin::FieldPath;
use ingress_core::{Diagnostic, DiagnosticKind, Ingress, IngressId, RouteTable, Severity};

pub(crate) use moment::Moment;
pub(crate) use pages::{codes, page, title};

use crate::manifest::{Location, Manifests};
use crate::session::Session;
use kind::Kind;

/// A finding before its line is known.
#[derive(Debug)]
pub(crate) struct Found<'m> {
    pub(crate) severity: Severity,
    pub(crate) code: &'static str,
    pub(crate) object: &'m IngressId,
    pub(crate) field: String,
    pub(crate) location: &'m Location,
    pub(crate) message: String,
    pub(crate) help: &'static str,
    /// What brought it about, where that is not the message but, say, one missing Service.
    pub(crate) cause: Option<String>,
}

/// What is looked at.
pub(crate) struct Subject<'m> {
    manifests: &'m Manifests,
    table: &'m RouteTable,
    /// The objects that are ours. Of several with one name the last, as if all were applied.
    objects: BTreeMap<&'m IngressId, Object<'m>>,
    /// What the compiler found.
    diagnostics: Vec<&'m Diagnostic>,
    now: Moment,
}

/// An Ingress and where it stands.
#[derive(Clone, Copy)]
struct Object<'m> {
    ingress: &'m Ingress,
    location: &'m Location,
}

impl<'m> Object<'m> {
    fn found(self, kind: Kind, field: &FieldPath, message: String) -> Found<'m> {
        self.said((kind.severity(), kind.code(), kind.help()), field, message)
    }

    /// What the compiler has a kind for, but does not look for itself.
    fn found_as(self, kind: DiagnosticKind, field: &FieldPath, message: String) -> Found<'m> {
        self.said((kind.severity(), kind.code(), kind.help()), field, message)
    }

    fn said(
        self,
        (severity, code, help): (Severity, &'static str, &'static str),
        field: &FieldPath,
        message: String,
    ) -> Found<'m> {
        Found {
            severity,
            code,
            object: self.ingress.id(),
            field: field.to_string(),
            location: self.location,
            message,
            help,
            cause: None,
        }
    }

    fn diagnosed(self, diagnostic: &'m Diagnostic) -> Found<'m> {
        let annotation = diagnostic.kind() == DiagnosticKind::IgnoredAnnotations;
        let field = diagnostic.field().to_string();
        Found {
            severity: diagnostic.severity(),
            code: diagnostic.code(),
            object: diagnostic.ingress(),
            location: self.location,
            message: diagnostic.message().to_owned(),
            help: diagnostic.help(),
            cause: annotation.then(|| field.clone()),
            field,
        }
    }
}

impl<'m> Found<'m> {
    fn because_of(mut self, cause: &(impl ToString + ?Sized)) -> Self {
        self.cause = Some(cause.to_string());
        self
    }
}

impl Subject<'_> {
    /// Whether the compiler has said this about this place already.
    fn diagnosed(&self, kind: DiagnosticKind) -> BTreeSet<(&IngressId, &FieldPath)> {
        let found = self.diagnostics.iter().filter(|found| found.kind() == kind);
        found.map(|found| (found.ingress(), found.field())).collect()
    }
}

/// Everything there is to find, in no particular order.
pub(crate) fn find(session: &Session, now: Moment) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let manifests = &session.manifests;
    let mut objects = objects::by_name(manifests, &mut found);
    let diagnostics: Vec<_> = session.compiler.diagnostics().collect();
    for diagnostic in &diagnostics {
        if let Some(object) = objects.get(diagnostic.ingress()) {
            found.push(object.diagnosed(diagnostic));
        }
    }
    for left_out in session.compiler.left_out() {
        objects.remove(left_out);
    }
    let subject = Subject { manifests, table: &session.table, objects, diagnostics, now };
    acme::find(&subject, &mut found);
    defaults::find(&subject, &mut found);
    objects::find(&subject, &mut found);
    overlap::find(&subject, &mut found);
    paths::find(&subject, &mut found);
    regex::find(&subject, &mut found);
    secrets::find(&subject, &mut found);
    services::find(&subject, &mut found);
    tls::find(&subject, &mut found);
    found
}
