//! Reading a header out of bytes: no IO, and no state but the bytes themselves.

use std::fmt;

use super::header::Header;
use super::{v1, v2};

/// What bytes amount to.
#[expect(clippy::exhaustive_enums, reason = "there is no third case but an error")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Parsed {
    /// The bytes are the beginning of a header.
    Incomplete {
        /// The length that the whole header has at least: more than there is so far, and exact as soon as
        /// a header of version 2 has said it.
        needed: usize,
    },
    /// The bytes begin with a header.
    Complete {
        /// The header.
        header: Header,
        /// Its length: what follows belongs to the connection.
        length: usize,
    },
}

/// Why bytes are not the beginning of a header.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum HeaderError {
    /// They are something else: neither signature begins like this.
    Absent,
    /// Version 1: no end of line within 107 bytes.
    EndlessLine,
    /// Version 1: neither `TCP4`, `TCP6` nor `UNKNOWN`.
    Protocol,
    /// Version 1: not two addresses of the protocol and two ports, with one space between.
    Address,
    /// Version 2: another version.
    Version,
    /// Version 2: neither `LOCAL` nor `PROXY`.
    Command,
    /// Version 2: an unknown family of addresses, or an unknown transport.
    Family,
    /// Version 2: the header is too short for its addresses.
    Length,
    /// Version 2: what follows the addresses is no list of types, lengths and values; or it has a
    /// value that its type cannot have.
    Tlv,
    /// Version 2: the checksum is wrong.
    Checksum,
}

/// Reads a header at the beginning of `bytes`.
///
/// Total: any bytes have an answer. More bytes never change an answer, but for `Incomplete`, and bytes after
/// the header are not looked at. A call costs no more than the length of the header; while it is incomplete,
/// no more than 107 steps.
///
/// ```
/// use ingress_tower::proxy_protocol::{HeaderError, Parsed, parse};
///
/// let bytes = b"PROXY TCP4 192.0.2.7 198.51.100.1 5555 443\r\nGET / HTTP/1.1\r\n";
/// let Parsed::Complete { header, length } = parse(bytes)? else { panic!() };
/// assert_eq!(header.source(), Some(([192, 0, 2, 7], 5555).into()));
/// assert_eq!(&bytes[length..], b"GET / HTTP/1.1\r\n");
/// assert!(matches!(parse(b"PROXY TCP4 192."), Ok(Parsed::Incomplete { .. })));
/// assert_eq!(parse(b"GET / "), Err(HeaderError::Absent));
/// # Ok::<(), HeaderError>(())
/// ```
pub fn parse(bytes: &[u8]) -> Result<Parsed, HeaderError> {
    if begins(bytes, v1::SIGNATURE) {
        v1::parse(bytes)
    } else if begins(bytes, v2::SIGNATURE) {
        v2::parse(bytes)
    } else {
        Err(HeaderError::Absent)
    }
}

/// Whether bytes begin with a signature, as far as they go.
fn begins(bytes: &[u8], signature: &[u8]) -> bool {
    bytes.iter().zip(signature).all(|(byte, sign)| byte == sign)
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "there is no header of the PROXY protocol",
            Self::EndlessLine => "the line has no end within 107 bytes",
            Self::Protocol => "the protocol is neither TCP4, TCP6 nor UNKNOWN",
            Self::Address => "the addresses or ports are malformed",
            Self::Version => "the binary header is not of version 2",
            Self::Command => "the command is neither LOCAL nor PROXY",
            Self::Family => "the address family or the transport is unknown",
            Self::Length => "the header is too short for its addresses",
            Self::Tlv => "the additional fields are malformed",
            Self::Checksum => "the checksum is wrong",
        })
    }
}

impl std::error::Error for HeaderError {}
