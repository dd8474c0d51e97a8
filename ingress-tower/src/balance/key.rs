//! What requests of one kind have in common: the key that consistent hashing goes by.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::COOKIE;
use http::{HeaderMap, HeaderName, Request, Uri};
use ingress_core::endpoint::Address;

/// What is known of who asks, as far as the choice of an endpoint goes by it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller<'r> {
    headers: Option<&'r HeaderMap>,
    uri: Option<&'r Uri>,
    client: Option<IpAddr>,
    tried: &'r [Address],
}

impl<'r> Caller<'r> {
    /// Nothing is known: enough for all but hashing and affinity.
    pub const fn unknown() -> Self {
        Self { headers: None, uri: None, client: None, tried: &[] }
    }

    /// Who sent this request.
    pub fn of<B>(request: &'r Request<B>) -> Self {
        Self::new(request.headers(), request.uri())
    }

    /// Who sent a request with these headers, for this URI.
    pub const fn new(headers: &'r HeaderMap, uri: &'r Uri) -> Self {
        Self { headers: Some(headers), uri: Some(uri), ..Self::unknown() }
    }

    /// The client's address.
    #[must_use]
    pub const fn client(mut self, address: IpAddr) -> Self {
        self.client = Some(address);
        self
    }

    /// The request has been tried with these endpoints, and others are to be preferred to them.
    #[must_use]
    pub const fn tried(mut self, endpoints: &'r [Address]) -> Self {
        self.tried = endpoints;
        self
    }

    pub(super) fn has_tried(&self, address: &Address) -> bool {
        self.tried.contains(address)
    }

    #[inline]
    pub(super) const fn is_first_try(&self) -> bool {
        self.tried.is_empty()
    }

    /// The first cookie of that name.
    pub(super) fn cookie(&self, name: &str) -> Option<&'r [u8]> {
        let lines = self.headers?.get_all(COOKIE);
        let pairs = lines.iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
        pairs.map(<[u8]>::trim_ascii).find_map(|pair| {
            let value = pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
        })
    }
}

/// One part of a key.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyPart {
    /// The client's address.
    Client,
    /// The host: that of the URI, else of the `Host` header.
    Host,
    /// The path.
    Path,
    /// The path and the query.
    Target,
    /// The first header of that name.
    Header(HeaderName),
    /// The first cookie of that name.
    Cookie(Arc<str>),
    /// The first argument of that name in the query, as it was sent.
    Query(Arc<str>),
}

impl KeyPart {
    /// Feeds the part to the hash; false if the request has no such part.
    fn feed(&self, caller: &Caller<'_>, hash: &mut Hash) -> bool {
        let bytes = match self {
            Self::Client => match caller.client.map(|address| address.to_canonical()) {
                Some(IpAddr::V4(address)) => return hash.part(Some(&address.octets())),
                Some(IpAddr::V6(address)) => return hash.part(Some(&address.octets())),
                None => None,
            },
            Self::Host => {
                let host = caller.uri.and_then(Uri::authority).map(|authority| authority.as_str().as_bytes());
                host.or_else(|| header(caller, &http::header::HOST))
            }
            Self::Path => caller.uri.map(|uri| uri.path().as_bytes()),
            Self::Target => caller.uri.and_then(Uri::path_and_query).map(|target| target.as_str().as_bytes()),
            Self::Header(name) => header(caller, name),
            Self::Cookie(name) => caller.cookie(name),
            Self::Query(name) => {
                let pairs = caller.uri.and_then(Uri::query).unwrap_or("").split('&');
                pairs
                    .filter_map(|pair| pair.split_once('='))
                    .find(|(key, _)| **key == **name)
                    .map(|(_, value)| value.as_bytes())
            }
        };
        hash.part(bytes)
    }
}

fn header<'r>(caller: &Caller<'r>, name: &HeaderName) -> Option<&'r [u8]> {
    Some(caller.headers?.get(name)?.as_bytes())
}

/// The key of a request; `None` if it has none of the parts.
pub(super) fn key(parts: &[KeyPart], caller: &Caller<'_>, seed: u64) -> Option<u64> {
    let mut hash = Hash::new(seed);
    let mut any = false;
    for part in parts {
        any |= part.feed(caller, &mut hash);
    }
    any.then(|| hash.finish())
}

/// FNV-1a with a finish that spreads it over all bits: the same in every replica and every version, which
/// no hasher of a hash table promises.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hash(u64);

impl Hash {
    pub(super) const fn new(seed: u64) -> Self {
        Self(0xcbf2_9ce4_8422_2325 ^ mix(seed))
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self
    }

    pub(super) fn number(self, number: u64) -> Self {
        Self(mix(self.0 ^ mix(number)))
    }

    pub(super) fn address(self, address: &Address) -> Self {
        let hash = match address.socket().map(|socket| socket.ip()) {
            Some(IpAddr::V4(ip)) => self.bytes(&ip.octets()),
            Some(IpAddr::V6(ip)) => self.bytes(&ip.octets()),
            None => self.bytes(address.to_string().as_bytes()),
        };
        hash.number(u64::from(address.port()))
    }

    /// One part of several, whose ends count: `ab` and `c` are not `a` and `bc`.
    fn part(&mut self, bytes: Option<&[u8]>) -> bool {
        let length = bytes.map_or(u64::MAX, |bytes| bytes.len() as u64);
        *self = self.bytes(bytes.unwrap_or_default()).number(length);
        bytes.is_some()
    }

    pub(super) const fn finish(self) -> u64 {
        mix(self.0)
    }
}

/// The finisher of MurmurHash3.
const fn mix(mut bits: u64) -> u64 {
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ (bits >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_key() {
        let request = Request::get("http://a.example/p?x=1&y=2&x=3")
            .header("cookie", "a=1; sid=\"s 1\";b=2")
            .header("cookie", "late=3")
            .header("x-user", "u")
            .body(())
            .unwrap();
        let caller = Caller::of(&request).client([10, 0, 0, 1].into());
        assert_eq!(caller.cookie("sid"), Some(&b"s 1"[..]));
        assert_eq!(caller.cookie("late"), Some(&b"3"[..]));
        assert_eq!((caller.cookie("id"), caller.cookie("si")), (None, None));

        let of = |part: KeyPart| key(&[part], &caller, 0);
        let all = [
            KeyPart::Client,
            KeyPart::Host,
            KeyPart::Path,
            KeyPart::Target,
            KeyPart::Header(HeaderName::from_static("x-user")),
            KeyPart::Cookie("sid".into()),
            KeyPart::Query("x".into()),
        ];
        let keys: std::collections::BTreeSet<_> = all.clone().map(of).into();
        assert_eq!(keys.len(), all.len());
        assert!(!keys.contains(&None));
        for part in [KeyPart::Header(HeaderName::from_static("x-none")), KeyPart::Query("z".into())] {
            assert_eq!(of(part.clone()), None);
            // Beside others, what is missing is only a part that is missing.
            assert!(key(&[part, KeyPart::Path], &caller, 0).is_some());
        }
        assert_eq!(key(&all, &Caller::unknown(), 0), None);
        assert_ne!(key(&all, &caller, 0), key(&all, &caller, 1));
    }

    #[test]
    fn ends_of_parts_count() {
        let of = |host: &'static str, path: &str| {
            let request = Request::get(path).header("host", host).body(()).unwrap();
            key(&[KeyPart::Host, KeyPart::Path], &Caller::of(&request), 0)
        };
        assert_ne!(of("a", "/b/c"), of("a/b", "/c"));
        assert_eq!(of("a", "/b/c"), of("a", "/b/c"));
    }

    /// Other replicas, and later versions, must find the same.
    #[test]
    fn the_hash_is_for_ever() {
        assert_eq!(Hash::new(0).bytes(b"key").finish(), 0xcf8c_7983_8f3b_3030);
    }
}
