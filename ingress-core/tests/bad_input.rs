//! Input that is wrong in every way the API lets through, and input that is absurdly large: what is
//! wrong is named, what is right works, and nothing else is touched.
//!
//! No test measures time. Sizes are such that work which grows with their square would be noticed.

#![cfg(feature = "k8s-openapi")]

#[path = "bad_input/crowd.rs"]
mod crowd;
#[path = "bad_input/fields.rs"]
mod fields;
#[path = "suite/manifest.rs"]
mod manifest;
#[path = "suite/random.rs"]
mod random;
#[path = "bad_input/requests.rs"]
mod requests;
#[path = "bad_input/sizes.rs"]
mod sizes;
