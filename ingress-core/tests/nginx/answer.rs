//! What becomes of a request, in words that both sides can say.

use std::fmt;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    /// It goes to a backend (or to one of two, by weight) with this target. Bytes are read as Latin-1.
    Backend {
        backend: String,
        target: String,
    },
    Redirect {
        status: u16,
        location: String,
    },
    /// The proxy itself answers; so does the default backend that is built in, with 404.
    Status(u16),
    /// It goes to a backend with a target that is none.
    Unsendable {
        backend: String,
    },
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backend { backend, target } => write!(f, "{backend} gets {target:?}"),
            Self::Redirect { status, location } => write!(f, "{status} to {location:?}"),
            Self::Status(status) => write!(f, "{status}"),
            Self::Unsendable { backend } => write!(f, "{backend} gets a target that is none"),
        }
    }
}
