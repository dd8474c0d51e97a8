//! Affinity: the cookie that brings a client back to its endpoint.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use ingress_core::endpoint::Address;
use ingress_core::rule::ServiceRef;

use super::key::{Caller, Hash};

/// What becomes of sessions when endpoints come and go.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AffinityMode {
    /// The cookie names a session, and consistent hashing finds its endpoint: when endpoints come, some
    /// sessions move to them.
    #[default]
    Balanced,
    /// The cookie names an endpoint: sessions stay for as long as it is there, and new ones get none of
    /// the old.
    Persistent,
}

/// Affinity by cookie, in either of the modes of ingress-nginx's `affinity-mode`, and the attributes that
/// its cookie can be given.
///
/// ```
/// use ingress_tower::balance::{Affinity, AffinityMode};
/// use std::time::Duration;
///
/// let affinity = Affinity::new("sid")?.mode(AffinityMode::Persistent).max_age(Duration::from_secs(3600));
/// assert!(Affinity::new("not a name").is_err());
/// # let _ = affinity;
/// # Ok::<(), ingress_tower::balance::BadCookie>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Affinity {
    name: Arc<str>,
    pub(super) mode: AffinityMode,
    pub(super) change_on_failure: bool,
    path: Arc<str>,
    domain: Option<Arc<str>>,
    max_age: Option<Duration>,
    secure: bool,
    same_site: Option<SameSite>,
}

/// When browsers send the cookie with requests that other sites made.
#[expect(clippy::exhaustive_enums, reason = "browsers know these three")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SameSite {
    /// Never.
    Strict,
    /// When somebody follows a link.
    Lax,
    /// Always; browsers want it [secure](Affinity::secure).
    None,
}

/// A name or an attribute that can stand in no cookie.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadCookie(());

impl fmt::Display for BadCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cookie's name is made of letters, digits and `-_.`, and its attributes hold no `;`")
    }
}

impl std::error::Error for BadCookie {}

/// Longer keys are no keys of ours.
const LONGEST_KEY: usize = 128;

impl Affinity {
    /// By a cookie of this name.
    pub fn new(name: &str) -> Result<Self, BadCookie> {
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || !name.bytes().all(sound) {
            return Err(BadCookie(()));
        }
        Ok(Self {
            name: name.into(),
            mode: AffinityMode::default(),
            change_on_failure: false,
            path: "/".into(),
            domain: None,
            max_age: None,
            secure: false,
            same_site: None,
        })
    }

    /// The mode.
    #[must_use]
    pub const fn mode(mut self, mode: AffinityMode) -> Self {
        self.mode = mode;
        self
    }

    /// Whether a session whose endpoint is ejected, or has failed this request, gets a new cookie and
    /// stays with another. Else it is elsewhere only until the endpoint is back.
    #[must_use]
    pub const fn change_on_failure(mut self, change: bool) -> Self {
        self.change_on_failure = change;
        self
    }

    /// The path that browsers send it to; `/` unless said otherwise.
    pub fn path(mut self, path: &str) -> Result<Self, BadCookie> {
        self.path = attribute(path)?;
        Ok(self)
    }

    /// The domain that browsers send it to; unless said otherwise, the host alone.
    pub fn domain(mut self, domain: &str) -> Result<Self, BadCookie> {
        self.domain = Some(attribute(domain)?);
        Ok(self)
    }

    /// How long browsers keep it; unless said otherwise, until they are closed.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Whether browsers send it over TLS only.
    #[must_use]
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Whether browsers send it with requests that other sites made.
    #[must_use]
    pub const fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = Some(same_site);
        self
    }

    /// The key that a client presents for this Service. The cookie of another is none: several may be
    /// behind one path and one name, as a release and its canary are.
    pub(super) fn presented<'r>(&self, caller: &Caller<'r>, tag: u64) -> Option<&'r [u8]> {
        let value = caller.cookie(&self.name)?;
        let at = value.iter().position(|byte| *byte == b'|');
        let (key, service) = value.split_at_checked(at.unwrap_or(value.len()))?;
        let own = service.strip_prefix(b"|").is_some_and(|service| parse_hex(service) == Some(tag));
        (own && (1..=LONGEST_KEY).contains(&key.len())).then_some(key)
    }

    /// The header that sets the cookie.
    pub(super) fn set(&self, key: &str, tag: u64) -> Option<HeaderValue> {
        let mut text = format!("{}={key}|{tag:016x}; Path={}; HttpOnly", self.name, self.path);
        if let Some(domain) = &self.domain {
            text.push_str("; Domain=");
            text.push_str(domain);
        }
        if let Some(age) = self.max_age {
            text.push_str("; Max-Age=");
            text.push_str(&age.as_secs().to_string());
        }
        if self.secure {
            text.push_str("; Secure");
        }
        match self.same_site {
            None => {}
            Some(SameSite::Strict) => text.push_str("; SameSite=Strict"),
            Some(SameSite::Lax) => text.push_str("; SameSite=Lax"),
            Some(SameSite::None) => text.push_str("; SameSite=None"),
        }
        HeaderValue::try_from(text).ok()
    }
}

fn attribute(text: &str) -> Result<Arc<str>, BadCookie> {
    let sound = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b';';
    if text.bytes().all(sound) { Ok(text.into()) } else { Err(BadCookie(())) }
}

/// What the cookies of a Service's port are marked with.
pub(super) fn tag(service: &ServiceRef, seed: u64) -> u64 {
    let port = service.port().to_string();
    Hash::new(seed).bytes(service.id().as_str().as_bytes()).number(0).bytes(port.as_bytes()).finish()
}

/// What the cookies of an endpoint say. Not its address, which is nobody's business.
pub(super) fn token(address: &Address, tag: u64) -> u64 {
    Hash::new(tag).address(address).finish()
}

/// Sixteen digits, as they are written.
pub(super) fn parse_hex(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() == 16)?;
    text.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u64::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn presented(affinity: &Affinity, cookie: &str) -> Option<String> {
        let request = Request::get("/").header("cookie", cookie).body(()).unwrap();
        let key = affinity.presented(&Caller::of(&request), 0xab)?;
        Some(String::from_utf8_lossy(key).into_owned())
    }

    #[test]
    fn what_is_set_is_what_is_read() {
        let affinity = Affinity::new("sid").unwrap();
        let set = affinity.set("key", 0xab).unwrap();
        assert_eq!(set, "sid=key|00000000000000ab; Path=/; HttpOnly");
        assert_eq!(presented(&affinity, "a=b; sid=key|00000000000000ab").as_deref(), Some("key"));
        let long = format!("sid={}|00000000000000ab", "k".repeat(LONGEST_KEY + 1));
        for other in [
            "sid=key|00000000000000ac",
            "sid=key",
            "sid=key|ab",
            "sid=key|+0000000000000ab",
            "sid=|00000000000000ab",
            "sid=",
            "sid",
            "xsid=key|00000000000000ab",
            &long,
        ] {
            assert_eq!(presented(&affinity, other), None, "{other}");
        }
    }

    #[test]
    fn attributes() {
        let affinity = Affinity::new("sid").unwrap().path("/shop").unwrap().domain("a.example").unwrap();
        let affinity = affinity.max_age(Duration::from_secs(60)).secure(true).same_site(SameSite::Lax);
        assert_eq!(
            affinity.set("k", 1).unwrap(),
            "sid=k|0000000000000001; Path=/shop; HttpOnly; Domain=a.example; Max-Age=60; Secure; SameSite=Lax"
        );
        for bad in ["", "a b", "a=b", "a;b", "ä", "a\r\nb"] {
            assert_eq!(Affinity::new(bad), Err(BadCookie(())), "{bad}");
        }
        for bad in ["/;x", "/\r\nset-cookie: x", "/ä", "\0"] {
            assert!(Affinity::new("sid").unwrap().path(bad).is_err(), "{bad}");
            assert!(Affinity::new("sid").unwrap().domain(bad).is_err(), "{bad}");
        }
    }
}
