//! What a question asks for, after its `?`.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, Method};

use crate::args::{Asked, header};
use crate::request::Request;
use crate::suggest::did_you_mean;
use crate::target::Target;

/// The pairs of a query, each to be taken once. What nobody takes is a mistake.
pub(super) struct Query<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

impl<'q> Query<'q> {
    pub(super) fn new(text: &'q str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).collect())
    }

    /// The value of a key; of several the first.
    pub(super) fn take(&mut self, key: &str) -> Option<Cow<'q, str>> {
        let at = self.0.iter().position(|(known, _)| known == key)?;
        Some(self.0.remove(at).1)
    }

    /// The value of a key as something else, unless it is left out or empty.
    pub(super) fn parse<T>(&mut self, key: &str, what: &str) -> Result<Option<T>, String>
    where
        T: std::str::FromStr,
    {
        let Some(text) = self.take(key).filter(|text| !text.is_empty()) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| format!("{key} {text:?} is no {what}"))
    }

    /// Complains of what is left.
    pub(super) fn done(self, known: &[&str]) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => {
                let meant = did_you_mean(key, known.iter().copied());
                Err(format!("{key:?} has no meaning here, or is there twice{meant}"))
            }
        }
    }

    /// The request that is asked about.
    pub(super) fn request(mut self) -> Result<Request, String> {
        let url = self.take("url").filter(|url| !url.is_empty());
        let url = url.ok_or("which request? /explain?url=https://shop.example.com/cart")?;
        let target: Target = url.parse()?;
        let method = self.parse::<Method>("method", "method")?.unwrap_or_default();
        let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
        while let Some(line) = self.take("header") {
            if !line.is_empty() {
                headers.push(header(&line)?);
            }
        }
        let asked = Asked {
            urls: Vec::new(),
            request: method,
            header: headers,
            client_ip: self.parse("client_ip", "address")?,
            sni: self.take("sni").filter(|name| !name.is_empty()).map(Cow::into_owned),
            draw: self.parse("draw", "number")?.unwrap_or(0),
            requests: None,
        };
        self.done(&["url", "method", "header", "client_ip", "sni", "draw"])?;
        Ok(Request::of(&target, &asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_in_a_query() {
        let query = "url=https%3A%2F%2Fshop.example.com%2Fa%3Fb%3Dc&method=POST&header=X-A:+1&header=x-a:2&client_ip=::1";
        let request = Query::new(query).request().unwrap();
        assert_eq!(request.to_string(), "POST https://shop.example.com/a?b=c");
        assert_eq!(request.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(request.client_ip, Some("::1".parse().unwrap()));
    }

    #[test]
    fn mistakes() {
        for (query, said) in [
            ("", "which request?"),
            ("url=", "which request?"),
            ("url=ftp://a/", "scheme"),
            ("url=/&method=G%20T", "method"),
            ("url=/&header=x", "write it as"),
            ("url=/&client_ip=x", "no address"),
            ("url=/&draw=-1", "no number"),
            ("url=/&mehtod=GET", "did you mean \"method\"?"),
            ("url=/&url=/", "twice"),
        ] {
            let error = Query::new(query).request().unwrap_err();
            assert!(error.contains(said), "{query}: {error}");
        }
    }
}
