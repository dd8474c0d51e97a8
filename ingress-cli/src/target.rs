//! A URL of the command line, split by hand.
//!
//! A URL parser would resolve dots and encode what it does not like, and the question is what the
//! table makes of exactly what was asked.

use std::str::FromStr;

/// What a URL says about a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Target {
    pub(crate) scheme: Scheme,
    pub(crate) host: Option<String>,
    pub(crate) path: String,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scheme {
    #[default]
    Http,
    Https,
}

impl Scheme {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl From<Scheme> for ingress_core::request::Scheme {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Http => Self::Http,
            Scheme::Https => Self::Https,
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        // The fragment stays with the client; nobody sends it.
        let sent = url.split('#').next().unwrap_or_default();
        if sent.is_empty() {
            return Err("the URL is empty".to_owned());
        }
        if sent.starts_with('/') {
            return Ok(Self { scheme: Scheme::Http, host: None, path: sent.to_owned() });
        }
        let (scheme, rest) = match sent.split_once("://") {
            Some((scheme, rest)) if !scheme.contains(['/', '?']) => (scheme_of(scheme)?, rest),
            _ => (Scheme::Http, sent),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        if host.is_empty() {
            return Err("the URL names no host; for a request without one, start with the path".to_owned());
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        Ok(Self { scheme, host: Some(host.to_owned()), path: format!("{slash}{target}") })
    }
}

fn scheme_of(text: &str) -> Result<Scheme, String> {
    if text.eq_ignore_ascii_case("http") {
        Ok(Scheme::Http)
    } else if text.eq_ignore_ascii_case("https") {
        Ok(Scheme::Https)
    } else {
        Err(format!("scheme {text:?} is not known; use http or https"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (Scheme, Option<String>, String) {
        let target: Target = url.parse().unwrap();
        (target.scheme, target.host, target.path)
    }

    #[test]
    fn urls_are_split_and_nothing_else() {
        use Scheme::{Http, Https};
        let cases = [
            ("https://shop.example.com/cart?id=7", Https, Some("shop.example.com"), "/cart?id=7"),
            ("HTTP://Shop.Example.COM:8080", Http, Some("Shop.Example.COM:8080"), "/"),
            ("http://a.b?x=/y", Http, Some("a.b"), "/?x=/y"),
            ("a.b/c", Http, Some("a.b"), "/c"),
            ("a.b:80", Http, Some("a.b:80"), "/"),
            ("https://user:pw@a.b/", Https, Some("a.b"), "/"),
            ("https://[2001:db8::1]:443/x", Https, Some("[2001:db8::1]:443"), "/x"),
            ("/a/../b//c%2e%2F?d=é#e", Http, None, "/a/../b//c%2e%2F?d=é"),
            ("a.b/x://y", Http, Some("a.b"), "/x://y"),
            ("https://a.b/%zz/\\x", Https, Some("a.b"), "/%zz/\\x"),
        ];
        for (url, scheme, host, path) in cases {
            assert_eq!(parts(url), (scheme, host.map(str::to_owned), path.to_owned()), "{url}");
        }
    }

    #[test]
    fn what_is_no_url() {
        for url in ["", "#x", "ftp://a.b/", "https:///x", "https://user@/x"] {
            assert!(url.parse::<Target>().is_err(), "{url}");
        }
    }
}
