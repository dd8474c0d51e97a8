//! What a request says about its host.

use std::borrow::Cow;
use std::fmt;

/// The longest name, in its text form.
pub(crate) const MAX_NAME: usize = 253;
/// The longest label of a name.
pub(crate) const MAX_LABEL: usize = 63;

/// The host of a request in the form that patterns are compared with: lower case, without port,
/// without one final dot. Borrows unless it must change.
///
/// ```
/// use ingress_core::host::HostName;
///
/// assert_eq!(HostName::parse("Shop.Example.com.:8443").unwrap().as_str(), "shop.example.com");
/// assert_eq!(HostName::parse("[2001:DB8::1]:443").unwrap().as_str(), "[2001:db8::1]");
/// assert!(HostName::parse("shop example").is_none());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostName<'r>(Cow<'r, str>);

impl<'r> HostName<'r> {
    /// Reads the host of a request, as it stands in the authority or in the `Host` header. `None`
    /// when it is no host name: such a request is only met by rules that name no host.
    pub fn parse(raw: &'r str) -> Option<Self> {
        Self::bare(raw).map(Self::folded)
    }

    /// A name without its case.
    pub(crate) fn folded(name: &'r str) -> Self {
        Self(if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        })
    }

    /// A name that is in form already.
    pub(crate) const fn in_form(name: &'r str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name without port and final dot, its case as it came.
    pub(crate) fn bare(raw: &str) -> Option<&str> {
        let name = strip_port(raw)?;
        if let Some(address) = name.strip_prefix('[') {
            let address = address.strip_suffix(']')?;
            let legal = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
            let sized = (1..=45).contains(&address.len());
            return (sized && address.bytes().all(legal)).then_some(name);
        }
        let name = name.strip_suffix('.').unwrap_or(name);
        let labels = || name.split('.').all(|label| is_label(label.as_bytes()));
        (name.len() <= MAX_NAME && labels()).then_some(name)
    }

    /// Whether a host might not be in canonical form: upper case, a port, a final dot, or something
    /// that is no name at all. May say yes too often, never no.
    #[inline]
    pub(crate) fn may_change(host: &[u8]) -> bool {
        // The colon stands just before the letters, the bracket just behind them, but for a few signs that
        // no name has.
        let odd = |byte: u8| (b':'..=b'[').contains(&byte) || byte >= 0x80;
        host.iter().fold(false, |found, &byte| found | odd(byte)) || matches!(host.last(), None | Some(b'.'))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The host without its port; `None` when what follows the colon is no port.
pub(crate) fn strip_port(raw: &str) -> Option<&str> {
    let colon = match raw.rfind(']') {
        Some(end) => raw.get(end..)?.find(':').map(|at| at + end),
        None => raw.find(':'),
    };
    let Some(colon) = colon else { return Some(raw) };
    let port = raw.get(colon + 1..)?;
    let is_port = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    if is_port { raw.get(..colon) } else { None }
}

/// What a lenient server takes for the name in a host: all of it but for what follows a colon or a bracket, and
/// for a final dot, be it a name by the letter or not. `None` when even such a server refuses the host.
pub(crate) fn lenient(raw: &str) -> Option<&str> {
    let refused = |byte: u8| byte <= b' ' || byte == 0x7f || byte == b'/';
    if raw.bytes().any(refused) || raw.contains("..") {
        return None;
    }
    let end = if raw.starts_with('[') { raw.find(']').map(|at| at + 1) } else { raw.find(':') };
    let name = raw.get(..end.unwrap_or(raw.len()))?;
    // A dot behind the colon keeps the one before it from being the final one.
    let bare = name.strip_suffix('.').filter(|bare| raw.rfind('.') == Some(bare.len())).unwrap_or(name);
    (!bare.is_empty()).then_some(bare)
}

/// Whether what a wildcard stands for is made of the letters that names are made of.
pub(crate) fn is_word(label: &[u8]) -> bool {
    !label.is_empty() && label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether `label` can be one label of a request's host. Underscores are let through: they are no
/// host name by the letter, but clients send them and a wildcard means them.
pub(crate) fn is_label(label: &[u8]) -> bool {
    label.len() <= MAX_LABEL && is_word(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_dots() {
        let parse = |raw| HostName::parse(raw).map(|name| name.as_str().to_owned());
        assert_eq!(parse("a.b").as_deref(), Some("a.b"));
        assert_eq!(parse("a.b:").as_deref(), Some("a.b"));
        assert_eq!(parse("A.b.:80").as_deref(), Some("a.b"));
        assert_eq!(parse("[::1]").as_deref(), Some("[::1]"));
        assert_eq!(parse("[::1]:80").as_deref(), Some("[::1]"));
        for bad in [
            "", ".", "a..", "a:b", "a:80:80", "a:123456", "[::1", "::1", "[]", "[::1]x", "é.com", "a/b",
            "a@b",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_lenient_servers_take() {
        for (raw, name) in [
            ("a", "a"),
            ("a.", "a"),
            ("a.b:80", "a.b"),
            ("a:b", "a"),
            ("[::1]:80", "[::1]"),
            ("[::1]x", "[::1]"),
            ("[::1", "[::1"),
            ("1.2.3.4", "1.2.3.4"),
            ("_", "_"),
            ("a@b", "a@b"),
            (".a", ".a"),
            ("a.:x", "a"),
            ("a.:x.y", "a."),
            ("h\u{e9}", "h\u{e9}"),
        ] {
            assert_eq!(lenient(raw), Some(name), "{raw:?}");
        }
        for bad in ["", ".", ":80", "a..b", "a/b", "a b", "a\u{7f}", "a\tb", "a:b/c", "a:.."] {
            assert_eq!(lenient(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn borrows_when_clean() {
        assert!(matches!(HostName::parse("a.b:80").unwrap().0, Cow::Borrowed("a.b")));
    }
}
