//! Requests that two servers may read differently, and that are therefore no requests here.

use std::fmt;

use http::header::HOST;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Method, Request, Version};

use super::reason::Reason;

/// What is wrong with a request.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// A line that ends without a carriage return.
    BareLineFeed,
    /// A carriage return that ends no line.
    BareCarriageReturn,
    /// More than one empty line before the request.
    EmptyLines,
    /// The first line is not a method, a target and `HTTP/1.0` or `HTTP/1.1`, with one space between.
    RequestLine,
    /// The target has a fragment, which is never sent.
    Fragment,
    /// The target is of a form that the method does not have.
    TargetForm,
    /// A header that goes on in the next line, which has been obsolete since 2014.
    Fold,
    /// A header without a name, or with a space in it or behind it.
    HeaderName,
    /// `Content-Length` is not a decimal number that means a length.
    Length,
    /// `Content-Length` is there twice, whether the two agree or not.
    LengthTwice,
    /// `Content-Length` and `Transfer-Encoding` together.
    LengthAndEncoding,
    /// `Transfer-Encoding` is not `chunked`, or is there twice, or in HTTP/1.0.
    Encoding,
    /// The body is not cut into chunks as it should be.
    Chunk,
    /// A line is longer than anything that is accepted.
    TooLong,
    /// The host is not a name or an address with at most a port.
    Host,
    /// There is no host.
    HostMissing,
    /// There is more than one host.
    HostTwice,
    /// The target names another host than the header.
    HostDiffers,
    /// The target has a user in it.
    UserInfo,
}

impl Flaw {
    /// A stable word for logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BareLineFeed => "bare-line-feed",
            Self::BareCarriageReturn => "bare-carriage-return",
            Self::EmptyLines => "empty-lines",
            Self::RequestLine => "request-line",
            Self::Fragment => "fragment",
            Self::TargetForm => "target-form",
            Self::Fold => "obsolete-folding",
            Self::HeaderName => "header-name",
            Self::Length => "content-length",
            Self::LengthTwice => "content-length-twice",
            Self::LengthAndEncoding => "length-and-encoding",
            Self::Encoding => "transfer-encoding",
            Self::Chunk => "chunk",
            Self::TooLong => "too-long",
            Self::Host => "host",
            Self::HostMissing => "host-missing",
            Self::HostTwice => "host-twice",
            Self::HostDiffers => "host-differs",
            Self::UserInfo => "user-info",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What parsers let through and a front door must not: whatever leaves it open which host is meant.
///
/// It comes before routing: what is judged there and what the endpoint sees must be the same.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), Reason> {
    check_target(request)?;
    check_host(request).map_err(Reason::Malformed)
}

fn check_target<B>(request: &Request<B>) -> Result<(), Reason> {
    let uri = request.uri();
    let method = request.method();
    if *method == Method::CONNECT || *method == Method::TRACE {
        return Err(Reason::Method);
    }
    let path = uri.path_and_query().map(PathAndQuery::as_str);
    let sound = match (uri.scheme_str(), path) {
        (None | Some("http" | "https"), Some("*")) => *method == Method::OPTIONS,
        (None | Some("http" | "https"), Some(path)) => {
            path.starts_with('/') && (uri.scheme().is_some() || uri.authority().is_none())
        }
        _ => false,
    };
    if sound { Ok(()) } else { Err(Reason::Malformed(Flaw::TargetForm)) }
}

fn check_host<B>(request: &Request<B>) -> Result<(), Flaw> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let header = hosts.next();
    if hosts.next().is_some() {
        return Err(Flaw::HostTwice);
    }
    let authority = request.uri().authority().map(Authority::as_str);
    if authority.is_some_and(|authority| authority.contains('@')) {
        return Err(Flaw::UserInfo);
    }
    for host in header.map(HeaderValue::as_bytes).into_iter().chain(authority.map(str::as_bytes)) {
        if !is_host(host) {
            return Err(Flaw::Host);
        }
    }
    match (header, authority) {
        (Some(header), Some(authority)) => {
            let same = header.as_bytes().eq_ignore_ascii_case(authority.as_bytes());
            if same { Ok(()) } else { Err(Flaw::HostDiffers) }
        }
        // HTTP/1.1 wants the header even where the target says it all.
        (None, _) if request.version() == Version::HTTP_11 => Err(Flaw::HostMissing),
        (None, None) if request.version() > Version::HTTP_11 => Err(Flaw::HostMissing),
        _ => Ok(()),
    }
}

/// A name or an address, and perhaps a port. Narrower than RFC 3986, whose names may hold almost
/// anything: nothing else is ever a host of a rule.
fn is_host(text: &[u8]) -> bool {
    let (name, rest) = match text {
        [b'[', inner @ ..] => {
            let Some(end) = inner.iter().position(|byte| *byte == b']') else { return false };
            let (address, rest) = inner.split_at(end);
            let plain = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
            (!address.is_empty() && address.iter().all(plain), rest.get(1..).unwrap_or_default())
        }
        _ => {
            let end = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
            (!name.is_empty() && name.len() <= 255 && name.iter().all(plain), rest)
        }
    };
    name && match rest {
        [] => true,
        [b':', port @ ..] => port.len() <= 5 && port.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_with_at_most_a_port() {
        for text in
            ["a", "A.example.com", "a:80", "a:", "a_b.c", "10.0.0.1:8080", "[::1]", "[fd00::1]:80", "a."]
        {
            assert!(is_host(text.as_bytes()), "{text}");
        }
        for text in [
            "", ":80", "a:80:90", "a:x", "a:123456", "a b", "a/b", "a\\b", "a@b", "a,b", "a#b", "a?b", "[",
            "[]", "[::1", "[::1]x", "[g::1]", "a%00", "a\t", "ä",
        ] {
            assert!(!is_host(text.as_bytes()), "{text}");
        }
    }
}
