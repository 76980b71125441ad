//! Flags and environment. No other file reads either.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Flags, Parser, Subcommand, ValueEnum};
use jiff::SignedDuration;
use thanos_core::names;

/// Answers the API server about Prometheus objects, and keeps the cluster true.
#[derive(Parser, Clone, Debug)]
#[command(
    name = "thanos-webhook",
    version,
    max_term_width = 100,
    propagate_version = true
)]
pub struct Args {
    /// What to be.
    #[command(subcommand)]
    pub command: Command,
}

/// The two programs in one.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Answer admission reviews: wire Prometheus objects, refuse wrong wirings. Stateless, many replicas.
    Serve(Box<ServeArgs>),
}

/// What both programs take.
#[derive(Flags, Clone, Debug)]
pub struct CommonArgs {
    /// The kubeconfig file. Without it: $KUBECONFIG, ~/.kube/config, or the pod's own service account.
    #[arg(long, value_name = "PATH")]
    pub kubeconfig: Option<PathBuf>,
    /// Where /healthz, /readyz and /metrics answer, over plain HTTP.
    #[arg(long, value_name = "ADDRESS", env = "THANOS_WEBHOOK_ADMIN_LISTEN", default_value_t = any(names::PORT_ADMIN))]
    pub admin_listen: SocketAddr,
    /// How log lines are written.
    #[command(flatten)]
    pub log: LogArgs,
}

/// How log lines are written.
#[derive(Flags, Clone, Debug)]
#[command(next_help_heading = "Logs")]
pub struct LogArgs {
    /// One line of text, or one JSON object a line.
    #[arg(long, value_enum, value_name = "FORMAT", env = "THANOS_WEBHOOK_LOG_FORMAT", default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// error, warn, info, debug, trace, or a filter such as info,thanos_webhook=debug.
    #[arg(
        long,
        value_name = "LEVEL",
        env = "THANOS_WEBHOOK_LOG_LEVEL",
        default_value = "info"
    )]
    pub log_level: String,
}

/// The shape of a log line.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Flags of `serve`.
#[derive(Flags, Clone, Debug)]
pub struct ServeArgs {
    /// What both programs take.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Flags of `control`.
#[derive(Flags, Clone, Debug)]
pub struct ControlArgs {
    /// What both programs take.
    #[command(flatten)]
    pub common: CommonArgs,
}

impl Args {
    /// Reads the command line and the environment; says what is wrong with them and ends the program with 2.
    pub fn read() -> Self {
        Self::parse()
    }

    /// What both programs take.
    pub fn common(&self) -> &CommonArgs {
        match &self.command {
            Command::Serve(args) => &args.common,
        }
    }
}

/// A port on every address of this host.
fn any(port: u16) -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, port).into()
}

/// Reads a duration flag: `10s`, `500ms`, `1m30s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let read = text
        .parse::<SignedDuration>()
        .ok()
        .and_then(|signed| Duration::try_from(signed).ok());
    read.ok_or_else(|| "must be a duration such as 10s, 500ms or 1m30s".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_flags_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn durations_carry_their_unit() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "10", "-1s", "soon"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
