//! Host names: the pattern a rule declares, the name a request brings, and the index between them.

pub(crate) mod index;
mod name;
mod pattern;

pub use name::HostName;
pub(crate) use name::{lenient, strip_port};
pub use pattern::{HostError, HostPattern};
