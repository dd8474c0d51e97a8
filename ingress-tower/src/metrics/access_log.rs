//! A line for each request.

mod common;
mod json;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use http::header::{REFERER, USER_AGENT};
use http::request::Parts;
use http::{HeaderValue, Method, Uri, Version};
use ingress_core::RequestHead;
use ingress_core::request::Scheme;
use jiff::Timestamp;

use super::observer::{Observer, Seen, Watch};
use crate::peer::Peer;

/// Writes a line when a request has ended.
///
/// Lines hold what clients sent. Control characters in it are escaped, in either format, so that nobody can
/// write lines of their own, or speak to the terminal of whoever reads them.
#[derive(Clone)]
pub struct AccessLog(Arc<Settings>);

#[derive(Clone)]
struct Settings {
    format: Format,
    query: bool,
    time: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    write: Arc<dyn Fn(&str) + Send + Sync>,
}

#[derive(Clone, Copy, Debug)]
enum Format {
    Combined,
    Common,
    Json,
}

impl AccessLog {
    /// One JSON object a line, its fields named as those of [`Spans`](super::Spans).
    ///
    /// `write` gets each line without its end. It is called where requests are served, so what may block
    /// belongs into another thread.
    pub fn json(write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self::new(Format::Json, write)
    }

    /// The common log format:
    /// `192.0.2.7 - - [10/Oct/2026:13:55:36 +0000] "GET /cart?id=7 HTTP/1.1" 200 2326`. What is missing is `-`;
    /// a request without an answer has no status.
    pub fn common(write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self::new(Format::Common, write)
    }

    /// The common log format, with `Referer` and `User-Agent` behind it.
    pub fn combined(write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self::new(Format::Combined, write)
    }

    /// Leaves the query of the request target out: secrets travel in it.
    #[must_use]
    pub fn without_query(self) -> Self {
        let settings = Arc::unwrap_or_clone(self.0);
        Self(Arc::new(Settings { query: false, ..settings }))
    }

    /// Takes the time of day from another clock.
    #[must_use]
    pub fn with_time(self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        let settings = Arc::unwrap_or_clone(self.0);
        Self(Arc::new(Settings { time: Arc::new(now), ..settings }))
    }

    fn new(format: Format, write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let (time, write) = (Arc::new(SystemTime::now), Arc::new(write));
        Self(Arc::new(Settings { format, query: true, time, write }))
    }
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog")
            .field("format", &self.0.format)
            .field("query", &self.0.query)
            .finish_non_exhaustive()
    }
}

impl Observer for AccessLog {
    type Watch = Logged;

    fn begin(&self, request: &Parts) -> Logged {
        let peer = request.extensions.get::<Peer>();
        Logged {
            settings: self.0.clone(),
            asked: Asked {
                time: (self.0.time)(),
                method: request.method.clone(),
                uri: request.uri.clone(),
                version: request.version,
                host: RequestHead::from(request).host().map(str::to_owned),
                client: peer.map(Peer::ip),
                scheme: peer.map_or(Scheme::Http, Peer::scheme),
                agent: request.headers.get(USER_AGENT).cloned(),
                referer: request.headers.get(REFERER).cloned(),
            },
        }
    }
}

/// One request that a line will be written for.
pub struct Logged {
    settings: Arc<Settings>,
    asked: Asked,
}

/// What a line says of the request, as it was received.
struct Asked {
    time: SystemTime,
    method: Method,
    uri: Uri,
    version: Version,
    host: Option<String>,
    client: Option<IpAddr>,
    scheme: Scheme,
    agent: Option<HeaderValue>,
    referer: Option<HeaderValue>,
}

impl Asked {
    /// A time that no calendar has is none of any clock.
    fn timestamp(&self) -> Timestamp {
        Timestamp::try_from(self.time).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl Watch for Logged {
    fn ended(self, seen: &Seen<'_>) {
        let Self { settings, asked } = self;
        let line = match settings.format {
            Format::Combined => common::line(&asked, seen, settings.query, true),
            Format::Common => common::line(&asked, seen, settings.query, false),
            Format::Json => json::line(&asked, seen, settings.query),
        };
        (settings.write)(&line);
    }
}

impl fmt::Debug for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logged")
    }
}
