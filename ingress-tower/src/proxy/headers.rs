//! What belongs to one connection and must not travel on: hop-by-hop headers.

use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderName, PROXY_AUTHENTICATE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");

/// What the hop-by-hop headers of a message said, before they were removed.
#[derive(Debug, Default)]
pub(super) struct Hop {
    /// The protocols to change to, where the message asks for that properly.
    pub(super) upgrade: Option<HeaderValue>,
    /// Whether trailers are understood.
    pub(super) trailers: bool,
    /// Whether the length was given by `Transfer-Encoding`.
    pub(super) transfer_encoding: bool,
}

/// Removes what concerns the connection only, and whatever `Connection` names beside it.
///
/// `Connection` cannot name away the host and the length of a message: these are for everybody, and
/// without them it would be another message. What is written afterwards, such as the client's
/// address, it cannot reach.
///
/// One pass over the names; nothing is allocated for the usual message.
pub(super) fn strip(headers: &mut HeaderMap, underscores: bool) -> Hop {
    let mut hop = Hop::default();
    let mut found = Found::default();
    let mut odd: Vec<HeaderName> = Vec::new();
    for name in headers.keys() {
        match name.as_str() {
            "connection" => found.connection = true,
            "upgrade" => found.upgrade = true,
            "te" => found.te = true,
            "transfer-encoding" => hop.transfer_encoding = true,
            "keep-alive" | "proxy-connection" | "http2-settings" | "proxy-authenticate" => found.rare = true,
            other if !underscores && other.contains('_') => odd.push(name.clone()),
            _ => {}
        }
    }
    for name in &odd {
        headers.remove(name);
    }
    if found.te {
        hop.trailers =
            headers.get_all(TE).iter().any(|value| tokens(value).any(|token| is(token, "trailers")));
        headers.remove(TE);
    }
    if found.connection {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .flat_map(tokens)
            .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
            .collect();
        if found.upgrade && named.contains(&UPGRADE) {
            hop.upgrade = headers.get(UPGRADE).filter(|value| is_offered(value)).cloned();
        }
        for name in named {
            if name != HOST && name != CONTENT_LENGTH && name != TRAILER {
                headers.remove(name);
            }
        }
        headers.remove(CONNECTION);
    }
    if found.upgrade {
        headers.remove(UPGRADE);
    }
    if hop.transfer_encoding {
        headers.remove(TRANSFER_ENCODING);
    }
    if found.rare {
        for name in [KEEP_ALIVE, PROXY_CONNECTION, HTTP2_SETTINGS, PROXY_AUTHENTICATE] {
            headers.remove(name);
        }
    }
    hop
}

#[derive(Default)]
struct Found {
    connection: bool,
    upgrade: bool,
    te: bool,
    rare: bool,
}

impl Hop {
    /// Writes what the next hop needs to know again.
    pub(super) fn renew(&self, headers: &mut HeaderMap) {
        if let Some(protocols) = &self.upgrade {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, protocols.clone());
        } else if self.trailers {
            headers.insert(TE, TRAILERS);
        }
    }
}

/// Another version of HTTP on the same connection would take every later request past the table.
fn is_offered(value: &HeaderValue) -> bool {
    let mut any = false;
    tokens(value).all(|token| {
        any = true;
        let name = token.split('/').next().unwrap_or("");
        !(is(name, "h2c") || is(name, "h2") || is(name, "http") || is(name, "tls"))
    }) && any
}

/// Whether one of the protocols asked for is the one that was changed to.
pub(super) fn is_among(asked: &HeaderValue, chosen: Option<&HeaderValue>) -> bool {
    let Some(chosen) = chosen else { return false };
    let mut chosen = tokens(chosen).peekable();
    chosen.peek().is_some() && chosen.all(|token| tokens(asked).any(|asked| is(asked, token)))
}

fn tokens(value: &HeaderValue) -> impl Iterator<Item = &str> {
    let text = value.to_str().unwrap_or("");
    text.split(',').map(str::trim).filter(|token| !token.is_empty())
}

fn is(token: &str, name: &str) -> bool {
    token.eq_ignore_ascii_case(name)
}

/// Removes from trailers what would change the meaning of a message that is half sent, or what the
/// proxy vouches for. RFC 9110, section 6.5.1.
pub(super) fn strip_trailers(trailers: &mut HeaderMap) {
    let forbidden: Vec<_> = trailers.keys().filter(|name| is_forbidden(name.as_str())).cloned().collect();
    for name in forbidden {
        trailers.remove(name);
    }
}

fn is_forbidden(name: &str) -> bool {
    matches!(
        name,
        "authorization"
            | "cache-control"
            | "connection"
            | "content-encoding"
            | "content-length"
            | "content-range"
            | "content-type"
            | "cookie"
            | "expect"
            | "forwarded"
            | "host"
            | "http2-settings"
            | "keep-alive"
            | "proxy-authorization"
            | "proxy-connection"
            | "range"
            | "set-cookie"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "x-real-ip"
            | "x-request-id"
    ) || name.starts_with("x-forwarded-")
        || name.contains('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_connection_names_goes_but_not_what_makes_the_message() {
        let mut headers = map(&[
            ("connection", "close, X-Mine, host, content-length"),
            ("connection", "x-also, bad name"),
            ("x-mine", "1"),
            ("x-also", "1"),
            ("host", "a"),
            ("content-length", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "gzip"),
            ("x-kept", "1"),
            ("x_odd", "1"),
        ]);
        let hop = strip(&mut headers, false);
        assert_eq!(names(&headers), ["content-length", "host", "x-kept"]);
        assert!(hop.upgrade.is_none() && !hop.trailers && !hop.transfer_encoding);
        let mut headers = map(&[("x_odd", "1")]);
        strip(&mut headers, true);
        assert_eq!(names(&headers), ["x_odd"]);
    }

    #[test]
    fn upgrades_are_written_anew_and_those_to_http_are_not() {
        for (connection, upgrade, kept) in [
            ("Upgrade", "websocket", true),
            ("keep-alive, upgrade", "WebSocket", true),
            ("keep-alive", "websocket", false),
            ("upgrade, http2-settings", "h2c", false),
            ("upgrade", "websocket, h2c", false),
            ("upgrade", "HTTP/2.0", false),
            ("upgrade", "TLS/1.0", false),
            ("upgrade", "", false),
        ] {
            let mut headers = map(&[("connection", connection), ("upgrade", upgrade)]);
            let hop = strip(&mut headers, false);
            assert!(headers.is_empty(), "{connection} {upgrade}");
            hop.renew(&mut headers);
            assert_eq!(headers.get(UPGRADE).is_some_and(|value| value == upgrade), kept, "{upgrade}");
            assert_eq!(headers.contains_key(CONNECTION), kept, "{upgrade}");
        }
        let mut headers = map(&[("te", "deflate, trailers")]);
        strip(&mut headers, false).renew(&mut headers);
        assert_eq!(headers, map(&[("te", "trailers")]));
    }

    #[test]
    fn a_protocol_that_was_not_asked_for_is_told_from_one_that_was() {
        let asked = HeaderValue::from_static("foo/2, websocket");
        for (chosen, fits) in [("WebSocket", true), ("foo/2", true), ("bar", false), ("", false)] {
            assert_eq!(is_among(&asked, Some(&HeaderValue::from_static(chosen))), fits, "{chosen}");
        }
        assert!(!is_among(&asked, None));
    }
}
