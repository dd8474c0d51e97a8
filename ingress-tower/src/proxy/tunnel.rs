//! Two connections that have left HTTP, and carry each other's bytes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes};

/// Both ends, once both have changed over. `held` is dropped at the end.
pub(super) fn spawn(client: OnUpgrade, endpoint: OnUpgrade, idle: Duration, held: impl Send + 'static) {
    tokio::spawn(async move {
        // A side that does not change over takes the other with it: its connection is dropped here.
        if let (Ok(client), Ok(endpoint)) = (client.await, endpoint.await) {
            copy(client, endpoint, idle).await;
        }
        drop(held);
    });
}

/// Until both have closed, one has failed, or neither has said anything for too long. The end of one
/// direction is passed on and leaves the other open.
async fn copy(client: Upgraded, endpoint: Upgraded, idle: Duration) {
    let moved = Arc::new(AtomicU64::new(0));
    let mut client = Watched { io: TokioIo::new(client), moved: moved.clone() };
    let mut endpoint = Watched { io: TokioIo::new(endpoint), moved: moved.clone() };
    let copying = async {
        let _ = copy_bidirectional_with_sizes(&mut client, &mut endpoint, 8 << 10, 8 << 10).await;
    };
    let silence = async {
        let mut seen = moved.load(Ordering::Relaxed);
        loop {
            tokio::time::sleep(idle).await;
            let now = moved.load(Ordering::Relaxed);
            if now == seen {
                return;
            }
            seen = now;
        }
    };
    either(copying, silence).await;
}

/// Waits for the first of two.
async fn either(first: impl Future<Output = ()>, second: impl Future<Output = ()>) {
    let mut first = std::pin::pin!(first);
    let mut second = std::pin::pin!(second);
    std::future::poll_fn(|cx| {
        if first.as_mut().poll(cx).is_ready() { Poll::Ready(()) } else { second.as_mut().poll(cx) }
    })
    .await;
}

/// Counts what is read.
struct Watched {
    io: TokioIo<Upgraded>,
    moved: Arc<AtomicU64>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        if polled.is_ready() {
            self.moved.fetch_add(1, Ordering::Relaxed);
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
