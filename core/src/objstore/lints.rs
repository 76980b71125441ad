//! What Thanos accepts in silence and is likely not what was meant.

use super::decode::{Held, is_unquoted, plain};
use super::field::{Role, Shape};
use super::report::Report;
use super::table::{Definition, Provider};
use super::{google, references};
use crate::codes;

/// So many variables are named.
const MOST_REFERENCES: usize = 8;

/// Everything that is asked of a file whose provider is known.
pub(super) fn all(report: &mut Report<'_>, definition: &Definition) {
    rewritten(report);
    inner_verification(report);
    match definition.provider {
        Provider::Filesystem => {
            let sentence =
                "is a directory of one pod: nothing else reads it, and it goes with its volume";
            report.warn(codes::OBJSTORE_FILESYSTEM, "directory", sentence);
        }
        Provider::Azure => azure(report),
        Provider::S3 | Provider::Obs | Provider::Oci => unset(report, "bucket"),
        Provider::Swift => unset(report, "container_name"),
        _ => {}
    }
}

/// A number without quotes where a text is meant: it comes out of the first reading as another text.
fn rewritten(report: &mut Report<'_>) {
    let mut found = Vec::new();
    for seen in &report.seen {
        let is_text = matches!(seen.field.shape, Shape::Text);
        let written = report.document.text(seen.value).unwrap_or_default();
        let read = plain(report.document, seen.value);
        let is_changed = is_unquoted(report.document, seen.value)
            && !written.is_empty()
            && read.is_some_and(|read| read.text != written);
        if is_text && is_changed && !matches!(seen.held, Held::Other) {
            found.push((seen.path.clone(), seen.field.role, seen.value));
        }
    }
    for (path, role, node) in found {
        let what = if role == Role::StaticSecret {
            "a credential without quotes that YAML reads as a number or a truth value"
        } else {
            "a text without quotes that YAML reads as a number or a truth value"
        };
        let sentence =
            format!("is {what}, so Thanos uses another one than is written: put it in quotes");
        report.lint(codes::OBJSTORE_UNQUOTED, &path, sentence, Some(node));
    }
}

/// `exthttp/transport.go` overwrites the inner value with the outer one.
fn inner_verification(report: &mut Report<'_>) {
    let inner = "http_config.tls_config.insecure_skip_verify";
    if report.flag(inner) == Some(true)
        && report.flag("http_config.insecure_skip_verify") != Some(true)
    {
        let sentence =
            "has no effect: http_config.insecure_skip_verify, one level up, is what counts";
        report.warn(codes::OBJSTORE_TLS_IGNORED, inner, sentence);
    }
}

fn azure(report: &mut Report<'_>) {
    if report.has("user_assigned_id") {
        let sentence = "asks the node for a managed identity; with workload identity leave it out, or Thanos does not find the pod's identity";
        report.warn(codes::OBJSTORE_AZURE_IDENTITY, "user_assigned_id", sentence);
    }
    if report.has("msi_resource") {
        let sentence = "is no longer read: take it out";
        report.warn(codes::OBJSTORE_FIELD_IGNORED, "msi_resource", sentence);
    }
}

fn unset(report: &mut Report<'_>, name: &str) {
    if !report.has(name) {
        let sentence = "is not set: Thanos starts all the same, and every request fails";
        report.warn(codes::OBJSTORE_BUCKET_UNSET, name, sentence);
    }
}

/// `$(NAME)` anywhere, comments included: Thanos replaces it before it reads YAML.
pub(super) fn environment(report: &mut Report<'_>) {
    for at in references(report.text).take(MOST_REFERENCES) {
        let is_in = |node: usize| report.document.span(node).contains(&at);
        let seen = report
            .seen
            .iter()
            .rev()
            .find(|seen| matches!(seen.held, Held::Text(_)) && is_in(seen.value));
        let path = seen.map(|seen| seen.path.clone()).unwrap_or_default();
        let sentence = "names a variable of Thanos' environment: what it holds cannot be judged, and where it is unset Thanos does not start";
        let place = report.place_at(at);
        let finding = super::Finding::new(codes::OBJSTORE_ENVIRONMENT, path, sentence, Some(place));
        report.lints.push(finding);
    }
}

/// The paths of the static credentials that are set.
pub(super) fn static_secrets(report: &Report<'_>) -> Vec<String> {
    let is_secret = |role: Role, text: &str| match role {
        Role::StaticSecret => !text.is_empty(),
        // What a variable holds may be a key file.
        Role::ServiceAccount => {
            !text.is_empty() && google::read(text).is_ok_and(|file| file.is_static)
                || super::reference(text)
        }
        _ => false,
    };
    let set = report.seen.iter().filter(|seen| match &seen.held {
        Held::Text(text) => is_secret(seen.field.role, text),
        _ => false,
    });
    set.map(|seen| seen.path.clone()).collect()
}
