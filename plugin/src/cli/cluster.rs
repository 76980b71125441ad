//! Flags of the verbs that are about a cluster: get, enroll, init; `hub.rs` holds those of a hub.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use thanos_core::Kind;

use super::{HubArgs, ReportFormat};

/// List wirings, policies, or Prometheus objects with why each is wired or not.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos get wirings            wirings, with each enrolled namespace
  kubectl thanos get policies           policies, with what breaks them
  kubectl thanos get prometheuses -A    every object, wired or why not")]
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
    /// ThanosPolicies.
    #[value(aliases = ["policy", "thanospolicies", "thanospolicy", "tpol"])]
    Policies,
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

/// The credential, and what becomes of one that is there. No value is ever a flag.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Credential")]
pub struct CredentialArgs {
    /// The user name; the wiring's cluster otherwise, because the gateway makes it the tenant
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Read the password from a file; - is standard input. Without it, one of 256 bits is made
    #[arg(long, value_name = "FILE", conflicts_with_all = ["copy_from", "token_file"])]
    pub password_file: Option<PathBuf>,
    /// Read the token from a file; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "copy_from")]
    pub token_file: Option<PathBuf>,
    /// Read the gateway's certificate authority (PEM) from a file
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Use the credential of a namespace that is enrolled already
    #[arg(long, value_name = "NAMESPACE")]
    pub copy_from: Option<String>,
    /// Leave the Secret to whoever makes it
    #[arg(long, conflicts_with_all = ["user", "password_file", "token_file", "ca_file", "copy_from"])]
    pub use_existing: bool,
    /// Write the line for the gateway's htpasswd file to this new file (0600)
    #[arg(long, value_name = "FILE")]
    pub htpasswd_out: Option<PathBuf>,
}

/// Put the credential into a namespace and list the namespace in the wiring.
///
/// Writes the Secret that the wiring names beside the Prometheus objects, a Role by which the controller may watch
/// that one Secret, and adds the namespace to the wiring's credentials.namespaces. The password is read from a file
/// or standard input, or made here; it is never a flag.
///
/// A Secret that is not ours is left as it is (exit code 5); one of ours stays unless --replace is given. --remove
/// takes the namespace off the list and then removes what was put there, but for a Secret that an object still
/// names (exit code 4).
///
/// Exit codes: 0 done, 1 failed, 2 usage, 4 partly done, 5 refused: somebody else's object.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos enroll -n monitoring --password-file secret.txt        a password that exists
  kubectl thanos enroll -n team-a --htpasswd-out team-a.htpasswd        a password made here
  kubectl thanos enroll -n team-a --remove                              take it back")]
pub struct EnrollArgs {
    /// The wiring; needed only where there are several
    #[arg(long, value_name = "NAME")]
    pub wiring: Option<String>,
    /// Overwrite a credential that we put there before
    #[arg(long, conflicts_with_all = ["remove", "use_existing"])]
    pub replace: bool,
    /// Take the namespace off the list and remove what we put there
    #[arg(long, conflicts_with_all = ["user", "password_file", "token_file", "ca_file", "copy_from", "use_existing", "htpasswd_out"])]
    pub remove: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The credential.
    #[command(flatten)]
    pub credential: CredentialArgs,
}

/// Set up a hub (--domain), or wire this cluster as a member of one (--url).
///
/// Looks first (read only), shows the plan, asks, applies, and proves it. Run again, it does what is still missing;
/// what is there stays as it is.
///
/// A hub is Thanos with the gateway in front, certificates, credentials, Prometheus, the webhook, and on Azure the
/// storage and identities that they need. What is there already is kept. The proof is a sample that goes in through the
/// public gateway and is answered by Query. A member gets definitions, a wiring and a credential; the proof is that
/// objects are wired and wrong wirings refused.
///
/// Exit codes: 0 done and proven; 1 failed, or a proof did; 2 usage, or a question cannot be asked; 4 partly done, or
/// not proven; 5 refused: somebody else's object, or another context than was expected.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos init --domain thanos.example.com --no-azure \\
      --objstore-file objstore.yml --acme-email ops@example.com         a hub on any Kubernetes
  kubectl thanos init -f answers.yaml --dry-run                         a hub from a file; only the plan
  kubectl thanos init --cluster edge-01 --url https://receive.example.com/api/v1/receive \\
      --namespaces monitoring --password-file secret.txt                a member with basic auth
  kubectl thanos init -f wiring.yaml --namespaces monitoring            a member from a file
  kubectl thanos init -f wiring.yaml --namespaces monitoring --export x/ the same as manifests")]
pub struct InitArgs {
    /// A file with the answers (kind Hub) or the wiring (kind ThanosWiring), instead of flags
    #[arg(short, long = "filename", value_name = "FILE")]
    pub filename: Option<PathBuf>,
    /// A namespace to enroll; repeatable, or separated by commas. -n names one of a member, too
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',')]
    pub namespaces: Vec<String>,
    /// Write the plan into a new or empty folder, without any secret value, and do nothing else
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["dry_run", "yes"])]
    pub export: Option<PathBuf>,
    /// Refuse when the kubeconfig's context is another
    #[arg(long, value_name = "NAME")]
    pub expect_context: Option<String>,
    /// Whether to wait until everything runs, and to prove it
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub wait: bool,
    /// How long to wait for one thing, such as an address or a certificate; 5m, and 10m for a certificate, otherwise
    #[arg(long, value_name = "TIME", value_parser = super::duration)]
    pub patience: Option<Duration>,
    /// Show the plan, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// What to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
    /// The wiring.
    #[command(flatten)]
    pub wiring: WiringArgs,
    /// The credential.
    #[command(flatten)]
    pub credential: CredentialArgs,
}

/// The wiring in flags.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Wiring")]
#[group(id = "wiring_flags", multiple = true, conflicts_with = "filename")]
pub struct WiringArgs {
    /// The wiring's name; of a hub's own, the hub's
    #[arg(long, value_name = "NAME", default_value = "hub")]
    pub wiring_name: String,
    /// This cluster's name
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Where samples go: the gateway in front of Thanos Receive
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// As whom
    #[arg(long, value_enum, value_name = "KIND", default_value_t = InitAuth::Basic)]
    pub auth: InitAuth,
    /// The Secret in each enrolled namespace
    #[arg(long, value_name = "NAME", default_value = thanos_core::names::SECRET)]
    pub secret: String,
    /// The client id of the managed or workload identity
    #[arg(long, value_name = "UUID")]
    pub client_id: Option<String>,
    /// The Entra tenant of the workload identity
    #[arg(long, value_name = "UUID")]
    pub tenant_id: Option<String>,
    /// The name on the gateway's certificate, where it is not the url's host
    #[arg(long, value_name = "NAME")]
    pub server_name: Option<String>,
    /// A label that every sample gets, whatever it says itself, besides cluster; repeatable
    #[arg(long = "label", value_name = "LABEL=VALUE", value_parser = pair)]
    pub labels: Vec<(String, String)>,
    /// A label for objects that have none of that name; repeatable
    #[arg(long = "default-label", value_name = "LABEL=VALUE", value_parser = pair)]
    pub default_labels: Vec<(String, String)>,
    /// The kinds that are wired; Prometheus and PrometheusAgent otherwise
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    pub kinds: Vec<Kind>,
    /// Whether an object may opt out by its label
    #[arg(long, value_enum, value_name = "WORD", default_value_t = InitOptOut::Allowed)]
    pub opt_out: InitOptOut,
    /// What happens to wired objects when the wiring is deleted
    #[arg(long, value_enum, value_name = "WORD", default_value_t = InitOnDelete::Keep)]
    pub on_delete: InitOnDelete,
    /// The tenant header, where the gateway does not set it
    #[arg(long, value_name = "HEADER")]
    pub tenant_header: Option<String>,
    /// The tenant; may hold {cluster}, {namespace} and {name}
    #[arg(long, value_name = "VALUE")]
    pub tenant_value: Option<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text
        .split_once('=')
        .filter(|(label, value)| !label.is_empty() && !value.is_empty());
    let pair = pair.map(|(label, value)| (label.to_owned(), value.to_owned()));
    pair.ok_or_else(|| "must be LABEL=VALUE".to_owned())
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::from_word(text)
        .ok_or_else(|| "must be Prometheus, PrometheusAgent or ThanosRuler".to_owned())
}

/// As whom a wired object writes.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitAuth {
    /// User name and password in a Secret.
    Basic,
    /// A token in a Secret.
    #[value(alias = "bearer")]
    Token,
    /// Keyless: a workload identity of Azure.
    #[value(alias = "workload-identity")]
    AzureWorkloadIdentity,
    /// Keyless: a managed identity of Azure.
    #[value(alias = "managed-identity")]
    AzureManagedIdentity,
    /// No authentication.
    None,
}

/// Whether an object may opt out.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitOptOut {
    /// Its label is honoured.
    Allowed,
    /// Its label is ignored, with a warning.
    Forbidden,
}

/// What happens to wired objects when the wiring is deleted.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitOnDelete {
    /// They keep what they have.
    Keep,
    /// They are un-wired first.
    Unwire,
}
