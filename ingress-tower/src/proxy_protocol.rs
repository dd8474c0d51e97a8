//! The PROXY protocol, versions 1 and 2: a load balancer passes connections on, and says first who the
//! client is.
//!
//! # What happens to a connection
//!
//! 1. A listener without the protocol ([`ProxyProtocol::off`]) takes it as it is.
//! 2. The peer's address is looked up in the trusted ranges. If it is in none, a listener that
//!    [requires](ProxyProtocol::required) headers closes the connection; one that
//!    [allows](ProxyProtocol::optional) them takes it as it is, and what looks like a header goes to the
//!    protocol above like any other byte.
//! 3. The header is read: at most so many bytes in so much time, then the connection is closed. The same
//!    goes for one that is malformed, whose checksum is wrong, or, if required, is missing.
//! 4. What was read beyond the header is given back: the [`Connection`] reads as if the header had never
//!    been there. [`Connection::client`] is who the header names. If it names nobody, be it because the load
//!    balancer speaks for itself (`LOCAL`) or does not know, that is the peer.
//!
//! Reading bytes ([`parse()`]) and reading connections ([`ProxyProtocol::accept`]) are apart: the former has
//! no IO.
//!
//! # Cost
//!
//! Reads are of 256 bytes: one for most headers. They go into one buffer, which grows with what has come,
//! not with what a header says of its length; additional fields, if there are any, have another. What a
//! peer can make a listener hold is the limit on bytes and one read more, for the limit on time. The buffer
//! is gone as soon as what was read beyond the header is.
//!
//! # By default
//!
//! ```
//! use ingress_tower::proxy_protocol::ProxyProtocol;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let proxied = ProxyProtocol::required(["10.0.0.0/8".parse()?]);
//!
//! // In the place of `let (stream, peer) = listener.accept().await?`:
//! let (mut balancer, stream) = tokio::io::duplex(256);
//! let peer = "10.0.0.2:40000".parse()?;
//! balancer.write_all(b"PROXY TCP4 192.0.2.7 10.0.0.1 5555 443\r\nhello").await?;
//!
//! let mut connection = proxied.accept(stream, peer).await?;
//! assert_eq!(connection.client(), "192.0.2.7:5555".parse()?);
//! let mut bytes = [0; 5];
//! connection.read_exact(&mut bytes).await?;
//! assert_eq!(&bytes, b"hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Configured
//!
//! Limits, and the additional fields of version 2:
//!
//! ```
//! use std::time::Duration;
//! use ingress_tower::proxy_protocol::{AcceptError, HeaderError, ProxyProtocol};
//! use tokio::io::AsyncWriteExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let proxied = ProxyProtocol::required(["10.0.0.0/8".parse()?, "fd00::/8".parse()?])
//!     .with_time_limit(Duration::from_secs(1))
//!     .with_byte_limit(16 << 10);
//!
//! let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x13".to_vec();
//! header.extend([192, 0, 2, 7, 10, 0, 0, 1, 0x15, 0xb3, 1, 0xbb]);
//! header.extend(b"\x02\0\x04shop");
//! let (mut balancer, stream) = tokio::io::duplex(256);
//! balancer.write_all(&header).await?;
//! let connection = proxied.accept(stream, "[fd00::2]:40000".parse()?).await?;
//! let header = connection.header().expect("it is required");
//! assert_eq!(header.destination(), Some("10.0.0.1:443".parse()?));
//! assert_eq!(header.tlvs().authority(), Some("shop"));
//!
//! let (mut client, stream) = tokio::io::duplex(256);
//! client.write_all(b"GET / HTTP/1.1\r\n").await?;
//! let refused = proxied.accept(stream, "10.0.0.2:40000".parse()?).await;
//! assert!(matches!(refused, Err(AcceptError::Header(HeaderError::Absent))));
//! # Ok(())
//! # }
//! ```

mod connection;
mod header;
mod listener;
mod parse;
mod tlv;
mod v1;
mod v2;

pub use connection::Connection;
pub use header::{Endpoints, Header, Version};
pub use listener::{AcceptError, Presence, ProxyProtocol};
pub use parse::{HeaderError, Parsed, parse};
pub use tlv::{Ssl, Tlvs};
