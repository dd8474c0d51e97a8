//! The example, run: it asserts that lookup and explanation say what it promises.

#![cfg(feature = "k8s-openapi")]
#![allow(clippy::expect_used, reason = "a test says no by a panic")]

#[path = "../examples/custom_dialect.rs"]
mod custom_dialect;

#[test]
fn a_dialect_of_somebody_elses() {
    custom_dialect::main().expect("its objects can be read");
}
