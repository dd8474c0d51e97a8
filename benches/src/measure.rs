//! What is measured besides the time of one lookup.

mod build;
mod change;
mod expressions;
mod heap;
mod swap;
mod tries;

pub use build::{compile_time, peer_build_time};
pub use change::{Changes, Took};
pub use expressions::{ENGINES, Tried};
pub use heap::{Heap, allocations_per_lookup, held_by};
pub use swap::{Sharing, sharing};
pub use tries::Tries;
