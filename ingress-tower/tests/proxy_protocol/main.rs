//! Headers of the PROXY protocol: read out of bytes, taken off connections, sent by HAProxy.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says no by a panic")]

#[path = "../support/authority.rs"]
mod authority;
mod encode;
mod haproxy;
mod headers;
mod listener;
mod properties;
