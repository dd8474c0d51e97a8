//! Who the client is: what the proxy says of it, and whom it believes.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{FORWARDED, HeaderName};
use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

use super::request_id::RequestIds;
use crate::peer::Peer;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is said of a peer in headers.
#[derive(Clone, Debug)]
pub(crate) struct PeerTexts {
    ip: HeaderValue,
    port: HeaderValue,
    /// As `Forwarded` wants it: IPv6 addresses in brackets and quotes.
    node: String,
}

impl PeerTexts {
    pub(crate) fn new(address: SocketAddr, port: u16) -> Self {
        let ip = address.ip().to_canonical();
        let node = if ip.is_ipv4() { ip.to_string() } else { format!("\"[{ip}]\"") };
        Self { ip: value(&ip.to_string()), port: port.into(), node }
    }
}

/// What is said of the client to the endpoint, and whom to believe about it.
///
/// 1. From a peer in a trusted range, the forwarding headers that came are kept and extended. From all
///    others, and where nobody knows who the peer is, they are removed: nobody can claim an address.
/// 2. `X-Forwarded-For` ends in the peer's address. `X-Real-IP` is the address farthest to the right in
///    it that is not of a trusted range: further left, everything is hearsay.
/// 3. `X-Forwarded-Proto`, `-Host` and `-Port` say how the client reached the first proxy.
/// 4. `X-Request-ID` is kept from trusted peers if it is short and plain, else made anew.
/// 5. `Forwarded` (RFC 7239) says it all once more, if that is [wanted](Self::with_forwarded). That of a
///    trusted peer is kept only then: a header that does not know of this hop would mislead.
///
/// ```
/// use ingress_tower::proxy::Forwarding;
///
/// let forwarding = Forwarding::default().trust(["10.0.0.0/8".parse()?, "2001:db8::/32".parse()?]);
/// # drop(forwarding.with_forwarded());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Forwarding {
    trusted: Arc<[IpNet]>,
    forwarded: bool,
}

impl Forwarding {
    /// Believes what peers in these ranges say of the clients before them. Nobody by default.
    #[must_use]
    pub fn trust(mut self, ranges: impl IntoIterator<Item = IpNet>) -> Self {
        self.trusted = ranges.into_iter().map(|range| range.trunc()).collect();
        self
    }

    /// Writes `Forwarded` as well.
    #[must_use]
    pub fn with_forwarded(mut self) -> Self {
        self.forwarded = true;
        self
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|range| range.contains(&address))
    }

    /// Returns the address of the client, as far as it is known.
    pub(super) fn apply(
        &self,
        headers: &mut HeaderMap,
        peer: Option<&Peer>,
        host: &HeaderValue,
        ids: &dyn RequestIds,
    ) -> Option<IpAddr> {
        let trusted = peer.is_some_and(|peer| self.trusts(peer.ip()));
        if !trusted {
            remove_claims(headers);
        }
        if !(trusted && headers.get(X_REQUEST_ID).is_some_and(is_plain)) {
            headers.insert(X_REQUEST_ID, ids.next());
        }
        let peer = peer?;
        let (texts, proto) = (peer.texts(), peer.scheme().as_str());
        let (chain, client, real_ip) = if trusted {
            let (chain, client) = self.extend(headers, peer);
            (chain, client, value(&client.to_string()))
        } else {
            (texts.ip.clone(), peer.ip(), texts.ip.clone())
        };
        headers.insert(X_FORWARDED_FOR, chain);
        headers.insert(X_REAL_IP, real_ip);
        headers.entry(X_FORWARDED_HOST).or_insert_with(|| host.clone());
        headers.entry(X_FORWARDED_PORT).or_insert_with(|| texts.port.clone());
        headers.entry(X_FORWARDED_PROTO).or_insert_with(|| HeaderValue::from_static(proto));
        if self.forwarded {
            let element = format!("for={};host={};proto={proto}", texts.node, quoted(host));
            let all = joined(headers, &FORWARDED, &element);
            headers.insert(FORWARDED, all);
        } else if trusted {
            headers.remove(FORWARDED);
        }
        Some(client)
    }

    /// The chain with the peer at its end, and the first address from there that nobody vouches for.
    fn extend(&self, headers: &HeaderMap, peer: &Peer) -> (HeaderValue, IpAddr) {
        let mut real = peer.ip();
        let lines: Vec<&str> =
            headers.get_all(X_FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or("")).collect();
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            let Some(address) = address(hop) else { break };
            real = address;
            if !self.trusts(address) {
                break;
            }
        }
        let own = peer.texts().ip.to_str().unwrap_or("");
        (joined(headers, &X_FORWARDED_FOR, own), real)
    }
}

/// The headers by which programs behind are told who the client is. Those of other proxies too: no
/// list is complete, but these are the ones that are read.
fn remove_claims(headers: &mut HeaderMap) {
    let is_claim = |name: &HeaderName| {
        let name = name.as_str();
        matches!(
            name,
            "forwarded"
                | "x-real-ip"
                | "x-client-ip"
                | "x-cluster-client-ip"
                | "x-original-url"
                | "x-original-uri"
                | "x-original-host"
                | "x-original-forwarded-for"
                | "x-rewrite-url"
                | "x-scheme"
                | "x-url-scheme"
                | "x-host"
                | "x-envoy-external-address"
                | "true-client-ip"
                | "cf-connecting-ip"
                | "fastly-client-ip"
                | "front-end-https"
        ) || name.starts_with("x-forwarded")
    };
    // Most clients claim nothing; then this is one look at each name.
    if !headers.keys().any(is_claim) {
        return;
    }
    let claims: Vec<_> = headers.keys().filter(|name| is_claim(name)).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
}

/// An address as it stands in `X-Forwarded-For`: some write a port to it.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.ok().or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

/// All lines of a header as one, with an element more.
fn joined(headers: &HeaderMap, name: &HeaderName, element: &str) -> HeaderValue {
    let mut all = Vec::new();
    for line in headers.get_all(name) {
        all.extend_from_slice(line.as_bytes());
        all.extend_from_slice(b", ");
    }
    all.extend_from_slice(element.as_bytes());
    HeaderValue::from_bytes(&all).unwrap_or_else(|_| value(element))
}

fn quoted(host: &HeaderValue) -> String {
    // A host that got here holds neither quotes nor backslashes.
    format!("\"{}\"", host.to_str().unwrap_or(""))
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

fn is_plain(id: &HeaderValue) -> bool {
    (1..=128).contains(&id.len())
        && id.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+/=".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(
        forwarding: &Forwarding,
        peer: Option<&str>,
        sent: &[(&'static str, &'static str)],
    ) -> HeaderMap {
        let mut headers: HeaderMap = sent
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let peer = peer.map(|ip| Peer::new(SocketAddr::new(ip.parse().unwrap(), 5000), 8443, true));
        let ids = || HeaderValue::from_static("new");
        forwarding.apply(&mut headers, peer.as_ref(), &HeaderValue::from_static("shop:8443"), &ids);
        headers
    }

    fn get<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
        headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    const FORGED: [(&str, &str); 8] = [
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-proto", "ftp"),
        ("x-forwarded-host", "evil"),
        ("x-forwarded-prefix", "/evil"),
        ("x-real-ip", "1.2.3.4"),
        ("forwarded", "for=1.2.3.4"),
        ("x-request-id", "mine"),
        ("x-original-url", "/admin"),
    ];

    #[test]
    fn nobody_can_claim_an_address() {
        let trusting = Forwarding::default().trust(["10.0.0.0/8".parse().unwrap()]).with_forwarded();
        for peer in ["192.0.2.7", "::ffff:192.0.2.7"] {
            let headers = apply(&trusting, Some(peer), &FORGED);
            assert_eq!(get(&headers, "x-forwarded-for"), "192.0.2.7");
            assert_eq!(get(&headers, "x-real-ip"), "192.0.2.7");
            assert_eq!(get(&headers, "x-forwarded-proto"), "https");
            assert_eq!(get(&headers, "x-forwarded-host"), "shop:8443");
            assert_eq!(get(&headers, "x-forwarded-port"), "8443");
            assert_eq!(get(&headers, "forwarded"), "for=192.0.2.7;host=\"shop:8443\";proto=https");
            assert_eq!(get(&headers, "x-request-id"), "new");
            assert!(!headers.contains_key("x-forwarded-prefix") && !headers.contains_key("x-original-url"));
        }
        // Nobody knows who it is: nothing is claimed, and nothing is said.
        let headers = apply(&trusting, None, &FORGED);
        assert_eq!(headers.len(), 1);
        assert_eq!(get(&headers, "x-request-id"), "new");
    }

    #[test]
    fn the_chain_of_trusted_peers_is_extended_and_read_from_the_right() {
        let trusting =
            Forwarding::default().trust(["10.1.2.3/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        for (chain, real) in [
            ("1.2.3.4", "1.2.3.4"),
            ("6.6.6.6, 1.2.3.4, 10.0.0.9", "1.2.3.4"),
            ("6.6.6.6,[2001:db8::1]:80,10.0.0.9:4000, fd00::1", "2001:db8::1"),
            ("10.0.0.8, 10.0.0.9", "10.0.0.8"),
            ("1.2.3.4, unknown, 10.0.0.9", "10.0.0.9"),
            ("garbage", "10.0.0.1"),
        ] {
            let headers = apply(&trusting, Some("10.0.0.1"), &[("x-forwarded-for", chain)]);
            assert_eq!(get(&headers, "x-forwarded-for"), format!("{chain}, 10.0.0.1"));
            assert_eq!(get(&headers, "x-real-ip"), real, "{chain}");
        }
        let headers = apply(&trusting, Some("10.0.0.1"), &FORGED);
        assert_eq!(get(&headers, "x-forwarded-proto"), "ftp");
        assert_eq!(get(&headers, "x-request-id"), "mine");
        assert!(!headers.contains_key("forwarded"), "one without this hop misleads");
        let two = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4")];
        let headers = apply(&trusting, Some("10.0.0.1"), &two);
        assert_eq!(get(&headers, "x-forwarded-for"), "6.6.6.6, 1.2.3.4, 10.0.0.1");
        assert_eq!(get(&headers, "x-real-ip"), "1.2.3.4");
    }
}
