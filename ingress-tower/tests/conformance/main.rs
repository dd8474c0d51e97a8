//! The suites through the layer, and through the proxy to sockets.
//!
//! They are those of `ingress-core`, which reads them with drivers of its own; what is read here in the same
//! way is the same code.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says no by a panic"
)]

#[path = "../../../ingress-core/tests/suite/answer.rs"]
#[allow(dead_code, reason = "answers are made in another way here")]
mod answer;
#[path = "../../../ingress-core/tests/suite/file.rs"]
#[allow(
    dead_code,
    unexpected_cfgs,
    reason = "one door to all fields; what that feature reads is not read here"
)]
mod file;
#[path = "../../../ingress-core/tests/suite/manifest.rs"]
#[allow(unexpected_cfgs, reason = "what that feature reads is not read here")]
mod manifest;
#[path = "../../../ingress-core/tests/ingress_nginx/world.rs"]
#[allow(dead_code, reason = "certificates are no matter of the layer")]
mod world;

mod case;
mod ingress_nginx;
mod kubernetes;
#[cfg(feature = "proxy")]
mod sockets;
