//! Who is at the other end of a connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ingress_core::request::{Circumstances, Scheme};

/// Who is at the other end of a connection: a request extension, put there by whoever accepts connections.
///
/// Rules ask for it: those that let some addresses in and no others, and those that send clients from HTTP
/// to HTTPS. Without it nothing is known of the client, which lies in no range then, and speaks in the clear.
/// The URI of a request is not asked: it says what the client makes it say.
///
/// Behind a load balancer the address is that of the client as far as the balancer is believed, as a
/// [header](https://docs.rs/ingress-tower/latest/ingress_tower/proxy_protocol/) of its own tells it.
///
/// What is written into headers is worked out once for a connection. A clone is a reference count.
///
/// ```
/// use ingress_tower::Peer;
///
/// let peer = Peer::new("192.0.2.7:4711".parse()?, 443, true).with_server_name("shop.example.com");
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(peer);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Peer(Arc<Facts>);

#[derive(Clone, Debug)]
struct Facts {
    address: SocketAddr,
    port: u16,
    tls: bool,
    server_name: Option<Arc<str>>,
    #[cfg(feature = "proxy")]
    texts: crate::proxy::PeerTexts,
}

impl Peer {
    /// The client's address, the port that it came to, and whether it came over TLS.
    pub fn new(address: SocketAddr, port: u16, tls: bool) -> Self {
        Self(Arc::new(Facts {
            address,
            port,
            tls,
            server_name: None,
            #[cfg(feature = "proxy")]
            texts: crate::proxy::PeerTexts::new(address, port),
        }))
    }

    /// With the name that it asked for in the TLS handshake.
    #[must_use]
    pub fn with_server_name(self, name: impl Into<Arc<str>>) -> Self {
        let facts = Arc::unwrap_or_clone(self.0);
        Self(Arc::new(Facts { server_name: Some(name.into()), ..facts }))
    }

    /// The address of the client.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// The address without its port; one of IPv4 is one of IPv4, however it came.
    pub fn ip(&self) -> IpAddr {
        self.0.address.ip().to_canonical()
    }

    /// The port that it came to.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// Whether the client's connection is encrypted.
    pub fn is_tls(&self) -> bool {
        self.0.tls
    }

    /// The name that it asked for in the TLS handshake.
    pub fn server_name(&self) -> Option<&str> {
        self.0.server_name.as_deref()
    }

    /// What the connection is spoken to in.
    pub fn scheme(&self) -> Scheme {
        if self.0.tls { Scheme::Https } else { Scheme::Http }
    }

    #[cfg(feature = "proxy")]
    pub(crate) fn texts(&self) -> &crate::proxy::PeerTexts {
        &self.0.texts
    }

    pub(crate) fn told<'p>(&'p self, circumstances: Circumstances<'p>) -> Circumstances<'p> {
        let told = circumstances.client(self.ip());
        match self.server_name() {
            Some(name) => told.server_name(name),
            None => told,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told() {
        let peer = Peer::new("[::ffff:192.0.2.7]:5".parse().unwrap(), 443, true);
        assert_eq!((peer.ip(), peer.scheme()), ([192, 0, 2, 7].into(), Scheme::Https));
        let clone = peer.clone();
        let named = peer.with_server_name("a.example");
        assert_eq!((named.server_name(), clone.server_name()), (Some("a.example"), None));
        assert_eq!((named.port(), named.is_tls()), (443, true));
        assert_eq!(Peer::new("10.0.0.1:5".parse().unwrap(), 80, false).scheme(), Scheme::Http);
    }
}
