//! Where a thing came from: the object, the Secret, and the field inside the object.

use std::fmt;
use std::sync::Arc;

/// Names one namespaced object as `namespace/name`.
///
/// Cheap to clone: one reference count. Neither half of a Kubernetes name can hold a slash, so one
/// string carries both, and byte order of that string is the tie-break order of the specification.
///
/// ```
/// use ingress_core::IngressId;
///
/// let id = IngressId::new("shop", "web");
/// assert_eq!((id.namespace(), id.name()), ("shop", "web"));
/// assert_eq!(id.to_string(), "shop/web");
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ObjectId(Arc<str>);

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
        Self(joined.into())
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
        f.write_str(&self.0)
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
pub struct FieldPath {
    base: Base,
    leaf: Leaf,
}

#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Base {
    Object,
    ClassName,
    Configuration,
    DefaultBackend,
    Rule(u32),
    Path(u32, u32),
    Tls(u32),
    TlsHost(u32, u32),
    Annotation(Arc<str>),
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
    const fn of(base: Base) -> Self {
        Self { base, leaf: Leaf::Whole }
    }

    /// The object as a whole.
    pub const fn object() -> Self {
        Self::of(Base::Object)
    }

    /// `metadata.annotations[key]`
    pub fn annotation(key: &str) -> Self {
        Self::of(Base::Annotation(key.into()))
    }

    /// `spec.ingressClassName`
    pub const fn class_name() -> Self {
        Self::of(Base::ClassName)
    }

    /// `spec.defaultBackend`
    pub const fn default_backend() -> Self {
        Self::of(Base::DefaultBackend)
    }

    /// `spec.rules[rule]`
    pub const fn rule(rule: u32) -> Self {
        Self::of(Base::Rule(rule))
    }

    /// `spec.rules[rule].http.paths[path]`
    pub const fn path(rule: u32, path: u32) -> Self {
        Self::of(Base::Path(rule, path))
    }

    /// `spec.tls[entry]`
    pub const fn tls(entry: u32) -> Self {
        Self::of(Base::Tls(entry))
    }

    /// `spec.tls[entry].hosts[host]`
    pub const fn tls_host(entry: u32, host: u32) -> Self {
        Self::of(Base::TlsHost(entry, host))
    }

    /// The same place, one step further down.
    #[must_use]
    pub fn leaf(mut self, leaf: Leaf) -> Self {
        self.leaf = leaf;
        self
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default_backend = matches!(self.base, Base::DefaultBackend);
        match &self.base {
            Base::Object => f.write_str("metadata")?,
            Base::ClassName => f.write_str("spec.ingressClassName")?,
            Base::Configuration => f.write_str("(configuration)")?,
            Base::DefaultBackend => f.write_str("spec.defaultBackend")?,
            Base::Rule(rule) => write!(f, "spec.rules[{rule}]")?,
            Base::Path(rule, path) => write!(f, "spec.rules[{rule}].http.paths[{path}]")?,
            Base::Tls(entry) => write!(f, "spec.tls[{entry}]")?,
            Base::TlsHost(entry, host) => write!(f, "spec.tls[{entry}].hosts[{host}]")?,
            Base::Annotation(key) => write!(f, "metadata.annotations[{key}]")?,
        }
        f.write_str(match self.leaf {
            Leaf::Whole => "",
            Leaf::Backend if default_backend => "",
            Leaf::Backend => ".backend",
            Leaf::Host => ".host",
            Leaf::Path => ".path",
            Leaf::PathType => ".pathType",
            Leaf::SecretName => ".secretName",
            Leaf::ServiceName if default_backend => ".service.name",
            Leaf::ServiceName => ".backend.service.name",
            Leaf::ServicePort if default_backend => ".service.port",
            Leaf::ServicePort => ".backend.service.port",
        })
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
        Self::new(IngressId::new("", ""), FieldPath::of(Base::Configuration))
    }

    /// Whether no object asked for it, but the configuration.
    pub fn is_configuration(&self) -> bool {
        self.field.base == Base::Configuration
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
