//! Settings of a compiler.

use crate::ingress::ClassSelector;
use crate::origin::SecretRef;
use crate::rule::Backend;

/// Settings of a [`Compiler`](super::Compiler).
///
/// ```
/// use ingress_core::{Config, rule::{Backend, ServiceRef}};
///
/// let config = Config::default()
///     .default_backend(Backend::Service(ServiceRef::new("infra", "not-found", 80)))
///     .hash_seeds([1, 2, 3, 4]);
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct Config {
    classes: ClassSelector,
    default_backend: Option<Backend>,
    default_certificate: Option<SecretRef>,
    seeds: [u64; 4],
}

impl Default for Config {
    /// Every object is ours, nothing is served by default, and the seeds are fixed.
    fn default() -> Self {
        Self {
            classes: ClassSelector::default(),
            default_backend: None,
            default_certificate: None,
            seeds: [
                0x243f_6a88_85a3_08d3,
                0x1319_8a2e_0370_7344,
                0xa409_3822_299f_31d0,
                0x082e_fa98_ec4e_6c89,
            ],
        }
    }
}

impl Config {
    /// Which objects are ours.
    pub fn classes(mut self, classes: ClassSelector) -> Self {
        self.classes = classes;
        self
    }

    /// The backend for requests that neither a rule nor an object's default backend takes.
    pub fn default_backend(mut self, backend: Backend) -> Self {
        self.default_backend = Some(backend);
        self
    }

    /// The certificate for names that no object has one for.
    pub fn default_certificate(mut self, secret: SecretRef) -> Self {
        self.default_certificate = Some(secret);
        self
    }

    /// Seeds of the host index. The table draws no randomness itself, so the default is fixed and
    /// public: a program whose tenants may choose host names passes random numbers here, lest
    /// somebody make all hosts collide.
    pub fn hash_seeds(mut self, seeds: [u64; 4]) -> Self {
        self.seeds = seeds;
        self
    }

    pub(super) fn set_classes(&mut self, classes: ClassSelector) {
        self.classes = classes;
    }

    pub(super) fn class_selector(&self) -> &ClassSelector {
        &self.classes
    }

    pub(super) fn has_default_backend(&self) -> bool {
        self.default_backend.is_some()
    }

    pub(super) fn backend(&self) -> Option<&Backend> {
        self.default_backend.as_ref()
    }

    pub(super) fn certificate(&self) -> Option<&SecretRef> {
        self.default_certificate.as_ref()
    }

    pub(super) fn seeds(&self) -> [u64; 4] {
        self.seeds
    }
}
