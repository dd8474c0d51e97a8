//! Which texts the controller lets into an annotation, and how it reads booleans and numbers.
//!
//! Every test here refuses control characters: a line break that slips through a test is how configuration
//! was injected more than once.

use crate::rule::SourceRanges;

/// What an annotation's value has to look like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// A boolean, as Go reads it.
    Bool,
    /// Letters, digits, `-._~/:`.
    Basic,
    /// The same, and spaces and commas.
    Extended,
    /// Basic, and spaces.
    Spaced,
    /// An integer.
    Int,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// One of these, in any case.
    OneOfFold(&'static [&'static str]),
    /// A path that may hold `$`.
    Captures,
    /// The same, and spaces.
    CapturesSpaced,
    /// An expression, or a server name with its signs.
    Regex,
    /// Several server names.
    ServerNames,
    /// The name of a Service.
    Service,
    /// A number with a unit of memory.
    Size,
    /// A URL.
    Url,
    /// The same, and spaces.
    UrlSpaced,
    /// A URL that may hold `$`.
    UrlVariables,
    /// Variables and text.
    Variables,
    /// Addresses and ranges of them.
    Ranges,
    /// Names of headers.
    Headers,
    /// A list of statuses.
    Statuses,
    /// Cipher suites.
    Ciphers,
    /// `CN=` and an expression.
    CommonName,
    /// `basic` or `digest`, somewhere in it.
    AuthType,
    /// Anything in one line: judged where it is used.
    Line,
}

impl Shape {
    pub(super) fn admits(self, value: &str) -> bool {
        if value.chars().any(char::is_control) {
            return false;
        }
        let all = |signs: &str| {
            value.chars().all(|c| c.is_ascii_alphanumeric() || "-._~/:".contains(c) || signs.contains(c))
        };
        match self {
            Self::Bool => boolean(value).is_some(),
            Self::Basic => all(""),
            Self::Extended => all(", "),
            Self::Spaced => all(" "),
            Self::Int => integer(value).is_some(),
            Self::OneOf(values) => values.contains(&value),
            Self::OneOfFold(values) => values.iter().any(|known| known.eq_ignore_ascii_case(value.trim())),
            Self::Captures => all("$"),
            Self::CapturesSpaced => all("$ "),
            Self::Ranges => SourceRanges::parse(value.split(',').map(str::trim)).is_ok(),
            Self::Regex => all(r"^$[](){}*+?|&=\"),
            Self::ServerNames => value.split(',').all(|name| Self::Regex.admits(name.trim())),
            Self::Service => is_label(value),
            Self::Size => {
                let digits = value.trim_end_matches(['b', 'k', 'm', 'g', 'B', 'K', 'M', 'G']);
                value.len() - digits.len() <= 1
                    && !digits.is_empty()
                    && digits.bytes().all(|byte| byte.is_ascii_digit())
            }
            Self::Url => all(",:?&="),
            Self::UrlSpaced => all(",:?&= "),
            Self::UrlVariables => all(", :?&=$"),
            Self::Variables => value.chars().all(|c| c.is_ascii_alphanumeric() || "-_${} ".contains(c)),
            Self::Headers => value.chars().all(|c| c.is_ascii_alphanumeric() || "-_, ".contains(c)),
            Self::Statuses => statuses(value).is_some(),
            Self::Ciphers => value.chars().all(|c| c.is_ascii_alphanumeric() || ":-+!@_=".contains(c)),
            Self::CommonName => value.strip_prefix("CN=").is_some_and(|name| Self::Regex.admits(name)),
            Self::AuthType => value.contains("basic") || value.contains("digest"),
            Self::Line => true,
        }
    }
}

/// Nothing but these spellings is a boolean.
pub(super) fn boolean(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

pub(super) fn integer(value: &str) -> Option<i64> {
    let digits = value.strip_prefix(['+', '-']).unwrap_or(value);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| value.parse().ok()).flatten()
}

/// Statuses of errors, with commas in between. The controller's test also takes commas where there should
/// be a digit, and none between two statuses; what nginx then reads is for [`broken_status`].
pub(super) fn statuses(value: &str) -> Option<Vec<&str>> {
    let parts: Vec<_> = value.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    let code = |part: &&str| {
        part.len().is_multiple_of(3)
            && part
                .as_bytes()
                .chunks(3)
                .all(|code| matches!(code.first(), Some(b'4' | b'5')) && code.iter().all(u8::is_ascii_digit))
    };
    let odd_comma = value.trim_start().starts_with(',');
    (parts.iter().all(code) && (!odd_comma || parts.iter().all(|part| part.len() >= 2))).then_some(parts)
}

/// Whether nginx would refuse a status as that of a page for errors.
pub(super) fn broken_status(code: &str) -> bool {
    code == "499" || code.len() != 3
}

pub(super) fn is_label(value: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !value.is_empty()
        && value.len() <= 63
        && value.bytes().all(legal)
        && !value.starts_with('-')
        && !value.ends_with('-')
}

/// A number of bytes with its unit.
pub(super) fn size(value: &str) -> Option<u64> {
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match value.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        for (shape, good, bad) in [
            (Shape::Bool, "T", "yes"),
            (Shape::Basic, "a-b._~/:9", "a b"),
            (Shape::Int, "-5", "60s"),
            (Shape::Captures, "/$1/x", "/a?b"),
            (Shape::Regex, r"~^w\d+\.a$", "a;b"),
            (Shape::ServerNames, "*.a, b", "a b"),
            (Shape::Service, "web-1", "Bad_Name"),
            (Shape::Size, "8K", "8kb"),
            (Shape::Url, "https://a/?b=c&d", "https://a/$1"),
            (Shape::UrlVariables, "http://$host/x", "http://a;b"),
            (Shape::Statuses, "404, 503", "200"),
            (Shape::Statuses, "404404", "40"),
            (Shape::CapturesSpaced, "/a b", "/a?b"),
            (Shape::UrlSpaced, "/a b?c", "/$1"),
            (Shape::Ranges, "10.0.0.0/8, ::1", "10.0.0.0/8,x"),
            (Shape::Variables, "${host}-$arg_a b", "$host:80"),
            (Shape::CommonName, "CN=a.*", "a"),
            (Shape::OneOfFold(&["GRPC"]), "grpc", "h2"),
        ] {
            assert!(shape.admits(good), "{shape:?} {good}");
            assert!(!shape.admits(bad), "{shape:?} {bad}");
            assert!(!shape.admits("a\nb") && !shape.admits("\u{7f}"), "{shape:?}");
        }
        assert_eq!(size("8k"), Some(8192));
        assert_eq!((integer("+7"), integer("7 "), integer("")), (Some(7), None, None));
    }
}
