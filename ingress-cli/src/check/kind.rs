//! What the command line finds beyond what the compiler does.

use ingress_core::Severity;

/// What a finding is about. Each kind has a stable code, and a page of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Another rule takes the challenges of an ACME solver.
    AcmePathTaken,
    /// A certificate is no longer valid.
    CertificateExpired,
    /// A certificate names other hosts.
    CertificateNameMismatch,
    /// A certificate is not valid yet.
    CertificateNotYetValid,
    /// A version of the API that Kubernetes dropped.
    DeprecatedApiVersion,
    /// The annotation that `spec.ingressClassName` took the place of.
    DeprecatedClassAnnotation,
    /// `//` in a path.
    EmptyPathElement,
    /// `Exact` with a slash at the end, and nothing for the path without it.
    ExactTrailingSlash,
    /// A rule of another object takes part of the requests.
    PartlyShadowedRule,
    /// `$` in an expression, which engines read differently before a newline.
    RegexLineEnd,
    /// What some engines for expressions do not have, or read differently.
    RegexNotPortable,
    /// An object that a later one of the same name replaces.
    ReplacedObject,
    /// The tls of an object leaves one of its hosts out.
    RuleHostWithoutTls,
    /// A Secret that is not among the input.
    SecretMissing,
    /// A Secret that is not of the type for certificates.
    SecretType,
    /// A Secret without a certificate and a key that can be used.
    SecretUnusable,
    /// A Service that is not among the input.
    ServiceMissing,
    /// A Service that has no such port.
    ServicePortMissing,
}

impl Kind {
    /// Every kind.
    #[cfg(test)]
    pub(super) const ALL: [Self; 18] = [
        Self::AcmePathTaken,
        Self::CertificateExpired,
        Self::CertificateNameMismatch,
        Self::CertificateNotYetValid,
        Self::DeprecatedApiVersion,
        Self::DeprecatedClassAnnotation,
        Self::EmptyPathElement,
        Self::ExactTrailingSlash,
        Self::PartlyShadowedRule,
        Self::RegexLineEnd,
        Self::RegexNotPortable,
        Self::ReplacedObject,
        Self::RuleHostWithoutTls,
        Self::SecretMissing,
        Self::SecretType,
        Self::SecretUnusable,
        Self::ServiceMissing,
        Self::ServicePortMissing,
    ];

    fn facts(self) -> (&'static str, Severity, &'static str) {
        use Severity::{Error, Note, Warning};
        match self {
            Self::AcmePathTaken => (
                "acme-path-taken",
                Warning,
                "give these hosts a rule of their own that sends the path to the solver",
            ),
            Self::CertificateExpired => {
                ("certificate-expired", Error, "renew the certificate, or let something renew it in time")
            }
            Self::CertificateNameMismatch => (
                "certificate-name-mismatch",
                Error,
                "issue a certificate that names the host, or name another Secret",
            ),
            Self::CertificateNotYetValid => {
                ("certificate-not-yet-valid", Error, "wait, or serve the certificate before this one")
            }
            Self::DeprecatedApiVersion => {
                ("deprecated-api-version", Warning, "write it in networking.k8s.io/v1")
            }
            Self::DeprecatedClassAnnotation => (
                "deprecated-class-annotation",
                Warning,
                "name the class in spec.ingressClassName, and remove the annotation",
            ),
            Self::EmptyPathElement => ("empty-path-element", Warning, "write one slash instead of several"),
            Self::ExactTrailingSlash => {
                ("exact-trailing-slash", Warning, "add the path without the slash, or use pathType Prefix")
            }
            Self::PartlyShadowedRule => (
                "partly-shadowed-rule",
                Note,
                "nothing, if it is meant; else change the path of one of the rules",
            ),
            Self::RegexLineEnd => {
                ("regex-line-end", Note, "do not rely on `$` to keep requests with a newline out")
            }
            Self::RegexNotPortable => (
                "regex-not-portable",
                Warning,
                "write it without: list the paths, or put a rule of their own before the exceptions",
            ),
            Self::ReplacedObject => {
                ("replaced-object", Warning, "give the objects different names, or remove one of them")
            }
            Self::RuleHostWithoutTls => {
                ("rule-host-without-tls", Warning, "add the host to tls, or move it to an object without tls")
            }
            Self::SecretMissing => (
                "secret-missing",
                Error,
                "create the Secret in the namespace of the Ingress, or name one that is there",
            ),
            Self::SecretType => {
                ("secret-type", Warning, "create the Secret anew with type: kubernetes.io/tls")
            }
            Self::SecretUnusable => (
                "secret-unusable",
                Error,
                "put the certificate in tls.crt and its key in tls.key, both as PEM",
            ),
            Self::ServiceMissing => (
                "service-missing",
                Error,
                "create the Service in the namespace of the Ingress, or name one that is there",
            ),
            Self::ServicePortMissing => (
                "service-port-missing",
                Error,
                "name a port that the Service exposes: spec.ports[].port or spec.ports[].name",
            ),
        }
    }

    /// The stable code, such as `service-missing`.
    pub(crate) fn code(self) -> &'static str {
        self.facts().0
    }

    /// How much it matters.
    pub(super) fn severity(self) -> Severity {
        self.facts().1
    }

    /// What to do about it.
    pub(super) fn help(self) -> &'static str {
        self.facts().2
    }
}
