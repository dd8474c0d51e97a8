//! Fuzz targets for `ingress-core` and `ingress-tower`: each takes bytes and holds what the crate makes of
//! them against an oracle. Nothing is random here, so what a fuzzer found can be run again by a plain test.
//!
//! | target | input | oracle |
//! |---|---|---|
//! | [`changes()`] | [lines] that add, remove and ask | a compiler that starts from scratch |
//! | [`compare()`] | [lines], of which those that remove count for the second table only | lookups in both |
//! | [`host()`] | one host a line, as a rule's and as a request's | literal matching; canonical form is a fixed point |
//! | [`lookup()`] | [lines] with rules and requests | `explain` |
//! | [`manifest()`] | an Ingress as JSON or YAML | `explain`; nothing is left when it is removed |
//! | [`normalize()`] | one request target a line | below the root, at rest when read again |
//! | [`proxy_protocol()`] | one header a line, escaped | the answer for its beginnings; the header written again |
//! | [`rewrite()`] | [lines] with one rule and requests | replacement done by hand; a valid target |
//!
//! Seeds are in `corpus/<target>`, findings in `regressions/<target>`, both readable.

mod agree;
mod changes;
mod compare;
mod dialect;
mod host;
pub mod lines;
mod lookup;
mod manifest;
mod normalize;
mod objects;
mod proxy_protocol;
mod rewrite;

pub use changes::changes;
pub use compare::compare;
pub use host::host;
pub use lookup::lookup;
pub use manifest::manifest;
pub use normalize::normalize;
pub use proxy_protocol::proxy_protocol;
pub use rewrite::rewrite;

/// A target: takes any bytes, and panics if it finds something wrong with the crate.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("changes", changes),
    ("compare", compare),
    ("host", host),
    ("lookup", lookup),
    ("manifest", manifest),
    ("normalize", normalize),
    ("proxy_protocol", proxy_protocol),
    ("rewrite", rewrite),
];

/// The text of an input: what is no UTF-8 is replaced, and what is too long to be quick is cut.
fn text(data: &[u8]) -> String {
    const LONGEST: usize = 16 << 10;
    String::from_utf8_lossy(data.get(..LONGEST).unwrap_or(data)).into_owned()
}
