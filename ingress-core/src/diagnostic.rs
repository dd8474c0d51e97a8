//! What is wrong with an object, as data.

use std::fmt;

use crate::origin::{FieldPath, IngressId};

/// One finding about one object: what, where, and what to do.
///
/// Objects come from many tenants, so a mistake is never an error that stops a compilation. What a
/// finding says is not served is left out; everything else is served.
///
/// ```
/// use ingress_core::{DiagnosticKind, Diagnostic, IngressId, Severity};
/// use ingress_core::origin::{FieldPath, Leaf};
///
/// let finding = Diagnostic::new(
///     DiagnosticKind::RelativePath,
///     IngressId::new("shop", "web"),
///     FieldPath::path(0, 1).leaf(Leaf::Path),
///     "path \"cart\" does not start with `/`".to_owned(),
/// );
/// assert_eq!(finding.severity(), Severity::Error);
/// assert_eq!(
///     finding.to_string(),
///     "error[relative-path] shop/web spec.rules[0].http.paths[1].path: path \"cart\" does not start with `/`"
/// );
/// ```
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Diagnostic {
    ingress: IngressId,
    field: FieldPath,
    kind: DiagnosticKind,
    message: String,
}

/// How much a finding matters.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Part of the object is not served.
    Error,
    /// Served, but probably not as it was meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// What a finding is about. Each kind has a stable [code](Self::code) for scripts, events and metrics.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum DiagnosticKind {
    /// A host is an IP address, which the API forbids. The rule is left out.
    AddressHost,
    /// A backend names both a Service and a resource, or neither. The path is left out.
    AmbiguousBackend,
    /// Two objects name a Secret for one host. The older object's is used.
    CertificateConflict,
    /// `spec.ingressClassName` and the class annotation differ. The field decides.
    ClassConflict,
    /// A finding of a dialect from outside this crate.
    Dialect(&'static DialectFinding),
    /// An object has neither rules nor a default backend. It routes nothing.
    EmptyIngress,
    /// An annotation of a known controller that the chosen dialect does not act on.
    IgnoredAnnotations,
    /// A backend resource has no kind or no name. The path is left out.
    IncompleteResource,
    /// A host is no DNS name. The rule is left out.
    InvalidHost,
    /// A name holds control characters. What it names is left out.
    InvalidName,
    /// A path cannot be compared with anything: control bytes, or a broken expression. It is left out.
    InvalidPath,
    /// A port is 0, out of range, absent, or given twice. The path is left out.
    InvalidPort,
    /// `Exact` or `Prefix` without a path. The path is left out.
    MissingPath,
    /// A backend Service has no name. The path is left out.
    MissingServiceName,
    /// Objects of two namespaces have the same rule, and only one of them is reached: that of the object
    /// that goes first.
    NamespaceConflict,
    /// An expression needs more memory than one host may take. Its rule is left out.
    OversizedPattern,
    /// A path does not start with `/`. It is left out.
    RelativePath,
    /// A host was written in upper case, with Unicode letters or with a final dot. It is served in
    /// its canonical form.
    RespelledHost,
    /// Another rule of the namespace with the same host and path stands before this one, which is never
    /// reached.
    ShadowedRule,
    /// A host of `spec.tls` has no rule in the object. Its certificate is served all the same.
    TlsHostWithoutRule,
    /// An entry of `spec.tls` names no Secret: no certificate comes from it.
    TlsWithoutSecret,
    /// An object has no name, or one with a slash in it or in its namespace: it cannot be told from
    /// others. Nothing of it is served.
    UnnamedIngress,
    /// A path type that the API does not know. The path is left out.
    UnknownPathType,
    /// No request has this path once it is normalised: dot segments, a query, a fragment, or escapes
    /// that are decoded before the comparison.
    UnreachablePath,
    /// A `*` elsewhere than as the whole first label. The rule is left out.
    WildcardHost,
}

/// The description of a finding that a dialect from another crate reports.
///
/// ```
/// use ingress_core::diagnostic::{DialectFinding, DiagnosticKind, Severity};
///
/// static ODD_PRIORITY: DialectFinding =
///     DialectFinding::new("acme-odd-priority", Severity::Warning, "write an even number");
/// assert_eq!(DiagnosticKind::Dialect(&ODD_PRIORITY).code(), "acme-odd-priority");
/// ```
#[derive(Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DialectFinding {
    code: &'static str,
    severity: Severity,
    help: &'static str,
}

impl DialectFinding {
    /// A stable code, how much it matters, and what to do.
    pub const fn new(code: &'static str, severity: Severity, help: &'static str) -> Self {
        Self { code, severity, help }
    }
}

impl DiagnosticKind {
    /// Every kind of this crate, for pages of documentation and for tests that none is forgotten.
    pub const ALL: &'static [Self] = &[
        Self::AddressHost,
        Self::AmbiguousBackend,
        Self::CertificateConflict,
        Self::ClassConflict,
        Self::EmptyIngress,
        Self::IgnoredAnnotations,
        Self::IncompleteResource,
        Self::InvalidHost,
        Self::InvalidName,
        Self::InvalidPath,
        Self::InvalidPort,
        Self::MissingPath,
        Self::MissingServiceName,
        Self::NamespaceConflict,
        Self::OversizedPattern,
        Self::RelativePath,
        Self::RespelledHost,
        Self::ShadowedRule,
        Self::TlsHostWithoutRule,
        Self::TlsWithoutSecret,
        Self::UnnamedIngress,
        Self::UnknownPathType,
        Self::UnreachablePath,
        Self::WildcardHost,
    ];

    fn facts(self) -> (&'static str, Severity, &'static str) {
        use Severity::{Error, Note, Warning};
        match self {
            Self::AddressHost => {
                ("address-host", Error, "name a DNS host, or leave the host out to match every host")
            }
            Self::AmbiguousBackend => ("ambiguous-backend", Error, "name either a service or a resource"),
            Self::CertificateConflict => (
                "certificate-conflict",
                Warning,
                "name the same Secret, or drop the host from one object's tls",
            ),
            Self::ClassConflict => {
                ("class-conflict", Warning, "remove the annotation kubernetes.io/ingress.class")
            }
            Self::Dialect(finding) => (finding.code, finding.severity, finding.help),
            Self::EmptyIngress => {
                ("empty-ingress", Warning, "add a rule or a defaultBackend, or delete the object")
            }
            Self::IgnoredAnnotations => (
                "ignored-annotations",
                Warning,
                "choose the dialect of that controller, or remove the annotation",
            ),
            Self::IncompleteResource => ("incomplete-resource", Error, "give the resource's kind and name"),
            Self::InvalidHost => ("invalid-host", Error, "write a DNS name such as shop.example.com"),
            Self::InvalidName => ("invalid-name", Error, "write the name as the other object has it"),
            Self::InvalidPath => ("invalid-path", Error, "remove the control bytes, or mend the expression"),
            Self::InvalidPort => {
                ("invalid-port", Error, "give either a port number from 1 to 65535 or a port name")
            }
            Self::MissingPath => {
                ("missing-path", Error, "write the path; `/` with pathType Prefix takes everything")
            }
            Self::MissingServiceName => ("missing-service-name", Error, "name the Service"),
            Self::NamespaceConflict => (
                "namespace-conflict",
                Warning,
                "agree on one owner: remove one of the two rules, or change its path",
            ),
            Self::OversizedPattern => {
                ("oversized-pattern", Error, "simplify the expression: fewer counted repetitions")
            }
            Self::RelativePath => ("relative-path", Error, "start the path with `/`"),
            Self::RespelledHost => ("respelled-host", Warning, "write the host in its canonical form"),
            Self::ShadowedRule => {
                ("shadowed-rule", Warning, "remove one of the two rules, or change its path")
            }
            Self::TlsHostWithoutRule => {
                ("tls-host-without-rule", Note, "add a rule for the host, or drop it from tls")
            }
            Self::TlsWithoutSecret => {
                ("tls-without-secret", Note, "set secretName, unless a default certificate serves it")
            }
            Self::UnnamedIngress => ("unnamed-ingress", Error, "set metadata.name"),
            Self::UnknownPathType => {
                ("unknown-path-type", Error, "use Exact, Prefix or ImplementationSpecific")
            }
            Self::UnreachablePath => {
                ("unreachable-path", Warning, "write the path as it is after normalisation")
            }
            Self::WildcardHost => ("wildcard-host", Error, "put `*.` in front of a DNS name: *.example.com"),
        }
    }

    /// The stable code, such as `shadowed-rule`.
    pub fn code(self) -> &'static str {
        self.facts().0
    }

    /// How much findings of this kind matter.
    pub fn severity(self) -> Severity {
        self.facts().1
    }

    /// What to do about it.
    pub fn help(self) -> &'static str {
        self.facts().2
    }
}

impl Diagnostic {
    /// A finding of a given kind. The message says what was found, in one line.
    pub fn new(kind: DiagnosticKind, ingress: IngressId, field: FieldPath, message: String) -> Self {
        Self { ingress, field, kind, message }
    }

    /// The object.
    pub fn ingress(&self) -> &IngressId {
        &self.ingress
    }

    /// The place inside the object.
    pub fn field(&self) -> &FieldPath {
        &self.field
    }

    /// What it is about.
    pub fn kind(&self) -> DiagnosticKind {
        self.kind
    }

    /// The stable code of the kind.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        self.kind.severity()
    }

    /// What was found.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        self.kind.help()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}] {} {}: {}", self.severity(), self.code(), self.ingress, self.field, self.message)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Diagnostic {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("Diagnostic", 6)?;
        out.serialize_field("severity", &self.severity().to_string())?;
        out.serialize_field("code", self.code())?;
        out.serialize_field("object", self.ingress.as_str())?;
        out.serialize_field("field", &self.field.to_string())?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("help", self.help())?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_and_everyone_gets_help() {
        let codes: BTreeSet<_> = DiagnosticKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), DiagnosticKind::ALL.len());
        for kind in DiagnosticKind::ALL {
            assert!(
                !kind.help().is_empty() && kind.code().chars().all(|c| c.is_ascii_lowercase() || c == '-')
            );
        }
    }
}
