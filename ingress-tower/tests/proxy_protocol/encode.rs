//! Writes headers, for the tests to read. Shares nothing with the reader.

use std::net::SocketAddr;

pub(crate) const SIGNATURE: [u8; 12] = [0xd, 0xa, 0xd, 0xa, 0x0, 0xd, 0xa, 0x51, 0x55, 0x49, 0x54, 0xa];

/// A header of version 1.
pub(crate) fn v1(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    let protocol = if source.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from, to) = (source.ip(), destination.ip());
    format!("PROXY {protocol} {from} {to} {} {}\r\n", source.port(), destination.port()).into_bytes()
}

/// A header of version 2 with this command and family, and these bytes after the length.
pub(crate) fn v2_raw(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let mut header = SIGNATURE.to_vec();
    header.extend([command, family]);
    header.extend(u16::try_from(block.len()).unwrap().to_be_bytes());
    header.extend(block);
    header
}

/// A header of version 2 for a stream, with fields.
pub(crate) fn v2(source: SocketAddr, destination: SocketAddr, fields: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut block = Vec::new();
    for address in [source, destination] {
        match address {
            SocketAddr::V4(address) => block.extend(address.ip().octets()),
            SocketAddr::V6(address) => block.extend(address.ip().octets()),
        }
    }
    block.extend(source.port().to_be_bytes());
    block.extend(destination.port().to_be_bytes());
    for (kind, value) in fields {
        block.extend(field(*kind, value));
    }
    v2_raw(0x21, if source.is_ipv4() { 0x11 } else { 0x21 }, &block)
}

/// One field.
pub(crate) fn field(kind: u8, value: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(value.len()).unwrap().to_be_bytes();
    [&[kind, high, low], value].concat()
}

/// The value of the field of TLS: flags, result of the verification, fields.
pub(crate) fn ssl(client: u8, verify: u32, fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut value = vec![client];
    value.extend(verify.to_be_bytes());
    for (kind, text) in fields {
        value.extend(field(*kind, text));
    }
    value
}

/// The same header with a checksum as its last field.
pub(crate) fn with_checksum(mut header: Vec<u8>) -> Vec<u8> {
    header.extend(field(3, &[0; 4]));
    let length = u16::try_from(header.len() - 16).unwrap();
    header[14..16].copy_from_slice(&length.to_be_bytes());
    let sum = crc32c(&header);
    let at = header.len() - 4;
    header[at..].copy_from_slice(&sum.to_be_bytes());
    header
}

/// CRC-32C bit by bit, as its polynomial says.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0x82f6_3b78 } else { sum >> 1 };
        }
    }
    !sum
}

#[test]
fn the_checksum_is_that_of_the_catalogue() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
}
