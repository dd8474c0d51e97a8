//! What a rule says about hosts: one name, one wildcard label, or nothing.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use super::HostName;
use super::name::{MAX_LABEL, MAX_NAME, is_word};
use crate::path::PathError;
use crate::path::regex::Search;

/// The hosts that a rule applies to, in canonical form: lower case, A-labels, no final dot.
///
/// Patterns order by specificity: an exact name, then wildcards with the longer suffix first, then
/// [any host](Self::ANY_TEXT). Within one class the order is that of the text, so it is total.
///
/// ```
/// use ingress_core::host::{HostName, HostPattern};
///
/// let wildcard: HostPattern = "*.Example.com".parse()?;
/// assert_eq!(wildcard.to_string(), "*.example.com");
/// assert!(wildcard.matches(&HostName::parse("shop.example.com:8443").unwrap()));
/// assert!(!wildcard.matches(&HostName::parse("a.shop.example.com").unwrap()));
/// assert!("10.0.0.1".parse::<HostPattern>().is_err());
/// # Ok::<(), ingress_core::host::HostError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct HostPattern {
    kind: Kind,
    /// The whole pattern as written, `*.` included.
    text: Arc<str>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Kind {
    Exact,
    /// One name that is not by the letter, or not as a request's host comes out once it is read.
    Odd,
    /// `**.a`: one label or more before it, whatever the dialect reads into `*`.
    Deep,
    /// `a.*`: one label or more behind it.
    Open,
    Wildcard,
    Regex(u32),
    Any,
}

impl HostPattern {
    /// How the pattern without a host is written.
    pub const ANY_TEXT: &'static str = "*";

    /// The pattern of a rule that names no host.
    pub fn any() -> Self {
        Self { kind: Kind::Any, text: Self::ANY_TEXT.into() }
    }

    /// Whether this is the pattern of rules that name no host.
    pub fn is_any(&self) -> bool {
        self.kind == Kind::Any
    }

    /// Exactly this name, be it one that an Ingress may declare or one that only requests have, such as `a_b`.
    /// It is compared with the host of a request once that was read: a name with a port is none's. Names that
    /// only a [lenient reading](crate::dialect::HostReading::lenient) lets through are found one by one.
    ///
    /// ```
    /// use ingress_core::host::{HostName, HostPattern};
    ///
    /// let odd = HostPattern::literal("A_b.example.com");
    /// assert!(odd.matches(&HostName::parse("a_b.example.com").unwrap()));
    /// ```
    pub fn literal(name: &str) -> Self {
        let text = name.to_ascii_lowercase();
        // An index by name is asked with the host as it was sent. That answers right if reading it would have
        // changed nothing.
        let kind = if HostName::bare(&text) == Some(&text) { Kind::Exact } else { Kind::Odd };
        Self { kind, text: text.into() }
    }

    /// Whether the pattern is one name.
    pub fn is_exact(&self) -> bool {
        matches!(self.kind, Kind::Exact | Kind::Odd)
    }

    /// One label or more before this name, in every dialect. Goes before wildcards. The name is taken as in
    /// [`literal`](Self::literal).
    ///
    /// ```
    /// use ingress_core::host::{HostName, HostPattern};
    ///
    /// let below = HostPattern::below("example.com");
    /// assert_eq!(below.to_string(), "**.example.com");
    /// assert!(below.matches(&HostName::parse("a.b.example.com").unwrap()));
    /// assert!(!below.matches(&HostName::parse("example.com").unwrap()));
    /// ```
    pub fn below(name: &str) -> Self {
        Self { kind: Kind::Deep, text: format!("**.{}", name.to_ascii_lowercase()).into() }
    }

    /// This name and one label or more behind it, in every dialect. Goes before wildcards, behind
    /// [`below`](Self::below). The name is taken as in [`literal`](Self::literal).
    pub fn above(name: &str) -> Self {
        Self { kind: Kind::Open, text: format!("{}.*", name.to_ascii_lowercase()).into() }
    }

    /// Hosts that an expression is found in. Goes behind wildcards; among each other, the lower place goes
    /// first. Each request for a host that nothing else takes tries these one by one.
    pub fn regex(expression: &str, place: u32) -> Result<Self, PathError> {
        Search::new(expression)?;
        Ok(Self { kind: Kind::Regex(place), text: format!("~{expression}").into() })
    }

    pub(crate) fn is_regex(&self) -> bool {
        matches!(self.kind, Kind::Regex(_))
    }

    /// Whether the pattern is none that an index by name finds.
    pub(crate) fn is_odd(&self) -> bool {
        matches!(self.kind, Kind::Deep | Kind::Odd | Kind::Open | Kind::Regex(_))
    }

    /// Whether a name that the pattern matches is one label longer than what the pattern gives of it.
    pub(crate) fn leaves_one_label(&self, name: &HostName<'_>) -> bool {
        let end = self.text.trim_start_matches('*');
        name.as_str().strip_suffix(end).is_some_and(|label| !label.contains('.'))
    }

    /// Whether the first label is `*`.
    pub fn is_wildcard(&self) -> bool {
        self.kind == Kind::Wildcard
    }

    /// The name behind `*.` of a wildcard; the name itself of an exact pattern; empty for any host.
    pub fn suffix(&self) -> &str {
        match self.kind {
            Kind::Exact | Kind::Odd => &self.text,
            Kind::Wildcard => self.text.strip_prefix("*.").unwrap_or(""),
            Kind::Any | Kind::Deep | Kind::Open | Kind::Regex(_) => "",
        }
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a request for `name` is meant, read literally: a wildcard stands for one label.
    pub fn matches(&self, name: &HostName<'_>) -> bool {
        match self.kind {
            Kind::Any => true,
            Kind::Deep => {
                let suffix = self.text.strip_prefix("**").unwrap_or("");
                name.as_str().ends_with(suffix)
            }
            Kind::Open => {
                let prefix = self.text.strip_suffix('*').unwrap_or("");
                name.as_str().starts_with(prefix)
            }
            Kind::Regex(_) => {
                let expression = self.text.strip_prefix('~').unwrap_or("");
                Search::new(expression).is_ok_and(|search| search.is_found(name.as_str().as_bytes()))
            }
            Kind::Exact | Kind::Odd => name.as_str() == self.suffix(),
            Kind::Wildcard => {
                let parts = name.as_str().split_once('.');
                parts.is_some_and(|(label, rest)| rest == self.suffix() && is_word(label.as_bytes()))
            }
        }
    }

    /// As [`matches`](Self::matches), with a wildcard that stands for one label or more.
    pub fn matches_deep(&self, name: &HostName<'_>) -> bool {
        match self.kind {
            Kind::Wildcard => {
                let head = name.as_str().strip_suffix(self.suffix()).and_then(|head| head.strip_suffix('.'));
                head.is_some_and(|head| head.split('.').all(|label| is_word(label.as_bytes())))
            }
            _ => self.matches(name),
        }
    }

    fn rank(&self) -> (Kind, std::cmp::Reverse<usize>, &str) {
        let by_length = matches!(self.kind, Kind::Deep | Kind::Open | Kind::Wildcard);
        let length = if by_length { self.text.len() } else { 0 };
        (self.kind, std::cmp::Reverse(length), &self.text)
    }
}

impl Ord for HostPattern {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for HostPattern {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for HostPattern {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if text.is_empty() {
            return Ok(Self::any());
        }
        // The longest A-label form of a name is bounded, its Unicode form is not much longer: a text
        // beyond this cannot become a name, and is not worth converting to find that out.
        if text.len() > 4 * MAX_NAME {
            return Err(HostError { kind: HostErrorKind::TooLong });
        }
        let (kind, name) = match text.strip_prefix("*.") {
            Some(name) => (Kind::Wildcard, name),
            None => (Kind::Exact, text),
        };
        let plain = is_canonical(name);
        let canonical;
        let name = if plain {
            name
        } else {
            canonical = canonical_name(name)?;
            &canonical
        };
        check_name(name)?;
        let text = match kind {
            Kind::Wildcard if plain => text.into(),
            Kind::Wildcard => format!("*.{name}").into(),
            _ => name.into(),
        };
        Ok(Self { kind, text })
    }
}

fn is_canonical(name: &str) -> bool {
    !name.ends_with('.') && name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
}

fn canonical_name(name: &str) -> Result<String, HostError> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_ascii() {
        return Ok(name.to_ascii_lowercase());
    }
    idna::domain_to_ascii(name).map_err(|_| HostError { kind: HostErrorKind::Idna })
}

fn check_name(name: &str) -> Result<(), HostError> {
    let fail = |kind| Err(HostError { kind });
    if name.parse::<Ipv4Addr>().is_ok() || name.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok() {
        return fail(HostErrorKind::Address);
    }
    if name.len() > MAX_NAME {
        return fail(HostErrorKind::TooLong);
    }
    for label in name.split('.') {
        if label.is_empty() {
            return fail(HostErrorKind::EmptyLabel);
        }
        if label.len() > MAX_LABEL {
            return fail(HostErrorKind::LongLabel);
        }
        if label.contains('*') {
            return fail(HostErrorKind::Wildcard);
        }
        if let Some(bad) = label.chars().find(|&c| !(c.is_ascii_alphanumeric() || c == '-')) {
            return fail(HostErrorKind::Character(bad));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return fail(HostErrorKind::Hyphen);
        }
    }
    Ok(())
}

/// Why a text is no [`HostPattern`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostError {
    kind: HostErrorKind,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum HostErrorKind {
    Address,
    Character(char),
    EmptyLabel,
    Hyphen,
    Idna,
    LongLabel,
    TooLong,
    Wildcard,
}

impl HostError {
    /// The text is an IP address, which the API forbids as a host.
    pub fn is_address(&self) -> bool {
        self.kind == HostErrorKind::Address
    }

    /// The text has a `*` elsewhere than as its whole first label.
    pub fn is_wildcard(&self) -> bool {
        self.kind == HostErrorKind::Wildcard
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            HostErrorKind::Address => f.write_str("it is an IP address"),
            HostErrorKind::Character(bad) => write!(f, "{bad:?} cannot stand in a DNS name"),
            HostErrorKind::EmptyLabel => f.write_str("it has an empty label"),
            HostErrorKind::Hyphen => f.write_str("a label starts or ends with a hyphen"),
            HostErrorKind::Idna => f.write_str("it has no valid ASCII form"),
            HostErrorKind::LongLabel => write!(f, "a label is longer than {MAX_LABEL} characters"),
            HostErrorKind::TooLong => write!(f, "it is longer than {MAX_NAME} characters"),
            HostErrorKind::Wildcard => f.write_str("a wildcard may only be a whole first label"),
        }
    }
}

impl std::error::Error for HostError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Result<String, String> {
        text.parse::<HostPattern>().map(|p| p.to_string()).map_err(|e| e.to_string())
    }

    #[test]
    fn canonical_form() {
        assert_eq!(pattern("").as_deref(), Ok("*"));
        assert_eq!(pattern("Shop.Example.COM.").as_deref(), Ok("shop.example.com"));
        assert_eq!(pattern("*.Shop.example.com").as_deref(), Ok("*.shop.example.com"));
        assert_eq!(pattern("bücher.example").as_deref(), Ok("xn--bcher-kva.example"));
        assert_eq!(pattern("*.BÜCHER.example").as_deref(), Ok("*.xn--bcher-kva.example"));
    }

    #[test]
    fn refused() {
        for text in [
            "*", "*.", "**.a", "a.*.b", "*a.b", "10.0.0.1", "[::1]", "::1", "a..b", ".a", "a_b.c", "a b",
            "-a.b", "a-.b", "a:80", "http://a", "a\0b", ".", "..",
        ] {
            assert!(pattern(text).is_err(), "{text:?} gave {:?}", pattern(text));
        }
        assert!(pattern(&"a.".repeat(1_000_000)).is_err());
        assert!(pattern(&"é".repeat(200)).is_err());
        assert!(pattern(&format!("{}.a", "a".repeat(64))).is_err());
        assert!(pattern(&format!("{}.a", "a".repeat(63))).is_ok());
    }

    #[test]
    fn order_is_specificity() {
        let mut patterns: Vec<HostPattern> =
            ["", "*.a.com", "b.com", "*.x.a.com", "a.com"].map(|t| t.parse().unwrap()).into();
        patterns.sort();
        let texts: Vec<_> = patterns.iter().map(HostPattern::as_str).collect();
        assert_eq!(texts, ["a.com", "b.com", "*.x.a.com", "*.a.com", "*"]);
    }

    #[test]
    fn deep_wildcards_take_one_label_or_more() {
        let wildcard: HostPattern = "*.a.com".parse().unwrap();
        let deep = |text| wildcard.matches_deep(&HostName::parse(text).unwrap());
        assert!(deep("x.a.com") && deep("y.x.a.com"));
        assert!(!deep("a.com") && !deep("xa.com") && !deep("x.b.com"));
    }
}
