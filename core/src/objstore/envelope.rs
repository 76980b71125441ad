//! What stands around a provider's fields: `type`, `config` and `prefix`, and nothing else.

use super::decode::{self, pairs};
use super::report::Report;
use super::table::{Definition, PROVIDERS};
use super::{reference, words};
use crate::codes;
use crate::yaml;
use crate::yaml::scalars::Scalar;

/// `type`, `config` and `prefix`.
#[derive(Default)]
pub(super) struct Envelope {
    pub(super) definition: Option<&'static Definition>,
    pub(super) config: Option<usize>,
    /// Slashes at its ends cut.
    pub(super) prefix: String,
}

/// `client.BucketConfig`, which is read strictly.
pub(super) fn read(report: &mut Report<'_>) -> Envelope {
    let document = report.document;
    let mut envelope = Envelope::default();
    let root = document.tree().node(0).map(|node| node.kind);
    if !root.is_some_and(yaml::Kind::is_mapping) && document.scalar(0) != Some(Scalar::Null) {
        let sentence = "must be a mapping with type, config and prefix";
        report.fault(codes::OBJSTORE_FIELD_TYPE, "", sentence, Some(0));
        return envelope;
    }
    let (mut done, mut kind) = (Vec::new(), None);
    for (key, value) in pairs(document, 0) {
        let name = match document.text(key) {
            Some(name) if document.scalar(key) != Some(Scalar::Null) => name,
            Some(_) => "",
            None => {
                let sentence = "a mapping or a list cannot be a key";
                report.fault(codes::OBJSTORE_YAML, "", sentence, Some(key));
                continue;
            }
        };
        if done.contains(&name) {
            let (path, sentence) = (words::joined("", name), "is there twice: keep one");
            report.fault(codes::OBJSTORE_DUPLICATE, &path, sentence, Some(key));
        }
        done.push(name);
        match name {
            "type" => kind = Some(value),
            "config" => {
                decode::first_reading(report, value, "config");
                envelope.config = Some(value);
            }
            "prefix" => {
                let written = top_text(report, value, "prefix").unwrap_or_default();
                envelope.prefix = String::from(written.trim_matches('/'));
            }
            _ => stray(report, key, name),
        }
    }
    envelope.definition = provider(report, kind);
    envelope
}

/// A text of the envelope: as it is written, since it is read once.
fn top_text(report: &mut Report<'_>, value: usize, path: &str) -> Option<String> {
    match report.document.scalar(value) {
        Some(Scalar::Null) => None,
        Some(_) => report.document.text(value).map(str::to_owned),
        None => {
            let sentence = "must be a text";
            report.fault(codes::OBJSTORE_FIELD_TYPE, path, sentence, Some(value));
            None
        }
    }
}

fn provider(report: &mut Report<'_>, value: Option<usize>) -> Option<&'static Definition> {
    const KNOWN: &str = "GCS, S3, AZURE, SWIFT, COS, ALIYUNOSS, FILESYSTEM, BOS, OCI or OBS";
    let before = report.faults.len();
    let written = value.and_then(|value| top_text(report, value, "type"));
    let Some(written) = written.filter(|written| !written.is_empty()) else {
        if report.faults.len() == before {
            let sentence = format!("must be set: {KNOWN}");
            report.fault(codes::OBJSTORE_REQUIRED, "type", sentence, value);
        }
        return None;
    };
    let upper: String = written.chars().map(upper).collect();
    let found = PROVIDERS.iter().find(|row| row.name == upper);
    if found.is_none() {
        let sentence = match upper.trim() {
            _ if reference(&written) => {
                format!("names a variable, so nothing can be judged: write {KNOWN}")
            }
            "MINIO" | "AWS" | "CEPH" | "R2" => {
                "must be S3 for everything that speaks its protocol".to_owned()
            }
            "OSS" | "ALIYUN" => "must be ALIYUNOSS".to_owned(),
            "AZUREBLOB" | "ABS" | "AZBLOB" => "must be AZURE".to_owned(),
            "GOOGLE" | "GS" => "must be GCS".to_owned(),
            name if PROVIDERS.iter().any(|row| row.name == name) => {
                "must not have blanks around it".to_owned()
            }
            _ => format!("must be {KNOWN}"),
        };
        report.fault(codes::OBJSTORE_TYPE_UNKNOWN, "type", sentence, value);
    }
    found
}

/// Go's: one letter becomes one letter.
fn upper(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => letter,
    }
}

/// A key of the envelope that Thanos does not know.
fn stray(report: &mut Report<'_>, key: usize, name: &str) {
    let belongs_below = |row: &Definition| row.fields.iter().any(|field| field.name == name);
    let sentence = if name == "hedging_config" {
        "is in Thanos' documentation, but every component refuses a file that holds it: take it out"
            .to_owned()
    } else if PROVIDERS.iter().any(belongs_below) {
        "belongs below config: indent it".to_owned()
    } else if let Some(meant) = words::nearest(name, ["type", "config", "prefix"].into_iter()) {
        format!("is no field that Thanos knows: did you mean {meant}?")
    } else {
        "is no field that Thanos knows: there are type, config and prefix".to_owned()
    };
    let path = words::joined("", name);
    report.fault(codes::OBJSTORE_FIELD_UNKNOWN, &path, sentence, Some(key));
}
