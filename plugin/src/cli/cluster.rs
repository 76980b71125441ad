//! Flags of the verbs that are about a cluster: get, enroll, init.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// List wirings, or Prometheus objects with why each is wired or not.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos get wirings                                            wirings, with each enrolled namespace
  kubectl thanos get prometheuses -A                                    every object, wired or why not")]
pub struct GetArgs {
    /// What to list
    #[arg(value_enum, value_name = "WHAT")]
    pub what: GetWhat,
    /// Only these
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// All namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// What to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = GetFormat::Table)]
    pub output: GetFormat,
    /// Leave out the table's first line
    #[arg(long)]
    pub no_headers: bool,
}

/// What `get` lists.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetWhat {
    /// ThanosWirings.
    #[value(aliases = ["wiring", "thanoswirings", "thanoswiring", "twire"])]
    Wirings,
    /// Prometheus, PrometheusAgent and ThanosRuler objects.
    #[value(aliases = ["prometheus", "prom", "objects"])]
    Prometheuses,
}

/// How `get` prints.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetFormat {
    /// A table.
    Table,
    /// A table with more columns.
    Wide,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// kind/name, one a line.
    Name,
}

/// Put the credential into a namespace and list the namespace in the wiring.
///
/// Writes the Secret that the wiring names beside the Prometheus objects, a Role by which the controller may watch
/// that one Secret, and adds the namespace to the wiring's credentials.namespaces. The password is read from a file
/// or standard input, or made here; it is never a flag.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos enroll -n monitoring --password-file secret.txt        a password that exists
  kubectl thanos enroll -n team-a --generate --htpasswd-out team-a.htpasswd
  kubectl thanos enroll -n team-a --remove                              take it back")]
pub struct EnrollArgs {
    /// The wiring; needed only where there are several
    #[arg(long, value_name = "NAME")]
    pub wiring: Option<String>,
    /// The user name; the wiring's cluster otherwise
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Read the password, or the token, from a file; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["generate", "remove"])]
    pub password_file: Option<PathBuf>,
    /// Make a password; the gateway learns it from --htpasswd-out
    #[arg(long, requires = "htpasswd_out", conflicts_with = "remove")]
    pub generate: bool,
    /// Write the line for the gateway's htpasswd file to this file (0600)
    #[arg(long, value_name = "FILE")]
    pub htpasswd_out: Option<PathBuf>,
    /// Overwrite a credential that we put there before
    #[arg(long, conflicts_with = "remove")]
    pub replace: bool,
    /// Take the namespace off the list and remove what we put there
    #[arg(long)]
    pub remove: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Wire this cluster: CRDs, a wiring, the credential, and the proof that it works.
///
/// Looks first (read only), shows the plan, asks, applies, and proves by two dry-runs that objects are wired and
/// wrong wirings refused. Run again, it does what is still missing.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos init --cluster edge-01 --url https://receive.example.com/api/v1/receive \\
      --password-file secret.txt -n monitoring                          basic auth, the default
  kubectl thanos init --wiring hub.yaml -n monitoring --dry-run         a wiring from a file; only the plan")]
pub struct InitArgs {
    /// A file with the wiring, instead of the flags below
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "cluster", "url", "auth", "enforce", "default_labels"])]
    pub wiring: Option<PathBuf>,
    /// The wiring's name
    #[arg(long, value_name = "NAME", default_value = "hub")]
    pub name: String,
    /// This cluster's name
    #[arg(long, value_name = "NAME", required_unless_present = "wiring")]
    pub cluster: Option<String>,
    /// Where samples go: the gateway in front of Thanos Receive
    #[arg(long, value_name = "URL", required_unless_present = "wiring")]
    pub url: Option<String>,
    /// As whom
    #[arg(long, value_enum, value_name = "KIND", default_value_t = InitAuth::Basic)]
    pub auth: InitAuth,
    /// The client id of the managed or workload identity
    #[arg(long, value_name = "UUID")]
    pub client_id: Option<String>,
    /// The Entra tenant of the workload identity
    #[arg(long, value_name = "UUID")]
    pub tenant_id: Option<String>,
    /// A label that every sample gets, whatever it says itself; repeatable
    #[arg(long = "enforce", value_name = "LABEL=VALUE")]
    pub enforce: Vec<String>,
    /// A label for objects that have none of that name; repeatable
    #[arg(long = "default", value_name = "LABEL=VALUE")]
    pub default_labels: Vec<String>,
    /// The user name; the cluster's name otherwise
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Read the password, or the token, from a file; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "generate")]
    pub password_file: Option<PathBuf>,
    /// Make a password; the gateway learns it from --htpasswd-out
    #[arg(long, requires = "htpasswd_out")]
    pub generate: bool,
    /// Write the line for the gateway's htpasswd file to this file (0600)
    #[arg(long, value_name = "FILE")]
    pub htpasswd_out: Option<PathBuf>,
    /// Show the plan, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// As whom a wired object writes.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitAuth {
    /// User name and password in a Secret.
    Basic,
    /// A token in a Secret.
    Bearer,
    /// Keyless: a managed identity of Azure.
    ManagedIdentity,
    /// Keyless: a workload identity of Azure.
    WorkloadIdentity,
    /// No authentication.
    None,
}
