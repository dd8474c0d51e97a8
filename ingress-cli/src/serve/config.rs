//! `--config FILE`: what may be set beyond the arguments.

use std::path::Path;
use std::sync::Arc;

use ingress_core::origin::SecretRef;
use ingress_tower::proxy::{self, Forwarding, Server, TcpConnect, TlsConnect, Trust, UpstreamTls};
use ingress_tower::proxy_protocol::ProxyProtocol;
use ipnet::IpNet;
use serde::Deserialize;

use super::place::Place;
use super::span::Span;
use crate::args::LogFormat;
use crate::manifest::{Manifests, Mistake, ReadError};

/// The file. Every key may be left out; one that is not known is a mistake.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    pub(super) listen: Listen,
    pub(super) admin: Admin,
    pub(super) tls: Tls,
    pub(super) workers: Workers,
    pub(super) client: Client,
    pub(super) upstream: Upstream,
    pub(super) forwarding: Believed,
    pub(super) log: Log,
    /// How long to wait for requests that are under way when told to stop.
    pub(super) drain: Option<Span>,
}

/// Where to listen, and for whom.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Listen {
    pub(super) http: Vec<Place>,
    pub(super) https: Vec<Place>,
    pub(super) reuse_port: bool,
    /// How many connections there may be at a time.
    pub(super) connections: Option<u32>,
    pub(super) proxy_protocol: Option<Proxied>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proxied {
    /// Who may say on behalf of whom a connection comes.
    trusted: Vec<IpNet>,
    /// Whether others may connect, and trusted ones without saying.
    #[serde(default)]
    optional: bool,
    time_limit: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Admin {
    pub(super) listen: Vec<Place>,
    /// Names by which it may be asked, besides addresses and `localhost`.
    pub(super) hosts: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) default_certificate: Option<Secret>,
    pub(super) handshake_timeout: Option<Span>,
}

/// A Secret by namespace and name.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Secret(pub(super) SecretRef);

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Workers {
    pub(super) threads: Option<u16>,
    pub(super) per_core: bool,
}

/// What clients are granted.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Client {
    head_timeout: Option<Span>,
    write_timeout: Option<Span>,
    headers: Option<u16>,
    head_bytes: Option<u32>,
    streams: Option<u32>,
}

/// What endpoints are granted, and how often they are asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Upstream {
    connect_timeout: Option<Span>,
    response_timeout: Option<Span>,
    idle_timeout: Option<Span>,
    tunnel_timeout: Option<Span>,
    request_timeout: Option<Span>,
    attempts: Option<u16>,
    body_limit: Option<u64>,
    /// Whether names of Services without a cluster may lead to the machine itself.
    allow_inward: bool,
}

/// Whom to believe about clients, and what to say of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Believed {
    trusted: Vec<IpNet>,
    /// Whether `Forwarded` is written, too.
    forwarded: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Log {
    pub(super) format: Option<LogFormat>,
    /// Such as `info,hyper=debug`.
    pub(super) levels: Option<String>,
}

impl Config {
    /// Reads the file; or says what is wrong in it.
    pub(super) fn read(path: &Path) -> Result<Self, Vec<ReadError>> {
        let manifests = Manifests::read(&[path.to_owned()]);
        let mut config = None;
        let mut errors = manifests.errors().to_vec();
        errors.extend(manifests.each_plain(|_, root| {
            let read = match Self::deserialize(root) {
                Ok(_) if config.is_some() => {
                    Err("there is one document of settings, and no second".to_owned())
                }
                Ok(read) => Ok(read),
                Err(error) => {
                    let place = error.place().unwrap_or(root.place);
                    return vec![Mistake { place, message: error.to_string(), help: None }];
                }
            };
            match read {
                Ok(read) => {
                    config = Some(read);
                    Vec::new()
                }
                Err(message) => vec![Mistake { place: root.place, message, help: None }],
            }
        }));
        if errors.is_empty()
            && config.is_none()
            && !(manifests.ingresses().is_empty() && manifests.ignored().is_empty())
        {
            errors.push(ReadError::file(
                path,
                "these are objects of Kubernetes, which -f reads, and no settings",
            ));
        }
        if errors.is_empty() { Ok(config.unwrap_or_default()) } else { Err(errors) }
    }
}

impl Proxied {
    pub(super) fn protocol(&self) -> ProxyProtocol {
        let trusted = self.trusted.iter().copied();
        let protocol =
            if self.optional { ProxyProtocol::optional(trusted) } else { ProxyProtocol::required(trusted) };
        match self.time_limit {
            Some(limit) => protocol.with_time_limit(limit.0),
            None => protocol,
        }
    }
}

impl Client {
    pub(super) fn server(&self) -> Server {
        let mut server = Server::default();
        if let Some(limit) = self.head_timeout {
            server = server.head_timeout(limit.0);
        }
        if let Some(limit) = self.write_timeout {
            server = server.write_timeout(limit.0);
        }
        if self.headers.is_some() || self.head_bytes.is_some() {
            let bytes = usize::try_from(self.head_bytes.unwrap_or(64 << 10)).unwrap_or(usize::MAX);
            server = server.head(self.headers.unwrap_or(100).into(), bytes);
        }
        if let Some(streams) = self.streams {
            server = server.concurrent_streams(streams);
        }
        server
    }
}

impl Upstream {
    pub(super) fn proxy(&self, believed: &Believed) -> proxy::Config {
        let mut config = proxy::Config::default().forwarding(believed.forwarding());
        if let Some(limit) = self.connect_timeout {
            config = config.connect_timeout(limit.0);
        }
        if let Some(limit) = self.response_timeout {
            config = config.response_timeout(limit.0);
        }
        if let Some(limit) = self.idle_timeout {
            config = config.idle_timeout(limit.0);
        }
        if let Some(limit) = self.tunnel_timeout {
            config = config.tunnel_timeout(limit.0);
        }
        if let Some(limit) = self.request_timeout {
            config = config.request_timeout(limit.0);
        }
        if let Some(attempts) = self.attempts {
            config = config.attempts(attempts.into());
        }
        if let Some(bytes) = self.body_limit {
            config = config.body_limit(bytes);
        }
        let tcp =
            if self.allow_inward { TcpConnect::default().allow_inward() } else { TcpConnect::default() };
        config.connect_with(upstream_tls().over(tcp))
    }
}

/// Endpoints that want TLS get it. Their certificates are made for the inside of a cluster, and by nobody whom
/// this machine knows: they are not looked at. A rule that wants them verified gets no connection.
fn upstream_tls() -> TlsConnect {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unverified = UpstreamTls::new(provider).unverified().client_config().ok();
    TlsConnect::by(move |target| {
        let verifies = target.trust().is_some_and(Trust::verifies);
        unverified.clone().filter(|_| !verifies)
    })
}

impl Believed {
    pub(super) fn forwarding(&self) -> Forwarding {
        let forwarding = Forwarding::default().trust(self.trusted.iter().copied());
        if self.forwarded { forwarding.with_forwarded() } else { forwarding }
    }
}

impl TryFrom<String> for Secret {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self(SecretRef::new(namespace, name)))
            }
            _ => Err(format!("{text:?} is no Secret; write it as NAMESPACE/NAME")),
        }
    }
}
