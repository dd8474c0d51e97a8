//! Words for labels and attributes: few enough to count by, whatever clients and endpoints send.

use http::{Method, StatusCode, Version};
use ingress_core::Rule;

/// The method, if it is one of those that HTTP and its extensions in use define. Clients may invent others.
pub(super) fn method(method: &Method) -> &'static str {
    match *method {
        Method::CONNECT => "CONNECT",
        Method::DELETE => "DELETE",
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}

/// The number, if it is a registered one; else the class, as `4xx`. Endpoints may invent others. Nothing
/// for a request without an answer.
pub(super) fn status(status: Option<StatusCode>, by_class: bool) -> Word {
    match status {
        None => Word::None,
        Some(status) if !by_class && status.canonical_reason().is_some() => Word::Number(status.as_u16()),
        Some(status) => Word::Class(status.as_u16() / 100),
    }
}

/// A status as a label.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Word {
    Class(u16),
    None,
    Number(u16),
}

impl Word {
    pub(super) fn text(self) -> String {
        match self {
            Self::Class(class) => format!("{class}xx"),
            Self::None => String::new(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// `network.protocol.version`.
pub(super) fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

/// `http.route`: the path of a rule as written. A rule without one takes every path.
pub(super) fn route(rule: &Rule) -> &str {
    match rule.path().as_str() {
        "" => "/",
        path => path,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_few_of_them() {
        let of = |by_class| -> BTreeSet<String> {
            let all = (100..1000).filter_map(|code| StatusCode::from_u16(code).ok());
            all.map(|code| status(Some(code), by_class).text()).collect()
        };
        assert_eq!(of(true).len(), 9);
        let numbers = of(false);
        assert!((60..80).contains(&numbers.len()), "{}", numbers.len());
        assert!(numbers.contains("404") && numbers.contains("9xx") && !numbers.contains("499"));
        assert_eq!(status(None, false).text(), "");
        assert_eq!(method(&Method::from_bytes(b"X-1").unwrap()), "_OTHER");
        assert_eq!(method(&Method::PATCH), "PATCH");
    }
}
