//! The program as its users meet it, and the reader behind it.

#![allow(clippy::unwrap_used, reason = "a helper that cannot go on is a test that failed")]

mod bad_input;
mod batches;
mod check;
mod cluster;
mod diff;
mod examples;
mod explain;
mod findings;
mod nginx_cases;
mod nginx_page;
mod pages;
mod program;
mod reader;
mod route;
mod sarif;
mod suites;
mod table;
mod test;
mod usage;
