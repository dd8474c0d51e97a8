//! What tries the expressions of one host.

mod one_by_one;
mod ours;
mod pcre;
mod set;

use std::time::Duration;

pub use one_by_one::OneByOne;
pub use ours::{IngressNginx, Table, compile};
pub use pcre::Pcre;
pub use set::Set;

use crate::expressions::Expressions;
use crate::race::{Entrant, timed};
use crate::requests::{Head, Requests};

/// Expressions, ready to be tried.
pub trait Engine: Sized {
    /// The name in tables and benchmark names.
    const NAME: &'static str;

    /// Takes in every expression.
    fn build(expressions: &Expressions) -> Self;

    /// The first expression that matches.
    fn find(&self, host: &str, path: &str) -> Option<u32>;
}

/// An engine in a race.
#[derive(Debug)]
pub struct Racer<E>(pub E);

impl<E: Engine> Racer<E> {
    /// Builds the engine, and stops the program at the first wrong answer: nothing is timed that is not
    /// right.
    ///
    /// # Panics
    ///
    /// When an answer is not that of the requests.
    pub fn new(expressions: &Expressions, requests: &Requests) -> Self {
        let engine = E::build(expressions);
        for (head, expected) in requests.answers() {
            let found = engine.find(head.host, head.path);
            assert_eq!(found, expected, "{}: {}", E::NAME, head.path);
        }
        Self(engine)
    }
}

impl<E: Engine + std::fmt::Debug> Entrant for Racer<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn pass(&self, heads: &[Head<'_>]) -> Duration {
        timed(|head| self.0.find(head.host, head.path), heads)
    }
}
