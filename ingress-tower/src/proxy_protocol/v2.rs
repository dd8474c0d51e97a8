//! Version 2: binary.

use std::net::{IpAddr, SocketAddr};

use super::header::{Endpoints, Header, Version};
use super::parse::{HeaderError, Parsed};
use super::tlv::Tlvs;

/// How the header begins: something that no other protocol begins with.
pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The length of what is always there.
const FIXED: usize = 16;
/// The length of two paths.
const UNIX: usize = 216;

/// Reads bytes that are the signature, as far as they go.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, HeaderError> {
    // Each byte is judged as soon as it is there: nobody waits for the rest of what is wrong already.
    let Some(&command) = bytes.get(SIGNATURE.len()) else { return Ok(Parsed::Incomplete { needed: FIXED }) };
    if command >> 4 != 2 {
        return Err(HeaderError::Version);
    }
    let local = match command & 0xf {
        0 => true,
        1 => false,
        _ => return Err(HeaderError::Command),
    };
    let Some(&family) = bytes.get(SIGNATURE.len() + 1) else {
        return Ok(Parsed::Incomplete { needed: FIXED });
    };
    // The family of a local connection means nothing.
    if !local && (family >> 4 > 3 || family & 0xf > 2) {
        return Err(HeaderError::Family);
    }
    let Some(fixed) = bytes.first_chunk::<FIXED>() else { return Ok(Parsed::Incomplete { needed: FIXED }) };
    let [.., high, low] = *fixed;
    let length = FIXED + usize::from(u16::from_be_bytes([high, low]));
    let Some(bytes) = bytes.get(..length) else { return Ok(Parsed::Incomplete { needed: length }) };
    let header = if local {
        Header::new(Version::V2, Endpoints::Local, Tlvs::default())
    } else {
        proxied(bytes, family)?
    };
    Ok(Parsed::Complete { header, length })
}

/// Reads a whole header whose command is `PROXY`.
fn proxied(bytes: &[u8], family: u8) -> Result<Header, HeaderError> {
    let mut rest = Rest(bytes.get(FIXED..).unwrap_or_default());
    let endpoints = match family >> 4 {
        1 => addresses(&mut rest, |rest| rest.take::<4>().map(|&octets| octets.into()))?,
        2 => addresses(&mut rest, |rest| rest.take::<16>().map(|&octets| octets.into()))?,
        3 => {
            rest.take::<UNIX>()?;
            Endpoints::Unix
        }
        // What there is has no form that could be relied on: some senders fill the room for addresses.
        _ => return Ok(Header::new(Version::V2, Endpoints::Unknown, Tlvs::default())),
    };
    let start = bytes.len() - rest.0.len();
    Ok(Header::new(Version::V2, endpoints, Tlvs::read(bytes, start)?))
}

/// Reads two addresses and two ports. The transport does not matter: a sender that says `DGRAM` over a
/// stream names its client all the same.
fn addresses(
    rest: &mut Rest<'_>,
    address: impl Fn(&mut Rest<'_>) -> Result<IpAddr, HeaderError>,
) -> Result<Endpoints, HeaderError> {
    let (source, destination) = (address(rest)?, address(rest)?);
    let mut port = || rest.take().map(|port| u16::from_be_bytes(*port));
    let (source_port, destination_port) = (port()?, port()?);
    Ok(Endpoints::Ip {
        source: SocketAddr::new(source, source_port),
        destination: SocketAddr::new(destination, destination_port),
    })
}

/// What has not been read yet.
struct Rest<'h>(&'h [u8]);

impl<'h> Rest<'h> {
    fn take<const N: usize>(&mut self) -> Result<&'h [u8; N], HeaderError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(HeaderError::Length)?;
        self.0 = rest;
        Ok(taken)
    }
}
