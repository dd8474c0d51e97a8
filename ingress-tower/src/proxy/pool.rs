//! Connections to endpoints that are kept for the next request.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;

use super::connect::Stream;
use super::pick::Target;
use super::upload::Upload;

/// Of one connection. Servers usually allow 100 or more; what is above theirs would wait.
const STREAMS: usize = 100;

/// All connections of a proxy that are not in use, and those that many requests share.
pub(super) struct Pool {
    places: Mutex<HashMap<Target, Arc<Place>>>,
    idle: Duration,
    size: usize,
    swept: AtomicBool,
}

/// The connections to one target.
pub(super) struct Place {
    #[expect(clippy::vec_box, reason = "each is large, and moves from hand to hand in its box")]
    idle: Mutex<Vec<Box<Http1>>>,
    shared: Mutex<Vec<Http2>>,
    /// Held while an HTTP/2 connection is opened, so that a burst of requests opens one.
    pub(super) opening: tokio::sync::Mutex<()>,
    in_flight: AtomicUsize,
}

/// A connection that serves one request at a time.
///
/// No task drives it: whoever waits for its response does. That saves a wake-up and a change of tasks
/// for each step of each request. While it waits here nothing drives it, and nothing needs to: what
/// has happened to it is asked when it is taken out, and now and then by the sweeper.
pub(super) struct Http1 {
    pub(super) sender: http1::SendRequest<Upload>,
    pub(super) connection: http1::Connection<TokioIo<Stream>, Upload>,
    since: Instant,
}

/// A connection that many requests share. A task drives it.
#[derive(Clone)]
pub(super) struct Http2 {
    pub(super) sender: http2::SendRequest<Upload>,
    pub(super) streams: Arc<AtomicUsize>,
    since: Instant,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing below panics while it holds a lock; and a list of connections has no broken state.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Http1 {
    pub(super) fn new(
        sender: http1::SendRequest<Upload>,
        connection: http1::Connection<TokioIo<Stream>, Upload>,
    ) -> Box<Self> {
        Box::new(Self { sender, connection, since: Instant::now() })
    }

    /// Lets the connection see what has happened to it, without anyone being woken later on.
    fn is_usable(&mut self) -> bool {
        let mut nobody = Context::from_waker(Waker::noop());
        Pin::new(&mut self.connection).poll(&mut nobody).is_pending() && self.sender.is_ready()
    }
}

impl Http2 {
    pub(super) fn new(sender: http2::SendRequest<Upload>) -> Self {
        Self { sender, streams: Arc::default(), since: Instant::now() }
    }

    /// Whether one more request goes on this connection without having to wait.
    fn has_room(&self) -> bool {
        let open = self.streams.load(Ordering::Relaxed);
        !self.sender.is_closed() && open < STREAMS
    }
}

impl Pool {
    pub(super) fn new(idle: Duration, size: usize) -> Self {
        Self { places: Mutex::default(), idle, size, swept: AtomicBool::new(false) }
    }

    pub(super) fn place(&self, target: &Target) -> Arc<Place> {
        let mut places = lock(&self.places);
        if let Some(place) = places.get(target) {
            return place.clone();
        }
        let place = Arc::new(Place {
            idle: Mutex::default(),
            shared: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            in_flight: AtomicUsize::new(0),
        });
        places.insert(target.clone(), place.clone());
        place
    }

    /// The connection that was used last: it is the least likely to have been closed, and the others
    /// get a chance to grow old.
    pub(super) fn take(&self, place: &Place) -> Option<Box<Http1>> {
        loop {
            let mut connection = lock(&place.idle).pop()?;
            if connection.since.elapsed() < self.idle && connection.is_usable() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose response has been read to the end, if it is good for another.
    pub(super) fn give_back(&self, place: &Place, mut connection: Box<Http1>) {
        if !connection.is_usable() {
            return;
        }
        connection.since = Instant::now();
        let mut idle = lock(&place.idle);
        if idle.len() < self.size {
            idle.push(connection);
        }
    }

    pub(super) fn shared(&self, place: &Place) -> Option<Http2> {
        let mut shared = lock(&place.shared);
        shared.retain(|connection| !connection.sender.is_closed());
        let connection = shared.iter_mut().find(|connection| connection.has_room())?;
        connection.since = Instant::now();
        connection.streams.fetch_add(1, Ordering::Relaxed);
        Some(connection.clone())
    }

    pub(super) fn share(&self, place: &Place, connection: &Http2) {
        connection.streams.fetch_add(1, Ordering::Relaxed);
        lock(&place.shared).push(connection.clone());
    }

    /// Starts the task that closes what has been idle for too long, with the first connection: only then
    /// is there sure to be a runtime.
    pub(super) fn start_sweeping(self: &Arc<Self>) {
        if self.swept.swap(true, Ordering::Relaxed) {
            return;
        }
        let pool: Weak<Self> = Arc::downgrade(self);
        let pause = (self.idle / 2).clamp(Duration::from_millis(10), Duration::from_secs(5));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                let Some(pool) = pool.upgrade() else { return };
                pool.sweep();
            }
        });
    }

    fn sweep(&self) {
        let places: Vec<Arc<Place>> = lock(&self.places).values().cloned().collect();
        for place in places {
            // Looked at outside of the lock: closing many connections takes a while.
            let looked_at = std::mem::take(&mut *lock(&place.idle));
            let mut kept: Vec<_> = looked_at
                .into_iter()
                .filter_map(|mut connection| {
                    (connection.since.elapsed() < self.idle && connection.is_usable()).then_some(connection)
                })
                .collect();
            let mut idle = lock(&place.idle);
            // What came back meanwhile is the younger.
            kept.append(&mut idle);
            kept.truncate(self.size);
            *idle = kept;
            drop(idle);
            lock(&place.shared).retain(|connection| {
                let used = connection.streams.load(Ordering::Relaxed) > 0;
                !connection.sender.is_closed() && (used || connection.since.elapsed() < self.idle)
            });
        }
        // What nobody holds and nothing is kept in can be made anew.
        lock(&self.places).retain(|_, place| {
            Arc::strong_count(place) > 1 || !lock(&place.idle).is_empty() || !lock(&place.shared).is_empty()
        });
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        lock(&self.places).len()
    }
}

/// One of the requests under way at a target, or at all.
pub(super) struct Permit<T: AsRef<AtomicUsize>>(T);

impl<T: AsRef<AtomicUsize>> Permit<T> {
    pub(super) fn new(counter: T, limit: usize) -> Option<Self> {
        let count = counter.as_ref();
        if count.fetch_add(1, Ordering::Relaxed) < limit {
            return Some(Self(counter));
        }
        count.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl<T: AsRef<AtomicUsize>> Drop for Permit<T> {
    fn drop(&mut self) {
        self.0.as_ref().fetch_sub(1, Ordering::Relaxed);
    }
}

/// A place, counted in.
pub(super) struct Counted(pub(super) Arc<Place>);

impl AsRef<AtomicUsize> for Counted {
    fn as_ref(&self) -> &AtomicUsize {
        &self.0.in_flight
    }
}

#[cfg(test)]
mod tests {
    use ingress_core::endpoint::Address;

    use super::*;
    use crate::proxy::Protocol;

    #[test]
    fn places_that_nobody_uses_are_forgotten() {
        let pool = Pool::new(Duration::from_secs(1), 1);
        let target = |port| Target::new(Address::Socket(([127, 0, 0, 1], port).into()), Protocol::Http1);
        let held = pool.place(&target(1));
        for port in 2..100 {
            pool.place(&target(port));
        }
        assert_eq!(pool.count(), 99);
        pool.sweep();
        assert_eq!(pool.count(), 1);
        assert!(Arc::ptr_eq(&held, &pool.place(&target(1))));
    }

    #[test]
    fn permits_end_with_what_holds_them() {
        let counter = Arc::new(AtomicUsize::new(0));
        let first = Permit::new(counter.clone(), 2);
        let second = Permit::new(counter.clone(), 2);
        assert!(first.is_some() && second.is_some() && Permit::new(counter.clone(), 2).is_none());
        drop(first);
        assert!(Permit::new(counter, 2).is_some());
    }
}
