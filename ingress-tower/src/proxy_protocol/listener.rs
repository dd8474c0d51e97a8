//! What a listener expects of its connections.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use ipnet::IpNet;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::timeout;

use super::connection::Connection;
use super::header::Header;
use super::parse::{HeaderError, Parsed, parse};

/// How much is read at a time. What is read beyond the header is given back.
const CHUNK: usize = 256;

/// Takes headers off the connections of one listener.
///
/// Peers are trusted by their address, the one that the connection itself comes from. A header says who
/// the client is, so anybody who may send one may be anybody.
#[must_use]
#[derive(Clone, Debug)]
pub struct ProxyProtocol {
    presence: Presence,
    trusted: Vec<IpNet>,
    time_limit: Duration,
    byte_limit: usize,
}

/// Whether connections begin with a header.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Presence {
    /// None does; what looks like one is the connection's own.
    Off,
    /// Those of trusted peers may. Those of others do not: what looks like one is the connection's own.
    Optional,
    /// All do, and others than trusted peers are refused.
    Required,
}

/// Why a connection was refused. It is closed by then.
#[non_exhaustive]
#[derive(Debug)]
pub enum AcceptError {
    /// The peer is none of the trusted ones, and a header is required.
    Untrusted,
    /// The peer closed the connection before its header was complete.
    Closed,
    /// The header was not complete in time.
    TooSlow,
    /// The header is longer than the limit.
    TooLong,
    /// The header is missing or malformed.
    Header(HeaderError),
    /// Reading failed.
    Io(io::Error),
}

impl ProxyProtocol {
    /// The limits by default: 5 seconds from the beginning of the connection, 4096 bytes.
    fn new(presence: Presence, trusted: Vec<IpNet>) -> Self {
        Self { presence, trusted, time_limit: Duration::from_secs(5), byte_limit: 4096 }
    }

    /// No connection has a header.
    pub fn off() -> Self {
        Self::new(Presence::Off, Vec::new())
    }

    /// Connections from these ranges may have a header. For the time in which senders are changed over:
    /// the protocol's authors warn of guessing, and a peer in these ranges that passes on what clients
    /// send without a header of its own lets them write one.
    ///
    /// A trusted peer that sends nothing at all is refused after the time limit.
    pub fn optional(trusted: impl IntoIterator<Item = IpNet>) -> Self {
        Self::new(Presence::Optional, trusted.into_iter().collect())
    }

    /// All connections have a header, and come from these ranges.
    pub fn required(trusted: impl IntoIterator<Item = IpNet>) -> Self {
        Self::new(Presence::Required, trusted.into_iter().collect())
    }

    /// The time for the header, from the beginning of the connection.
    pub const fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The longest header. One of version 1 has at most 107 bytes, one of version 2 at most 65,551; it
    /// is long when it carries a client's certificate.
    pub const fn with_byte_limit(mut self, limit: usize) -> Self {
        self.byte_limit = limit;
        self
    }

    /// Whether connections have a header.
    pub const fn presence(&self) -> Presence {
        self.presence
    }

    /// Whether a peer's header would be believed.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        // On a listener for both families, an IPv4 peer comes as an IPv6 address.
        let peer = peer.to_canonical();
        self.trusted.iter().any(|range| range.contains(&peer))
    }

    /// Takes the header off a connection that was just accepted. Needs a tokio runtime with its timer.
    ///
    /// Waits for the peer, so it belongs into the task of the connection, not into the loop that accepts.
    pub async fn accept<S>(&self, mut stream: S, peer: SocketAddr) -> Result<Connection<S>, AcceptError>
    where
        S: AsyncRead + Unpin,
    {
        match (self.presence, self.trusts(peer.ip())) {
            (Presence::Off, _) | (Presence::Optional, false) => {
                return Ok(Connection::new(stream, peer, None, Vec::new()));
            }
            (Presence::Required, false) => return Err(AcceptError::Untrusted),
            (Presence::Optional | Presence::Required, true) => {}
        }
        let header = timeout(self.time_limit, self.read(&mut stream)).await;
        let (header, rest) = header.unwrap_or(Err(AcceptError::TooSlow))?;
        Ok(Connection::new(stream, peer, header, rest))
    }

    /// Reads the header, and gives back what was read beyond it.
    async fn read<S>(&self, stream: &mut S) -> Result<(Option<Header>, Vec<u8>), AcceptError>
    where
        S: AsyncRead + Unpin,
    {
        let mut bytes = Vec::new();
        loop {
            match parse(&bytes) {
                Ok(Parsed::Complete { length, .. }) if length > self.byte_limit => {
                    return Err(AcceptError::TooLong);
                }
                Ok(Parsed::Complete { header, length }) => {
                    bytes.drain(..length);
                    return Ok((Some(header), bytes));
                }
                Ok(Parsed::Incomplete { needed }) if needed > self.byte_limit => {
                    return Err(AcceptError::TooLong);
                }
                Ok(Parsed::Incomplete { .. }) => {}
                Err(HeaderError::Absent) if self.presence == Presence::Optional => return Ok((None, bytes)),
                Err(error) => return Err(AcceptError::Header(error)),
            }
            let mut chunk = [0; CHUNK];
            let mut read = ReadBuf::new(&mut chunk);
            let result = poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut read)).await;
            result.map_err(AcceptError::Io)?;
            if read.filled().is_empty() {
                return Err(AcceptError::Closed);
            }
            bytes.extend_from_slice(read.filled());
        }
    }
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Untrusted => "the peer is not trusted to speak for others",
            Self::Closed => "the connection was closed before its header was complete",
            Self::TooSlow => "the header was not complete in time",
            Self::TooLong => "the header is longer than the limit",
            Self::Header(_) => "the header is missing or malformed",
            Self::Io(_) => "the header could not be read",
        })
    }
}

impl std::error::Error for AcceptError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Header(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::Untrusted | Self::Closed | Self::TooSlow | Self::TooLong => None,
        }
    }
}
