//! A connection whose header has been taken off.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::header::Header;

pin_project! {
    /// A connection after its header: reads begin with what follows the header.
    #[derive(Debug)]
    pub struct Connection<S> {
        #[pin]
        stream: S,
        peer: SocketAddr,
        header: Option<Header>,
        // What was read beyond the header, and how much of it has been read again.
        rest: Vec<u8>,
        taken: usize,
    }
}

impl<S> Connection<S> {
    pub(super) const fn new(stream: S, peer: SocketAddr, header: Option<Header>, rest: Vec<u8>) -> Self {
        Self { stream, peer, header, rest, taken: 0 }
    }

    /// Who the client is: the one that the header names, else the peer.
    pub fn client(&self) -> SocketAddr {
        self.header.as_ref().and_then(Header::source).unwrap_or(self.peer)
    }

    /// Who the connection itself comes from.
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The header, if there was one.
    pub const fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The connection as it was accepted. Reading from it would leave out what was read beyond the header.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }
}

impl<S: AsyncRead> AsyncRead for Connection<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let rest = this.rest.get(*this.taken..).unwrap_or_default();
        if rest.is_empty() {
            return this.stream.poll_read(cx, into);
        }
        let (now, later) = rest.split_at(rest.len().min(into.remaining()));
        into.put_slice(now);
        if later.is_empty() {
            // Connections live long: the memory is not kept.
            *this.rest = Vec::new();
            *this.taken = 0;
        } else {
            *this.taken += now.len();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite> AsyncWrite for Connection<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
