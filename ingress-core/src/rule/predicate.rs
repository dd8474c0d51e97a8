//! Conditions besides host and path.

use std::fmt;

use http::{HeaderName, Method};

use crate::path::PathError;
use crate::path::regex::Search;
use crate::request::RequestHead;

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
    Cookie(Box<str>),
    Header(HeaderName),
    Method(Method),
    Query(Box<str>),
}

/// What is asked of a value.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueTest(Test);

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Absent,
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

    /// A value is exactly this.
    pub fn equals(value: impl AsRef<[u8]>) -> Self {
        Self(Test::Equals(value.as_ref().into()))
    }

    /// The expression is found somewhere in a value.
    pub fn regex(expression: &str) -> Result<Self, PathError> {
        Search::new(expression).map(|search| Self(Test::Regex(Box::new(search))))
    }

    fn holds<'v>(&self, mut values: impl Iterator<Item = &'v [u8]>) -> bool {
        match &self.0 {
            Test::Absent => values.next().is_none(),
            Test::Equals(wanted) => values.any(|value| value == &**wanted),
            Test::Present => values.next().is_some(),
            Test::Regex(search) => values.any(|value| search.is_found(value)),
        }
    }
}

impl Predicate {
    /// On a cookie.
    pub fn cookie(name: &str, test: ValueTest) -> Self {
        Self { subject: Subject::Cookie(name.into()), test }
    }

    /// On a header. A header that comes several times passes when one of its values does.
    pub const fn header(name: HeaderName, test: ValueTest) -> Self {
        Self { subject: Subject::Header(name), test }
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
            Subject::Cookie(name) => self.test.holds(cookies(request, name)),
            Subject::Header(name) => self.test.holds(headers(request, name)),
            Subject::Method(method) => method == request.http_method(),
            Subject::Query(name) => self.test.holds(parameters(request, name)),
        }
    }

    /// What the request has where the condition looks, for a person to read.
    pub(crate) fn found(&self, request: &RequestHead<'_>) -> Option<String> {
        let first = |value: Option<&[u8]>| value.map(|value| String::from_utf8_lossy(value).into_owned());
        match &self.subject {
            Subject::Cookie(name) => first(cookies(request, name).next()),
            Subject::Header(name) => first(headers(request, name).next()),
            Subject::Method(_) => Some(request.http_method().to_string()),
            Subject::Query(name) => first(parameters(request, name).next()),
        }
    }
}

fn headers<'r>(request: &RequestHead<'r>, name: &HeaderName) -> impl Iterator<Item = &'r [u8]> {
    request.header_map().into_iter().flat_map(move |map| map.get_all(name)).map(http::HeaderValue::as_bytes)
}

fn cookies<'r>(request: &RequestHead<'r>, name: &str) -> impl Iterator<Item = &'r [u8]> {
    headers(request, &http::header::COOKIE)
        .flat_map(|line| line.split(|&byte| byte == b';'))
        .map(<[u8]>::trim_ascii)
        .filter_map(move |pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

fn parameters<'r>(request: &RequestHead<'r>, name: &str) -> impl Iterator<Item = &'r [u8]> {
    request.query().into_iter().flat_map(|query| query.as_bytes().split(|&byte| byte == b'&')).filter_map(
        move |pair| {
            let rest = pair.strip_prefix(name.as_bytes())?;
            if rest.is_empty() { Some(rest) } else { rest.strip_prefix(b"=") }
        },
    )
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::Method(method) => return write!(f, "method {method}"),
            Subject::Cookie(name) => write!(f, "cookie {name}")?,
            Subject::Header(name) => write!(f, "header {name}")?,
            Subject::Query(name) => write!(f, "query {name}")?,
        }
        write!(f, " {}", self.test)
    }
}

impl fmt::Display for ValueTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Test::Absent => f.write_str("absent"),
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
