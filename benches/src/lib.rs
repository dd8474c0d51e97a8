//! Workloads, peers and measurements for `ingress-core`.
//!
//! Everything is a pure function of a seed: the tables ([`Workload`]), the requests and the answers they
//! must get ([`Requests`], [`Oracle`]). Every contestant is a [`router::Router`]; none is timed before it
//! has given the right answer to every request of the run ([`router::assert_agrees`]).
//!
//! The method, and how to read the figures, is in `benches/README.md`.

#![expect(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "a crate that is never published has no readers to keep compatible with"
)]

mod access;
mod clock;
mod contest;
mod expressions;
mod hosts;
mod misses;
mod mode;
mod objects;
mod oracle;
mod paths;
mod random;
mod requests;
mod vocabulary;
mod workload;

pub mod engine;
pub mod measure;
pub mod middleware;
pub mod race;
pub mod report;
pub mod router;
pub mod statistics;

pub use access::Access;
pub use clock::Stopwatch;
pub use contest::{Contest, Plan, ROUTERS};
pub use expressions::{Expressions, HOST};
pub use mode::is_test_mode;
pub use oracle::Oracle;
pub use random::Random;
pub use requests::{Head, Requests};
pub use workload::{HostRules, Kind, PathRule, SEED, Shape, Workload};
