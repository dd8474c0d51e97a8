//! `ingress check`: what is wrong with these manifests?

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::Style;
use ingress_core::{Diagnostic, DiagnosticKind, IngressId, Severity};
use serde::Serialize;

use crate::args::{CheckArgs, OutputFormat};
use crate::manifest::{Excerpt, Location, Place};
use crate::output::{ERROR, NOTE, Output, Status, WARNING};
use crate::report::Report;
use crate::session::{Session, count};

pub(super) fn run(args: &CheckArgs, output: &mut Output) -> io::Result<Status> {
    let session = match Session::open(&args.input, output) {
        Ok(session) => session,
        Err(status) => return Ok(status),
    };
    let findings = findings(&session);
    let out = output.results();
    for finding in &findings {
        match args.format.output {
            OutputFormat::Text => writeln!(out, "{}", finding.report())?,
            OutputFormat::Json => {
                serde_json::to_writer(&mut *out, finding)?;
                out.write_all(b"\n")?;
            }
        }
    }
    if args.format.output == OutputFormat::Text && !output.is_quiet() {
        let summary = summary(&session, &findings);
        writeln!(output.results(), "{summary}")?;
    }
    let failed = findings.iter().any(|finding| args.fail_on.includes(finding.severity));
    let status = if failed { Status::No } else { Status::Done };
    Ok(status.max(session.status()))
}

/// A finding and where it points.
#[derive(Debug, Serialize)]
struct Finding<'s> {
    #[serde(serialize_with = "severity_name")]
    severity: Severity,
    code: &'static str,
    object: String,
    field: String,
    file: &'s str,
    #[serde(rename = "line", serialize_with = "line_number")]
    place: Place,
    message: String,
    help: &'static str,
    #[serde(skip)]
    excerpt: Excerpt,
}

/// A finding before its line is known.
struct Found<'s> {
    severity: Severity,
    code: &'static str,
    object: &'s IngressId,
    field: String,
    location: &'s Location,
    message: String,
    help: &'static str,
}

/// All findings, in the order of the input.
fn findings(session: &Session) -> Vec<Finding<'_>> {
    let manifests = &session.manifests;
    // Of several objects with one name the last is the one that counts, as if all were applied.
    let mut last: BTreeMap<&IngressId, &Location> = BTreeMap::new();
    let mut found = Vec::new();
    for ingress in manifests.ingresses() {
        let (object, location) = (ingress.object(), ingress.location());
        if object.diagnostics().iter().any(|found| found.kind() == DiagnosticKind::UnnamedIngress) {
            // Nameless objects cannot be told apart, so each speaks for itself.
            found.extend(object.diagnostics().iter().map(|diagnostic| Found::new(diagnostic, location)));
        } else if let Some(replaced) = last.insert(object.id(), location) {
            found.push(Found {
                severity: Severity::Warning,
                code: "replaced-object",
                object: object.id(),
                field: "metadata.name".to_owned(),
                location: replaced,
                message: format!(
                    "{} is given again in {}:{}, which takes the place of this one",
                    object.id(),
                    manifests.file(location),
                    location.line()
                ),
                help: "give the objects different names, or remove one of them",
            });
        }
    }
    for diagnostic in session.compiler.diagnostics() {
        if let Some(location) = last.get(diagnostic.ingress()) {
            found.push(Found::new(diagnostic, location));
        }
    }
    let fields: Vec<_> = found.iter().map(|found| (found.location, found.field.as_str())).collect();
    let places = manifests.places(&fields);
    let mut findings: Vec<_> = found
        .into_iter()
        .zip(places)
        .map(|(found, (place, excerpt))| {
            let finding = Finding {
                severity: found.severity,
                code: found.code,
                object: found.object.to_string(),
                field: found.field,
                file: manifests.file(found.location),
                place,
                message: found.message,
                help: found.help,
                excerpt,
            };
            (found.location, finding)
        })
        .collect();
    findings.sort_by(|(a_location, a), (b_location, b)| {
        let key = |finding: &Finding<'_>| (finding.place, finding.severity, finding.code);
        a_location.cmp(b_location).then_with(|| key(a).cmp(&key(b)))
    });
    findings.into_iter().map(|(_, finding)| finding).collect()
}

impl<'s> Found<'s> {
    fn new(diagnostic: &'s Diagnostic, location: &'s Location) -> Self {
        Self {
            severity: diagnostic.severity(),
            code: diagnostic.code(),
            object: diagnostic.ingress(),
            field: diagnostic.field().to_string(),
            location,
            message: diagnostic.message().to_owned(),
            help: diagnostic.help(),
        }
    }
}

impl Finding<'_> {
    fn report(&self) -> Report<'_> {
        let (style, label) = styled(self.severity);
        Report {
            style,
            label,
            code: Some(self.code),
            message: &self.message,
            file: self.file,
            place: Some(self.place),
            excerpt: Some(&self.excerpt),
            remarks: vec![("in", format!("{} {}", self.object, self.field)), ("help", self.help.to_owned())],
        }
    }
}

fn styled(severity: Severity) -> (Style, &'static str) {
    match severity {
        Severity::Error => (ERROR, "error"),
        Severity::Warning => (WARNING, "warning"),
        _ => (NOTE, "note"),
    }
}

fn severity_name<S: serde::Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(styled(*severity).1)
}

fn line_number<S: serde::Serializer>(place: &Place, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u32(place.line())
}

fn summary(session: &Session, findings: &[Finding<'_>]) -> String {
    let read = format!(
        "{} and {} in {}",
        count(session.manifests.ingresses().len(), "Ingress", "Ingresses"),
        count(session.table.rule_count(), "rule", "rules"),
        count(session.manifests.file_count(), "file", "files")
    );
    let number = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
    let notes = findings.len() - errors - warnings;
    let mut parts = Vec::new();
    for (number, one, many) in
        [(errors, "error", "errors"), (warnings, "warning", "warnings"), (notes, "note", "notes")]
    {
        if number > 0 {
            parts.push(count(number, one, many));
        }
    }
    if parts.is_empty() {
        format!("nothing to find fault with in {read}")
    } else {
        format!("{} in {read}", parts.join(", "))
    }
}
