//! Kubernetes Ingress objects in, an immutable route table out.
pub mod endpoint;
pub mod origin;
pub use origin::IngressId;
