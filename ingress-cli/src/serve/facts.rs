//! What was read, counted, and what is wrong with it.

use std::time::Duration;

use ingress_core::Severity;
use serde::Serialize;

use crate::check::finding::{self, Finding};
use crate::check::{self, Moment};
use crate::manifest::{Place, ReadError};
use crate::session::Session;

/// What one reading came to.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    pub(super) files: usize,
    pub(super) ingresses: usize,
    pub(super) hosts: usize,
    pub(super) rules: usize,
    pub(super) services: usize,
    /// Parts of the input that cannot be read.
    pub(super) unreadable: usize,
    /// Files that are served as they were.
    pub(super) kept: Vec<String>,
    pub(super) errors: usize,
    pub(super) warnings: usize,
    pub(super) notes: usize,
    /// Secrets that the table names, and whose certificates are not there.
    pub(super) certificates_missing: Vec<String>,
    #[serde(skip)]
    pub(super) said: Vec<Said>,
    /// All that is wrong, as JSON.
    #[serde(skip)]
    pub(super) diagnostics: Vec<u8>,
    #[serde(skip)]
    pub(super) took: Duration,
}

/// A finding in a line.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Said {
    pub(super) severity: Severity,
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) code: &'static str,
    pub(super) object: String,
    pub(super) field: String,
    pub(super) message: String,
}

/// What `/diagnostics` answers.
#[derive(Serialize)]
struct Diagnostics<'f> {
    unreadable: Vec<Unreadable<'f>>,
    kept: &'f [String],
    certificates_missing: &'f [String],
    findings: &'f [Finding<'f>],
}

#[derive(Serialize)]
struct Unreadable<'e> {
    file: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<u32>,
    message: &'e str,
}

impl Facts {
    /// Gathers them, and looks for what is wrong.
    pub(super) fn new(
        session: &Session,
        errors: &[ReadError],
        kept: Vec<String>,
        certificates_missing: Vec<String>,
        took: Duration,
    ) -> Self {
        // A clock before 1970 says nothing about certificates; then nothing is said at all.
        let found = Moment::now().map_or_else(Vec::new, |now| check::find(session, now));
        let findings = finding::located(found, &session.manifests);
        let number = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        let (wrong, warnings) = (number(Severity::Error), number(Severity::Warning));
        let mut said: Vec<_> = findings.iter().map(Said::new).collect();
        said.sort();
        let unreadable = |error: &'_ ReadError| (error.place().map(Place::line), error.document_number());
        let diagnostics = Diagnostics {
            unreadable: errors
                .iter()
                .map(|error| {
                    let (line, document) = unreadable(error);
                    Unreadable { file: error.file_name(), line, document, message: error.message() }
                })
                .collect(),
            kept: &kept,
            certificates_missing: &certificates_missing,
            findings: &findings,
        };
        Self {
            files: session.manifests.file_count(),
            ingresses: session.manifests.ingresses().len(),
            hosts: session.table.host_count(),
            rules: session.table.rule_count(),
            services: session.inventory.services().count(),
            unreadable: errors.len(),
            errors: wrong,
            warnings,
            notes: findings.len() - wrong - warnings,
            said,
            // Text and numbers can always be written.
            diagnostics: serde_json::to_vec(&diagnostics).unwrap_or_default(),
            kept,
            certificates_missing,
            took,
        }
    }
}

impl Said {
    fn new(finding: &Finding<'_>) -> Self {
        Self {
            severity: finding.severity,
            file: finding.file.to_owned(),
            line: finding.place.line(),
            code: finding.code,
            object: finding.object.clone(),
            field: finding.field.clone(),
            message: finding.message.clone(),
        }
    }
}
