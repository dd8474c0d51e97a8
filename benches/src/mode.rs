//! Whether a benchmark has to measure, or only to show that it still runs.

/// True under `cargo bench -- --test` and under `cargo test --benches`, which passes no `--bench`. The
/// workloads are then cut down so that a debug build gets through in seconds.
pub fn is_test_mode() -> bool {
    let mut bench = false;
    for argument in std::env::args() {
        match argument.as_str() {
            "--test" => return true,
            "--bench" => bench = true,
            _ => {}
        }
    }
    !bench
}
