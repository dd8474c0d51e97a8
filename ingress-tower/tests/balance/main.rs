//! Which endpoints requests go to: shares, sessions, failures, changes, all by a clock and a die of our own.

#![cfg(feature = "balance")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test says no by a panic")]

mod changes;
mod failures;
mod sessions;
mod shares;
mod world;
