//! Tables that are made of all objects at once.

use super::Surroundings;
use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::host::HostPattern;
use crate::ingress::Ingress;
use crate::origin::{FieldPath, IngressId, SecretRef};
use crate::rule::{Backend, Rule};

/// A reading in which the rules of one host may depend on objects that name other hosts.
///
/// Controllers that write one configuration file read objects that way. A table is then assembled from all
/// of them after each change; hosts that came out as before share their memory with the table before.
pub trait Whole {
    /// Makes the hosts of a table out of the objects that are ours, in the order of
    /// [`compare`](super::Dialect::compare).
    fn assemble(&self, objects: &[&Ingress], out: &mut Assembly<'_>);
}

/// The certificate of a host that is assembled.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum CertificateChoice {
    /// The default one, whatever less specific hosts have.
    Default,
    /// None of its own: that of a less specific host, or the default one.
    #[default]
    Inherited,
    /// That of a Secret.
    Secret(SecretRef),
}

/// A host in the order of its rules.
#[derive(Clone, Debug)]
pub(crate) struct AssembledHost {
    pub(crate) pattern: HostPattern,
    pub(crate) rules: Vec<Rule>,
    pub(crate) certificate: CertificateChoice,
}

/// Where a [`Whole`] puts what it makes.
#[derive(Debug)]
pub struct Assembly<'a> {
    surroundings: &'a Surroundings,
    default_backend: Option<&'a Backend>,
    hosts: Vec<AssembledHost>,
    default_certificate: Option<SecretRef>,
    diagnostics: Vec<Diagnostic>,
}

/// All that was put into an [`Assembly`].
#[derive(Debug)]
pub(crate) struct Assembled {
    pub(crate) hosts: Vec<AssembledHost>,
    pub(crate) default_certificate: Option<SecretRef>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl<'a> Assembly<'a> {
    pub(crate) fn new(surroundings: &'a Surroundings, default_backend: Option<&'a Backend>) -> Self {
        Self {
            surroundings,
            default_backend,
            hosts: Vec::new(),
            default_certificate: None,
            diagnostics: Vec::new(),
        }
    }

    pub(crate) fn finish(self) -> Assembled {
        let Self { hosts, default_certificate, diagnostics, .. } = self;
        Assembled { hosts, default_certificate, diagnostics }
    }

    /// What stands around the objects.
    pub fn surroundings(&self) -> &'a Surroundings {
        self.surroundings
    }

    /// The backend for what nothing else takes, where the compiler was given one.
    pub fn default_backend(&self) -> Option<&'a Backend> {
        self.default_backend
    }

    /// A host with its rules, the one with precedence first. Of two hosts with one pattern the first stays.
    pub fn host(&mut self, pattern: HostPattern, rules: Vec<Rule>, certificate: CertificateChoice) {
        self.hosts.push(AssembledHost { pattern, rules, certificate });
    }

    /// The certificate for names that nothing else covers, in place of the compiler's.
    pub fn default_certificate(&mut self, secret: SecretRef) {
        self.default_certificate = Some(secret);
    }

    /// A finding about an object.
    pub fn diagnose(&mut self, kind: DiagnosticKind, ingress: &IngressId, field: FieldPath, message: String) {
        self.diagnostics.push(Diagnostic::new(kind, ingress.clone(), field, message));
    }
}
