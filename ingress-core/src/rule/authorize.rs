//! Forwarding that somebody else has to agree to.

use std::fmt;

use super::Forward;

/// A backend, and a question to be asked before a request is sent there.
///
/// Kept apart from plain forwarding, so that a program that does not know of it cannot let a request
/// through. What is to be asked stands among the [policies](super::Rule::policies) of the rule.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Authorize {
    then: Forward,
}

impl Authorize {
    pub(super) const fn new(then: Forward) -> Self {
        Self { then }
    }

    /// Where the request goes once it is let through.
    pub const fn then(&self) -> &Forward {
        &self.then
    }
}

impl fmt::Display for Authorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, if it is let through", self.then)
    }
}
