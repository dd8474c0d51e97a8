//! The time that a piece of work took, without the time that others had the processor.

use std::time::Duration;

/// Measures the time that the calling thread was running, where the system can tell (Linux), else the time
/// that passed. On a shared machine the difference is a factor of two from one minute to the next.
///
/// Not for latencies: a reader that waits for a lock is not running either.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Duration);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Self {
        Self(now())
    }

    /// How long the thread has run since.
    pub fn elapsed(self) -> Duration {
        now().saturating_sub(self.0)
    }
}

#[cfg(target_os = "linux")]
fn now() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or_default(), time.tv_nsec.try_into().unwrap_or_default())
}

#[cfg(not(target_os = "linux"))]
fn now() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;

    static BEGINNING: OnceLock<Instant> = OnceLock::new();
    BEGINNING.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_is_not_working() {
        let stopwatch = Stopwatch::start();
        (0..10_000).for_each(|number: u64| {
            std::hint::black_box(number);
        });
        let worked = stopwatch.elapsed();
        assert!(worked > Duration::ZERO);
        if cfg!(target_os = "linux") {
            std::thread::sleep(Duration::from_millis(50));
            assert!(stopwatch.elapsed() < Duration::from_millis(50));
        }
    }
}
