//! The proof is put to the proof: what a comparison says about two tables is held against their lookups.

#![cfg(feature = "k8s-openapi")]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test says no by a panic")]

mod generate {
    pub(crate) mod nginx;
    pub(crate) mod objects;
    pub(crate) mod plans;
    pub(crate) mod probe;
    pub(crate) mod seam;
    pub(crate) mod settings;
    pub(crate) mod vocabulary;
}
mod compare {
    pub(crate) mod answer;
    pub(crate) mod planted;
    pub(crate) mod random;
    pub(crate) mod shortest;
}
