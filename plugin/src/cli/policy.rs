//! Flags of the verbs that are about policies: validate, and policy with its own verbs.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use thanos_core::codes::Severity;

use super::{ReportFormat, WorldArgs};

/// Where policies come from, and the world that they judge in.
#[derive(Args, Clone, Debug, Default)]
pub struct PolicyWorldArgs {
    /// A file of ThanosPolicies, or a folder of them; repeatable
    #[arg(long = "policy", value_name = "PATH")]
    pub policies: Vec<PathBuf>,
    /// Where wirings and facts come from.
    #[command(flatten)]
    pub world: WorldArgs,
}

/// Check manifests, policies, wirings and object-store files.
///
/// Prometheus, PrometheusAgent and ThanosRuler objects are judged by the policies: those of --policy, else with --live
/// those of the cluster, else those among the files. An object in a file is judged as the webhook would leave it, wired
/// by the wirings that are given; --as-is judges what is written. ThanosWirings, ThanosPolicies, Secrets with an
/// object-store file and such files themselves are checked, too. A line that may hold a secret is not shown.
///
/// What a policy denies is an error, what it warns of a warning, what it audits info; what an exemption lets off is a
/// note. With --live and without -f, the objects, policies and wirings of the cluster are checked as they are stored.
///
/// Exit codes: 0 nothing at or above --fail-on, 1 failed, 2 usage or nothing to work on, 3 findings.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos validate -f deploy/ --policy policies/                 a folder of manifests
  helm template kps ... | kubectl thanos validate -f - --live           what helm renders
  kubectl thanos validate -f deploy/ -o sarif --exit-zero > out.sarif   for code scanning
  kubectl thanos validate --live -A                                     what the cluster holds")]
pub struct ValidateArgs {
    /// A manifest, a folder of them, or - for standard input; repeatable
    #[arg(short, long = "filename", value_name = "PATH")]
    pub filenames: Vec<PathBuf>,
    /// An object-store file (objstore.yml), whatever it is called; repeatable
    #[arg(long, value_name = "PATH")]
    pub objstore: Vec<PathBuf>,
    /// Where policies come from, and the world that they judge in.
    #[command(flatten)]
    pub around: PolicyWorldArgs,
    /// Judge objects in files as they are written, not as the webhook would leave them
    #[arg(long)]
    pub as_is: bool,
    /// With --live and without -f: all namespaces
    #[arg(short = 'A', long, conflicts_with = "filenames")]
    pub all_namespaces: bool,
    /// What to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = ValidateFormat::Text)]
    pub output: ValidateFormat,
    /// End with 3 when something of this severity or above is found
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = Threshold::Error)]
    pub fail_on: Threshold,
    /// End with 0 whatever is found
    #[arg(long)]
    pub exit_zero: bool,
}

/// What `validate` prints.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidateFormat {
    /// For people, with the lines that are meant.
    Text,
    /// One JSON document (docs/validate.schema.json).
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

/// From which severity on findings make the exit code 3.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// What does not work, or is refused.
    Error,
    /// What is likely not what was meant, or is warned of.
    Warning,
    /// What is good to know, too.
    Info,
    /// Nothing does.
    Never,
}

impl Threshold {
    /// Whether something of this severity counts.
    pub fn reaches(self, severity: Severity) -> bool {
        match self {
            Self::Error => severity >= Severity::Error,
            Self::Warning => severity >= Severity::Warning,
            Self::Info => true,
            Self::Never => false,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Never => "never",
        }
    }
}

/// Write, test and look through policies.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos policy init policies/ --url https://receive.example.com/api/v1/receive
  kubectl thanos policy test policies/              the cases beside the policies
  kubectl thanos policy audit --live -A             what Deny would refuse of what exists
  kubectl thanos policy show --for team-a/k8s       which rules hold for one object
  kubectl thanos policy native -f policies/         what the API server can do by itself")]
pub struct PolicyArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: PolicyVerb,
}

/// What to do with policies.
#[derive(Subcommand, Debug)]
#[expect(
    missing_docs,
    reason = "a verb's help is the doc comment of its flags: one here would stand in its place"
)]
pub enum PolicyVerb {
    Init(PolicyInitArgs),
    Test(PolicyTestArgs),
    Audit(PolicyAuditArgs),
    Show(PolicyShowArgs),
    Rules(PolicyRulesArgs),
    Native(super::PolicyNativeArgs),
}

/// Run the cases beside policies.
///
/// Reads every file of a folder whose name ends in _test.yaml, _test.yml or _test.json (kind: PolicyTest). A case
/// passes when what its object is denied, warned of, audited and let off is exactly what it expects.
///
/// Exit codes: 0 every case passed, 1 a case failed or could not be run, 2 usage or no case.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos policy test policies/
  kubectl thanos policy test policies/ --run another*host -v            each case of that name")]
pub struct PolicyTestArgs {
    /// A folder of policies and their tests, or a test; folders in it are not descended into
    #[arg(value_name = "DIR", required = true)]
    pub paths: Vec<PathBuf>,
    /// Only cases whose TEST/CASE contains this; * stands for anything
    #[arg(long, value_name = "PATTERN")]
    pub run: Option<String>,
    /// What to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,
}

/// List what exists and would be refused if every policy said Deny.
///
/// Objects of the cluster are judged as they are stored; those in files as the webhook would leave them. What an
/// exemption lets off is counted and not listed.
///
/// Exit codes: 0 nothing at or above --fail-on (never, unless it is given), 1 failed, 2 usage or nothing to work on,
/// 3 findings.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos policy audit --live -A                        the cluster, by its own policies
  kubectl thanos policy audit --live -A --policy new.yaml      by a policy that is not there yet
  kubectl thanos policy audit -f deploy/ --policy policies/    manifests")]
pub struct PolicyAuditArgs {
    /// A manifest, a folder of them, or - for standard input; repeatable
    #[arg(short, long = "filename", value_name = "PATH")]
    pub filenames: Vec<PathBuf>,
    /// Where policies come from, and the world that they judge in.
    #[command(flatten)]
    pub around: PolicyWorldArgs,
    /// All namespaces
    #[arg(short = 'A', long, conflicts_with = "filenames")]
    pub all_namespaces: bool,
    /// What to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,
    /// End with 3 when something would be refused (error), or at least warned of (warning)
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = Threshold::Never)]
    pub fail_on: Threshold,
}

/// Show which rules hold for an object.
///
/// Each rule with what happens to whoever breaks it, the policies that say so, and until when an exemption lets the
/// object off. Policies are those of --policy, or of the cluster.
///
/// Exit codes: 0 shown, 1 failed, 2 usage or nothing to work on.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos policy show --for team-a/k8s                           of the cluster, or to come
  kubectl thanos policy show -f prometheus.yaml --policy policy.yaml    an object in a file")]
pub struct PolicyShowArgs {
    /// The object, in the cluster or still to come
    #[arg(
        long = "for",
        value_name = "NS/NAME",
        required_unless_present = "filenames"
    )]
    pub target: Option<String>,
    /// Read objects from files instead; - is standard input; repeatable
    #[arg(
        short,
        long = "filename",
        value_name = "PATH",
        conflicts_with = "target"
    )]
    pub filenames: Vec<PathBuf>,
    /// Where policies come from, and the world that they judge in.
    #[command(flatten)]
    pub around: PolicyWorldArgs,
    /// What to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,
}

/// Write a policy to begin with, and its test.
///
/// Baseline, enforced as Warn, with the urls that are given. Files that are there are never overwritten.
///
/// Exit codes: 0 written, 1 failed, 2 usage, 5 a file is there already.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos policy init policies/ --url https://receive.example.com/api/v1/receive")]
pub struct PolicyInitArgs {
    /// The folder to write into; made where it is missing
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// Where objects may send; * is one label of the host, or the whole path; repeatable
    #[arg(long = "url", value_name = "URL", required = true)]
    pub urls: Vec<String>,
    /// The policy's name
    #[arg(long, value_name = "NAME", default_value = "shared-cluster")]
    pub name: String,
}

/// List the rules that policies are made of.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos policy rules
  kubectl thanos explain egress-url                                     one of them, with its remedy")]
pub struct PolicyRulesArgs {
    /// What to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,
}
