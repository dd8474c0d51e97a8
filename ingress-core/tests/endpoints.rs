//! Endpoints of Services: every clause of the resolution as a scenario, and as a property against a
//! literal reading of all of them together.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says no by a panic")]

mod endpoints {
    mod properties;
    #[cfg(feature = "k8s-openapi")]
    mod scenarios;
}
