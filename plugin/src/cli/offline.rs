//! Flags of the verbs that need no cluster: inject, diff, why, explain, completion, version.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Where wirings and facts come from.
#[derive(Args, Clone, Debug, Default)]
pub struct WorldArgs {
    /// A file with ThanosWirings; repeatable
    #[arg(long = "wiring", value_name = "FILE")]
    pub wirings: Vec<PathBuf>,
    /// A file with what is known of the cluster (kind: Facts); `why --save-facts` writes one
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    pub facts: Option<PathBuf>,
    /// Ask the cluster for facts, and for wirings, or policies where they judge, that no flag names
    #[arg(long)]
    pub live: bool,
}

/// Wire manifests: files in, wired manifests out.
///
/// Documents that do not change pass byte for byte, and so does every byte of a changed one that no edit touches; a
/// touched flow mapping becomes block style (KTH0008). Items of a List are wired inside it. What was done with each
/// object is said on standard error.
///
/// Without --facts and --live, namespaces are taken to have no labels, the credential to be there and the CRDs to be
/// the newest (KTH0009).
///
/// Exit codes: 0 also when objects are left as they are, 1 failed, 2 usage or nothing to work on, 3 found by --fail-on.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos inject -f deploy/ --wiring hub.yaml > wired.yaml       a folder of manifests
  helm template kps ... | kubectl thanos inject -f - --live             what helm renders
  helm install kps ... --post-renderer thanos-post-renderer             while helm installs it
  kubectl thanos inject -f prometheus.yaml --wiring hub.yaml --in-place the file itself
  kubectl thanos inject -f wired.yaml --revert                          take the wiring out again")]
pub struct InjectArgs {
    /// A manifest, a folder of them, or - for standard input; repeatable
    #[arg(
        short,
        long = "filename",
        value_name = "PATH",
        required_unless_present = "post_render"
    )]
    pub filenames: Vec<PathBuf>,
    /// Where wirings and facts come from.
    #[command(flatten)]
    pub world: WorldArgs,
    /// What to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = InjectFormat::Yaml)]
    pub output: InjectFormat,
    /// Be helm's post-renderer: read standard input, and always print something. Helm tells neither namespace nor cluster
    /// of the release: one that no flag names is refused and not guessed (KTH0020)
    #[arg(long, conflicts_with_all = ["filenames", "in_place", "output"])]
    pub post_render: bool,
    /// Take out what wirings have put in, instead
    #[arg(long, conflicts_with_all = ["wirings", "facts", "live"])]
    pub revert: bool,
    /// Write the files themselves: all of them, or none when anything is wrong or --fail-on finds something
    #[arg(long, conflicts_with = "output")]
    pub in_place: bool,
    /// End with 3 when an object is left, or wired with a warning, of this severity or above; or when any ends unwired
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Write the report to a file, too, also of a failure: as JSON, or as lines for people where the name ends in .txt or is
    /// that of a terminal (/dev/tty)
    #[arg(long, value_name = "FILE")]
    pub report_file: Option<PathBuf>,
}

impl InjectArgs {
    /// What is read: standard input where helm calls.
    pub fn filenames(&self) -> Vec<PathBuf> {
        if self.post_render {
            return vec![PathBuf::from("-")];
        }
        self.filenames.clone()
    }
}

/// What `inject` prints.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectFormat {
    /// The documents as they came, with the edits spliced in.
    Yaml,
    /// One JSON document: the one object, or a List of all.
    Json,
    /// A JSON list of the edits: {object, patch} for each object that changes.
    Patch,
}

/// From which severity on findings make the exit code 3.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// Something stands in the way, in the object or around it.
    Warning,
    /// Something in the object itself stands in the way.
    Error,
    /// An object, selected or not, ends not wired.
    Unwired,
}

/// Say why an object is wired, or why not.
///
/// Goes through each wiring in the order in which it is decided: kind, namespace, object, opt-out, credential,
/// version, entry, labels; says which of them decided, with its code, what would change and what that sets off.
///
/// Exit codes: 0 wired, or would be by what is shown; 1 failed; 2 usage or nothing to work on; 3 not wired.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos why prometheus/k8s -n monitoring                       an object in the cluster
  kubectl thanos why -f prometheus.yaml --wiring hub.yaml               an object in a file
  kubectl thanos why prometheus/k8s -n monitoring --save-facts f.yaml   keep what is known")]
pub struct WhyArgs {
    /// The object: prometheus/NAME, prometheusagent/NAME or thanosruler/NAME
    #[arg(value_name = "KIND/NAME", required_unless_present = "filenames")]
    pub object: Option<String>,
    /// Read objects from files instead of the cluster; - is standard input; repeatable
    #[arg(short, long = "filename", value_name = "PATH")]
    pub filenames: Vec<PathBuf>,
    /// Where wirings and facts come from.
    #[command(flatten)]
    pub world: WorldArgs,
    /// Write what was known of the cluster to a file, for --facts
    #[arg(long, value_name = "FILE")]
    pub save_facts: Option<PathBuf>,
    /// What to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,
}

/// A report for people or for programs.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReportFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// Show what wiring would change.
///
/// A unified diff between each object and what it should be; what the change sets off is said first, on standard
/// error. Without an object and -f: every object in the namespace, or everywhere with -A.
///
/// KUBECTL_EXTERNAL_DIFF names another diff program, as for kubectl diff.
///
/// Exit codes: 0 no differences, 1 differences, 2 failed, usage or nothing to work on.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos diff prometheus/k8s -n monitoring                      an object in the cluster
  kubectl thanos diff -f deploy/ --wiring hub.yaml                      manifests")]
pub struct DiffArgs {
    /// The object: prometheus/NAME, prometheusagent/NAME or thanosruler/NAME
    #[arg(value_name = "KIND/NAME", conflicts_with = "filenames")]
    pub object: Option<String>,
    /// Read objects from files instead of the cluster; - is standard input; repeatable
    #[arg(short, long = "filename", value_name = "PATH")]
    pub filenames: Vec<PathBuf>,
    /// Where wirings and facts come from.
    #[command(flatten)]
    pub world: WorldArgs,
    /// All namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
}

/// Explain a code.
///
/// Prints what a code means, how to see it with your own eyes, what mends it and how not to be told again.
/// Without a code: lists all.
#[derive(Args, Debug)]
#[command(before_help = "  kubectl thanos explain KTH2009\n  kubectl thanos explain egress-url")]
pub struct ExplainArgs {
    /// KTH2009, 2009, not-enrolled, or the rule of a policy: egress-url
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
    /// What to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,
}

/// Print shell completion.
///
/// For the plugin, kubectl (1.26 or newer) calls a program named kubectl_complete-thanos. This program is that
/// one, too, when it is called by that name: `completion kubectl` prints a script that does it,
/// `completion kubectl --install` links it beside this program. The plugin of helm brings its own: `completion helm` prints
/// the part of it that is a file.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos completion kubectl --install                           for `kubectl thanos`
  source <(kubectl-thanos completion bash)                              for `kubectl-thanos`")]
pub struct CompletionArgs {
    /// For what
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: CompletionFor,
    /// With `kubectl`: link kubectl_complete-thanos beside this program
    #[arg(long)]
    pub install: bool,
}

/// What completion is printed for.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionFor {
    /// Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
    /// PowerShell.
    Powershell,
    /// kubectl, of whatever shell.
    Kubectl,
    /// helm, of whatever shell: the completion.yaml of its plugin.
    Helm,
}

/// Print the version.
///
/// Asks nobody.
#[derive(Args, Debug)]
pub struct VersionArgs {
    /// What to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,
}
