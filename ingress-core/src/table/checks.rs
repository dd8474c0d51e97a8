//! What a strict server refuses before it reads a path.

use http::{Method, Version};

use crate::host::lenient;
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
    if request.host().is_none() && request.http_version() >= Version::HTTP_11 {
        return Some(Refusal::HostCount);
    }
    // Both are read where the target brings a host of its own.
    let mut hosts = request.host().into_iter().chain(request.host_header());
    if request.has_odd_authority() || hosts.any(|host| lenient(host).is_none()) {
        return Some(Refusal::Host);
    }
    let forbidden = *method == Method::CONNECT || *method == Method::TRACE;
    forbidden.then_some(Refusal::MethodForbidden)
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
        for (target, refused) in [
            ("http://a.b-c:80/x", false),
            ("http://[::1]:80", false),
            ("http://a:/", false),
            ("http://a_b/", true),
            ("http://u@a/", true),
            ("http://a:x/", true),
            ("http://a%2f", true),
            ("http://\u{e9}/", true),
            ("http://[::1]x/", true),
            ("http://[::1/", true),
            ("http:///", true),
        ] {
            let apart = RequestHead::new("h", target).taken_apart().unwrap();
            assert_eq!(ask(apart).is_some(), refused, "{target}");
            let apart = RequestHead::new("a/b", target).taken_apart().unwrap();
            assert_eq!(ask(apart), Some(Refusal::Host), "{target}");
        }
        let long = format!("/{}", "a".repeat(8176));
        assert_eq!(ask(RequestHead::new("h", &long)), None);
        let longer = format!("{long}a");
        assert_eq!(ask(RequestHead::new("h", &longer)), Some(Refusal::Length));
    }
}
