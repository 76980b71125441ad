//! Flags of `policy native`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Write what the API server can do without the webhook.
///
/// For each policy ValidatingAdmissionPolicies with their bindings, one pair for each enforcement in use; for each
/// wiring a MutatingAdmissionPolicy with its binding. Each says in a comment and in its annotations what it covers,
/// what it does otherwise and what it does not do. Validating needs Kubernetes 1.30, mutating 1.36.
///
/// An exemption that has ended is left out; one that has not does not end here. Write them again when a policy, a
/// wiring or the list of enrolled namespaces changes. Do not apply what stands for a wiring beside the webhook: it would
/// take the entry for the user's own.
///
/// Exit codes: 0 written, 1 failed, 2 usage or nothing to work on.
#[derive(Args, Debug)]
#[command(before_help = "\
  kubectl thanos policy native -f policies/ | kubectl apply -f -    a second line, or the only
  kubectl thanos policy native -f policies/ --wiring hub.yaml       wirings, too")]
pub struct PolicyNativeArgs {
    /// A file of ThanosPolicies, a folder of them, or - for standard input; repeatable
    #[arg(
        short,
        long = "filename",
        value_name = "PATH",
        required_unless_present = "wirings"
    )]
    pub filenames: Vec<PathBuf>,
    /// A file with ThanosWirings; repeatable
    #[arg(long = "wiring", value_name = "FILE")]
    pub wirings: Vec<PathBuf>,
    /// What to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = NativeFormat::Yaml)]
    pub output: NativeFormat,
    /// What happens to a request for which an expression of a policy fails to run; for wirings always Ignore
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = OnFailure::Fail)]
    pub failure_policy: OnFailure,
}

/// What `policy native` prints.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeFormat {
    /// Documents, each with a comment.
    Yaml,
    /// One List.
    Json,
}

/// The API server's own words.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[value(rename_all = "PascalCase")]
pub enum OnFailure {
    /// It is refused.
    Fail,
    /// It passes.
    Ignore,
}
