//! Asks another service whether a request is let through.

use std::fmt;
use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, EXPECT, HOST, HeaderName, LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ingress_core::RequestHead;
use ingress_core::endpoint::Address;
use ingress_core::request::Scheme;
use ingress_core::rule::{ExternalAuth, Policy};
use tokio::time::timeout;

use super::connect::{Connect, TcpConnect, is_inward};
use super::forwarded::Forwarding;
use super::headers;
use super::pick::{Protocol, Target};
use super::reason::Reason;
use super::request_id::RandomIds;
use crate::authorize::{Authorizer, Denial, Grant};
use crate::peer::Peer;
use crate::routed::Routed;

const ORIGINAL_URL: HeaderName = HeaderName::from_static("x-original-url");
const ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
const REDIRECT: HeaderName = HeaderName::from_static("x-auth-request-redirect");

/// An [`Authorizer`] that asks the service that a rule names by a URL.
///
/// It is sent the head of the request, without a body, and in `X-Original-URL` and `X-Original-Method` what the
/// client asked for. A 2xx lets the request through: the headers that the rule lists go from that answer to
/// the upstream, and those that the answer lacks are taken from the request, so that no client sends them
/// itself; cookies go to the client. A 401 or 403 denies, or leads to the place for signing in. Any other
/// answer, and none, is 500.
///
/// Each question opens a connection of its own; answers are not kept, whatever the rule says about that. A rule
/// that wants more than a URL to agree, such as a password or a certificate, is answered with 501.
///
/// ```
/// use ingress_tower::RouteLayer;
/// use ingress_tower::proxy::ExternalAuthorizer;
///
/// # let table = ingress_core::SharedTable::default();
/// let layer = RouteLayer::new(table).with_authorizer(ExternalAuthorizer::default());
/// # drop(layer);
/// ```
#[derive(Clone)]
pub struct ExternalAuthorizer(Arc<Settings>);

#[derive(Clone)]
struct Settings {
    connect: Arc<dyn Connect>,
    forwarding: Forwarding,
    limit: Duration,
    inward: bool,
    ids: Arc<RandomIds>,
}

impl Default for ExternalAuthorizer {
    fn default() -> Self {
        Self(Arc::new(Settings {
            connect: Arc::new(TcpConnect::default()),
            forwarding: Forwarding::default(),
            limit: Duration::from_secs(10),
            inward: false,
            ids: Arc::default(),
        }))
    }
}

impl ExternalAuthorizer {
    /// Opens connections with something else, such as TLS for `https` URLs.
    #[must_use]
    pub fn connect_with(self, connect: impl Connect) -> Self {
        self.with(|settings| settings.connect = Arc::new(connect))
    }

    /// What is said of the client, and whom to believe about it; that of the proxy is the right one.
    #[must_use]
    pub fn forwarding(self, forwarding: Forwarding) -> Self {
        self.with(|settings| settings.forwarding = forwarding)
    }

    /// How long the whole question may take: 10 seconds.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        self.with(|settings| settings.limit = limit)
    }

    /// Lets URLs lead to any address. By default those of the machine itself, of the link and of groups are
    /// refused, as [`TcpConnect`] does: URLs are written by tenants. Connections are opened by plain TCP.
    #[must_use]
    pub fn allow_inward(self) -> Self {
        self.with(|settings| {
            settings.inward = true;
            settings.connect = Arc::new(TcpConnect::default().allow_inward());
        })
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Debug for ExternalAuthorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalAuthorizer").field("limit", &self.0.limit).finish_non_exhaustive()
    }
}

impl Authorizer for ExternalAuthorizer {
    type Future = Pin<Box<dyn Future<Output = Result<Grant, Denial>> + Send>>;

    fn authorize(&self, routed: &Routed, request: &Parts) -> Self::Future {
        let question = Question::new(routed, request, &self.0);
        let settings = self.0.clone();
        Box::pin(async move {
            let question = question?;
            let Question { target, request, .. } = &question;
            let answer = timeout(settings.limit, ask(&*settings.connect, target, request)).await;
            match answer {
                Ok(Ok(answer)) => question.judge(&answer),
                Ok(Err(_)) | Err(_) => Err(Denial::new(StatusCode::INTERNAL_SERVER_ERROR)),
            }
        })
    }
}

/// All that is asked, and what becomes of the answer.
struct Question {
    target: Target,
    request: Request<()>,
    /// Headers that go from the answer to the upstream.
    passed_on: Box<[HeaderName]>,
    sign_in: Option<String>,
}

impl Question {
    fn new(routed: &Routed, head: &Parts, settings: &Settings) -> Result<Self, Denial> {
        let auth = only_question(routed).ok_or_else(|| Denial::new(StatusCode::NOT_IMPLEMENTED))?;
        let scheme = head.extensions.get::<Peer>().map_or(Scheme::Http, Peer::scheme);
        let known = RequestHead::from(head).scheme(scheme);
        let broken = || Denial::new(StatusCode::INTERNAL_SERVER_ERROR);
        let url: Uri = routed.render(&auth.url, &known).parse().map_err(|_| broken())?;
        let target = target(&url).ok_or_else(broken)?;
        if !settings.inward && target.address().socket().is_some_and(|socket| is_inward(socket.ip())) {
            return Err(broken());
        }

        let host = known.host_header().unwrap_or("");
        let asked = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let original = format!("{scheme}://{host}{asked}");
        let mut headers = head.headers.clone();
        headers::strip(&mut headers, false);
        for name in [HOST, CONTENT_LENGTH, EXPECT] {
            headers.remove(name);
        }
        let said = HeaderValue::from_str(host).unwrap_or(HeaderValue::from_static(""));
        settings.forwarding.apply(&mut headers, head.extensions.get::<Peer>(), &said, &*settings.ids);
        let redirect = match &auth.redirect {
            Some(redirect) => routed.render(redirect, &known),
            None => asked.to_owned(),
        };
        let authority = url.authority().map_or("", |authority| authority.as_str());
        for (name, value) in [
            (HOST, authority),
            (ORIGINAL_URL, &original),
            (ORIGINAL_METHOD, head.method.as_str()),
            (REDIRECT, &redirect),
        ] {
            headers.insert(name, HeaderValue::from_str(value).map_err(|_| broken())?);
        }
        let mut request = Request::new(());
        if let Some(method) = &auth.method {
            *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|_| broken())?;
        }
        *request.uri_mut() = url;
        *request.headers_mut() = headers;
        let sign_in = auth.sign_in.as_ref().map(|place| {
            let place = routed.render(place, &known);
            with_way_back(place, auth.sign_in_parameter.as_deref(), scheme, host, asked)
        });
        Ok(Self { target, request, passed_on: auth.response_headers.clone(), sign_in })
    }

    fn judge(&self, answer: &Response<Incoming>) -> Result<Grant, Denial> {
        let (status, headers) = (answer.status(), answer.headers());
        if status.is_success() {
            let mut grant = Grant::default();
            for name in &self.passed_on {
                grant = grant.without_request_header(name.clone());
                for value in headers.get_all(name) {
                    grant = grant.with_request_header(name.clone(), value.clone());
                }
            }
            let cookies = headers.get_all(SET_COOKIE).iter();
            return Ok(
                cookies.fold(grant, |grant, cookie| grant.with_response_header(SET_COOKIE, cookie.clone()))
            );
        }
        let denial = match (status, &self.sign_in) {
            (StatusCode::UNAUTHORIZED, Some(place)) => {
                let place = HeaderValue::from_str(place);
                let place = place.map_err(|_| Denial::new(StatusCode::INTERNAL_SERVER_ERROR))?;
                Denial::new(StatusCode::FOUND).with_header(LOCATION, place)
            }
            (StatusCode::UNAUTHORIZED, None) => copied(Denial::new(status), headers, &WWW_AUTHENTICATE),
            (StatusCode::FORBIDDEN, _) => Denial::new(status),
            _ => return Err(Denial::new(StatusCode::INTERNAL_SERVER_ERROR)),
        };
        Err(copied(denial, headers, &SET_COOKIE))
    }
}

fn copied(denial: Denial, headers: &HeaderMap, name: &HeaderName) -> Denial {
    let values = headers.get_all(name).iter();
    values.fold(denial, |denial, value| denial.with_header(name.clone(), value.clone()))
}

/// What the rule wants to be asked, if it is one URL and nothing else.
fn only_question(routed: &Routed) -> Option<&ExternalAuth> {
    let mut found = None;
    for policy in routed.policies() {
        match policy {
            Policy::AuthorizeExternal(auth) if found.is_none() => found = Some(&**auth),
            Policy::AuthorizeExternal(_) | Policy::AuthorizeBasic(_) | Policy::AuthorizeCertificate(_) => {
                return None;
            }
            _ => {}
        }
    }
    found
}

fn target(url: &Uri) -> Option<Target> {
    let scheme = match url.scheme_str()? {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return None,
    };
    let host = url.host()?;
    let port = url.port_u16().unwrap_or_else(|| scheme.port());
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse();
    let address = match ip {
        Ok(ip) => Address::Socket(std::net::SocketAddr::new(ip, port)),
        Err(_) => Address::Name(host.trim_end_matches('.').into(), port),
    };
    let protocol = if scheme == Scheme::Https { Protocol::Tls } else { Protocol::Http1 };
    Some(Target::new(address, protocol))
}

/// The place for signing in, with a parameter that says where the client wanted to go, unless it has one.
fn with_way_back(place: String, parameter: Option<&str>, scheme: Scheme, host: &str, asked: &str) -> String {
    let Some(parameter) = parameter else { return place };
    let query = place.split_once('?').map(|(_, query)| query);
    let named = |pair: &str| pair.split('=').next() == Some(parameter);
    if query.is_some_and(|query| query.split('&').any(named)) {
        return place;
    }
    let joint = if query.is_some() { '&' } else { '?' };
    let mut place = format!("{place}{joint}{parameter}={scheme}://{host}");
    for byte in asked.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            place.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(place, "%{byte:02X}");
        }
    }
    place
}

async fn ask(
    connect: &dyn Connect,
    target: &Target,
    question: &Request<()>,
) -> Result<Response<Incoming>, Reason> {
    let connected = connect.connect(target).await?;
    let io = TokioIo::new(connected.stream);
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.method_mut() = question.method().clone();
    *request.headers_mut() = question.headers().clone();
    if connected.http2 {
        *request.uri_mut() = question.uri().clone();
        request.headers_mut().remove(HOST);
        let exchange = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await;
        let (mut sender, connection) = exchange.map_err(|_| Reason::ConnectFailed)?;
        tokio::spawn(async move { drop(connection.await) });
        return sender.send_request(request).await.map_err(|_| Reason::BadResponse);
    }
    let path = question.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Reason::BadResponse)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(io).await.map_err(|_| Reason::ConnectFailed)?;
    tokio::spawn(async move { drop(connection.await) });
    sender.send_request(request).await.map_err(|_| Reason::BadResponse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back() {
        let place =
            |place: &str| with_way_back(place.to_owned(), Some("rd"), Scheme::Https, "a:8443", "/x?y=1&z");
        let back = "rd=https://a:8443%2Fx%3Fy%3D1%26z";
        assert_eq!(place("https://in"), format!("https://in?{back}"));
        assert_eq!(place("https://in?a=b"), format!("https://in?a=b&{back}"));
        assert_eq!(place("https://in?rd=here"), "https://in?rd=here");
        assert_eq!(with_way_back("/in".to_owned(), None, Scheme::Http, "a", "/"), "/in");
    }

    #[test]
    fn where_a_url_leads() {
        let of = |url: &str| target(&url.parse().unwrap());
        let named =
            |name: &str, port, protocol| Some(Target::new(Address::Name(name.into(), port), protocol));
        assert_eq!(of("http://auth.shop.svc/x"), named("auth.shop.svc", 80, Protocol::Http1));
        assert_eq!(of("https://auth.shop.svc.:8443"), named("auth.shop.svc", 8443, Protocol::Tls));
        let socket = Address::Socket("[::1]:81".parse().unwrap());
        assert_eq!(of("http://[::1]:81/"), Some(Target::new(socket, Protocol::Http1)));
        assert_eq!((of("ftp://a/"), of("/a")), (None, None));
    }
}
