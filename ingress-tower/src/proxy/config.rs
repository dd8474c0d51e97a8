//! What may be set, with what it costs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::connect::{Connect, TcpConnect};
use super::forwarded::Forwarding;
use super::reason::{DefaultResponses, Respond};
use super::request_id::{RandomIds, RequestIds};

/// The settings of a [`Proxy`](super::Proxy). The defaults suit a front door of a cluster.
#[derive(Clone)]
pub struct Config {
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) tunnel_timeout: Duration,
    pub(super) request_timeout: Option<Duration>,
    pub(super) continue_wait: Duration,
    pub(super) pool_idle: Duration,
    pub(super) pool_size: usize,
    pub(super) attempts: usize,
    pub(super) replay_bytes: usize,
    pub(super) body_limit: u64,
    pub(super) in_flight: usize,
    pub(super) in_flight_per_endpoint: usize,
    pub(super) response_headers: usize,
    pub(super) response_head_bytes: usize,
    pub(super) underscores: bool,
    pub(super) forwarding: Forwarding,
    pub(super) connect: Arc<dyn Connect>,
    pub(super) respond: Arc<dyn Respond>,
    pub(super) request_ids: Arc<dyn RequestIds>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
            tunnel_timeout: Duration::from_secs(3600),
            request_timeout: None,
            continue_wait: Duration::from_secs(1),
            pool_idle: Duration::from_secs(55),
            pool_size: 128,
            attempts: 3,
            replay_bytes: 64 << 10,
            body_limit: u64::MAX,
            in_flight: 100_000,
            in_flight_per_endpoint: usize::MAX,
            response_headers: 100,
            response_head_bytes: 64 << 10,
            underscores: false,
            forwarding: Forwarding::default(),
            connect: Arc::new(TcpConnect::default()),
            respond: Arc::new(DefaultResponses::default()),
            request_ids: Arc::new(RandomIds::default()),
        }
    }
}

impl Config {
    /// How long connecting may take, the lookup of a name included: 5 seconds.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long the endpoint may take to begin its answer, counted from the last byte that was sent to it:
    /// 60 seconds.
    #[must_use]
    pub fn response_timeout(mut self, limit: Duration) -> Self {
        self.response_timeout = limit;
        self
    }

    /// How long either body may stand still: 60 seconds.
    #[must_use]
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = limit;
        self
    }

    /// How long both directions of an upgraded connection may be silent: an hour.
    #[must_use]
    pub fn tunnel_timeout(mut self, limit: Duration) -> Self {
        self.tunnel_timeout = limit;
        self
    }

    /// How long a request may take from its head to the last byte of the answer. No limit by default: a
    /// large download is not a failure. Upgraded connections are not meant.
    #[must_use]
    pub fn request_timeout(mut self, limit: Duration) -> Self {
        self.request_timeout = Some(limit);
        self
    }

    /// How long a body is held back for a client that expects `100 Continue` when the endpoint says
    /// nothing: 1 second.
    #[must_use]
    pub fn continue_wait(mut self, limit: Duration) -> Self {
        self.continue_wait = limit;
        self
    }

    /// How long a connection without requests is kept: 55 seconds, less than what most servers grant, so
    /// that it is the proxy that closes. And how many of them for each endpoint: 128.
    #[must_use]
    pub fn pool(mut self, idle: Duration, per_endpoint: usize) -> Self {
        self.pool_idle = idle;
        self.pool_size = per_endpoint;
        self
    }

    /// How often a request may be sent, the first time included: 3. See
    /// [when it is sent again](super#when-a-request-is-sent-again).
    #[must_use]
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// How much of a body is kept to be sent again: 64 KiB, for each request under way. Nothing is kept
    /// where the method forbids it.
    #[must_use]
    pub fn replay_bytes(mut self, bytes: usize) -> Self {
        self.replay_bytes = bytes;
        self
    }

    /// The longest body of a request. No limit by default, as bodies take no memory here.
    #[must_use]
    pub fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    /// How many requests may be under way, at all and for one endpoint: 100,000, and any number.
    #[must_use]
    pub fn in_flight(mut self, total: usize, per_endpoint: usize) -> Self {
        self.in_flight = total;
        self.in_flight_per_endpoint = per_endpoint;
        self
    }

    /// The number of headers and of bytes in the head of an endpoint's answer: 100, and 64 KiB. At least
    /// 8 KiB are allowed.
    #[must_use]
    pub fn response_head(mut self, headers: usize, bytes: usize) -> Self {
        self.response_headers = headers;
        self.response_head_bytes = bytes.max(8 << 10);
        self
    }

    /// Forwards headers with an underscore in their names. By default they are dropped: to many programs
    /// behind, `X_Real_IP` and `X-Real-IP` are the same variable.
    #[must_use]
    pub fn keep_underscores(mut self) -> Self {
        self.underscores = true;
        self
    }

    /// What is said of the client, and whom to believe about it.
    #[must_use]
    pub fn forwarding(mut self, forwarding: Forwarding) -> Self {
        self.forwarding = forwarding;
        self
    }

    /// Opens connections with something else, such as TLS.
    #[must_use]
    pub fn connect_with(mut self, connect: impl Connect) -> Self {
        self.connect = Arc::new(connect);
        self
    }

    /// Words the proxy's own answers with something else.
    #[must_use]
    pub fn respond_with(mut self, respond: impl Respond) -> Self {
        self.respond = Arc::new(respond);
        self
    }

    /// Makes request ids with something else. A closure will do.
    #[must_use]
    pub fn request_ids(mut self, ids: impl Fn() -> HeaderValue + Send + Sync + 'static) -> Self {
        self.request_ids = Arc::new(ids);
        self
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("attempts", &self.attempts)
            .field("body_limit", &self.body_limit)
            .field("forwarding", &self.forwarding)
            .finish_non_exhaustive()
    }
}
