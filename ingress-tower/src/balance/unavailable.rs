//! Why a request can go nowhere.

use std::fmt;

/// There is nothing to pick; each is a 503.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Unavailable {
    /// There is no such Service.
    NoService,
    /// The Service has no such TCP port.
    NoPort,
    /// It has no endpoints that may be used.
    NoEndpoints,
}

impl Unavailable {
    /// The reason to give; the codes are stable, and those of
    /// [`Resolution::reason`](ingress_core::endpoint::Resolution::reason).
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoService => "service-absent",
            Self::NoPort => "port-absent",
            Self::NoEndpoints => "no-endpoints",
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoService => "the Service does not exist",
            Self::NoPort => "the Service has no such port",
            Self::NoEndpoints => "the Service has no endpoints",
        })
    }
}

impl std::error::Error for Unavailable {}
