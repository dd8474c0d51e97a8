//! The additional fields of version 2: a type, a length and a value each.

use std::fmt;

use crc::{CRC_32_ISCSI, Crc, Table};

use super::parse::HeaderError;

static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// Types of fields that are read here.
mod kind {
    pub(super) const ALPN: u8 = 0x01;
    pub(super) const AUTHORITY: u8 = 0x02;
    pub(super) const CRC32C: u8 = 0x03;
    pub(super) const UNIQUE_ID: u8 = 0x05;
    pub(super) const SSL: u8 = 0x20;
    pub(super) const SSL_VERSION: u8 = 0x21;
    pub(super) const SSL_CN: u8 = 0x22;
    pub(super) const SSL_CIPHER: u8 = 0x23;
}

/// The longest unique id.
const MAX_UNIQUE_ID: usize = 128;

/// The additional fields of a header. Of several with the same type, the first is the one that counts.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Tlvs(Box<[u8]>);

/// What the sender says about the client's TLS connection to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ssl<'h> {
    client: u8,
    verify: u32,
    fields: &'h [u8],
}

impl Tlvs {
    /// Reads the fields of `header` from `start` on, and checks its checksum if it has one.
    pub(super) fn read(header: &[u8], start: usize) -> Result<Self, HeaderError> {
        let bytes = header.get(start..).ok_or(HeaderError::Length)?;
        let mut place = start;
        let mut checksum = None;
        let mut fields = Fields(bytes);
        for (kind, value) in &mut fields {
            let value_at = place + 3;
            place = value_at + value.len();
            match kind {
                kind::CRC32C => {
                    let expected = value.try_into().map_err(|_| HeaderError::Tlv)?;
                    // Of two checksums, each would have to be zero while the other is computed.
                    if checksum.replace((value_at, u32::from_be_bytes(expected))).is_some() {
                        return Err(HeaderError::Tlv);
                    }
                }
                kind::UNIQUE_ID if value.len() > MAX_UNIQUE_ID => return Err(HeaderError::Tlv),
                kind::SSL if Ssl::read(value).is_none() => return Err(HeaderError::Tlv),
                _ => {}
            }
        }
        if !fields.0.is_empty() {
            return Err(HeaderError::Tlv);
        }
        match checksum {
            Some((at, expected)) if sum(header, at) != expected => Err(HeaderError::Checksum),
            _ => Ok(Self(bytes.into())),
        }
    }

    /// All fields, in the order in which they came: type and value.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        Fields(&self.0)
    }

    /// The value of the first field of a type.
    pub fn get(&self, kind: u8) -> Option<&[u8]> {
        Fields(&self.0).find_map(|(other, value)| (other == kind).then_some(value))
    }

    /// The protocol that client and sender agreed on.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.get(kind::ALPN)
    }

    /// The host that the client asked for, as by the server name of TLS. `None` also if it is no text.
    pub fn authority(&self) -> Option<&str> {
        self.get(kind::AUTHORITY).and_then(|value| str::from_utf8(value).ok())
    }

    /// What the sender calls this connection: up to 128 bytes.
    pub fn unique_id(&self) -> Option<&[u8]> {
        self.get(kind::UNIQUE_ID)
    }

    /// Whether there was a checksum. It was right: a header with a wrong one is refused.
    pub fn is_checked(&self) -> bool {
        self.get(kind::CRC32C).is_some()
    }

    /// The client's TLS connection.
    pub fn ssl(&self) -> Option<Ssl<'_>> {
        self.get(kind::SSL).and_then(Ssl::read)
    }
}

impl<'h> Ssl<'h> {
    fn read(value: &'h [u8]) -> Option<Self> {
        let (&[client, a, b, c, d], fields) = value.split_first_chunk()?;
        let mut rest = Fields(fields);
        rest.by_ref().for_each(drop);
        let verify = u32::from_be_bytes([a, b, c, d]);
        rest.0.is_empty().then_some(Self { client, verify, fields })
    }

    /// Whether the client used TLS.
    pub const fn is_tls(&self) -> bool {
        self.client & 1 != 0
    }

    /// Whether the client gave a certificate on this connection.
    pub const fn has_certificate_on_connection(&self) -> bool {
        self.client & 2 != 0
    }

    /// Whether the client gave a certificate in this session, here or before it was resumed.
    pub const fn has_certificate_in_session(&self) -> bool {
        self.client & 4 != 0
    }

    /// Whether the sender verified the client's certificate, and found it good. Without a certificate
    /// there is nothing to verify.
    pub const fn is_verified(&self) -> bool {
        self.verify == 0 && self.client & 6 != 0
    }

    /// The version of TLS, such as `TLSv1.3`.
    pub fn version(&self) -> Option<&'h str> {
        self.text(kind::SSL_VERSION)
    }

    /// The common name of the client's certificate. `None` also if it is no UTF-8.
    pub fn common_name(&self) -> Option<&'h str> {
        self.text(kind::SSL_CN)
    }

    /// The cipher, in OpenSSL's words.
    pub fn cipher(&self) -> Option<&'h str> {
        self.text(kind::SSL_CIPHER)
    }

    /// All fields: type and value.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'h [u8])> + use<'h> {
        Fields(self.fields)
    }

    fn text(&self, kind: u8) -> Option<&'h str> {
        let value = self.iter().find_map(|(other, value)| (other == kind).then_some(value));
        value.and_then(|value| str::from_utf8(value).ok())
    }
}

/// Reads fields one by one; stops where there is none, and leaves what is there instead.
struct Fields<'h>(&'h [u8]);

impl<'h> Iterator for Fields<'h> {
    type Item = (u8, &'h [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[kind, high, low], rest) = self.0.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(u16::from_be_bytes([high, low]).into())?;
        self.0 = rest;
        Some((kind, value))
    }
}

/// The checksum of a header in which that of four bytes at `at` is taken for zero.
fn sum(header: &[u8], at: usize) -> u32 {
    let mut digest = CRC32C.digest();
    digest.update(header.get(..at).unwrap_or_default());
    digest.update(&[0; 4]);
    digest.update(header.get(at + 4..).unwrap_or_default());
    digest.finalize()
}

impl fmt::Debug for Tlvs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
