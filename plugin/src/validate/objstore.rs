//! Object-store files: what core says of one that stands in a file of its own, and where in a Secret's key a charge is.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use thanos_core::codes::Code;
use thanos_core::objstore::{self, Finding, Place};
use thanos_core::{Charge, codes};

use super::finding::Spot;
use super::hidden;
use crate::words::pointer_to;
use crate::yaml::{self, Position};

/// One thing that is wrong with an object-store file.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub(super) row: &'static Code,
    /// A path in the file: `config.bucket`.
    pub(super) path: String,
    pub(super) sentence: String,
    /// Where in the file.
    pub(super) place: Option<Position>,
}

/// What is wrong with a file: what Thanos would refuse, and what it takes and is likely wrong.
pub(super) fn judge(text: &str) -> Vec<Wrong> {
    let judged = objstore::judge(text.as_bytes());
    let wrong = |finding: Finding| Wrong {
        row: finding.code,
        place: place(&finding, text),
        path: finding.path,
        sentence: finding.sentence,
    };
    let all = judged.faults.into_iter().chain(judged.lints);
    all.map(wrong).collect()
}

/// Whether a document is such a file: it says so by its two fields, and is no Kubernetes object.
pub(super) fn is_store(value: &Value) -> bool {
    let has = |key: &str| value.get(key).is_some();
    has("type") && has("config") && !has("apiVersion") && !has("kind")
}

/// The key of a Secret that a charge is about, and where in what it holds.
pub(super) fn of_secret(charge: &Charge, secret: &Value) -> Option<(String, Option<Spot>)> {
    let (key, rest) = charge.path.strip_prefix("data[")?.split_once(']')?;
    let path = rest.trim_start_matches('.');
    let judged = objstore::judge_secret(secret);
    let (_, judged) = judged.iter().find(|(name, _)| name == key)?;
    let mut said = judged.faults.iter().chain(&judged.lints);
    let said = said.find(|finding| finding.code == charge.code && finding.path == path);
    let spot = text(secret, key).and_then(|text| match said {
        Some(finding) => place(finding, &text),
        None => of_path(&text, path),
    });
    let spot = spot.map(|Position { line, column }| Spot { line, column });
    Some((key.to_owned(), spot))
}

/// Whether a charge is what Thanos itself would say, which no policy need ask for.
pub(super) fn is_of_thanos(charge: &Charge) -> bool {
    charge.rule == codes::OBJSTORE_SCHEMA && charge.policies.is_empty()
}

/// Where a finding is; of what is not there, the nearest thing around it.
fn place(finding: &Finding, text: &str) -> Option<Position> {
    match finding.place {
        Some(Place { line, column }) => Some(Position { line, column }),
        None if finding.path.is_empty() => None,
        None => of_path(text, &finding.path),
    }
}

fn text(secret: &Value, key: &str) -> Option<String> {
    if let Some(text) = secret["stringData"][key].as_str() {
        return Some(text.to_owned());
    }
    let bytes = BASE64_STANDARD.decode(secret["data"][key].as_str()?).ok()?;
    String::from_utf8(bytes).ok()
}

fn of_path(text: &str, path: &str) -> Option<Position> {
    let text = hidden::first_document(text);
    let parsed = yaml::parse(text).ok()?;
    let pointer = pointer_to(&parsed.value, path);
    let span = parsed.tree.key_span(text, &pointer)?;
    Some(Position::of(text, span.start))
}
