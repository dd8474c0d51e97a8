//! A finding and where it points.

use anstyle::Style;
use ingress_core::Severity;
use serde::Serialize;

use super::Found;
use crate::manifest::{Excerpt, Manifests, Place};
use crate::output::{ERROR, NOTE, WARNING};
use crate::report::Report;

/// A finding whose line is known.
#[derive(Debug, Serialize)]
pub(crate) struct Finding<'s> {
    #[serde(serialize_with = "severity_name")]
    pub(crate) severity: Severity,
    pub(crate) code: &'static str,
    pub(crate) object: String,
    pub(crate) field: String,
    pub(crate) file: &'s str,
    #[serde(rename = "line", serialize_with = "line_number")]
    pub(crate) place: Place,
    pub(crate) message: String,
    pub(crate) help: &'static str,
    /// What brought it about, where that is not the message.
    #[serde(skip)]
    pub(crate) cause: Option<String>,
    #[serde(skip)]
    excerpt: Option<Excerpt>,
}

/// Finds the lines of findings, and puts them in the order of the input.
pub(crate) fn located<'s>(found: Vec<Found<'s>>, manifests: &'s Manifests) -> Vec<Finding<'s>> {
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
                cause: found.cause,
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

impl Finding<'_> {
    /// How it is shown to people.
    pub(crate) fn report(&self) -> Report<'_> {
        let (style, label) = styled(self.severity);
        Report {
            style,
            label,
            code: Some(self.code),
            message: &self.message,
            file: self.file,
            place: Some(self.place),
            excerpt: self.excerpt.as_ref(),
            remarks: vec![("in", format!("{} {}", self.object, self.field)), ("help", self.help.to_owned())],
        }
    }
}

/// The severity in one word, and its colour.
pub(crate) fn styled(severity: Severity) -> (Style, &'static str) {
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
