//! Headers of the PROXY protocol.

use std::net::SocketAddr;

use ingress_tower::proxy_protocol::{Endpoints, Header, HeaderError, Parsed, Version, parse};

/// The field with the checksum, which is not that of a header written anew.
const CHECKSUM: u8 = 3;

/// One header a line, what is not printable escaped as Rust does, and whatever comes after it.
///
/// More bytes change no answer; and what is read is read the same when written again.
pub fn proxy_protocol(data: &[u8]) {
    const LONGEST: usize = 1 << 10;
    for line in data.split(|&byte| byte == b'\n').take(40) {
        let bytes = unescape(line.get(..LONGEST).unwrap_or(line));
        let whole = parse(&bytes);
        for end in 0..bytes.len() {
            beginning(&bytes, end, &whole);
        }
        if let Ok(Parsed::Complete { header, length }) = whole {
            assert!(length <= bytes.len());
            again(&header);
        }
    }
}

/// Holds the answer for the first `end` bytes against that for all of them.
fn beginning(bytes: &[u8], end: usize, whole: &Result<Parsed, HeaderError>) {
    let beginning = bytes.get(..end).unwrap_or_default();
    match (parse(beginning), whole) {
        (Ok(Parsed::Incomplete { needed }), Ok(Parsed::Complete { length, .. })) => {
            assert!(end < needed && needed <= *length, "{end}: {}", bytes.escape_ascii());
        }
        (Ok(Parsed::Incomplete { needed }), _) => assert!(end < needed, "{}", bytes.escape_ascii()),
        (answer, whole) => assert_eq!(&answer, whole, "{end}: {}", bytes.escape_ascii()),
    }
}

/// Writes a header by the specification, and reads it.
fn again(header: &Header) {
    let fields = || header.tlvs().iter().filter(|(kind, _)| *kind != CHECKSUM);
    let written = match header.version() {
        Version::V1 => line(header.endpoints()),
        Version::V2 => {
            let mut block = Vec::new();
            let (command, family) = match header.endpoints() {
                Endpoints::Local => (0x20, 0),
                Endpoints::Unix => {
                    block.resize(216, 0);
                    (0x21, 0x31)
                }
                Endpoints::Ip { source, destination } => {
                    for address in [source, destination] {
                        match address {
                            SocketAddr::V4(address) => block.extend(address.ip().octets()),
                            SocketAddr::V6(address) => block.extend(address.ip().octets()),
                        }
                    }
                    block.extend(source.port().to_be_bytes());
                    block.extend(destination.port().to_be_bytes());
                    (0x21, if source.is_ipv4() { 0x11 } else { 0x21 })
                }
                _ => (0x21, 0),
            };
            for (kind, value) in fields() {
                block.push(kind);
                block.extend(length(value));
                block.extend(value);
            }
            let head = [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length(&block)].concat();
            [head, block].concat()
        }
    };
    let Ok(Parsed::Complete { header: read, length }) = parse(&written) else {
        unreachable!("{header:?} cannot be read again: {}", written.escape_ascii())
    };
    assert_eq!(length, written.len());
    assert_eq!((read.version(), read.endpoints()), (header.version(), header.endpoints()));
    assert!(read.tlvs().iter().eq(fields()), "{header:?}");
}

fn line(endpoints: Endpoints) -> Vec<u8> {
    let text = match endpoints {
        Endpoints::Ip { source, destination } => {
            let protocol = if source.is_ipv4() { "TCP4" } else { "TCP6" };
            let (from, to) = (source.ip(), destination.ip());
            format!("PROXY {protocol} {from} {to} {} {}\r\n", source.port(), destination.port())
        }
        _ => "PROXY UNKNOWN\r\n".to_owned(),
    };
    text.into_bytes()
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes()
}

/// Undoes what `escape_ascii` does. What is no escape stays as it is.
fn unescape(line: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let escaped = match (byte, after) {
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digit = |digit: &u8| char::from(*digit).to_digit(16);
                let value =
                    digit(high).zip(digit(low)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                value.map(|value| (value, after))
            }
            (b'\\', [b'r', after @ ..]) => Some((b'\r', after)),
            (b'\\', [b'n', after @ ..]) => Some((b'\n', after)),
            (b'\\', [b't', after @ ..]) => Some((b'\t', after)),
            (b'\\', [sign @ (b'\\' | b'"' | b'\''), after @ ..]) => Some((*sign, after)),
            _ => None,
        };
        match escaped {
            Some((value, after)) => {
                bytes.push(value);
                rest = after;
            }
            None => bytes.push(byte),
        }
    }
    bytes
}
