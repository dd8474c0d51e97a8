//! Paths: the pattern a rule declares, the path a request brings, and the indexes between them.

mod normalize;
mod pattern;
pub(crate) mod plain;
pub(crate) mod regex;
pub(crate) mod roster;
mod scan;
pub(crate) mod shortlist;
pub(crate) mod trie;

pub use normalize::{Fragment, NormalPath, PathReading, Refusal, Step};
pub use pattern::{PathError, PathKind, PathPattern};
pub(crate) use scan::Scan;
