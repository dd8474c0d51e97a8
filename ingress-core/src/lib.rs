//! Kubernetes Ingress objects in, an immutable route table out.

#![warn(clippy::indexing_slicing)]

pub mod compile;
pub mod diagnostic;
pub mod dialect;
pub mod endpoint;
pub mod explain;
pub mod host;
pub mod ingress;
pub mod origin;
pub mod path;
pub mod port;
pub mod request;
pub mod rule;
pub mod shared;
pub mod table;

pub use compile::{Compiler, Config};
pub use diagnostic::{Diagnostic, DiagnosticKind, Severity};
pub use dialect::Dialect;
pub use host::HostPattern;
pub use ingress::Ingress;
pub use origin::IngressId;
pub use path::PathPattern;
pub use request::RequestHead;
pub use rule::{Action, Backend, Rule};
pub use shared::{SharedTable, Snapshot};
pub use table::{Outcome, RouteTable};
