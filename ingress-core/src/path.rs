//! Paths: the pattern a rule declares, the path a request brings, and the indexes between them.

mod normalize;
mod pattern;
pub(crate) mod regex;
pub(crate) mod trie;

pub(crate) use normalize::is_plain;
pub use normalize::{Fragment, NormalPath, PathReading, Refusal, Step};
pub use pattern::{PathError, PathKind, PathPattern};
