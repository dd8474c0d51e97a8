//! Paths: the pattern a rule declares, the path a request brings, and the indexes between them.

mod language;
mod normalize;
mod pattern;
pub(crate) mod plain;
pub(crate) mod reader;
pub(crate) mod regex;
pub(crate) mod roster;
mod scan;
pub(crate) mod sets;
pub(crate) mod shortlist;
pub(crate) mod trie;

pub(crate) use language::Language;
pub use normalize::{Fragment, NormalPath, PathReading, Refusal, Step};
pub use pattern::{PathError, PathKind, PathPattern};
pub(crate) use scan::Scan;
