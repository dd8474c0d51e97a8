//! The log: lines of text for people, JSON for programs, on standard error.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::LogFormat;
use crate::output::Output;

/// Starts it. The error is that of levels that make no sense.
pub(super) fn start(format: LogFormat, levels: Option<&str>, output: &mut Output) -> Result<(), String> {
    let filter = match levels {
        Some(levels) => levels.parse().map_err(|error| format!("log levels {levels:?}: {error}"))?,
        None => {
            let level = match (output.is_quiet(), output.is_verbose()) {
                (true, _) => LevelFilter::WARN,
                (_, true) => LevelFilter::DEBUG,
                _ => LevelFilter::INFO,
            };
            // What libraries say at these levels is about themselves.
            Targets::new().with_default(LevelFilter::WARN).with_target("ingress", level)
        }
    };
    let json = match format {
        LogFormat::Auto => !io::stderr().is_terminal(),
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer().with_writer(io::stderr);
    let started = if json {
        output.log();
        registry
            .with(lines.json().flatten_event(true).with_current_span(false).with_span_list(false))
            .try_init()
    } else {
        registry.with(lines.with_target(false).with_ansi(output.is_coloured())).try_init()
    };
    started.map_err(|error| error.to_string())
}
