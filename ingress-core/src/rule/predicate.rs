//! Conditions besides host and path.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderName, Method};

use super::{ClientHeader, ServiceRef, SourceRanges};
use crate::path::regex::Search;
use crate::path::{Language, PathError};
use crate::request::{RequestHead, Scheme};

/// One condition on a request.
///
/// ```
/// use http::{HeaderMap, HeaderName, HeaderValue};
/// use ingress_core::RequestHead;
/// use ingress_core::rule::{Predicate, ValueTest};
///
/// let canary = Predicate::header(HeaderName::from_static("x-canary"), ValueTest::equals("always"));
/// let mut headers = HeaderMap::new();
/// let request = RequestHead::new("shop.example.com", "/");
/// assert!(!canary.holds(&request.headers(&headers)));
/// headers.insert("x-canary", HeaderValue::from_static("always"));
/// assert!(canary.holds(&request.headers(&headers)));
/// assert_eq!(canary.to_string(), r#"header x-canary = "always""#);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Predicate {
    subject: Subject,
    test: ValueTest,
}

#[derive(Clone, Debug, PartialEq)]
enum Subject {
    /// The host is one label and one of these names.
    Below(Arc<BTreeSet<Box<str>>>),
    Cookie(Box<str>),
    /// Only the first of that name, which is compared without case.
    FirstCookie(Box<str>),
    Header(HeaderName),
    /// All values of a header, put together with commas.
    JoinedHeader(HeaderName),
    Method(Method),
    Query(Box<str>),
    Scheme(Box<SchemeTest>),
    Service(Box<ServiceRef>, Presence),
    Source(Box<SourceTest>),
}

/// Whether a Service is to have endpoints.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Presence {
    Endpoints,
    None,
}

#[derive(Clone, Debug, PartialEq)]
struct SchemeTest {
    scheme: Scheme,
    announced: Option<HeaderName>,
}

#[derive(Clone, Debug, PartialEq)]
struct SourceTest {
    ranges: SourceRanges,
    inside: bool,
    announced: Option<ClientHeader>,
}

/// What of a request decides about a condition. A value is asked for what set of texts it is in, if it is asked
/// for more than whether it is there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Demand<'p> {
    /// Whether the host is one label below one of these names.
    Below(&'p BTreeSet<Box<str>>),
    Cookie(&'p str, Option<Language<'p>>),
    Header(&'p HeaderName, Option<Language<'p>>),
    Method(&'p Method),
    Parameter(&'p str, Option<Language<'p>>),
    /// A header that may say another scheme.
    Scheme(Option<&'p HeaderName>),
    Service(&'p ServiceRef),
    /// A header that may say another address.
    Source(&'p SourceRanges, Option<&'p ClientHeader>),
}

/// What is asked of a value.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueTest(Test);

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Absent,
    EndsWith(Box<[u8]>),
    Equals(Box<[u8]>),
    Present,
    Regex(Box<Search>),
}

impl ValueTest {
    /// There is no such value.
    pub const fn absent() -> Self {
        Self(Test::Absent)
    }

    /// There is such a value, whatever it is.
    pub const fn present() -> Self {
        Self(Test::Present)
    }

    /// A value ends in this.
    pub fn ends_with(value: impl AsRef<[u8]>) -> Self {
        Self(Test::EndsWith(value.as_ref().into()))
    }

    /// A value is exactly this.
    pub fn equals(value: impl AsRef<[u8]>) -> Self {
        Self(Test::Equals(value.as_ref().into()))
    }

    /// The expression is found somewhere in a value.
    pub fn regex(expression: &str) -> Result<Self, PathError> {
        Search::new(expression).map(|search| Self(Test::Regex(Box::new(search))))
    }

    fn language(&self) -> Option<Language<'_>> {
        match &self.0 {
            Test::Absent | Test::Present => None,
            Test::EndsWith(text) => Some(Language::EndsWith(text)),
            Test::Equals(text) => Some(Language::Equals(text)),
            Test::Regex(search) => Some(Language::Found(search.as_str())),
        }
    }

    fn holds<'v>(&self, mut values: impl Iterator<Item = &'v [u8]>) -> bool {
        match &self.0 {
            Test::Absent => values.next().is_none(),
            Test::EndsWith(wanted) => values.any(|value| value.ends_with(wanted)),
            Test::Equals(wanted) => values.any(|value| value == &**wanted),
            Test::Present => values.next().is_some(),
            Test::Regex(search) => values.any(|value| search.is_found(value)),
        }
    }
}

impl Predicate {
    /// On the host: it is one label, of whatever letters, before one of these names.
    pub fn below(names: Arc<BTreeSet<Box<str>>>) -> Self {
        Self { subject: Subject::Below(names), test: ValueTest::present() }
    }

    /// On a cookie.
    pub fn cookie(name: &str, test: ValueTest) -> Self {
        Self { subject: Subject::Cookie(name.into()), test }
    }

    /// On a header. A header that comes several times passes when one of its values does.
    pub const fn header(name: HeaderName, test: ValueTest) -> Self {
        Self { subject: Subject::Header(name), test }
    }

    /// On the first cookie of a name, which is compared without case.
    pub fn first_cookie(name: &str, test: ValueTest) -> Self {
        Self { subject: Subject::FirstCookie(name.into()), test }
    }

    /// On a header, whose values are put together with commas when it comes several times.
    pub const fn joined_header(name: HeaderName, test: ValueTest) -> Self {
        Self { subject: Subject::JoinedHeader(name), test }
    }

    /// On the scheme; that of the connection, unless a header that is believed says another one.
    pub fn scheme(scheme: Scheme, announced: Option<HeaderName>) -> Self {
        let test = SchemeTest { scheme, announced };
        Self { subject: Subject::Scheme(Box::new(test)), test: ValueTest::present() }
    }

    /// On the address of the client: it lies in one of these ranges, or in none. It is that of the
    /// connection, unless a header that is believed says another one. An address that is not known lies in
    /// no range.
    pub fn source(ranges: SourceRanges, inside: bool, announced: Option<ClientHeader>) -> Self {
        let test = SourceTest { ranges, inside, announced };
        Self { subject: Subject::Source(Box::new(test)), test: ValueTest::present() }
    }

    /// On a Service: it has endpoints, as far as [one can know](crate::request::Circumstances::services).
    pub fn available(service: ServiceRef) -> Self {
        Self { subject: Subject::Service(Box::new(service), Presence::Endpoints), test: ValueTest::present() }
    }

    /// On a Service: it has no endpoints.
    pub fn unavailable(service: ServiceRef) -> Self {
        Self { subject: Subject::Service(Box::new(service), Presence::None), test: ValueTest::present() }
    }

    /// On the method.
    pub fn method(method: Method) -> Self {
        Self { subject: Subject::Method(method), test: ValueTest::present() }
    }

    /// On a parameter of the query, compared as it stands, escapes and all.
    pub fn query(name: &str, test: ValueTest) -> Self {
        Self { subject: Subject::Query(name.into()), test }
    }

    /// Whether the condition holds for a request.
    pub fn holds(&self, request: &RequestHead<'_>) -> bool {
        match &self.subject {
            Subject::Below(names) => {
                let name = request.host_name();
                let parts = name.as_str().split_once('.');
                parts.is_some_and(|(label, rest)| !label.is_empty() && names.contains(rest))
            }
            Subject::Cookie(name) => self.test.holds(request.cookies(name)),
            Subject::FirstCookie(name) => self.test.holds(request.first_cookie(name).into_iter()),
            Subject::Header(name) => self.test.holds(request.header_values(name)),
            Subject::JoinedHeader(name) => {
                if request.header_values(name).nth(1).is_none() {
                    return self.test.holds(request.header_values(name));
                }
                self.test.holds(std::iter::once(&*joined(request, name)))
            }
            Subject::Method(method) => method == request.http_method(),
            Subject::Query(name) => self.test.holds(request.parameters(name)),
            Subject::Scheme(test) => test.holds(request),
            Subject::Service(service, presence) => {
                request.has_endpoints(service.id(), service.port()) == (*presence == Presence::Endpoints)
            }
            Subject::Source(test) => test.holds(request),
        }
    }

    /// What of a request decides about the condition.
    pub(crate) fn demand(&self) -> Demand<'_> {
        let language = self.test.language();
        match &self.subject {
            Subject::Below(names) => Demand::Below(names),
            Subject::Cookie(name) | Subject::FirstCookie(name) => Demand::Cookie(name, language),
            Subject::Header(name) | Subject::JoinedHeader(name) => Demand::Header(name, language),
            Subject::Method(method) => Demand::Method(method),
            Subject::Query(name) => Demand::Parameter(name, language),
            Subject::Scheme(test) => Demand::Scheme(test.announced.as_ref()),
            Subject::Service(service, _) => Demand::Service(service),
            Subject::Source(test) => Demand::Source(&test.ranges, test.announced.as_ref()),
        }
    }

    /// What the request has where the condition looks, for a person to read.
    pub(crate) fn found(&self, request: &RequestHead<'_>) -> Option<String> {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        match &self.subject {
            Subject::Below(_) => Some(request.host_name().to_string()),
            Subject::Cookie(name) => request.cookies(name).next().map(text),
            Subject::FirstCookie(name) => request.first_cookie(name).map(text),
            Subject::Header(name) => request.header_values(name).next().map(text),
            Subject::JoinedHeader(name) => {
                request.header_values(name).next().map(|_| text(&joined(request, name)))
            }
            Subject::Method(_) => Some(request.http_method().to_string()),
            Subject::Query(name) => request.parameters(name).next().map(text),
            Subject::Scheme(test) => Some(text(test.found(request))),
            Subject::Service(_, Presence::Endpoints) => Some("no endpoints".to_owned()),
            Subject::Service(_, Presence::None) => Some("endpoints".to_owned()),
            Subject::Source(test) => test.address(request).map(|address| address.to_string()),
        }
    }
}

impl SchemeTest {
    fn found<'r>(&self, request: &RequestHead<'r>) -> &'r [u8] {
        let announced = self.announced.as_ref().and_then(|name| request.header_values(name).next());
        announced.unwrap_or_else(|| request.http_scheme().as_str().as_bytes())
    }

    fn holds(&self, request: &RequestHead<'_>) -> bool {
        self.found(request) == self.scheme.as_str().as_bytes()
    }
}

impl SourceTest {
    fn address(&self, request: &RequestHead<'_>) -> Option<IpAddr> {
        match &self.announced {
            Some(header) => header.address(request),
            None => request.client_address(),
        }
    }

    fn holds(&self, request: &RequestHead<'_>) -> bool {
        self.address(request).is_some_and(|address| self.ranges.contains(address)) == self.inside
    }
}

fn joined(request: &RequestHead<'_>, name: &HeaderName) -> Vec<u8> {
    let values: Vec<_> = request.header_values(name).collect();
    values.join(&b", "[..])
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::Below(names) => {
                let names: Vec<_> = names.iter().map(|name| format!("*.{name}")).collect();
                return write!(f, "host in {}", names.join(", "));
            }
            Subject::Method(method) => return write!(f, "method {method}"),
            Subject::Scheme(test) => return write!(f, "scheme {}", test.scheme),
            Subject::Service(service, Presence::Endpoints) => {
                return write!(f, "endpoints of {service}");
            }
            Subject::Service(service, Presence::None) => return write!(f, "no endpoints of {service}"),
            Subject::Source(test) => {
                let inside = if test.inside { "in" } else { "not in" };
                return write!(f, "client {inside} {}", test.ranges);
            }
            Subject::Cookie(name) | Subject::FirstCookie(name) => write!(f, "cookie {name}")?,
            Subject::Header(name) | Subject::JoinedHeader(name) => write!(f, "header {name}")?,
            Subject::Query(name) => write!(f, "query {name}")?,
        }
        write!(f, " {}", self.test)
    }
}

impl fmt::Display for ValueTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Test::Absent => f.write_str("absent"),
            Test::EndsWith(value) => write!(f, "ends in {:?}", String::from_utf8_lossy(value)),
            Test::Equals(value) => write!(f, "= {:?}", String::from_utf8_lossy(value)),
            Test::Present => f.write_str("present"),
            Test::Regex(search) => write!(f, "~ {:?}", search.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue};

    #[test]
    fn cookies_are_split_and_compared_whole() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", HeaderValue::from_static("a=1; canary=always;b=2"));
        headers.append("cookie", HeaderValue::from_static("late=yes"));
        let request = RequestHead::new("h", "/").headers(&headers);
        let holds = |name, test| Predicate::cookie(name, test).holds(&request);
        assert!(holds("canary", ValueTest::equals("always")));
        assert!(holds("late", ValueTest::present()));
        assert!(holds("can", ValueTest::absent()));
        assert!(!holds("canary", ValueTest::equals("alway")));
    }

    #[test]
    fn hosts_below_a_name() {
        let names = Arc::new(["a.org", "b.a.org"].map(Box::from).into());
        let below = Predicate::below(names);
        assert_eq!(below.to_string(), "host in *.a.org, *.b.a.org");
        for (host, holds) in [
            ("x.a.org", true),
            ("X.A.org.:80", true),
            ("\u{e9}.b.a.org", true),
            ("a.org", false),
            (".a.org", false),
            ("y.x.a.org", false),
            ("x.b.org", false),
        ] {
            assert_eq!(below.holds(&RequestHead::new(host, "/")), holds, "{host}");
        }
    }

    #[test]
    fn queries_and_methods() {
        let request = RequestHead::new("h", "/p?a=1&flag&ab=2");
        let holds = |name, test| Predicate::query(name, test).holds(&request);
        assert!(holds("a", ValueTest::equals("1")) && holds("flag", ValueTest::equals("")));
        assert!(holds("b", ValueTest::absent()) && !holds("a", ValueTest::equals("2")));
        assert!(Predicate::method(Method::GET).holds(&request));
        assert!(!Predicate::method(Method::POST).holds(&request));
    }

    #[test]
    fn expressions_are_searched_for() {
        let mut headers = HeaderMap::new();
        headers.insert("x-user", HeaderValue::from_static("id-4711-eu"));
        let request = RequestHead::new("h", "/").headers(&headers);
        let name = HeaderName::from_static("x-user");
        let holds = |text| Predicate::header(name.clone(), ValueTest::regex(text).unwrap()).holds(&request);
        assert!(holds("[0-9]{4}") && holds("^id") && holds("eu$"));
        assert!(!holds("^[0-9]"));
        assert!(ValueTest::regex("(?=a)").is_err());
    }
}
