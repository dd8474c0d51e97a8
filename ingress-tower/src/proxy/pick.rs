//! Which endpoint a request goes to.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::{request, response};
use ingress_core::endpoint::{Address, Resolution, ResolveOptions};
use ingress_core::{Backend, SharedTable};

use super::reason::Reason;
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

    /// It did not.
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
        Self { address, protocol, server_name: None }
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
        // Endpoints go by the counter itself, so the draw must not: a multiple of both would leave some
        // endpoints of a rare backend without requests.
        let draw = turn.wrapping_mul(0x9e37_79b9) >> 8;
        let Some(Backend::Service(service)) = choice.routed.backend(draw) else {
            return Err("backend-unknown");
        };
        let snapshot = self.table.load();
        let resolution = snapshot.endpoints().resolve(service.id(), service.port(), &self.options);
        match &resolution {
            Resolution::Endpoints(set) => {
                let protocol = Protocol::from_app_protocol(set.app_protocol());
                let start = turn as usize % set.len().max(1);
                let (before, from) = set.split_at_checked(start).unwrap_or((set, &[]));
                let mut turns = from.iter().chain(before);
                let is_new = |address: &Address| choice.tried.iter().all(|target| target.address != *address);
                let endpoint = turns.clone().find(|endpoint| is_new(endpoint.address()));
                let endpoint = endpoint.or_else(|| turns.next()).ok_or("no-endpoints")?;
                Ok(Picked::new(Target::new(endpoint.address().clone(), protocol)))
            }
            Resolution::ExternalName { address, app_protocol } => {
                let protocol = Protocol::from_app_protocol(app_protocol.as_deref());
                Ok(Picked::new(Target::new(address.clone(), protocol)))
            }
            other => Err(other.reason().unwrap_or("no-endpoints")),
        }
    }
}
