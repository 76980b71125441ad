//! Findings as SARIF 2.1.0, for code scanning: rules from the registry, places as regions.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use thanos_core::codes::{Code, Severity};

use super::finding::{Finding, Level, Report};
use super::place::Place;
use crate::judge::ObjectName;
use crate::manifests::STDIN;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The one log.
pub(super) fn log(report: &Report) -> Value {
    let rows: BTreeMap<&str, &'static Code> = report
        .findings
        .iter()
        .map(|finding| (finding.code, finding.row))
        .collect();
    let index: BTreeMap<&str, usize> = rows
        .keys()
        .enumerate()
        .map(|(at, code)| (*code, at))
        .collect();
    let mut twins = BTreeMap::new();
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            let twin: &mut usize = twins.entry(fingerprint(finding, 0)).or_default();
            *twin += 1;
            result(finding, index.get(finding.code), *twin)
        })
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "kubectl-thanos",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rows.into_values().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(row: &Code) -> Value {
    json!({
        "id": row.code,
        "name": row.event_reason(),
        "shortDescription": {"text": row.title},
        "fullDescription": {"text": row.cause},
        "help": {"text": format!("{}\n\nkubectl thanos explain {}", row.fix, row.code)},
        "defaultConfiguration": {"level": level(row.severity.into())},
        "properties": {"tags": [row.id], "precision": "very-high", "problem.severity": problem(row.severity)},
    })
}

/// What GitHub sorts by: error, warning, recommendation.
fn problem(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "recommendation",
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info | Level::Note => "note",
    }
}

fn result(finding: &Finding, rule: Option<&usize>, twin: usize) -> Value {
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": level(finding.severity),
        "message": {"text": message(finding)},
        "locations": [location(finding)],
        "partialFingerprints": {"kubectlThanos/v1": fingerprint(finding, twin)},
    });
    if let Some(exemption) = &finding.exemption {
        let until = exemption.expires.as_ref();
        let until = until
            .map(|day| format!(" (until {day})"))
            .unwrap_or_default();
        let justification = format!("{}{until}", exemption.reason);
        result["suppressions"] =
            json!([{"kind": "external", "status": "accepted", "justification": justification}]);
    }
    result
}

/// `prometheus/team-a/k8s: spec.remoteWrite[0].url: leads … (policy shared)`
fn message(finding: &Finding) -> String {
    let title = finding.object.as_ref().map(ObjectName::title);
    let inside = finding.key.as_ref().map(|key| {
        let spot = finding
            .inside
            .map(|spot| format!(" {}:{}", spot.line, spot.column));
        format!("[{key}]{}", spot.unwrap_or_default())
    });
    let path = Some(finding.path.clone()).filter(|path| !path.is_empty());
    let parts = [title, inside, path, Some(finding.sentence.clone())];
    let said = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
    match finding.policies.as_slice() {
        [] => said,
        [policy] => format!("{said} (policy {policy})"),
        policies => format!("{said} (policies {})", policies.join(", ")),
    }
}

fn location(finding: &Finding) -> Value {
    let mut location = json!({});
    if let Some(place) = finding.place.as_ref().filter(|place| place.source != STDIN) {
        location["physicalLocation"] = json!({
            "artifactLocation": {"uri": uri(&place.source)},
            "region": region(place),
        });
    }
    if let Some(object) = &finding.object {
        let name = if finding.path.is_empty() {
            object.title()
        } else {
            format!("{} {}", object.title(), finding.path)
        };
        location["logicalLocations"] =
            json!([{"fullyQualifiedName": name, "name": object.name, "kind": "object"}]);
    }
    location
}

fn region(place: &Place) -> Value {
    json!({
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    })
}

/// A path as a relative reference, or as a file url where it is absolute.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    let path = path.strip_prefix("./").unwrap_or(path).replace('\\', "/");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    if uri.starts_with('/') {
        format!("file://{uri}")
    } else {
        uri
    }
}

/// What stays the same while lines move: the code, the object, the path; and which of several of them it is.
fn fingerprint(finding: &Finding, twin: usize) -> String {
    let title = finding.object.as_ref().map(ObjectName::title);
    let source = finding.place.as_ref().map(|place| &place.source);
    let told = (
        finding.code,
        title,
        &finding.path,
        &finding.key,
        source,
        twin,
    );
    let digest = Sha1::digest(serde_json::to_vec(&told).unwrap_or_default());
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
