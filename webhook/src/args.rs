//! Flags and environment. No other file reads either.

mod certificates;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{RangedU64ValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args as Flags, CommandFactory, Parser, Subcommand, ValueEnum};
use jiff::SignedDuration;
use thanos_core::names;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use crate::control::judge::Settings;
use crate::control::lease::Timing;
use crate::control::rewire::Pace;
use crate::control::touch::Patience;
use crate::facts::Grace;
use crate::{admission, server};
pub use certificates::{CertificateArgs, CertificateSource};

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
    /// Keep the cluster true: credentials, unwired objects, changed wirings, statuses. One leader, others wait.
    Control(Box<ControlArgs>),
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
pub struct LogArgs {
    /// One line of text, or one JSON object a line.
    #[arg(long, help_heading = "Logs", value_enum, value_name = "FORMAT", env = "THANOS_WEBHOOK_LOG_FORMAT", default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// error, warn, info, debug, trace, or a filter such as info,thanos_webhook=debug.
    #[arg(
        long,
        help_heading = "Logs", value_parser = log_level, value_name = "LEVEL",
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
#[command(after_help = SERVE_EXAMPLES)]
pub struct ServeArgs {
    /// What both programs take.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Where the API server's reviews are answered, over TLS.
    #[arg(long, value_name = "ADDRESS", env = "THANOS_WEBHOOK_LISTEN", default_value_t = any(names::PORT_WEBHOOK))]
    pub listen: SocketAddr,
    /// The certificate chain, PEM. Read again while serving.
    #[arg(long, value_name = "PATH", env = "THANOS_WEBHOOK_TLS_CERT")]
    pub tls_cert: PathBuf,
    /// The key of the chain's first certificate, PEM.
    #[arg(long, value_name = "PATH", env = "THANOS_WEBHOOK_TLS_KEY")]
    pub tls_key: PathBuf,
    /// How often both files are looked at again.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub tls_interval: Duration,
    /// What one review may take.
    #[command(flatten)]
    pub deadlines: DeadlineArgs,
    /// What all reviews together may take.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// How policies are held.
    #[command(flatten)]
    pub policies: PolicyArgs,
    /// How serving ends.
    #[command(flatten)]
    pub ending: EndingArgs,
}

const SERVE_EXAMPLES: &str = "Examples:
  In a pod, as the chart does:
    thanos-webhook serve --tls-cert /tls/tls.crt --tls-key /tls/tls.key --log-format json
  On this machine, against a cluster:
    thanos-webhook serve --kubeconfig ~/.kube/config --listen 127.0.0.1:8443 \\
      --admin-listen 127.0.0.1:9443 --tls-cert tls.crt --tls-key tls.key";

/// What one connection and one review may take.
#[derive(Flags, Clone, Debug)]
#[command(next_help_heading = "Deadlines")]
pub struct DeadlineArgs {
    /// For a TLS handshake.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub handshake_timeout: Duration,
    /// For a request's header, from its first byte on.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub header_timeout: Duration,
    /// For a request's body to come, and for an answer to be taken.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub body_timeout: Duration,
    /// For a connection without a request: longer than the API server's own 90 s.
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = duration)]
    pub idle_timeout: Duration,
    /// For one review at most; less when the API server's own timeout is shorter.
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = duration)]
    pub review_timeout: Duration,
}

/// What all connections and reviews together may take.
#[derive(Flags, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Connections at once; more wait to be accepted.
    #[arg(long, value_name = "COUNT", default_value_t = 512, value_parser = count())]
    pub max_connections: usize,
    /// One request's body.
    #[arg(long, value_name = "SIZE", default_value = "8MiB", value_parser = size)]
    pub max_body: usize,
    /// All bodies that are held at once.
    #[arg(long, value_name = "SIZE", default_value = "32MiB", value_parser = size)]
    pub max_bodies: usize,
    /// All objects that are read at once, as estimated: many small parts take far more than their text.
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = size)]
    pub max_objects: usize,
    /// Reviews that are judged at once [default: twice the cores].
    #[arg(long, value_name = "COUNT", value_parser = count())]
    pub max_running: Option<usize>,
    /// Reviews that wait for their turn; more are answered with 429 and Retry-After.
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    pub max_waiting: usize,
}

/// How policies are held.
#[derive(Flags, Clone, Debug)]
#[command(next_help_heading = "Policies")]
pub struct PolicyArgs {
    /// After a wiring changed, an object wired by what it was before passes too.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub wiring_grace: Duration,
    /// After the start, an object that is not wired as required is warned of only.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub start_grace: Duration,
    /// What the Events about denials call this process.
    #[arg(long, value_name = "NAME", env = "POD_NAME", default_value = "serve")]
    pub identity: String,
}

/// How serving ends after SIGTERM. A second signal ends it at once.
#[derive(Flags, Clone, Debug)]
#[command(next_help_heading = "Shutdown")]
pub struct EndingArgs {
    /// Keep serving for so long, not ready any more, until no new connection comes.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub shutdown_delay: Duration,
    /// Then finish what is running within this time.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub drain_timeout: Duration,
}

/// Flags of `control`.
#[derive(Flags, Clone, Debug)]
#[command(after_help = CONTROL_EXAMPLES)]
pub struct ControlArgs {
    /// What both programs take.
    #[command(flatten)]
    pub common: CommonArgs,
    /// The namespace of the Lease: the one that this runs in.
    #[arg(long, value_name = "NAMESPACE", env = "POD_NAMESPACE", default_value = names::NAMESPACE)]
    pub namespace: String,
    /// What the Lease and the Events call this process; a part of its own is added.
    #[arg(long, value_name = "NAME", env = "POD_NAME")]
    pub identity: Option<String>,
    /// Who leads.
    #[command(flatten)]
    pub lease: LeaseArgs,
    /// How fast objects are put right.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// How credentials are looked at.
    #[command(flatten)]
    pub credentials: CredentialArgs,
    /// The webhook's own certificates.
    #[command(flatten)]
    pub certificates: CertificateArgs,
}

const CONTROL_EXAMPLES: &str = "Examples:
  In a pod, as the chart does:
    thanos-webhook control --log-format json
  On this machine, against a cluster:
    thanos-webhook control --kubeconfig ~/.kube/config --namespace thanos-system \\
      --admin-listen 127.0.0.1:9444";

/// Who leads: the one that holds the Lease.
#[derive(Flags, Clone, Debug)]
#[command(next_help_heading = "Lease")]
pub struct LeaseArgs {
    /// How long a Lease lasts that nobody renews.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration)]
    pub lease_duration: Duration,
    /// How long a leader writes without a renewal; below --lease-duration.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub lease_renew: Duration,
    /// How often the leader renews, and the others look.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub lease_retry: Duration,
}

/// How fast objects are put right.
#[derive(Flags, Clone, Debug)]
#[command(next_help_heading = "Pace")]
pub struct PaceArgs {
    /// Everything is judged on every change, and at least this often.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub sweep: Duration,
    /// An object that a touch did not put right is touched again after this, and then twice, four and eight times this.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    pub touch_backoff: Duration,
    /// Then it is touched this often. Below 30s: an object is wired within 30s of a webhook's return.
    #[arg(long, value_name = "DURATION", default_value = "25s", value_parser = duration)]
    pub touch_longest: Duration,
    /// When a wiring changes: one object first, then at most so many a minute.
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub rewire_per_minute: u32,
    /// How long the first object may take to be reconciled by the operator before the rest follow all the same.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub rewire_settle: Duration,
}

/// How credentials are looked at.
#[derive(Flags, Clone, Debug)]
#[command(next_help_heading = "Credentials")]
pub struct CredentialArgs {
    /// As many Secrets are watched, one connection each; any more are asked for again and again.
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    pub credential_watches: usize,
    /// How often a missing Secret that is not watched is asked for; one that is there, a sixth as often.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub credential_interval: Duration,
}

impl Args {
    /// Reads the command line and the environment; says what is wrong with them and ends the program with 2.
    pub fn read() -> Self {
        let args = Self::parse();
        if let Command::Control(control) = &args.command
            && let Err(sentence) = control.check()
        {
            Self::command()
                .error(ErrorKind::ValueValidation, sentence)
                .exit();
        }
        args
    }

    /// What both programs take.
    pub fn common(&self) -> &CommonArgs {
        match &self.command {
            Command::Serve(args) => &args.common,
            Command::Control(args) => &args.common,
        }
    }
}

impl ServeArgs {
    /// What the listener allows its clients.
    pub fn server_limits(&self) -> server::Limits {
        server::Limits {
            connections: self.limits.max_connections,
            handshake: self.deadlines.handshake_timeout,
            header: self.deadlines.header_timeout,
            idle: self.deadlines.idle_timeout,
            write: self.deadlines.body_timeout,
            shutdown_delay: self.ending.shutdown_delay,
            drain: self.ending.drain_timeout,
        }
    }

    /// For how long a rule does not refuse what was right until then.
    pub fn grace(&self) -> Grace {
        Grace {
            wiring: self.policies.wiring_grace,
            start: self.policies.start_grace,
        }
    }

    /// What all reviews together may take.
    pub fn admission_limits(&self) -> admission::Limits {
        let LimitArgs {
            max_body,
            max_bodies,
            max_objects,
            max_running,
            max_waiting,
            ..
        } = self.limits;
        let usual = admission::Limits::default();
        admission::Limits {
            body: max_body,
            bodies: max_bodies,
            objects: max_objects,
            body_timeout: self.deadlines.body_timeout,
            review_timeout: self.deadlines.review_timeout,
            running: max_running.unwrap_or(usual.running),
            waiting: max_waiting,
        }
    }
}

impl ControlArgs {
    /// Says what is wrong with flags that are each right.
    fn check(&self) -> Result<(), &'static str> {
        self.certificates.check()?;
        self.timing().check()
    }

    /// The times of the election.
    pub fn timing(&self) -> Timing {
        Timing {
            duration: self.lease.lease_duration,
            renew: self.lease.lease_renew,
            retry: self.lease.lease_retry,
        }
    }

    /// How patient, and how fast.
    pub fn settings(&self) -> Settings {
        let pace = &self.pace;
        Settings {
            patience: Patience {
                head_start: HEAD_START,
                base: pace.touch_backoff,
                longest: pace.touch_longest.max(pace.touch_backoff),
            },
            pace: Pace::per_minute(pace.rewire_per_minute, pace.rewire_settle),
        }
    }
}

/// `serve` hears of a change at about the same time as `control`: a touch that is too early is one for nothing.
const HEAD_START: Duration = Duration::from_millis(250);

/// A port on every address of this host.
fn any(port: u16) -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, port).into()
}

/// Reads a filter of log lines. A bare word that is no level would name a target, and all others would fall silent.
fn log_level(text: &str) -> Result<String, String> {
    let is_fit = |part: &str| {
        let level = part.rsplit('=').next();
        level.is_some_and(|level| !level.is_empty() && level.parse::<LevelFilter>().is_ok())
    };
    if text.split(',').all(is_fit) && EnvFilter::try_new(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err(
        "must be error, warn, info, debug, trace, or a filter such as info,thanos_webhook=debug"
            .to_owned(),
    )
}

/// Reads a duration flag: `10s`, `500ms`, `1m30s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let read = text
        .parse::<SignedDuration>()
        .ok()
        .and_then(|signed| Duration::try_from(signed).ok());
    read.ok_or_else(|| "must be a duration such as 10s, 500ms or 1m30s".to_owned())
}

/// Reads a size flag: `8MiB`, `64KiB`, `4096`.
pub fn size(text: &str) -> Result<usize, String> {
    let units = [("MiB", 1024 * 1024), ("KiB", 1024), ("", 1)];
    let found = units
        .into_iter()
        .find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, bytes)));
    let read =
        found.and_then(|(number, bytes)| number.trim().parse::<usize>().ok()?.checked_mul(bytes));
    read.filter(|bytes| *bytes > 0)
        .ok_or_else(|| "must be a size such as 8MiB, 64KiB or 4096".to_owned())
}

/// Reads a count of at least one.
fn count() -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::<usize>::new().range(1..=1_000_000)
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
    fn a_log_level_is_one_or_a_filter() {
        for right in ["info", "DEBUG", "off", "info,thanos_webhook=debug"] {
            assert!(log_level(right).is_ok(), "{right}");
        }
        for wrong in ["", "loud", "info,thanos_webhook=loud"] {
            assert!(log_level(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_carry_their_unit() {
        assert_eq!(
            (size("8MiB"), size("64KiB"), size("512")),
            (Ok(8 << 20), Ok(64 << 10), Ok(512))
        );
        for wrong in ["", "0", "8MB", "-1", "99999999999999999999MiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
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
