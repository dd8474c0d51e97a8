//! The part of a request that routing looks at.

use std::fmt;
use std::net::IpAddr;

use http::{HeaderMap, Method, Request, Version, request};

use crate::host::{HostName, lenient};
use crate::origin::ObjectId;
use crate::port::Port;

/// How a client speaks to us.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Scheme {
    /// In the clear.
    #[default]
    Http,
    /// Through TLS.
    Https,
}

impl Scheme {
    /// As it stands in a URI.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that goes without saying.
    pub const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether there is somebody to answer: what rules may depend on that changes more often than tables do.
///
/// A table is made of objects that people write; pods come and go by themselves. So the question is asked
/// when a request is looked up, of whoever knows.
pub trait Availability: Sync {
    /// Whether a port of a Service has an endpoint that may be used.
    fn has_endpoints(&self, service: &ObjectId, port: &Port) -> bool;
}

/// A borrowed view of a request: host, target, method, headers; and what is known of its connection.
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
    /// The host header, where the host is another one: that of an absolute target.
    sent_host: Option<&'r str>,
    scheme: Scheme,
    version: Version,
    /// The host stood in an absolute target, and not in the letters that a strict server takes there.
    odd_authority: bool,
    circumstances: Option<&'r Circumstances<'r>>,
}

/// What few rules ask about a request: where it came from, and what the cluster is like at this moment.
///
/// ```
/// use ingress_core::request::{Circumstances, RequestHead};
///
/// let circumstances = Circumstances::default().client([192, 0, 2, 7].into()).server_name("shop.example.com");
/// let request = RequestHead::new("shop.example.com", "/").circumstances(&circumstances);
/// assert_eq!(request.client_address(), Some([192, 0, 2, 7].into()));
/// ```
#[derive(Clone, Copy, Default)]
pub struct Circumstances<'r> {
    client: Option<IpAddr>,
    server_name: Option<&'r str>,
    services: Option<&'r dyn Availability>,
}

impl<'r> Circumstances<'r> {
    /// From this address. An unknown one lies in no range of addresses.
    #[must_use]
    pub const fn client(mut self, address: IpAddr) -> Self {
        self.client = Some(address);
        self
    }

    /// With the name that the client asked for in its TLS handshake.
    #[must_use]
    pub const fn server_name(mut self, name: &'r str) -> Self {
        self.server_name = Some(name);
        self
    }

    /// With somebody to ask about the endpoints of Services. Without, all are taken to have some.
    #[must_use]
    pub const fn services(mut self, services: &'r dyn Availability) -> Self {
        self.services = Some(services);
        self
    }
}

impl fmt::Debug for Circumstances<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circumstances")
            .field("client", &self.client)
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

impl<'r> RequestHead<'r> {
    /// A `GET` for a host, written as in a `Host` header, and a request target: a path with or
    /// without a query, as it stands on the wire.
    pub const fn new(host: &'r str, target: &'r str) -> Self {
        Self { host: Some(host), ..Self::without_host(target) }
    }

    /// A `GET` that names no host.
    pub const fn without_host(target: &'r str) -> Self {
        Self {
            host: None,
            target,
            method: &Method::GET,
            headers: None,
            sent_host: None,
            scheme: Scheme::Http,
            version: Version::HTTP_11,
            odd_authority: false,
            circumstances: None,
        }
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

    /// Over TLS, or in the clear; that is what is assumed otherwise.
    #[must_use]
    pub const fn scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// In another version of HTTP than 1.1.
    #[must_use]
    pub const fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// With what few rules ask for.
    #[must_use]
    pub const fn circumstances(mut self, circumstances: &'r Circumstances<'r>) -> Self {
        self.circumstances = Some(circumstances);
        self
    }

    /// Over TLS, or in the clear.
    pub const fn http_scheme(&self) -> Scheme {
        self.scheme
    }

    /// The version of HTTP.
    pub const fn http_version(&self) -> Version {
        self.version
    }

    /// The address of the client, where it is known.
    pub fn client_address(&self) -> Option<IpAddr> {
        self.circumstances?.client
    }

    /// The name asked for in the TLS handshake.
    pub fn tls_server_name(&self) -> Option<&'r str> {
        self.circumstances?.server_name
    }

    /// Whether a port of a Service has endpoints, as far as one can know.
    pub fn has_endpoints(&self, service: &ObjectId, port: &Port) -> bool {
        let services = self.circumstances.and_then(|circumstances| circumstances.services);
        services.is_none_or(|services| services.has_endpoints(service, port))
    }

    /// The `Host` header, even where the target names another host.
    pub fn host_header(&self) -> Option<&'r str> {
        let header = || text_of(self.headers?.get(http::header::HOST)?);
        self.sent_host.or_else(header).or(self.host)
    }

    /// A target such as `http://a.example/b` taken apart: its host goes before the header's. `None` when
    /// the target is no such thing.
    pub(crate) fn taken_apart(&self) -> Option<Self> {
        let (authority, target) = split_absolute(self.target)?;
        let target = if target.is_empty() { "/" } else { target };
        let (sent_host, odd_authority) = (self.host_header(), !is_plain_authority(authority));
        Some(Self { host: Some(without_user(authority)), sent_host, target, odd_authority, ..*self })
    }

    /// Whether the host stood in an absolute target, with anything but letters, digits, dots and hyphens
    /// before a port of digits.
    pub(crate) const fn has_odd_authority(&self) -> bool {
        self.odd_authority
    }

    /// The host as lenient servers compare it; empty where there is none.
    pub(crate) fn host_name(&self) -> HostName<'r> {
        let raw = self.host.unwrap_or("");
        HostName::folded(lenient(raw).unwrap_or(raw))
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

    /// All values of a header.
    pub(crate) fn header_values<'n>(
        &self,
        name: &'n http::HeaderName,
    ) -> impl Iterator<Item = &'r [u8]> + use<'r, 'n> {
        self.headers.into_iter().flat_map(move |map| map.get_all(name)).map(http::HeaderValue::as_bytes)
    }

    /// All pairs of name and value that the client sent as cookies.
    fn cookie_pairs(&self) -> impl Iterator<Item = (&'r [u8], &'r [u8])> + use<'r> {
        self.header_values(&http::header::COOKIE)
            .flat_map(|line| line.split(|&byte| byte == b';'))
            .map(<[u8]>::trim_ascii)
            .filter_map(|pair| {
                let end = pair.iter().position(|&byte| byte == b'=')?;
                Some((pair.get(..end)?, pair.get(end + 1..)?))
            })
    }

    /// The values of the cookies of a name.
    pub(crate) fn cookies<'n>(&self, name: &'n str) -> impl Iterator<Item = &'r [u8]> + use<'r, 'n> {
        self.cookie_pairs().filter(move |(own, _)| *own == name.as_bytes()).map(|(_, value)| value)
    }

    /// The first cookie of a name, compared without case.
    pub(crate) fn first_cookie(&self, name: &str) -> Option<&'r [u8]> {
        self.cookie_pairs().find(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// The values of a parameter of the query.
    pub(crate) fn parameters<'n>(&self, name: &'n str) -> impl Iterator<Item = &'r [u8]> + use<'r, 'n> {
        let pairs = self.query().into_iter().flat_map(|query| query.as_bytes().split(|&byte| byte == b'&'));
        pairs.filter_map(move |pair| {
            let rest = pair.strip_prefix(name.as_bytes())?;
            if rest.is_empty() { Some(rest) } else { rest.strip_prefix(b"=") }
        })
    }

    /// The first parameter of a name, compared without case.
    pub(crate) fn first_parameter(&self, name: &str) -> Option<&'r [u8]> {
        self.query()?.as_bytes().split(|&byte| byte == b'&').find_map(|pair| {
            let own = pair.get(..name.len())?;
            let rest = pair.get(name.len()..)?;
            own.eq_ignore_ascii_case(name.as_bytes()).then(|| rest.strip_prefix(b"=")).flatten()
        })
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

    fn from_parts(uri: &'r http::Uri, method: &'r Method, version: Version, headers: &'r HeaderMap) -> Self {
        // The authority of the request line goes before the `Host` header. More than one such header
        // is a request that two servers would read differently: it names no host.
        let host = match uri.authority() {
            Some(authority) => Some(without_user(authority.as_str())),
            None => {
                let mut hosts = headers.get_all(http::header::HOST).iter();
                hosts.next().and_then(text_of).filter(|_| hosts.next().is_none())
            }
        };
        // From HTTP/2 on the authority stands by itself, and is read like a `Host`.
        let absolute = uri.authority().filter(|_| version < Version::HTTP_2);
        let odd_authority = absolute.is_some_and(|authority| !is_plain_authority(authority.as_str()));
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        Self { host, method, version, odd_authority, headers: Some(headers), ..Self::without_host(target) }
    }
}

/// The authority of an absolute target, and what follows it.
pub(crate) fn split_absolute(target: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = target.split_once("://")?;
    let mut letters = scheme.bytes();
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !letters.next()?.is_ascii_alphabetic() || !letters.all(legal) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Some((rest.get(..end)?, rest.get(end..)?))
}

/// The value of a header that is to be text, of whatever letters.
fn text_of(value: &http::HeaderValue) -> Option<&str> {
    str::from_utf8(value.as_bytes()).ok()
}

/// Whether an authority is made of the letters that a strict server takes in a request line.
fn is_plain_authority(authority: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let in_brackets = |byte: &u8| plain(byte) || b":_~!$&'()*+,;=".contains(byte);
    let rest = match authority.strip_prefix('[') {
        Some(literal) => match literal.split_once(']') {
            Some((literal, rest)) if literal.bytes().all(|byte| in_brackets(&byte)) => rest,
            _ => return false,
        },
        None => authority.trim_start_matches(|c: char| u8::try_from(c).is_ok_and(|byte| plain(&byte))),
    };
    rest.is_empty()
        || rest.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn without_user(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

impl<'r> From<&'r request::Parts> for RequestHead<'r> {
    fn from(parts: &'r request::Parts) -> Self {
        Self::from_parts(&parts.uri, &parts.method, parts.version, &parts.headers)
    }
}

impl<'r, B> From<&'r Request<B>> for RequestHead<'r> {
    fn from(request: &'r Request<B>) -> Self {
        Self::from_parts(request.uri(), request.method(), request.version(), request.headers())
    }
}

// Headers may carry credentials; they stay out of logs.
impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", self.method)
            .field("host", &self.host)
            .field("target", &self.target)
            .field("scheme", &self.scheme)
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

    #[test]
    fn an_absolute_target_brings_its_own_host() {
        let head = RequestHead::new("sent.org:80", "http://u@meant.org:81/x?y");
        let taken = head.taken_apart().unwrap();
        assert_eq!((taken.host(), taken.target()), (Some("meant.org:81"), "/x?y"));
        assert_eq!(taken.host_header(), Some("sent.org:80"));
        for other in ["/x", "/http://a", "1http://a", "http:/a", "", "*"] {
            assert!(RequestHead::new("h", other).taken_apart().is_none(), "{other}");
        }
        assert_eq!(RequestHead::new("h", "http://a").taken_apart().map(|head| head.target()), Some("/"));
    }
}
