//! Where to listen, as people write it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::Deserialize;

/// Where to listen; or that nobody should.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) enum Place {
    /// Nowhere.
    Off,
    /// At this address.
    At(SocketAddr),
    /// At these, as far as the machine has both families.
    Any([SocketAddr; 2]),
}

impl Place {
    /// A port of the machine's own addresses, which others do not reach.
    pub(super) const fn loopback(port: u16) -> Self {
        Self::both(Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST, port)
    }

    const fn both(v4: Ipv4Addr, v6: Ipv6Addr, port: u16) -> Self {
        Self::Any([SocketAddr::new(IpAddr::V4(v4), port), SocketAddr::new(IpAddr::V6(v6), port)])
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::At(address));
        }
        let port =
            |text: &str| text.parse::<u16>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        let place = match text.strip_prefix(':') {
            Some(every) => {
                port(every).map(|port| Self::both(Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED, port))
            }
            None => port(text.strip_prefix("localhost:").unwrap_or(text)).map(Self::loopback),
        };
        place.ok_or_else(|| {
            "write it as 127.0.0.1:8080, [::1]:8080, :8080 for all addresses, 8080 for loopback, or off"
                .to_owned()
        })
    }
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let any = |v4: &str, v6: &str| Place::Any([v4.parse().unwrap(), v6.parse().unwrap()]);
        for (text, place) in [
            ("off", Place::Off),
            ("127.0.0.1:80", Place::At("127.0.0.1:80".parse().unwrap())),
            ("[::1]:80", Place::At("[::1]:80".parse().unwrap())),
            ("80", any("127.0.0.1:80", "[::1]:80")),
            ("localhost:80", any("127.0.0.1:80", "[::1]:80")),
            (":80", any("0.0.0.0:80", "[::]:80")),
        ] {
            assert_eq!(text.parse(), Ok(place), "{text}");
        }
        for text in [
            "",
            ":",
            "localhost",
            "localhost:",
            "+80",
            "65536",
            "::1:80:",
            "example.com:80",
            "127.0.0.1",
            "on",
        ] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
