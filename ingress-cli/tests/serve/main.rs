//! `ingress serve` from outside: the program runs, and is spoken to over real sockets on loopback.
//!
//! Every listener takes a port that is free, and everything that is waited for has a limit.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that cannot go on is a test that failed"
)]

mod admin;
mod browser;
mod client;
mod conformance;
mod ending;
mod listeners;
mod manifests;
mod pods;
mod reload;
mod running;
mod settings;
mod tls;
