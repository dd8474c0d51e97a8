//! What a header says.

use std::net::SocketAddr;

use super::tlv::Tlvs;

/// A header of the PROXY protocol, read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    version: Version,
    endpoints: Endpoints,
    tlvs: Tlvs,
}

/// The form of a header.
#[expect(clippy::exhaustive_enums, reason = "a third version would be another protocol to its readers")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Version {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

/// Who speaks to whom.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Endpoints {
    /// The sender speaks for itself, as in a health check (`LOCAL`).
    Local,
    /// The sender speaks for somebody whom it cannot name (`UNKNOWN`, `AF_UNSPEC`).
    Unknown,
    /// The sender speaks for a client with an IP address.
    Ip {
        /// The client.
        source: SocketAddr,
        /// What the client had connected to.
        destination: SocketAddr,
    },
    /// The sender speaks for a client on a Unix socket of its own machine, whose path is of no use here.
    Unix,
}

impl Header {
    pub(super) const fn new(version: Version, endpoints: Endpoints, tlvs: Tlvs) -> Self {
        Self { version, endpoints, tlvs }
    }

    /// The form in which it came.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Who speaks to whom.
    pub const fn endpoints(&self) -> Endpoints {
        self.endpoints
    }

    /// The client, if it is named.
    pub const fn source(&self) -> Option<SocketAddr> {
        match self.endpoints {
            Endpoints::Ip { source, .. } => Some(source),
            Endpoints::Local | Endpoints::Unknown | Endpoints::Unix => None,
        }
    }

    /// What the client had connected to, if it is named.
    pub const fn destination(&self) -> Option<SocketAddr> {
        match self.endpoints {
            Endpoints::Ip { destination, .. } => Some(destination),
            Endpoints::Local | Endpoints::Unknown | Endpoints::Unix => None,
        }
    }

    /// What else is said. Nothing in version 1, and nothing that could be relied on beside
    /// [`Endpoints::Local`] and [`Endpoints::Unknown`].
    pub const fn tlvs(&self) -> &Tlvs {
        &self.tlvs
    }
}
