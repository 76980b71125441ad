//! The command line. The doc comments of these types are the help.
//!
//! `cli/offline.rs`, `cli/policy.rs` and `cli/cluster.rs` hold the flags of each verb, `cli/help.rs` the frame around them,
//! `cli/misuse.rs` what is said of words that are wrong.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::Surroundings;

mod cluster;
mod helm;
mod help;
mod hub;
mod misuse;
mod native;
mod offline;
mod policy;

pub use cluster::{
    CredentialArgs, EnrollArgs, GetArgs, GetFormat, GetWhat, InitArgs, InitAuth, InitOnDelete,
    InitOptOut, WiringArgs,
};
pub use helm::{FromHelm, is_caller as is_called_by_helm};
pub use help::{called_as, command};
pub use hub::{HubArgs, HubAzureArgs, HubIngress, HubPart, UninstallArgs};
pub use misuse::meant;
pub use native::{NativeFormat, OnFailure, PolicyNativeArgs};
pub use offline::{
    CompletionArgs, CompletionFor, DiffArgs, ExplainArgs, FailOn, InjectArgs, InjectFormat,
    ReportFormat, VersionArgs, WhyArgs, WorldArgs,
};
pub use policy::{
    PolicyArgs, PolicyAuditArgs, PolicyInitArgs, PolicyRulesArgs, PolicyShowArgs, PolicyTestArgs,
    PolicyVerb, PolicyWorldArgs, Threshold, ValidateArgs, ValidateFormat,
};

/// Wire Prometheus objects to a central Thanos.
///
/// Every Prometheus object that a ThanosWiring selects gets a remote-write entry, labels and relabel rules:
/// at admission by the webhook, or here, on files.
#[derive(Parser, Debug)]
#[command(name = "kubectl-thanos", version, disable_help_subcommand = false)]
pub struct Cli {
    /// What every verb knows.
    #[command(flatten)]
    pub global: Global,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Subcommand, Debug)]
#[expect(
    missing_docs,
    reason = "a verb's help is the doc comment of its flags: one here would stand in its place"
)]
pub enum Verb {
    Init(Box<InitArgs>),
    Enroll(EnrollArgs),
    Uninstall(UninstallArgs),
    Get(GetArgs),
    Why(WhyArgs),
    Inject(InjectArgs),
    Validate(Box<ValidateArgs>),
    Diff(DiffArgs),
    Policy(Box<PolicyArgs>),
    Explain(ExplainArgs),
    Completion(CompletionArgs),
    Version(VersionArgs),
}

/// Flags that every verb takes, before or behind its own.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Path to the kubeconfig; KUBECONFIG and ~/.kube/config otherwise
    #[arg(long, global = true, value_name = "FILE", help_heading = CLUSTER, hide_short_help = true)]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context to use
    #[arg(long, global = true, value_name = "NAME", help_heading = CLUSTER, hide_short_help = true)]
    pub context: Option<String>,
    /// The namespace; the context's own otherwise (offline: default)
    #[arg(short, long, global = true, value_name = "NAME", help_heading = CLUSTER)]
    pub namespace: Option<String>,
    /// The user to impersonate
    #[arg(long = "as", global = true, value_name = "USER", help_heading = CLUSTER, hide_short_help = true)]
    pub impersonate: Option<String>,
    /// A group to impersonate, beside --as; repeatable
    #[arg(long = "as-group", global = true, value_name = "GROUP", help_heading = CLUSTER, hide_short_help = true)]
    pub impersonate_groups: Vec<String>,
    /// How long to wait for one answer of the API server, such as 30s; 0 waits for ever
    #[arg(long, global = true, value_name = "TIME", value_parser = duration, help_heading = CLUSTER, hide_short_help = true)]
    pub request_timeout: Option<Duration>,
    /// How long the whole command may take, such as 5m; it then ends with exit code 124
    #[arg(long, global = true, value_name = "TIME", value_parser = duration, help_heading = CLUSTER, hide_short_help = true)]
    pub timeout: Option<Duration>,
    /// When to colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Colour::Auto, help_heading = TALK, hide_short_help = true)]
    pub color: Colour,
    /// Say more
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = TALK, hide_short_help = true)]
    pub verbose: u8,
    /// Say only warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = TALK, hide_short_help = true)]
    pub quiet: bool,
    /// What helm says and no flag does.
    #[arg(skip)]
    pub helm: FromHelm,
}

const CLUSTER: &str = "Cluster";
const TALK: &str = "Talk";

/// When to colour.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// On a terminal, and not under `NO_COLOR`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Global {
    /// With what helm has taken off the command line and says in variables, where it calls us.
    #[must_use]
    pub fn settled(&self, surroundings: &Surroundings, by_helm: bool) -> Self {
        let mut settled = self.clone();
        if by_helm {
            helm::settle(&mut settled, surroundings);
        }
        settled.kubeconfig = settled
            .kubeconfig
            .or_else(|| surroundings.variable("KUBECONFIG").map(PathBuf::from));
        settled
    }
}

impl Cli {
    /// Whether helm calls us: as its plugin, or as its post-renderer, which Helm 3 does not tell otherwise.
    fn is_by_helm(&self, surroundings: &Surroundings) -> bool {
        let is_post_renderer = matches!(&self.verb, Verb::Inject(args) if args.post_render);
        is_post_renderer || helm::is_caller(surroundings)
    }

    /// The flags of every verb, with what stands in the environment.
    ///
    /// Helm tells its plugin a namespace whether somebody named it or not: `default` is no choice for the verbs that
    /// put a credential where they are told.
    pub fn settled(&self, surroundings: &Surroundings) -> Global {
        let mut settled = self
            .global
            .settled(surroundings, self.is_by_helm(surroundings));
        let is_put = matches!(self.verb, Verb::Init(_) | Verb::Enroll(_));
        if is_put && self.global.namespace.is_none() {
            settled.namespace = settled.namespace.filter(|name| name != "default");
        }
        settled
    }
}

/// Reads a time as kubectl does: `30s`, `1m30s`, `2h`, `500ms`, and a number alone as seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a time such as 30s, 1m30s or 2h".to_owned();
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|character: char| !character.is_ascii_digit())
            .ok_or_else(wrong)?;
        let amount: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit_end = rest[digits..]
            .find(|character: char| character.is_ascii_digit())
            .map_or(rest.len(), |at| at + digits);
        let milliseconds = match &rest[digits..unit_end] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        let part = amount.checked_mul(milliseconds).ok_or_else(wrong)?;
        total = total
            .checked_add(Duration::from_millis(part))
            .ok_or_else(wrong)?;
        rest = &rest[unit_end..];
    }
    if text.is_empty() {
        Err(wrong())
    } else {
        Ok(total)
    }
}

/// A time as people write it.
pub fn duration_text(duration: Duration) -> String {
    match (duration.as_secs(), duration.subsec_millis()) {
        (0, milliseconds) => format!("{milliseconds}ms"),
        (seconds, _) if seconds % 60 == 0 => format!("{}m", seconds / 60),
        (seconds, _) if seconds > 60 => format!("{}m{}s", seconds / 60, seconds % 60),
        (seconds, _) => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_kubectl_reads_them() {
        for (text, milliseconds) in [
            ("30s", 30_000),
            ("1m30s", 90_000),
            ("2h", 7_200_000),
            ("500ms", 500),
            ("5", 5000),
            ("0", 0),
        ] {
            assert_eq!(
                duration(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for text in ["", "s", "1x", "-1s", "1m30", "99999999999999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(duration_text(Duration::from_secs(90)), "1m30s");
    }

    #[test]
    fn the_command_line_is_well_formed() {
        command("kubectl thanos", 100).debug_assert();
    }
}
