//! Version 1: a line of text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::header::{Endpoints, Header, Version};
use super::parse::{HeaderError, Parsed};
use super::tlv::Tlvs;

/// How the line begins.
pub(super) const SIGNATURE: &[u8] = b"PROXY ";
/// The longest line, its end included.
const LONGEST: usize = 107;
/// The shortest: that of `UNKNOWN`.
const SHORTEST: usize = 15;

/// Reads bytes that are the signature, as far as they go.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, HeaderError> {
    let window = bytes.get(..LONGEST).unwrap_or(bytes);
    let Some(end) = window.windows(2).position(|pair| pair == b"\r\n") else {
        if window.len() == LONGEST {
            return Err(HeaderError::EndlessLine);
        }
        return Ok(Parsed::Incomplete { needed: SHORTEST.max(bytes.len() + 1) });
    };
    let line = window.get(SIGNATURE.len()..end).unwrap_or_default();
    let header = Header::new(Version::V1, endpoints(line)?, Tlvs::default());
    Ok(Parsed::Complete { header, length: end + 2 })
}

/// Reads what stands between the signature and the end of the line.
fn endpoints(line: &[u8]) -> Result<Endpoints, HeaderError> {
    let mut words = line.split(|&byte| byte == b' ');
    let protocol = words.next();
    // Whatever follows, the specification wants it ignored.
    if protocol == Some(b"UNKNOWN") {
        return Ok(Endpoints::Unknown);
    }
    let mut texts = words.map(|word| str::from_utf8(word).map_err(|_| HeaderError::Address));
    let mut word = || texts.next().unwrap_or(Err(HeaderError::Address));
    let address: fn(&str) -> Option<IpAddr> = match protocol {
        Some(b"TCP4") => |text| text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        Some(b"TCP6") => |text| text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => return Err(HeaderError::Protocol),
    };
    let address = |text| address(text).ok_or(HeaderError::Address);
    let (source, destination) = (address(word()?)?, address(word()?)?);
    let (source_port, destination_port) = (port(word()?)?, port(word()?)?);
    if texts.next().is_some() {
        return Err(HeaderError::Address);
    }
    Ok(Endpoints::Ip {
        source: SocketAddr::new(source, source_port),
        destination: SocketAddr::new(destination, destination_port),
    })
}

/// Reads a port: digits only, and no zero before others.
fn port(text: &str) -> Result<u16, HeaderError> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().map_err(|_| HeaderError::Address) } else { Err(HeaderError::Address) }
}
