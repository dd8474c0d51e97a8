//! The threads that serve: one runtime that all share, or one for each.

use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::control::Event;
use super::phase::Phases;
use super::worker::{Door, Front, Serve, work};

/// How requests are spread over threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Threads {
    pub(super) count: usize,
    /// Whether each has listeners, connections and a runtime of its own. A connection then stays where
    /// it was accepted: nothing is shared, and nothing balances a thread that has got more.
    pub(super) apart: bool,
}

impl Threads {
    /// How many sockets are needed for each address.
    pub(super) fn sockets(self) -> usize {
        if self.apart { self.count } else { 1 }
    }

    /// Starts them, each with its doors. Every one of them reports when it has ended.
    pub(super) fn start<S: Serve>(
        self,
        doors: Vec<Vec<Door>>,
        front: &Front,
        phases: &Phases,
        events: &Sender<Event>,
        service: impl Fn() -> S,
    ) -> std::io::Result<()> {
        for (number, doors) in doors.into_iter().enumerate() {
            let runtime = self.runtime()?;
            let service = service();
            let (front, phases, events) = (front.clone(), phases.clone(), events.clone());
            thread::Builder::new().name(format!("serve-{number}")).spawn(move || {
                runtime.block_on(work(doors, front, service, phases));
                // What is left was given up, and is not waited for.
                runtime.shutdown_timeout(Duration::from_millis(100));
                let _ = events.send(Event::Ended);
            })?;
        }
        Ok(())
    }

    fn runtime(self) -> std::io::Result<Runtime> {
        let mut builder = if self.apart || self.count == 1 {
            Builder::new_current_thread()
        } else {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(self.count).thread_name("serve");
            builder
        };
        builder.enable_all().build()
    }
}
