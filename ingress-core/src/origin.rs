//! Where a thing came from: the object, the Secret, and the field inside the object.

use std::fmt;
use std::sync::Arc;

use crate::printable::Printable;

/// Names one namespaced object as `namespace/name`.
///
/// Cheap to clone: one reference count. Neither half of a Kubernetes name can hold a slash, so one
/// string carries both, and byte order of that string is the tie-break order of the specification.
/// (The `Arc` is one without weak references, which is a word smaller: there are millions of these.)
///
/// ```
/// use ingress_core::IngressId;
///
/// let id = IngressId::new("shop", "web");
/// assert_eq!((id.namespace(), id.name()), ("shop", "web"));
/// assert_eq!(id.to_string(), "shop/web");
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ObjectId(triomphe::Arc<str>);

/// The identity of an Ingress object.
pub type IngressId = ObjectId;

impl ObjectId {
    /// Joins a namespace and a name. A missing namespace is written as `default` by the readers of
    /// objects, not here.
    pub fn new(namespace: &str, name: &str) -> Self {
        let mut joined = String::with_capacity(namespace.len() + 1 + name.len());
        joined.push_str(namespace);
        joined.push('/');
        joined.push_str(name);
        Self(joined.as_str().into())
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        self.0.split_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// The name within the namespace.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(_, name)| name)
    }

    /// `namespace/name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(&self.0).fmt(f)
    }
}

/// Names the Secret that holds a certificate. Never more than a name: no key ever enters the table.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SecretRef(ObjectId);

impl SecretRef {
    /// A reference to `namespace/name`.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self(ObjectId::new(namespace, name))
    }

    /// The namespace, always that of the object that asked for the certificate.
    pub fn namespace(&self) -> &str {
        self.0.namespace()
    }

    /// The name of the Secret.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// `namespace/name`.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place inside an Ingress object, in the notation of `kubectl explain`.
///
/// Kept as numbers, not text: every rule of the table carries one.
///
/// ```
/// use ingress_core::origin::{FieldPath, Leaf};
///
/// let at = FieldPath::path(0, 2);
/// assert_eq!(at.to_string(), "spec.rules[0].http.paths[2]");
/// assert_eq!(at.leaf(Leaf::ServicePort).to_string(), "spec.rules[0].http.paths[2].backend.service.port");
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FieldPath(Place);

/// The leaf stands in each variant rather than beside them: that way it costs no space, and there are
/// millions of these.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Place {
    Object,
    ClassName,
    Configuration,
    DefaultBackend(Leaf),
    Rule(Leaf, u32),
    Path(Leaf, u32, u32),
    Tls(Leaf, u32),
    TlsHost(Leaf, u32, u32),
    Annotation(Box<Arc<str>>),
}

/// The last step of a [`FieldPath`], below a rule, a path, a backend or a TLS entry.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Leaf {
    /// The place itself.
    Whole,
    /// `.backend`
    Backend,
    /// `.host`
    Host,
    /// `.path`
    Path,
    /// `.pathType`
    PathType,
    /// `.secretName`
    SecretName,
    /// `.backend.service.name`
    ServiceName,
    /// `.backend.service.port`
    ServicePort,
}

impl FieldPath {
    /// The object as a whole.
    pub const fn object() -> Self {
        Self(Place::Object)
    }

    /// `metadata.annotations[key]`
    pub fn annotation(key: &str) -> Self {
        Self(Place::Annotation(Box::new(key.into())))
    }

    /// `spec.ingressClassName`
    pub const fn class_name() -> Self {
        Self(Place::ClassName)
    }

    /// `spec.defaultBackend`
    pub const fn default_backend() -> Self {
        Self(Place::DefaultBackend(Leaf::Whole))
    }

    /// `spec.rules[rule]`
    pub const fn rule(rule: u32) -> Self {
        Self(Place::Rule(Leaf::Whole, rule))
    }

    /// `spec.rules[rule].http.paths[path]`
    pub const fn path(rule: u32, path: u32) -> Self {
        Self(Place::Path(Leaf::Whole, rule, path))
    }

    /// `spec.tls[entry]`
    pub const fn tls(entry: u32) -> Self {
        Self(Place::Tls(Leaf::Whole, entry))
    }

    /// `spec.tls[entry].hosts[host]`
    pub const fn tls_host(entry: u32, host: u32) -> Self {
        Self(Place::TlsHost(Leaf::Whole, entry, host))
    }

    /// The rule and the path that the place lies in, as numbers from 0.
    pub(crate) fn path_indices(&self) -> Option<(u32, u32)> {
        match self.0 {
            Place::Path(_, rule, path) => Some((rule, path)),
            _ => None,
        }
    }

    /// The same place, one step further down.
    #[must_use]
    pub fn leaf(mut self, step: Leaf) -> Self {
        match &mut self.0 {
            Place::DefaultBackend(leaf)
            | Place::Rule(leaf, _)
            | Place::Path(leaf, ..)
            | Place::Tls(leaf, _)
            | Place::TlsHost(leaf, ..) => *leaf = step,
            Place::Object | Place::ClassName | Place::Configuration | Place::Annotation(_) => {}
        }
        self
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leaf = match &self.0 {
            Place::Object => return f.write_str("metadata"),
            Place::ClassName => return f.write_str("spec.ingressClassName"),
            Place::Configuration => return f.write_str("(configuration)"),
            Place::Annotation(key) => return write!(f, "metadata.annotations[{}]", Printable(key)),
            Place::DefaultBackend(leaf) => {
                f.write_str("spec.defaultBackend")?;
                // What stands there is a backend, so that the step down to it falls away.
                let text = leaf.text();
                return f.write_str(text.strip_prefix(".backend").unwrap_or(text));
            }
            Place::Rule(leaf, rule) => {
                write!(f, "spec.rules[{rule}]")?;
                leaf
            }
            Place::Path(leaf, rule, path) => {
                write!(f, "spec.rules[{rule}].http.paths[{path}]")?;
                leaf
            }
            Place::Tls(leaf, entry) => {
                write!(f, "spec.tls[{entry}]")?;
                leaf
            }
            Place::TlsHost(leaf, entry, host) => {
                write!(f, "spec.tls[{entry}].hosts[{host}]")?;
                leaf
            }
        };
        f.write_str(leaf.text())
    }
}

impl Leaf {
    const fn text(self) -> &'static str {
        match self {
            Self::Whole => "",
            Self::Backend => ".backend",
            Self::Host => ".host",
            Self::Path => ".path",
            Self::PathType => ".pathType",
            Self::SecretName => ".secretName",
            Self::ServiceName => ".backend.service.name",
            Self::ServicePort => ".backend.service.port",
        }
    }
}

/// The object and the field that a rule was made from.
///
/// ```
/// use ingress_core::{IngressId, origin::{FieldPath, Origin}};
///
/// let origin = Origin::new(IngressId::new("default", "shop"), FieldPath::path(0, 2));
/// assert_eq!(origin.to_string(), "default/shop spec.rules[0].http.paths[2]");
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Origin {
    ingress: IngressId,
    field: FieldPath,
}

impl Origin {
    /// An origin from its two halves.
    pub const fn new(ingress: IngressId, field: FieldPath) -> Self {
        Self { ingress, field }
    }

    /// The origin of what no object asked for, but the configuration.
    pub fn configuration() -> Self {
        Self::new(IngressId::new("", ""), FieldPath(Place::Configuration))
    }

    /// Whether no object asked for it, but the configuration.
    pub fn is_configuration(&self) -> bool {
        self.field.0 == Place::Configuration
    }

    /// The object.
    pub const fn ingress(&self) -> &IngressId {
        &self.ingress
    }

    /// The place inside the object.
    pub const fn field(&self) -> &FieldPath {
        &self.field
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_configuration() {
            return f.write_str("configuration");
        }
        write!(f, "{} {}", self.ingress, self.field)
    }
}
