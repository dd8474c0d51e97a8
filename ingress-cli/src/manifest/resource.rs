//! Objects beside Ingresses that say something about routing.

use ingress_core::origin::ObjectId;
use serde_json::Value;

/// An object that is kept for those who judge backends, certificates and settings by it.
///
/// It is kept as data, not as a type of its own: of most of these objects nobody asks anything, and
/// a Secret that is encrypted in its repository is no reason to refuse the Ingress beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    kind: ResourceKind,
    id: ObjectId,
    value: Value,
}

/// The kinds that are kept.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ResourceKind {
    /// `v1`
    ConfigMap,
    /// `v1`
    Endpoints,
    /// `discovery.k8s.io`
    EndpointSlice,
    /// `v1`
    Secret,
    /// `v1`
    Service,
}

impl ResourceKind {
    pub(super) fn of(kind: &str, group: &str) -> Option<Self> {
        Some(match (kind, group) {
            ("ConfigMap", "") => Self::ConfigMap,
            ("Endpoints", "") => Self::Endpoints,
            ("EndpointSlice", "discovery.k8s.io") => Self::EndpointSlice,
            ("Secret", "") => Self::Secret,
            ("Service", "") => Self::Service,
            _ => return None,
        })
    }

    /// The kind as the API writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Endpoints => "Endpoints",
            Self::EndpointSlice => "EndpointSlice",
            Self::Secret => "Secret",
            Self::Service => "Service",
        }
    }
}

impl Resource {
    pub(super) fn new(kind: ResourceKind, id: ObjectId, value: Value) -> Self {
        Self { kind, id, value }
    }

    /// What it is.
    pub fn kind(&self) -> ResourceKind {
        self.kind
    }

    /// Namespace and name; without a namespace, `default`.
    pub fn id(&self) -> &ObjectId {
        &self.id
    }

    /// The whole object.
    pub fn value(&self) -> &Value {
        &self.value
    }
}
