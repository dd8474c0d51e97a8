//! What is counted, logged and put into spans, of requests through the layers.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test says no by a panic")]

mod counts;
#[cfg(any(feature = "balance", feature = "tls"))]
mod gauges;
mod lines;
#[cfg(feature = "proxy")]
mod proxied;
mod spans;
mod support;
