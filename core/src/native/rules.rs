//! Of each rule: what CEL can say of it. The one table; the fields come out of the table of sensitive fields.
//!
//! An expression is held against the rule of the same name in `decide/rules`, story by story, on the real API server.

mod egress;
mod headers;
mod identity;
mod limits;
mod mounts;
mod pod;
mod sending;
mod sight;

use std::sync::Arc;

use super::cel::{self, Here};
use super::paths;
use super::{Check, Cover};
use crate::decide::rules::Rule;
use crate::fields::sensitive::{ROWS, Sort};
use crate::policy::Policy;
use crate::wiring::Wiring;

/// For whom it is said.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The wirings whose own values pass.
    pub wirings: &'a [Arc<Wiring>],
}

/// What CEL can say of a rule, part by part; nothing where the policy does not set the rule's parameter.
pub fn cover(rule: &Rule, ask: &Ask<'_>) -> Vec<Cover> {
    match rule.id() {
        "evasion" => sight::evasion(),
        "open-inbound" => sight::open_inbound(ask.policy),
        "raw-arguments" => sight::raw_arguments(),
        "opaque-config" => sight::opaque_config(),
        "objstore-reference" => sight::objstore_reference(),
        "cross-namespace" => sight::cross_namespace(),
        "monitor-file-access" => sight::monitor_file_access(),
        "file-writes" => sight::file_writes(),
        "limits" => limits::limits(ask.policy),
        "host-access" => pod::host_access(ask.policy),
        "identity" => identity::identity(ask),
        "pod-containers" => pod::pod_containers(ask.policy),
        "mounts" => mounts::mounts(ask.policy),
        "egress-url" => egress::egress_url(ask.policy),
        "plaintext-url" => sending::plaintext_url(ask),
        "inline-credentials" => sending::inline_credentials(ask),
        "borrowed-secret" => sending::borrowed_secret(ask),
        "credential-files" => sending::credential_files(),
        "tenant-header" => headers::tenant_header(ask),
        "identity-labels" => identity::identity_labels(ask.policy),
        "replica-label" => identity::replica_label(),
        "insecure-tls" => sending::insecure_tls(ask),
        "remote-write-names" => headers::remote_write_names(ask),
        "required-wiring" => vec![Cover::Not(
            "what a wiring would still change cannot be said",
        )],
        _ if rule.is_about_secrets() => {
            vec![Cover::Not(
                "the file in a Secret is encoded YAML, which CEL does not read",
            )]
        }
        _ => vec![Cover::Not("nothing is said of it")],
    }
}

/// The bound of the scale subresource, which counts shards.
pub(super) fn scale(policy: &Policy) -> Option<Check> {
    limits::scale(policy)
}

/// A check for every field that the table gives to a rule and to a sort.
fn each(
    rule: &str,
    sort: Sort,
    sentence: &str,
    wrong: &dyn Fn(&str, &Here<'_>) -> String,
) -> Vec<Check> {
    let check = |path: &String| {
        let expression = cel::path(path, &|here| wrong(path, here));
        Check::new(expression, format!("spec.{path} {sentence}"))
    };
    rows(rule, sort).iter().map(check).collect()
}

/// The paths that the table gives to a rule and to a sort, each once.
fn rows(rule: &str, sort: Sort) -> Vec<String> {
    let rows = ROWS
        .iter()
        .filter(|row| row.sort == sort && row.rules.contains(&rule));
    let mut paths: Vec<String> = Vec::new();
    for path in rows.flat_map(paths::behind) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// Whether a key of a label or an annotation is one of these, or below one that ends in a slash.
fn has_prefix(here: &Here<'_>, prefixes: &[&str]) -> String {
    let key = format!("{}.lowerAscii()", here.key);
    let below = prefixes.iter().filter(|prefix| prefix.ends_with('/'));
    let below = below.map(|prefix| format!("{key}.startsWith({})", cel::text(prefix)));
    cel::any([cel::is_in(&key, prefixes)].into_iter().chain(below))
}

/// A check for one path.
fn one(path: &str, sentence: &str, wrong: &dyn Fn(&Here<'_>) -> String) -> Check {
    Check::new(cel::path(path, wrong), format!("spec.{path} {sentence}"))
}

/// A switch that is there is on.
fn is_on(here: &Here<'_>) -> String {
    format!("{} != false", here.value)
}

/// A text, list or map holds something.
fn is_filled(here: &Here<'_>) -> String {
    format!("{}.size() > 0", here.value)
}

/// Whether the object is of one of these kinds.
fn is_kind(kind: crate::subject::Kind) -> String {
    format!("variables.whole.kind == {}", cel::text(kind.name()))
}
