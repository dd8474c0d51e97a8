//! Text that is put together for a request: locations of redirects, and what is sent upstream.

use std::fmt;

use http::HeaderName;

use crate::path::NormalPath;
use crate::request::RequestHead;

/// Text with places that a request fills in.
///
/// ```
/// use ingress_core::RequestHead;
/// use ingress_core::path::PathReading;
/// use ingress_core::rule::{Piece, Template};
///
/// let template = Template::new([Piece::text("https://"), Piece::HostHeader, Piece::Target]);
/// let request = RequestHead::new("shop.example.com", "/cart?id=7");
/// let path = PathReading::raw().normalize("/cart?id=7")?;
/// assert_eq!(template.render(&request, &path), "https://shop.example.com/cart?id=7");
/// assert_eq!(template.to_string(), "https://{host header}{target}");
/// # Ok::<(), ingress_core::path::Refusal>(())
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Template(Box<[Piece]>);

/// One part of a [`Template`].
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Piece {
    /// The address of the client.
    ClientAddress,
    /// The value of a cookie, compared without case.
    Cookie(Box<str>),
    /// A group of the expression that goes with the template.
    Group(u8),
    /// A header; of one that comes several times, all values.
    Header(HeaderName),
    /// The host as it is compared: lower case, without port, without a final dot.
    Host,
    /// The host header as it was sent.
    HostHeader,
    /// The host header up to its first colon.
    HostHeaderName,
    /// The first element of this header; where it is absent, another piece.
    ListedFirst(HeaderName, Box<Self>),
    /// The method.
    Method,
    /// A parameter of the query.
    Parameter(Box<str>),
    /// The path as rules judge it, its escapes decoded where the reading decodes.
    Path,
    /// The same, escaped where it has to be.
    PathEscaped,
    /// The port that the scheme has by itself.
    Port,
    /// The query, without its `?`.
    Query,
    /// `?` and the query, where there is one.
    QueryMark,
    /// The scheme.
    Scheme,
    /// The target as it was sent.
    Target,
    /// The same without one final slash, even one that ends the query.
    TargetUnslashed,
    /// This text.
    Text(Box<str>),
}

impl Piece {
    /// This text.
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// The groups of an expression, as spans of a path.
pub(crate) type Groups = Vec<Option<(usize, usize)>>;

impl Template {
    /// A template of these parts.
    pub fn new(pieces: impl IntoIterator<Item = Piece>) -> Self {
        Self(pieces.into_iter().collect())
    }

    /// Nothing but this text.
    pub fn text(text: &str) -> Self {
        Self::new([Piece::text(text)])
    }

    /// The parts.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The text, if it is the same for every request.
    pub fn fixed(&self) -> Option<&str> {
        match &*self.0 {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text for a request whose path is `path`. Groups come out empty.
    pub fn render(&self, request: &RequestHead<'_>, path: &NormalPath<'_>) -> String {
        self.with_groups(request, path, &Groups::new())
    }

    pub(crate) fn with_groups(
        &self,
        request: &RequestHead<'_>,
        path: &NormalPath<'_>,
        groups: &Groups,
    ) -> String {
        let mut text = Vec::new();
        for piece in &*self.0 {
            piece.put(request, path, groups, &mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The text as a location: what an expression took from a path is escaped as far as a location needs it.
    ///
    /// The path was decoded. Where something in it was, or may have been, what cannot stand in a location is
    /// escaped again; other signs only behind the `?` that the first of them may have brought in.
    pub(crate) fn location(
        &self,
        request: &RequestHead<'_>,
        path: &NormalPath<'_>,
        groups: &Groups,
    ) -> String {
        let received = request.target().split(['?', '#']).next().unwrap_or("");
        let quoted = received.contains(['%', '+']);
        let mut location = Vec::new();
        let mut query = false;
        self.put(request, path, groups, |piece, text| {
            if quoted && matches!(piece, Piece::Group(_)) {
                put_quoted(&mut location, text, &mut query);
            } else {
                query |= text.contains(&b'?');
                location.extend_from_slice(text);
            }
        });
        String::from_utf8_lossy(&location).into_owned()
    }

    pub(super) fn put(
        &self,
        request: &RequestHead<'_>,
        path: &NormalPath<'_>,
        groups: &Groups,
        mut each: impl FnMut(&Piece, &[u8]),
    ) {
        let mut text = Vec::new();
        for piece in &*self.0 {
            text.clear();
            piece.put(request, path, groups, &mut text);
            each(piece, &text);
        }
    }

    pub(super) fn heap_usage(&self) -> usize {
        size_of_val(&*self.0)
    }
}

impl Piece {
    fn put(&self, request: &RequestHead<'_>, path: &NormalPath<'_>, groups: &Groups, text: &mut Vec<u8>) {
        let sent = || request.host_header().unwrap_or("");
        match self {
            Self::ClientAddress => {
                let address = request.client_address().map(|address| address.to_string());
                text.extend_from_slice(address.unwrap_or_default().as_bytes());
            }
            Self::Cookie(name) => {
                text.extend_from_slice(request.first_cookie(name).unwrap_or_default());
            }
            Self::Group(index) => {
                let span = groups.get(usize::from(*index)).copied().flatten();
                text.extend_from_slice(
                    span.and_then(|(start, end)| path.path().get(start..end)).unwrap_or_default(),
                );
            }
            Self::Header(name) => {
                for (index, value) in request.header_values(name).enumerate() {
                    let comma: &[u8] = if index == 0 { b"" } else { b", " };
                    text.extend_from_slice(comma);
                    text.extend_from_slice(value);
                }
            }
            Self::Host => text.extend_from_slice(request.host_name().as_str().as_bytes()),
            Self::HostHeader => text.extend_from_slice(sent().as_bytes()),
            Self::HostHeaderName => {
                text.extend_from_slice(sent().split(':').next().unwrap_or("").as_bytes());
            }
            Self::ListedFirst(name, otherwise) => match request.header_values(name).next() {
                Some(value) => {
                    let first = value.split(|&byte| byte == b',').next().unwrap_or_default();
                    text.extend_from_slice(first.trim_ascii());
                }
                None => otherwise.put(request, path, groups, text),
            },
            Self::Method => text.extend_from_slice(request.http_method().as_str().as_bytes()),
            Self::Parameter(name) => {
                text.extend_from_slice(request.first_parameter(name).unwrap_or_default());
            }
            Self::Path => text.extend_from_slice(path.path()),
            Self::PathEscaped => super::rewrite::put_path(text, path.path(), path.is_decoded()),
            Self::Port => text.extend_from_slice(request.http_scheme().port().to_string().as_bytes()),
            Self::Query => text.extend_from_slice(path.query().unwrap_or("").as_bytes()),
            Self::QueryMark => {
                if let Some(query) = path.query().filter(|query| !query.is_empty()) {
                    text.push(b'?');
                    text.extend_from_slice(query.as_bytes());
                }
            }
            Self::Scheme => text.extend_from_slice(request.http_scheme().as_str().as_bytes()),
            Self::Target => text.extend_from_slice(request.target().as_bytes()),
            Self::TargetUnslashed => {
                let target = request.target();
                text.extend_from_slice(target.strip_suffix('/').unwrap_or(target).as_bytes());
            }
            Self::Text(own) => text.extend_from_slice(own.as_bytes()),
        }
    }
}

fn put_quoted(location: &mut Vec<u8>, text: &[u8], query: &mut bool) {
    for &byte in text {
        let always = matches!(byte, 0..=b' ' | b'"' | b'#' | b'%' | 0x7f..);
        let behind = matches!(
            byte,
            b'&' | b'+' | b';' | b'<' | b'>' | b'?' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
        );
        if always || behind && *query {
            super::rewrite::put_escape(location, byte);
        } else {
            *query |= byte == b'?';
            location.push(byte);
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| piece.fmt(f))
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cookie(name) => return write!(f, "{{cookie {name}}}"),
            Self::Group(index) => return write!(f, "${index}"),
            Self::Header(name) => return write!(f, "{{header {name}}}"),
            Self::ListedFirst(name, otherwise) => return write!(f, "{{{name} or {otherwise}}}"),
            Self::Parameter(name) => return write!(f, "{{parameter {name}}}"),
            Self::Text(text) => text,
            Self::ClientAddress => "{client address}",
            Self::Host => "{host}",
            Self::HostHeader => "{host header}",
            Self::HostHeaderName => "{host header without port}",
            Self::Method => "{method}",
            Self::Path => "{path}",
            Self::PathEscaped => "{path, escaped}",
            Self::Port => "{port}",
            Self::Query => "{query}",
            Self::QueryMark => "{?query}",
            Self::Scheme => "{scheme}",
            Self::Target => "{target}",
            Self::TargetUnslashed => "{target without its last slash}",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::{PathReading, Step};
    use crate::request::Scheme;
    use http::{HeaderMap, HeaderValue};

    #[test]
    fn every_piece_says_its_part() {
        let mut headers = HeaderMap::new();
        headers.append("x-a", HeaderValue::from_static("1, 2"));
        headers.append("x-a", HeaderValue::from_static("3"));
        headers.append("cookie", HeaderValue::from_static("z=0; Id=c"));
        let target = "/a%20b/?q=1&r=2/";
        let request =
            RequestHead::new("Shop.Example.com.:81", target).headers(&headers).scheme(Scheme::Https);
        let path = PathReading::new(&[Step::DecodeAll]).normalize(target).unwrap();
        let shown = |piece| Template::new([piece]).render(&request, &path);
        let header = |name| HeaderName::from_static(name);
        for (piece, text) in [
            (Piece::ClientAddress, ""),
            (Piece::Cookie("id".into()), "c"),
            (Piece::Group(1), ""),
            (Piece::Header(header("x-a")), "1, 2, 3"),
            (Piece::Host, "shop.example.com"),
            (Piece::HostHeader, "Shop.Example.com.:81"),
            (Piece::HostHeaderName, "Shop.Example.com."),
            (Piece::ListedFirst(header("x-a"), Box::new(Piece::Host)), "1"),
            (Piece::ListedFirst(header("x-b"), Box::new(Piece::Host)), "shop.example.com"),
            (Piece::Method, "GET"),
            (Piece::Parameter("r".into()), "2/"),
            (Piece::Path, "/a b/"),
            (Piece::PathEscaped, "/a%20b/"),
            (Piece::Port, "443"),
            (Piece::Query, "q=1&r=2/"),
            (Piece::QueryMark, "?q=1&r=2/"),
            (Piece::Scheme, "https"),
            (Piece::Target, target),
            (Piece::TargetUnslashed, "/a%20b/?q=1&r=2"),
            (Piece::text("x"), "x"),
        ] {
            assert_eq!(shown(piece.clone()), text, "{piece}");
        }
    }

    #[test]
    fn only_text_is_fixed() {
        assert_eq!(Template::text("x").fixed(), Some("x"));
        assert_eq!(Template::default().fixed(), Some(""));
        assert_eq!(Template::new([Piece::Scheme]).fixed(), None);
    }
}
