//! What a data plane is to do with the requests of a rule, besides sending them on.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, StatusCode};

use super::{Backend, SourceRanges, Template};

/// One instruction to a data plane.
///
/// The table does not act on these; it says what the objects ask for, parsed and checked. Whoever
/// forwards requests does as much of it as it can, and says which part it cannot do.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Policy {
    /// The client has to be let in by a list of names and passwords.
    AuthorizeBasic(Box<BasicAuth>),
    /// Another service has to let the request through.
    AuthorizeExternal(Box<ExternalAuth>),
    /// The client has to show a certificate.
    AuthorizeCertificate(Box<CertificateAuth>),
    /// It is enough if one of addresses and authorization lets the request through.
    AuthorizeAny,
    /// Requests of one client stay with one endpoint.
    Affinity(Box<Affinity>),
    /// How an endpoint is chosen.
    Balance(Balance),
    /// How much of a body may be held in memory, and how much may come at all. `None`: no bound.
    BodyLimit(Option<u64>),
    /// Whether answers are gathered before they are sent on.
    BufferAnswers(bool),
    /// Whether bodies of requests are gathered before they are sent on.
    BufferBodies(bool),
    /// How long connecting to an endpoint may take.
    ConnectTimeout(Duration),
    /// Connections at a time from one address.
    ConnectionLimit(u32),
    /// Which other origins browsers may come from.
    Cors(Box<Cors>),
    /// The page for these answers comes from elsewhere.
    ErrorPages(Box<ErrorPages>),
    /// The version of HTTP that endpoints are spoken to in: 1.0 instead of 1.1.
    Http10,
    /// Whether requests are logged.
    Log(bool),
    /// A copy of each request goes elsewhere, and its answer nowhere.
    Mirror(Box<Mirror>),
    /// What endpoints are spoken to in.
    Protocol(Protocol),
    /// Bytes a second to one connection, after so many bytes.
    Bandwidth {
        /// Bytes a second.
        rate: u64,
        /// Bytes that are not held back.
        after: u64,
    },
    /// Requests from one address in a time.
    RateLimit {
        /// How many.
        requests: u32,
        /// In which time.
        period: Duration,
        /// How many more at a time.
        burst: u32,
        /// Addresses that are not counted.
        exempt: SourceRanges,
        /// What the others get.
        status: StatusCode,
    },
    /// How long an endpoint may be silent.
    ReadTimeout(Duration),
    /// A header that is sent upstream, in place of one of that name.
    RequestHeader(HeaderName, Template),
    /// A header that is sent to the client.
    ResponseHeader(HeaderName, Template),
    /// When another endpoint is tried.
    Retry(Box<Retry>),
    /// How long an endpoint may take nothing.
    SendTimeout(Duration),
    /// TLS connections that ask for exactly this host go to the rule's backend unopened.
    TlsPassthrough,
    /// The address of the Service itself is taken instead of its endpoints.
    ServiceAddress,
    /// How endpoints are trusted that are spoken to through TLS.
    UpstreamTls(Box<UpstreamTls>),
    /// The `Host` header that is sent upstream.
    UpstreamHost(Template),
}

impl Policy {
    /// A stable name for scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AuthorizeBasic(..) => "authorize-basic",
            Self::AuthorizeExternal(..) => "authorize-external",
            Self::AuthorizeCertificate(..) => "authorize-certificate",
            Self::AuthorizeAny => "authorize-any",
            Self::Affinity(..) => "affinity",
            Self::Balance(..) => "balance",
            Self::BodyLimit(..) => "body-limit",
            Self::BufferAnswers(..) => "buffer-answers",
            Self::BufferBodies(..) => "buffer-bodies",
            Self::ConnectTimeout(..) => "connect-timeout",
            Self::ConnectionLimit(..) => "connection-limit",
            Self::Cors(..) => "cors",
            Self::ErrorPages(..) => "error-pages",
            Self::Http10 => "http10",
            Self::Log(..) => "log",
            Self::Mirror(..) => "mirror",
            Self::Protocol(..) => "protocol",
            Self::Bandwidth { .. } => "bandwidth",
            Self::RateLimit { .. } => "rate-limit",
            Self::ReadTimeout(..) => "read-timeout",
            Self::RequestHeader(..) => "request-header",
            Self::ResponseHeader(..) => "response-header",
            Self::Retry(..) => "retry",
            Self::SendTimeout(..) => "send-timeout",
            Self::TlsPassthrough => "tls-passthrough",
            Self::ServiceAddress => "service-address",
            Self::UpstreamTls(..) => "upstream-tls",
            Self::UpstreamHost(..) => "upstream-host",
        }
    }
}

/// A list of names and passwords.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct BasicAuth {
    /// The Secret that holds it, as `namespace/name`.
    pub secret: Arc<str>,
    /// Each key of the Secret is a name, not one of them a file.
    pub by_key: bool,
    /// Digests are exchanged, not passwords.
    pub digest: bool,
    /// What clients are told that they are asked for.
    pub realm: Box<str>,
}

/// Another service that lets requests through by answering with 2xx.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalAuth {
    /// Its URL.
    pub url: Template,
    /// The method that it is asked with, in place of GET.
    pub method: Option<Box<str>>,
    /// Where a client is sent that is not let through.
    pub sign_in: Option<Template>,
    /// The parameter of that place that says where the client wanted to go.
    pub sign_in_parameter: Option<Box<str>>,
    /// Headers of its answer that go upstream.
    pub response_headers: Box<[HeaderName]>,
    /// A ConfigMap of headers that it is sent, as `namespace/name`.
    pub request_headers: Option<Arc<str>>,
    /// What it is told of where the client wanted to go.
    pub redirect: Option<Template>,
    /// Its answers are kept under this key.
    pub cache_key: Option<Template>,
    /// For so long, by status: the text of the annotation.
    pub cache_duration: Option<Box<str>>,
    /// Its cookies reach the client whatever the upstream answers.
    pub always_set_cookie: bool,
}

/// Certificates of clients.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct CertificateAuth {
    /// The Secret with the authorities, as `namespace/name`.
    pub secret: Arc<str>,
    /// `on`, `off`, `optional` or `optional_no_ca`.
    pub verify: Box<str>,
    /// The longest chain.
    pub depth: u32,
    /// Where clients without a good one are sent.
    pub error_page: Option<Box<str>>,
    /// An expression for the name in it.
    pub name: Option<Box<str>>,
    /// Whether it goes upstream in a header.
    pub forward: bool,
}

/// A cookie that keeps a client with an endpoint.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Affinity {
    /// Its name.
    pub cookie: Box<str>,
    /// An endpoint keeps its clients even when others come.
    pub persistent: bool,
    /// What the second part of the cookie's value has to be.
    pub backend_key: Box<str>,
    /// The path it is set for; `None`: it is honoured here, but not set.
    pub path: Option<Box<str>>,
    /// The domain it is set for.
    pub domain: Option<Box<str>>,
    /// How long browsers keep it, in seconds, as `Expires`.
    pub expires: Option<i64>,
    /// The same, as `Max-Age`.
    pub max_age: Option<i64>,
    /// `None`, `Lax` or `Strict`.
    pub same_site: Option<Box<str>>,
    /// `SameSite=None` is left out for browsers that do not know it.
    pub conditional_same_site: bool,
    /// It is only sent through TLS; `None`: if it was set through TLS.
    pub secure: Option<bool>,
    /// A client whose endpoint fails gets another one for good.
    pub change_on_failure: bool,
}

/// How an endpoint is chosen.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Balance {
    /// By a hash of this text.
    Hash(Template),
    /// By a hash of this text, among a subset of this size.
    HashSubset(Template, u32),
    /// By the load that endpoints had lately.
    LeastLoaded,
    /// By a method of this name.
    Named(Box<str>),
    /// One after the other.
    RoundRobin,
}

/// Which other origins browsers may come from.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Cors {
    /// The origins; none: all.
    pub origins: Box<[Box<str>]>,
    /// `Access-Control-Allow-Methods`.
    pub methods: Box<str>,
    /// `Access-Control-Allow-Headers`.
    pub headers: Box<str>,
    /// `Access-Control-Expose-Headers`.
    pub expose: Option<Box<str>>,
    /// Whether cookies may come along.
    pub credentials: bool,
    /// How long browsers may remember it.
    pub max_age: Duration,
}

/// Pages for errors.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorPages {
    /// The answers that are replaced.
    pub statuses: Box<[StatusCode]>,
    /// Who makes the page; `None`: the built-in default backend, which says 404.
    pub backend: Option<Backend>,
    /// Answers of endpoints are left alone; only our own are replaced.
    pub own_only: bool,
}

/// Where copies of requests go.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Mirror {
    /// The URL.
    pub target: Template,
    /// The `Host` header.
    pub host: Option<Template>,
    /// Whether the body is copied, too.
    pub body: bool,
}

/// What endpoints are spoken to in.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Protocol {
    /// The scheme of the request.
    Auto,
    /// FastCGI.
    FastCgi,
    /// gRPC in the clear.
    Grpc,
    /// gRPC through TLS.
    Grpcs,
    /// HTTP in the clear.
    #[default]
    Http,
    /// HTTP through TLS.
    Https,
}

/// When another endpoint is tried.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// After which failures: `error`, `timeout`, `http_502` and the like.
    pub conditions: Box<[Box<str>]>,
    /// How many endpoints in all; 0: no bound.
    pub tries: u32,
    /// For how long; zero: no bound.
    pub timeout: Duration,
}

/// How endpoints are trusted.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamTls {
    /// The Secret with authorities and our own certificate, as `namespace/name`.
    pub secret: Arc<str>,
    /// Whether endpoints are verified.
    pub verify: bool,
    /// The longest chain.
    pub depth: u32,
    /// The name that their certificate has to carry.
    pub name: Option<Box<str>>,
    /// Whether that name is sent in the handshake.
    pub server_name: bool,
}
