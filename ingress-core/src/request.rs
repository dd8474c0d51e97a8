//! The part of a request that routing looks at.

use std::fmt;

use http::{HeaderMap, Method, Request, request};

/// A borrowed view of a request: host, target, method, headers.
///
/// ```
/// use ingress_core::RequestHead;
///
/// let request = http::Request::get("http://shop.example.com/cart?id=7").body(()).unwrap();
/// let head = RequestHead::from(&request);
/// assert_eq!((head.host(), head.target()), (Some("shop.example.com"), "/cart?id=7"));
/// ```
#[derive(Clone, Copy)]
pub struct RequestHead<'r> {
    host: Option<&'r str>,
    target: &'r str,
    method: &'r Method,
    headers: Option<&'r HeaderMap>,
}

impl<'r> RequestHead<'r> {
    /// A `GET` for a host, written as in a `Host` header, and a request target: a path with or
    /// without a query, as it stands on the wire.
    pub const fn new(host: &'r str, target: &'r str) -> Self {
        Self { host: Some(host), target, method: &Method::GET, headers: None }
    }

    /// A `GET` that names no host.
    pub const fn without_host(target: &'r str) -> Self {
        Self { host: None, target, method: &Method::GET, headers: None }
    }

    /// With another method.
    #[must_use]
    pub const fn method(mut self, method: &'r Method) -> Self {
        self.method = method;
        self
    }

    /// With headers.
    #[must_use]
    pub const fn headers(mut self, headers: &'r HeaderMap) -> Self {
        self.headers = Some(headers);
        self
    }

    /// The host as it was sent.
    pub const fn host(&self) -> Option<&'r str> {
        self.host
    }

    /// The request target as it was sent.
    pub const fn target(&self) -> &'r str {
        self.target
    }

    /// The query, without its `?`.
    pub fn query(&self) -> Option<&'r str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The same request with the part of its target that is judged.
    pub(crate) const fn judged(mut self, target: &'r str) -> Self {
        self.target = target;
        self
    }

    /// The method.
    pub const fn http_method(&self) -> &'r Method {
        self.method
    }

    /// The headers, where there are any.
    pub const fn header_map(&self) -> Option<&'r HeaderMap> {
        self.headers
    }

    fn from_parts(uri: &'r http::Uri, method: &'r Method, headers: &'r HeaderMap) -> Self {
        // The authority of the request line goes before the `Host` header. More than one such header
        // is a request that two servers would read differently: it names no host.
        let mut hosts = headers.get_all(http::header::HOST).iter();
        let host = match uri.authority() {
            Some(authority) => Some(without_user(authority.as_str())),
            None => hosts.next().and_then(|host| host.to_str().ok()).filter(|_| hosts.next().is_none()),
        };
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        Self { host, target, method, headers: Some(headers) }
    }
}

fn without_user(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

impl<'r> From<&'r request::Parts> for RequestHead<'r> {
    fn from(parts: &'r request::Parts) -> Self {
        Self::from_parts(&parts.uri, &parts.method, &parts.headers)
    }
}

impl<'r, B> From<&'r Request<B>> for RequestHead<'r> {
    fn from(request: &'r Request<B>) -> Self {
        Self::from_parts(request.uri(), request.method(), request.headers())
    }
}

// Headers may carry credentials; they stay out of logs.
impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", self.method)
            .field("host", &self.host)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.host.unwrap_or("(no host)"), self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_comes_from_the_authority_then_from_the_header() {
        let host = |uri: &str, hosts: &[&str]| {
            let mut request = Request::get(uri);
            for host in hosts {
                request = request.header("host", *host);
            }
            let request = request.body(()).unwrap();
            RequestHead::from(&request).host().map(str::to_owned)
        };
        assert_eq!(host("http://a.b:80/x", &["c.d"]).as_deref(), Some("a.b:80"));
        assert_eq!(host("http://user:pw@a.b/x", &[]).as_deref(), Some("a.b"));
        assert_eq!(host("/x", &["c.d"]).as_deref(), Some("c.d"));
        assert_eq!(host("/x", &["c.d", "e.f"]), None);
        assert_eq!(host("/x", &[]), None);
    }
}
