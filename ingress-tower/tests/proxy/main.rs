//! The proxy over sockets. Each test is bounded in time, and waits for what it needs to see.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests"
)]

#[cfg(feature = "upstream-tls")]
#[path = "../support/authority.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod authority;
#[cfg(feature = "balance")]
mod balanced;
mod bodies;
mod corpus;
mod external_auth;
mod failures;
mod forwarding;
mod http2;
mod parts;
mod support;
mod upgrades;
#[cfg(feature = "upstream-tls")]
mod upstream_tls;
