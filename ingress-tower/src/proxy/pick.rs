//! Which endpoint a request goes to.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::{request, response};
use ingress_core::endpoint::{Address, Resolution, ResolveOptions};
use ingress_core::rule::{self as policy, Policy};
use ingress_core::{Backend, SharedTable};

use super::reason::Reason;
use crate::peer::Peer;
use crate::routed::Routed;

/// Chooses an endpoint for each request, and for each time that a request is sent again.
pub trait Pick: Send + Sync + 'static {
    /// The endpoint, or the [code](Reason::NoEndpoints) of why there is none.
    fn pick(&self, choice: &Choice<'_>) -> Result<Picked, &'static str>;
}

impl<P: Pick> Pick for Arc<P> {
    fn pick(&self, choice: &Choice<'_>) -> Result<Picked, &'static str> {
        P::pick(self, choice)
    }
}

/// What an endpoint is chosen for.
#[derive(Debug)]
pub struct Choice<'r> {
    pub(super) routed: &'r Routed,
    pub(super) head: &'r request::Parts,
    pub(super) tried: &'r [Target],
    pub(super) client: Option<IpAddr>,
    pub(super) draw: u32,
}

impl Choice<'_> {
    /// What the request was routed by.
    pub fn routed(&self) -> &Routed {
        self.routed
    }

    /// The request.
    pub fn head(&self) -> &request::Parts {
        self.head
    }

    /// The backend: of several, one that was drawn by their weights, the same for all attempts.
    pub fn backend(&self) -> Option<&Backend> {
        self.routed.backend(self.draw)
    }

    /// The address of the client, as far as it is known and believed.
    pub fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// Whether the client's connection is encrypted.
    fn is_tls(&self) -> bool {
        self.head.extensions.get::<Peer>().is_some_and(Peer::is_tls)
    }

    /// Where this request was sent to already, in vain.
    pub fn tried(&self) -> &[Target] {
        self.tried
    }
}

/// The endpoint for a request, and who is told of what comes of it.
pub struct Picked {
    pub(super) target: Target,
    pub(super) guard: Box<dyn Guard>,
}

impl Picked {
    /// With nobody to tell.
    pub fn new(target: Target) -> Self {
        // A box of nothing takes no allocation.
        Self { target, guard: Box::new(()) }
    }

    /// Tells this of the result.
    #[must_use]
    pub fn with_guard(mut self, guard: impl Guard) -> Self {
        self.guard = Box::new(guard);
        self
    }
}

impl fmt::Debug for Picked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picked").field("target", &self.target).finish_non_exhaustive()
    }
}

/// Is told what came of a request at an endpoint. It lives until the last byte of the answer has been
/// passed on, so counting requests under way is counting guards.
pub trait Guard: Send + 'static {
    /// The endpoint answered. The head may be added to, as for a cookie.
    fn answered(&mut self, response: &mut response::Parts) {
        let _ = response;
    }

    /// It did not, or its answer broke off.
    fn failed(&mut self, reason: Reason) {
        let _ = reason;
    }
}

impl Guard for () {}

/// An endpoint and what is spoken with it. Connections are shared between equal targets only.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Target {
    address: Address,
    protocol: Protocol,
    server_name: Option<Arc<str>>,
    // Few have one, and targets lie in the future of every request.
    trust: Option<Arc<Trust>>,
}

/// How an endpoint is trusted, where a rule says so.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Trust {
    secret: Arc<str>,
    verify: bool,
}

impl Trust {
    /// The Secret with the authorities and the certificate to show, as `namespace/name`.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Whether the endpoint's certificate is verified.
    pub fn verifies(&self) -> bool {
        self.verify
    }
}

/// What is spoken with an endpoint.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Protocol {
    /// HTTP/1.1 over TCP.
    Http1,
    /// HTTP/2 over TCP, known beforehand.
    H2c,
    /// What is agreed upon over TLS; it takes a [`Connect`](super::Connect) that does TLS.
    Tls,
}

impl Protocol {
    /// What a rule says about it; `None` where that cannot be spoken.
    fn from_policy(protocol: policy::Protocol, over_tls: bool) -> Option<Self> {
        match protocol {
            policy::Protocol::Auto if over_tls => Some(Self::Tls),
            policy::Protocol::Auto | policy::Protocol::Http => Some(Self::Http1),
            policy::Protocol::Grpc => Some(Self::H2c),
            policy::Protocol::Grpcs | policy::Protocol::Https => Some(Self::Tls),
            _ => None,
        }
    }

    /// What the `appProtocol` of a Service's port asks for. The names are those of KEP-3726 and of the
    /// IANA; what is unknown is HTTP/1.1.
    pub fn from_app_protocol(name: Option<&str>) -> Self {
        match name {
            Some("kubernetes.io/h2c" | "h2c" | "grpc") => Self::H2c,
            Some("https" | "kubernetes.io/wss" | "wss" | "grpcs") => Self::Tls,
            _ => Self::Http1,
        }
    }
}

impl Target {
    /// An address and what is spoken there.
    pub fn new(address: Address, protocol: Protocol) -> Self {
        Self { address, protocol, server_name: None, trust: None }
    }

    /// An address, and what the rule of a request says is spoken there; where it says nothing, the
    /// `appProtocol` of the Service's port does. Else it is HTTP/1.1.
    ///
    /// The code of an error is that of [`Reason::NoEndpoints`].
    pub fn for_choice(
        address: Address,
        app_protocol: Option<&str>,
        choice: &Choice<'_>,
    ) -> Result<Self, &'static str> {
        let mut target = Self::new(address, Protocol::from_app_protocol(app_protocol));
        for policy in choice.routed.policies() {
            match policy {
                Policy::Protocol(protocol) => {
                    let spoken = Protocol::from_policy(*protocol, choice.is_tls());
                    target.protocol = spoken.ok_or("protocol-unsupported")?;
                }
                Policy::UpstreamTls(tls) => {
                    target.server_name = tls.name.as_deref().map(Into::into);
                    let trust = Trust { secret: tls.secret.clone(), verify: tls.verify };
                    target.trust = Some(Arc::new(trust));
                }
                _ => {}
            }
        }
        Ok(target)
    }

    /// The name to ask for, and to verify, in TLS.
    #[must_use]
    pub fn with_server_name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What is spoken there.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// How it is trusted, where the rule of the request says so.
    pub fn trust(&self) -> Option<&Trust> {
        self.trust.as_deref()
    }

    /// The name to ask for in TLS: the one that was set, else that of the address.
    pub fn server_name(&self) -> Option<&str> {
        match (&self.server_name, &self.address) {
            (Some(name), _) => Some(name),
            (None, Address::Name(name, _)) => Some(name),
            _ => None,
        }
    }
}

/// One endpoint after the other, of what is published together with the routes.
///
/// Where a rule has several backends, they are drawn by their weights. An endpoint that failed a
/// request is not asked again for the same request, unless there is no other.
#[derive(Debug)]
pub struct RoundRobin {
    table: SharedTable,
    options: ResolveOptions,
    next: AtomicU32,
}

impl RoundRobin {
    /// Reads the endpoints published in `table`.
    pub fn new(table: SharedTable) -> Self {
        Self { table, options: ResolveOptions::default(), next: AtomicU32::new(0) }
    }

    /// Prefers a family or a zone.
    #[must_use]
    pub fn with_options(mut self, options: ResolveOptions) -> Self {
        self.options = options;
        self
    }
}

impl Pick for RoundRobin {
    fn pick(&self, choice: &Choice<'_>) -> Result<Picked, &'static str> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(Backend::Service(service)) = choice.backend() else { return Err("backend-unknown") };
        let snapshot = self.table.load();
        let resolution = snapshot.endpoints().resolve(service.id(), service.port(), &self.options);
        match &resolution {
            Resolution::Endpoints(set) => {
                let start = turn as usize % set.len().max(1);
                let (before, from) = set.split_at_checked(start).unwrap_or((set, &[]));
                let mut turns = from.iter().chain(before);
                let is_new = |address: &Address| choice.tried.iter().all(|target| target.address != *address);
                let endpoint = turns.clone().find(|endpoint| is_new(endpoint.address()));
                let endpoint = endpoint.or_else(|| turns.next()).ok_or("no-endpoints")?;
                Target::for_choice(endpoint.address().clone(), set.app_protocol(), choice).map(Picked::new)
            }
            Resolution::ExternalName { address, app_protocol } => {
                Target::for_choice(address.clone(), app_protocol.as_deref(), choice).map(Picked::new)
            }
            other => Err(other.reason().unwrap_or("no-endpoints")),
        }
    }
}
