//! Certificates: read, chosen, changed while handshakes go on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says no by a panic")]

#[path = "../support/authority.rs"]
mod authority;
mod certificates;
mod clients;
mod door;
mod handshakes;
mod misdirected;
