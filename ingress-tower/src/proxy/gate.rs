//! The client's side of a connection: what is read passes the [framing](super::framing), and what is
//! written must be taken in time.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::framing::{Framing, Refused};
use super::strict::Flaw;

/// What the parser is given in the place of a flawed line. No byte of a head may be a zero, so it
/// answers 400 and closes, after the answers to all requests before.
const POISON: &[u8] = b"\0\r\n\r\n";
/// How long, and for how much, a closed connection is still listened to.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 16 << 20;

/// What the two ends of a connection tell each other.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Set when the connection leaves HTTP.
    opaque: AtomicBool,
    flaw: OnceLock<Flaw>,
}

impl Signals {
    pub(super) fn leave_http(&self) {
        self.opaque.store(true, Ordering::Release);
    }

    pub(super) fn flaw(&self) -> Option<Flaw> {
        self.flaw.get().copied()
    }
}

pub(super) struct Gate<I> {
    io: I,
    /// What was read to find out what is spoken.
    read_ahead: Vec<u8>,
    framing: Option<Framing>,
    signals: Arc<Signals>,
    poison: &'static [u8],
    refused: Option<Refused>,
    write_limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    stalled: bool,
    lingered: usize,
    shut: bool,
}

impl<I> Gate<I> {
    pub(super) fn new(
        io: I,
        read_ahead: Vec<u8>,
        framing: Option<Framing>,
        signals: Arc<Signals>,
        write_limit: Duration,
    ) -> Self {
        Self {
            io,
            read_ahead,
            framing,
            signals,
            poison: &[],
            refused: None,
            write_limit,
            timer: None,
            stalled: false,
            lingered: 0,
            shut: false,
        }
    }

    fn inspect(&mut self, buf: &mut ReadBuf<'_>, before: usize) -> io::Result<()> {
        let Some(framing) = &mut self.framing else { return Ok(()) };
        if self.signals.opaque.load(Ordering::Acquire) {
            self.framing = None;
            return Ok(());
        }
        let read = buf.filled().get(before..).unwrap_or_default();
        let Err(refused) = framing.feed(read) else { return Ok(()) };
        let _ = self.signals.flaw.set(refused.flaw);
        self.refused = Some(refused);
        // What stands before the flaw belongs to requests that are sound so far.
        buf.set_filled(before + refused.at);
        if refused.in_head {
            self.poison = POISON;
            self.give_poison(buf);
            return Ok(());
        }
        if refused.at == 0 { Err(broken()) } else { Ok(()) }
    }

    fn give_poison(&mut self, buf: &mut ReadBuf<'_>) {
        let (now, later) = self.poison.split_at(self.poison.len().min(buf.remaining()));
        buf.put_slice(now);
        self.poison = later;
    }

    /// Watches a write that cannot go on.
    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = false;
            return written;
        }
        let limit = self.write_limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        if !self.stalled {
            self.stalled = true;
            if let Some(deadline) = Instant::now().checked_add(limit) {
                timer.as_mut().reset(deadline);
            }
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a body that is cut into chunks wrongly")
}

impl<I: AsyncRead + Unpin> AsyncRead for Gate<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.poison.is_empty() {
            this.give_poison(buf);
            return Poll::Ready(Ok(()));
        }
        match this.refused {
            Some(Refused { in_head: true, .. }) => return Poll::Ready(Ok(())),
            Some(_) => return Poll::Ready(Err(broken())),
            None => {}
        }
        let before = buf.filled().len();
        if this.read_ahead.is_empty() {
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        } else {
            let count = this.read_ahead.len().min(buf.remaining());
            let rest = this.read_ahead.split_off(count);
            buf.put_slice(&this.read_ahead);
            this.read_ahead = rest;
        }
        Poll::Ready(this.inspect(buf, before))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Gate<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.watch(cx, flushed)
    }

    /// Closing while the client still sends would make the system tell it to forget what it has not read
    /// yet: our answer. So it is heard out, within limits.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.shut {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            this.shut = true;
            let amid = this.framing.as_ref().is_some_and(|framing| !framing.is_between());
            if !amid && this.refused.is_none() {
                return Poll::Ready(Ok(()));
            }
            this.timer = Some(Box::pin(sleep(LINGER)));
        }
        let mut scratch = [0; 4096];
        while this.lingered < LINGER_BYTES {
            if this.timer.as_mut().is_none_or(|timer| timer.as_mut().poll(cx).is_ready()) {
                break;
            }
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut this.io).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => this.lingered += buf.filled().len(),
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
