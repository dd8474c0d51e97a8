//! The parsed model of an Ingress object.
//!
//! Parsing is total: what cannot be read is left out and recorded in the object's own diagnostics.
//! What a path *means* is the dialect's business; here it is only text.

mod class;
#[cfg(feature = "serde")]
mod legacy;
#[cfg(any(feature = "k8s-openapi", feature = "serde"))]
pub(crate) mod raw;

use std::sync::Arc;

pub(crate) use class::conflict as class_conflict;
pub use class::{ClassSelector, IngressClass, Selection};
#[cfg(feature = "serde")]
pub use legacy::LegacyIngress;

use crate::diagnostic::Diagnostic;
use crate::host::HostPattern;
use crate::origin::{FieldPath, IngressId, SecretRef};
use crate::rule::Backend;

/// An Ingress object, parsed.
///
/// Made with `From<&k8s_openapi::api::networking::v1::Ingress>` or, for the two API versions that
/// Kubernetes dropped, from `LegacyIngress` (feature `serde`). Status and managed fields never enter it, so an
/// object that changed only there is equal to what it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Ingress {
    id: IngressId,
    uid: Option<Arc<str>>,
    created: Option<i64>,
    class: Option<Arc<str>>,
    annotations: Vec<(Arc<str>, Arc<str>)>,
    default_backend: Option<Backend>,
    rules: Vec<IngressRule>,
    tls: Vec<TlsEntry>,
    diagnostics: Vec<Diagnostic>,
}

/// One entry of `spec.rules`.
#[derive(Clone, Debug, PartialEq)]
pub struct IngressRule {
    index: u32,
    host: HostPattern,
    paths: Option<Vec<IngressPath>>,
}

/// One entry of `spec.rules[].http.paths`.
#[derive(Clone, Debug, PartialEq)]
pub struct IngressPath {
    index: u32,
    path: Option<Arc<str>>,
    path_type: Option<PathType>,
    backend: Backend,
}

/// The values of `pathType`.
#[allow(
    clippy::exhaustive_enums,
    reason = "the API has had these three since networking/v1 and promises no other"
)]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum PathType {
    /// The path and nothing else.
    Exact,
    /// Up to the controller.
    ImplementationSpecific,
    /// Element by element.
    Prefix,
}

/// One entry of `spec.tls`.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsEntry {
    index: u32,
    hosts: Vec<(u32, HostPattern)>,
    names_hosts: bool,
    secret: Option<SecretRef>,
}

impl Ingress {
    /// Namespace and name.
    pub fn id(&self) -> &IngressId {
        &self.id
    }

    /// `metadata.uid`, as it is written.
    pub fn uid(&self) -> Option<&str> {
        self.uid.as_deref()
    }

    /// `metadata.creationTimestamp`, in seconds since 1970.
    pub fn created(&self) -> Option<i64> {
        self.created
    }

    /// `spec.ingressClassName`.
    pub fn class(&self) -> Option<&str> {
        self.class.as_deref()
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        let at = self.annotations.binary_search_by(|(k, _)| (**k).cmp(key)).ok()?;
        self.annotations.get(at).map(|(_, value)| &**value)
    }

    /// All annotations, by key.
    pub fn annotations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.annotations.iter().map(|(key, value)| (&**key, &**value))
    }

    /// `spec.defaultBackend`.
    pub fn default_backend(&self) -> Option<&Backend> {
        self.default_backend.as_ref()
    }

    /// The rules whose host could be read.
    pub fn rules(&self) -> &[IngressRule] {
        &self.rules
    }

    /// The entry of `http.paths` that a field lies in, if it could be read: what an object says, where a
    /// rule is what a dialect made of it.
    ///
    /// ```
    /// # use ingress_core::Ingress;
    /// use ingress_core::{ingress::PathType, origin::FieldPath};
    /// # let object: k8s_openapi::api::networking::v1::Ingress = serde_json::from_value(serde_json::json!({
    /// #     "metadata": {"name": "web", "namespace": "shop"},
    /// #     "spec": {"rules": [{"http": {"paths": [
    /// #         {"pathType": "ImplementationSpecific", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
    /// #     ]}}]}
    /// # })).unwrap();
    /// # let ingress = Ingress::from(&object);
    /// let path = ingress.path(&FieldPath::path(0, 0)).unwrap();
    /// assert_eq!(path.path_type(), Some(PathType::ImplementationSpecific));
    /// assert!(ingress.path(&FieldPath::path(0, 1)).is_none() && ingress.path(&FieldPath::rule(0)).is_none());
    /// ```
    pub fn path(&self, field: &FieldPath) -> Option<&IngressPath> {
        let (rule, path) = field.path_indices()?;
        // What could not be read is missing from the lists, but they keep the order of the object.
        let rule = self.rules.binary_search_by_key(&rule, |entry| entry.index).ok()?;
        let paths = self.rules.get(rule)?.paths.as_deref()?;
        let path = paths.binary_search_by_key(&path, |entry| entry.index).ok()?;
        paths.get(path)
    }

    /// `spec.tls`.
    pub fn tls(&self) -> &[TlsEntry] {
        &self.tls
    }

    /// What could not be read, or not as it was meant.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

impl IngressRule {
    /// Its place in `spec.rules`.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The host.
    pub fn host(&self) -> &HostPattern {
        &self.host
    }

    /// The paths that could be read; `None` when the rule has no `http` at all.
    pub fn paths(&self) -> Option<&[IngressPath]> {
        self.paths.as_deref()
    }
}

impl IngressPath {
    /// Its place in `http.paths`.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The path as written; absent and empty are one.
    pub fn path(&self) -> Option<&Arc<str>> {
        self.path.as_ref()
    }

    /// The path type; `None` where an object of the present version names none, which an API server refuses.
    pub fn path_type(&self) -> Option<PathType> {
        self.path_type
    }

    /// Where to.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }
}

impl TlsEntry {
    /// Its place in `spec.tls`.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The hosts that could be read, with their places.
    pub fn hosts(&self) -> impl Iterator<Item = (u32, &HostPattern)> {
        self.hosts.iter().map(|(index, host)| (*index, host))
    }

    /// Whether the entry lists hosts at all, readable or not. One that lists none is for every host.
    pub fn names_hosts(&self) -> bool {
        self.names_hosts
    }

    /// The Secret, in the namespace of the object.
    pub fn secret(&self) -> Option<&SecretRef> {
        self.secret.as_ref()
    }
}
