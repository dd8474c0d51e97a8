//! Why a rule answers a request itself.

use std::fmt;

/// Why a rule answers a request itself, or does not send it where it would otherwise go.
///
/// The codes are stable: scripts and logs hold them.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// The address of the client lies in a range that is not let in, or in none that is.
    AddressDenied,
    /// A built-in page of the controller that is imitated.
    BuiltIn,
    /// The answer to the question of a browser whether it may ask another origin.
    CorsPreflight,
    /// What answers when no rule matches.
    DefaultBackend,
    /// What the object says about the route is wrong, so that nobody is let through.
    InvalidConfiguration,
    /// The Service has no endpoints.
    NoEndpoints,
    /// The expression needs more memory than it may take.
    OversizedExpression,
    /// The client is turned away by its own account: its program, or where it came from.
    Unwelcome,
    /// The object wants something that cannot be evaluated here.
    Unsupported,
}

impl Reason {
    /// A stable name for scripts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AddressDenied => "address-denied",
            Self::BuiltIn => "built-in",
            Self::CorsPreflight => "cors-preflight",
            Self::DefaultBackend => "no-route",
            Self::InvalidConfiguration => "invalid-configuration",
            Self::NoEndpoints => "no-endpoints",
            Self::OversizedExpression => "oversized-expression",
            Self::Unwelcome => "unwelcome",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
