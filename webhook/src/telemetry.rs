//! Logs and the metrics registry, set up by main.
//!
//! User text goes into log lines as fields only, never into the message: fields are quoted and escaped in both
//! formats, so no name can break a line or forge one.

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::args::{LogArgs, LogFormat};

/// Starts the log on standard error. A second start in one process does nothing.
pub fn start(args: &LogArgs) {
    let filter = EnvFilter::builder().parse_lossy(&args.log_level);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false);
    let lines = match args.log_format {
        LogFormat::Text => lines.with_ansi(false).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed(),
    };
    let started = tracing_subscriber::registry()
        .with(lines.with_filter(filter_fn(is_fit)))
        .with(filter)
        .try_init();
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

/// Whether a line may be written at all, whatever level was asked for.
///
/// The client writes a whole answer of the API server's into a line when it cannot read it, and says every error that
/// we say too; other libraries trace headers. Of those only what is worse gets through.
fn is_fit(line: &Metadata<'_>) -> bool {
    let most = match line.target() {
        target if target.starts_with("thanos_") => LevelFilter::TRACE,
        target if target.starts_with("kube_client") => LevelFilter::OFF,
        _ => LevelFilter::WARN,
    };
    *line.level() <= most
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
