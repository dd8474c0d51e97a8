//! Signals: SIGHUP reads the files again, SIGTERM and SIGINT bring it to an end.

use std::io;
use std::sync::mpsc::Sender;

use super::control::Event;

/// Passes signals on until nobody wants them. Needs a tokio runtime.
#[cfg(unix)]
pub(super) fn listen(events: &Sender<Event>) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    for (kind, event) in [
        (SignalKind::hangup(), Event::Reload),
        (SignalKind::terminate(), Event::Stop),
        (SignalKind::interrupt(), Event::Stop),
    ] {
        let mut signals = signal(kind)?;
        let events = events.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if events.send(event).is_err() {
                    break;
                }
            }
        });
    }
    Ok(())
}

/// Passes on that somebody pressed Ctrl-C.
#[cfg(not(unix))]
pub(super) fn listen(events: &Sender<Event>) -> io::Result<()> {
    let events = events.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if events.send(Event::Stop).is_err() {
                break;
            }
        }
    });
    Ok(())
}
