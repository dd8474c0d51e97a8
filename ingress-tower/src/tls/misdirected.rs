//! Requests on a connection that was made for another host.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use ingress_core::host::HostName;
use ingress_core::{RequestHead, RouteTable, SharedTable};
use tower_layer::Layer;
use tower_service::Service;

use crate::ResponseFuture;

/// The server name that the TLS connection of a request was made for: a request extension, put there by
/// whoever accepts connections. A request without it came over no TLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConnectionName(Option<Arc<str>>);

/// What the server name of a connection and the host of a request must have in common.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Agreement {
    /// The table answers for both with the same certificate. Clients with HTTP/2 use a connection for
    /// every host that its certificate covers, and may.
    #[default]
    SameCertificate,
    /// They are the same name. Stricter than HTTP/2 clients expect: they are sent away, and come back on
    /// a connection of their own.
    SameName,
}

/// Answers 421 (Misdirected Request) to requests whose host does not agree with their connection.
///
/// Without it, a client gets at every host through a connection to any, which goes past what is decided
/// by the server name: by a proxy in front, or at the handshake.
///
/// The response has an empty body, and [`Misdirected`] among its extensions.
#[derive(Clone, Debug)]
pub struct MisdirectedLayer {
    table: SharedTable,
    agreement: Agreement,
}

/// The service of [`MisdirectedLayer`].
#[derive(Clone, Debug)]
pub struct CheckConnection<S> {
    inner: S,
    layer: MisdirectedLayer,
}

/// Marks a response that was given because the request came over the wrong connection.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Misdirected {}

impl ConnectionName {
    /// The name, or that none was sent.
    pub fn new(server_name: Option<&str>) -> Self {
        Self(server_name.map(Into::into))
    }

    /// What an established connection says.
    pub fn of(connection: &rustls::ServerConnection) -> Self {
        Self::new(connection.server_name())
    }

    /// The name; `None` if the client sent none.
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl Agreement {
    /// Whether a connection's server name and a request's host agree.
    ///
    /// Certificates are compared as the table names them, whether or not the store has them: one that is
    /// in two Secrets counts as two, and a client that took it for one comes back by itself. A connection
    /// without a server name, and a request without a host, have the certificate for names that nothing
    /// else covers.
    pub fn holds(self, table: &RouteTable, server_name: Option<&str>, host: Option<&str>) -> bool {
        match self {
            Self::SameCertificate => {
                let certificate = |name: Option<&str>| table.certificate(name.unwrap_or(""));
                certificate(server_name) == certificate(host)
            }
            Self::SameName => {
                // What is no name is equal to nothing.
                let name = |text: Option<&str>| text.and_then(HostName::parse).map(|name| name.to_string());
                name(server_name).is_some_and(|server_name| name(host) == Some(server_name))
            }
        }
    }
}

impl MisdirectedLayer {
    /// Asks a published table which certificates names have.
    pub const fn new(table: SharedTable) -> Self {
        Self { table, agreement: Agreement::SameCertificate }
    }

    /// Asks for another kind of agreement.
    #[must_use]
    pub const fn requiring(mut self, agreement: Agreement) -> Self {
        self.agreement = agreement;
        self
    }

    fn admits<B>(&self, request: &Request<B>) -> bool {
        let Some(connection) = request.extensions().get::<ConnectionName>() else { return true };
        let host = RequestHead::from(request).host();
        self.agreement.holds(&self.table.load(), connection.as_deref(), host)
    }
}

impl<S> Layer<S> for MisdirectedLayer {
    type Service = CheckConnection<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CheckConnection { inner, layer: self.clone() }
    }
}

impl<S, B, C> Service<Request<B>> for CheckConnection<S>
where
    S: Service<Request<B>, Response = Response<C>> + Clone,
    C: Default,
{
    type Response = Response<C>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if self.layer.admits(&request) {
            return ResponseFuture::forwarded(self.inner.call(request));
        }
        // What the inner service had reserved for the call is given back, as `Route` does.
        let clone = self.inner.clone();
        drop(mem::replace(&mut self.inner, clone));
        let mut response = Response::new(C::default());
        *response.status_mut() = StatusCode::MISDIRECTED_REQUEST;
        response.extensions_mut().insert(Misdirected {});
        ResponseFuture::replied(response)
    }
}
