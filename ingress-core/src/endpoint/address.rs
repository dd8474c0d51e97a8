//! What a connection can be opened to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// An IP address or a DNS name, with a port.
///
/// Ordered by IPv4 address, IPv6 address, name; then by port.
///
/// ```
/// use ingress_core::endpoint::Address;
/// use std::net::SocketAddr;
///
/// let address = Address::Socket(SocketAddr::from(([10, 0, 0, 1], 8080)));
/// assert_eq!(address.to_string(), "10.0.0.1:8080");
/// assert_eq!(Address::Name("db.example.com".into(), 5432).to_string(), "db.example.com:5432");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Address {
    /// Ready to connect to.
    Socket(SocketAddr),
    /// To be looked up, as an absolute name although it is written without the final dot. Lower
    /// case, and neither an IP address in disguise nor `localhost`. What the lookup yields is still
    /// the tenant's choice: a program that must not reach its own loopback or its cloud's metadata
    /// service checks the addresses that come back.
    Name(Arc<str>, u16),
}

/// The two families of IP addresses.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum AddressFamily {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Address {
    /// The port.
    pub fn port(&self) -> u16 {
        match self {
            Self::Socket(socket) => socket.port(),
            Self::Name(_, port) => *port,
        }
    }

    /// The socket address, unless this is a name.
    pub fn socket(&self) -> Option<SocketAddr> {
        match self {
            Self::Socket(socket) => Some(*socket),
            Self::Name(..) => None,
        }
    }

    /// The family, unless this is a name.
    pub fn family(&self) -> Option<AddressFamily> {
        self.socket().map(|socket| if socket.is_ipv4() { AddressFamily::Ipv4 } else { AddressFamily::Ipv6 })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(socket) => socket.fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

/// An address without a port, as slices list them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Host {
    Ip(IpAddr),
    Name(Arc<str>),
}

impl Host {
    /// Nothing listens at an unspecified or a multicast address; on many systems connecting to the
    /// former reaches the proxy itself.
    pub(crate) fn ip(ip: IpAddr) -> Option<Self> {
        let meant = ip.to_canonical();
        (!meant.is_unspecified() && !meant.is_multicast()).then_some(Self::Ip(ip))
    }

    #[cfg(feature = "k8s-openapi")]
    pub(crate) fn v4(text: &str) -> Option<Self> {
        text.parse::<std::net::Ipv4Addr>().ok().and_then(|ip| Self::ip(ip.into()))
    }

    #[cfg(feature = "k8s-openapi")]
    pub(crate) fn v6(text: &str) -> Option<Self> {
        text.parse::<std::net::Ipv6Addr>().ok().and_then(|ip| Self::ip(ip.into()))
    }

    pub(crate) fn name(text: &str) -> Option<Self> {
        dns_name(text).map(Self::Name)
    }

    pub(super) fn at(&self, port: u16) -> Address {
        match self {
            Self::Ip(ip) => Address::Socket(SocketAddr::new(*ip, port)),
            Self::Name(name) => Address::Name(name.clone(), port),
        }
    }
}

/// A DNS name in lower case without its final dot; nothing for text that is none.
///
/// Kubernetes takes an external name that looks like an IP address as a name of digits, which no
/// resolver answers. The resolvers that a proxy calls do, and in odd spellings too (`127.1`,
/// `0x7f000001`): names that end in a number are therefore refused, as in URLs. So is `localhost`,
/// which in a cluster's DNS is nobody and to a proxy is itself.
pub(super) fn dns_name(text: &str) -> Option<Arc<str>> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or("");
    let number = match last.strip_prefix("0x") {
        Some(rest) => rest.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => last.bytes().all(|byte| byte.is_ascii_digit()),
    };
    let sound = name.len() <= 253 && name.split('.').all(is_label);
    (sound && !number && last != "localhost").then(|| name.into())
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names_and_never_the_proxy_itself() {
        for (text, name) in [
            ("db.example.com", "db.example.com"),
            ("DB.Example.com.", "db.example.com"),
            ("3scale", "3scale"),
        ] {
            assert_eq!(dns_name(text).as_deref(), Some(name), "{text}");
        }
        let long = "a.".repeat(127);
        assert!(dns_name(&long).is_some() && dns_name(&format!("{long}a")).is_none());
        for text in [
            "",
            ".",
            "..",
            "a..b",
            "-a.com",
            "a-.com",
            "a_b.com",
            "a b",
            "a/b",
            "a:80",
            "user@host",
            "ä.de",
            "[::1]",
            "::1",
            "localhost",
            "LOCALHOST.",
            "db.localhost",
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "a.0x",
        ] {
            assert_eq!(dns_name(text), None, "{text}");
        }
        assert_eq!(dns_name(&"a".repeat(64)), None);
    }

    #[cfg(feature = "k8s-openapi")]
    #[test]
    fn addresses_that_nothing_listens_at() {
        for text in ["0.0.0.0", "224.0.0.1", "10.0.0.01", "10.0.0", "10.0.0.1/8", "10.0.0.1:80", "", "::1"] {
            assert_eq!(Host::v4(text), None, "{text}");
        }
        for text in ["::", "ff02::1", "::ffff:0.0.0.0", "fe80::1%eth0", "[::1]", "10.0.0.1"] {
            assert_eq!(Host::v6(text), None, "{text}");
        }
        assert!(Host::v4("127.0.0.1").is_some() && Host::v6("fd00::1").is_some());
    }
}
