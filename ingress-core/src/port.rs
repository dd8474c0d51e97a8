//! A port, by number or by name.

use std::fmt;
use std::sync::Arc;

/// A port of a Service or of a Pod, spelled in one of the two ways that the API has.
///
/// Text is a name even when it consists of digits: the API wants a letter in every port name, so
/// such a name finds nothing rather than something else.
///
/// ```
/// use ingress_core::port::Port;
///
/// assert_eq!(Port::from(80), Port::Number(80));
/// assert_eq!(Port::from("http").to_string(), "http");
/// assert_ne!(Port::from("80"), Port::from(80));
/// ```
#[expect(
    clippy::exhaustive_enums,
    reason = "the API spells ports in these two ways, and callers must handle both"
)]
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Port {
    /// By number.
    Number(u16),
    /// By the name that the object gives it.
    Name(Arc<str>),
}

impl From<u16> for Port {
    fn from(number: u16) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Port {
    fn from(name: &str) -> Self {
        Self::Name(name.into())
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => f.pad(name),
        }
    }
}
