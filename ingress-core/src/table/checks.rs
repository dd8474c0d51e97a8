//! What a strict server refuses before it reads a path.

use http::{Method, Version};

use crate::path::Refusal;
use crate::request::RequestHead;

/// A request line longer than this, its line end included, is not read.
const LINE: usize = 8192;
/// What stands in it besides method and target.
const AROUND: usize = " ".len() + " HTTP/1.1\r\n".len();

/// Why a request is refused, whatever the table says. The target is no longer absolute.
pub(crate) fn refusal(request: &RequestHead<'_>) -> Option<Refusal> {
    let (method, target) = (request.http_method(), request.target());
    if !method.as_str().bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-')) {
        return Some(Refusal::Method);
    }
    if method.as_str().len() + target.len() + AROUND > LINE {
        return Some(Refusal::Length);
    }
    if target.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Some(Refusal::ControlByte);
    }
    if !target.is_empty() && !target.starts_with(['/', '?']) {
        return Some(Refusal::Relative);
    }
    match request.host() {
        None if request.http_version() >= Version::HTTP_11 => return Some(Refusal::HostCount),
        Some(host) if !is_host(host) => return Some(Refusal::Host),
        _ => {}
    }
    let forbidden = *method == Method::CONNECT || *method == Method::TRACE;
    forbidden.then_some(Refusal::MethodForbidden)
}

/// Whether a server takes the text for a host, be it one that exists or not.
fn is_host(raw: &str) -> bool {
    let mut bracket = false;
    let mut name = raw;
    for (at, byte) in raw.bytes().enumerate() {
        match byte {
            b'[' if at == 0 => bracket = true,
            b']' if bracket => bracket = false,
            // What follows is a port, or taken for one.
            b':' if !bracket => {
                name = raw.get(..at).unwrap_or_default();
                break;
            }
            b'/' => return false,
            _ => {}
        }
    }
    let bare = name.strip_suffix('.').unwrap_or(name);
    !bare.is_empty() && !name.contains("..") && raw.bytes().all(|byte| byte > b' ' && byte != 0x7f)
}

/// Whether method and target are so ordinary that [`refusal`] says nothing about them: those of nearly every
/// request are. The path is plain; the host is one of the table's.
#[inline]
pub(crate) fn is_ordinary(request: &RequestHead<'_>) -> bool {
    let (method, target) = (request.http_method(), request.target());
    let common = *method == Method::GET || *method == Method::POST || *method == Method::HEAD;
    common && target.len() < LINE / 2 && target.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for good in ["a", "a.", "a.b:80", "a:b", "[::1]:80", "1.2.3.4", "_", "a@b", "h\u{e9}"] {
            assert!(is_host(good), "{good:?}");
        }
        for bad in ["", ".", ":80", "a..b", "a/b", "a b", "a\u{7f}", "a\tb"] {
            assert!(!is_host(bad), "{bad:?}");
        }
    }

    #[test]
    fn what_is_ordinary_is_not_refused() {
        let long = format!("/{}", "a".repeat(8200));
        for target in ["/", "/a", "", "a", "*", "http://a/b", &long] {
            for method in [Method::GET, Method::TRACE, Method::from_bytes(b"get").unwrap()] {
                let request = RequestHead::new("a", target).method(&method);
                let ordinary = is_ordinary(&request);
                assert_eq!(
                    ordinary,
                    method == Method::GET && ["/", "/a"].contains(&target),
                    "{method} {target}"
                );
                assert!(!ordinary || refusal(&request).is_none(), "{method} {target}");
            }
        }
    }

    #[test]
    fn requests() {
        let ask = |head: RequestHead<'_>| refusal(&head);
        let get = RequestHead::new("h", "/");
        assert_eq!(ask(get), None);
        assert_eq!(ask(get.method(&Method::from_bytes(b"get").unwrap())), Some(Refusal::Method));
        assert_eq!(ask(get.method(&Method::from_bytes(b"FOO").unwrap())), None);
        assert_eq!(ask(get.method(&Method::TRACE)), Some(Refusal::MethodForbidden));
        assert_eq!(ask(RequestHead::new("h", "/?\u{7f}")), Some(Refusal::ControlByte));
        assert_eq!(ask(RequestHead::new("h", "h:80").method(&Method::CONNECT)), Some(Refusal::Relative));
        assert_eq!(ask(RequestHead::without_host("/")), Some(Refusal::HostCount));
        assert_eq!(ask(RequestHead::without_host("/").version(Version::HTTP_10)), None);
        assert_eq!(ask(RequestHead::new("a/b", "/")), Some(Refusal::Host));
        let long = format!("/{}", "a".repeat(8176));
        assert_eq!(ask(RequestHead::new("h", &long)), None);
        let longer = format!("{long}a");
        assert_eq!(ask(RequestHead::new("h", &longer)), Some(Refusal::Length));
    }
}
