//! How connections to endpoints are opened.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ingress_core::endpoint::Address;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Semaphore;

use super::pick::{Protocol, Target};
use super::reason::Reason;

/// Opens connections. The proxy sees to the time limit.
///
/// With the feature `upstream-tls`, `TlsConnect` speaks TLS with endpoints. To do that in another way, implement
/// it around [`TcpConnect`]: take its stream, shake hands with [`Target::server_name`], and return
/// [`Connected::new`] with what was agreed upon.
pub trait Connect: Send + Sync + 'static {
    /// A connection to the target.
    fn connect<'c>(&'c self, target: &'c Target) -> Connecting<'c>;
}

/// What [`Connect::connect`] returns.
pub type Connecting<'c> = Pin<Box<dyn Future<Output = Result<Connected, Reason>> + Send + 'c>>;

/// A connection that is ready for HTTP.
pub struct Connected {
    pub(super) stream: Stream,
    pub(super) http2: bool,
}

impl Connected {
    /// Any stream, and whether HTTP/2 is to be spoken on it.
    pub fn new(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, http2: bool) -> Self {
        Self { stream: Stream::Other(Box::new(stream)), http2 }
    }

    /// A TCP stream, without the cost of a virtual call for each read and write.
    pub fn tcp(stream: TcpStream, http2: bool) -> Self {
        Self { stream: Stream::Tcp(stream), http2 }
    }
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected").field("http2", &self.http2).finish_non_exhaustive()
    }
}

/// Plain TCP, with Nagle's algorithm off.
///
/// Names are looked up by the operating system, as absolute names, a few at a time: each takes a
/// thread while it lasts. What a name leads to is its owner's choice, and the owner may be a tenant:
/// addresses of the machine itself, of the link (where clouds keep their metadata) and of groups are
/// refused. Addresses that the cluster lists as endpoints are not judged.
#[derive(Clone, Debug)]
pub struct TcpConnect {
    lookups: Arc<Semaphore>,
    inward: bool,
}

impl Default for TcpConnect {
    fn default() -> Self {
        Self { lookups: Arc::new(Semaphore::new(16)), inward: false }
    }
}

impl TcpConnect {
    /// How many names may be looked up at a time: 16.
    #[must_use]
    pub fn concurrent_lookups(mut self, count: usize) -> Self {
        self.lookups = Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS)));
        self
    }

    /// Lets names lead to any address.
    #[must_use]
    pub fn allow_inward(mut self) -> Self {
        self.inward = true;
        self
    }

    /// A stream to the address.
    pub async fn open(&self, address: &Address) -> Result<TcpStream, Reason> {
        let stream = match address {
            Address::Socket(socket) => TcpStream::connect(*socket).await.map_err(|error| failed(&error))?,
            Address::Name(name, port) => self.open_named(name, *port).await?,
            _ => return Err(Reason::ConnectFailed),
        };
        // It is only slower without.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    async fn open_named(&self, name: &str, port: u16) -> Result<TcpStream, Reason> {
        let addresses: Vec<SocketAddr> = {
            let _turn = self.lookups.acquire().await.map_err(|_| Reason::Lookup)?;
            let absolute = format!("{name}.");
            lookup_host((absolute.as_str(), port)).await.map_err(|_| Reason::Lookup)?.take(16).collect()
        };
        let mut last = Reason::Lookup;
        for address in addresses {
            if !self.inward && is_inward(address.ip()) {
                last = Reason::AddressRefused;
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = failed(&error),
            }
        }
        Err(last)
    }
}

impl Connect for TcpConnect {
    fn connect<'c>(&'c self, target: &'c Target) -> Connecting<'c> {
        Box::pin(async move {
            let http2 = match target.protocol() {
                Protocol::Http1 => false,
                Protocol::H2c => true,
                Protocol::Tls => return Err(Reason::ConnectFailed),
            };
            Ok(Connected::tcp(self.open(target.address()).await?, http2))
        })
    }
}

fn failed(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Reason::ConnectionRefused,
        io::ErrorKind::TimedOut => Reason::ConnectTimeout,
        _ => Reason::ConnectFailed,
    }
}

pub(super) fn is_inward(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_unspecified()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local() || v6.is_multicast()
        }
    }
}

pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection to an endpoint.
pub(super) enum Stream {
    Tcp(TcpStream),
    Other(Box<dyn Duplex>),
}

macro_rules! delegate {
    ($self:ident, $method:ident($($argument:expr),*)) => {
        match $self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).$method($($argument),*),
            Self::Other(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(self, poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Other(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_must_not_lead_to() {
        for (text, inward) in [
            ("127.0.0.1", true),
            ("169.254.169.254", true),
            ("0.0.0.0", true),
            ("224.0.0.1", true),
            ("::1", true),
            ("fe80::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("192.0.2.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_inward(text.parse().unwrap()), inward, "{text}");
        }
    }
}
