//! The command line of `ingress`, and the reader of manifests behind it.
//!
//! The programs `ingress` and `kubectl-ingress` are [`main`] and nothing else. What other programs
//! may want of this crate is the reader: [`manifest::Manifests`].

#![warn(clippy::indexing_slicing)]

mod answer;
mod args;
mod certificate;
mod check;
mod commands;
mod inventory;
pub mod manifest;
mod output;
mod progress;
mod reasons;
mod report;
mod request;
mod serve;
mod session;
mod settings;
mod suggest;
mod suite;
mod surroundings;
mod target;
mod view;

use std::process::ExitCode;

/// Runs the command that the arguments of the process name, and gives its exit status: 0 as asked, 1
/// when the answer is no, 2 for wrong arguments, 3 when some of the input could not be read.
pub fn main() -> ExitCode {
    let args = args::Args::read();
    let mut output = output::Output::new(&args.global);
    let status = commands::run(&args.command, &mut output);
    output.finish(status)
}

/// The first page of the project, whose example has to compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct FrontPage;
