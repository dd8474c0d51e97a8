//! From serving to having stopped.

use std::future::Future;

use tokio::sync::watch;

/// Where a program that serves is on its way.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Phase {
    /// Connections are accepted.
    Serving,
    /// No more are accepted; what is under way is finished.
    Draining,
    /// Whatever is left is given up.
    Stopped,
}

/// Hears of the phase. A clone is a reference count.
#[derive(Clone, Debug)]
pub(super) struct Phases(watch::Receiver<Phase>);

/// Brings everybody to the next phase.
#[derive(Debug)]
pub(super) struct Conductor(watch::Sender<Phase>);

impl Conductor {
    pub(super) fn new() -> (Self, Phases) {
        let (sender, receiver) = watch::channel(Phase::Serving);
        (Self(sender), Phases(receiver))
    }

    pub(super) fn go_to(&self, phase: Phase) {
        self.0.send_replace(phase);
    }
}

impl Phases {
    /// Ends when this phase, or a later one, has begun.
    pub(super) fn reached(&self, phase: Phase) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = self.0.clone();
        async move {
            // A conductor that is gone leads nobody on: that is the end, too.
            let _ = receiver.wait_for(|now| *now >= phase).await;
        }
    }
}
