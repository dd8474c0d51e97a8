//! A request from its head to its end.

use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode, response};

use super::clock::Clock;
use super::observer::{Ending, Seen, Watch};
use super::told::Told;
use crate::routed::Routed;

/// A request that is being watched. Dropped, it has been abandoned.
#[derive(Debug)]
pub(super) struct Live<W: Watch> {
    watch: Option<W>,
    told: Told,
    clock: Clock,
    begun: Duration,
    is_head: bool,
    status: Option<StatusCode>,
    error: Option<&'static str>,
    /// How many bytes the response is going to have, where it says so.
    announced: Option<u64>,
    body_bytes: u64,
    head_took: Option<Duration>,
}

impl<W: Watch> Live<W> {
    pub(super) fn new(watch: W, told: Told, clock: Clock, method: &Method) -> Self {
        let begun = clock.now();
        Self {
            watch: Some(watch),
            told,
            begun,
            clock,
            is_head: method == Method::HEAD,
            status: None,
            error: None,
            announced: None,
            body_bytes: 0,
            head_took: None,
        }
    }

    pub(super) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.watch {
            Some(watch) => watch.within(work),
            None => work(),
        }
    }

    /// Takes a look at the head of the response. Whether a body is to follow.
    pub(super) fn answered(&mut self, head: &response::Parts) -> bool {
        self.head_took = Some(self.took());
        self.status = Some(head.status);
        // Replies of the layer have not been through the inner service, which would have told.
        if let Some(routed) = head.extensions.get::<Routed>() {
            self.told.tell(routed);
        }
        #[cfg(feature = "proxy")]
        if let Some(reason) = head.extensions.get::<crate::proxy::Reason>() {
            self.error = Some(reason.code());
        }
        let length = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        self.announced = length.and_then(|text| text.parse().ok());
        // Servers drop the bodies of these unread.
        let none = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || head.status.is_informational();
        !(self.is_head || none)
    }

    /// Counts a piece of the body. Whether it is the last that was announced: a server that has written
    /// them all does not ask for more.
    pub(super) fn passed(&mut self, bytes: usize) -> bool {
        self.body_bytes = self.body_bytes.saturating_add(bytes as u64);
        self.announced.is_some_and(|announced| self.body_bytes >= announced)
    }

    pub(super) fn end(&mut self, ending: Ending) {
        let Some(watch) = self.watch.take() else { return };
        let seen = Seen {
            told: &self.told,
            status: self.status,
            error: self.error,
            ending,
            body_bytes: self.body_bytes,
            head_took: self.head_took,
            took: self.took(),
        };
        watch.ended(&seen);
    }

    fn took(&self) -> Duration {
        self.clock.now().saturating_sub(self.begun)
    }
}

impl<W: Watch> Drop for Live<W> {
    fn drop(&mut self) {
        self.end(Ending::Abandoned);
    }
}
