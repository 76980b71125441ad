//! Logs and the metrics registry, set up by main.
//!
//! User text goes into log lines as fields only, never into the message: fields are quoted and escaped in both
//! formats, so no name can break a line or forge one.

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tracing_subscriber::EnvFilter;

use crate::args::{LogArgs, LogFormat};

/// Starts the log on standard error. A second start in one process does nothing.
pub fn start(args: &LogArgs) {
    let filter = EnvFilter::builder().parse_lossy(&args.log_level);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    let started = match args.log_format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
    std::panic::set_hook(Box::new(|panic| {
        // The message of a panic may quote what was read; where it happened may not.
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(place, "a bug: KTH0001");
    }));
}

/// A registry whose metrics start with `thanos_webhook_`, with the build in it.
pub fn registry() -> Registry {
    let mut registry = Registry::with_prefix("thanos_webhook");
    registry.register(
        "build",
        "The version that runs",
        Info::new([("version", env!("CARGO_PKG_VERSION"))]),
    );
    registry
}
