//! What of a file may never be shown: better too much than a secret.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use serde_json::Value;
use thanos_core::{policy, wiring};

use crate::diff::mask;
use crate::facts::is_ours;
use crate::manifests::Document;
use crate::yaml;

/// Fields of an object-store file whose values are no secrets, whatever stands in them.
const OPEN: [&str; 12] = [
    "type",
    "bucket",
    "container",
    "endpoint_suffix",
    "region",
    "prefix",
    "storage_account",
    "directory",
    "insecure",
    "use_grpc",
    "aws_sdk_auth",
    "max_retries",
];
/// Headers that speak for a tenant: what they say is what a finding is about.
const OPEN_HEADERS: [&str; 3] = ["thanos-tenant", "thanos-replica", "x-scope-orgid"];
/// Fields in which anything may stand: arguments, environment, annotations.
const FREE: [&str; 5] = ["args", "command", "env", "additionalArgs", "annotations"];

/// Maps and lists around credentials: a text in the place of one may be the credential itself.
const PARTS: [&str; 13] = [
    "spec",
    "remoteWrite",
    "remoteRead",
    "basicAuth",
    "username",
    "oauth2",
    "clientId",
    "authorization",
    "tlsConfig",
    "sigv4",
    "azureAd",
    "headers",
    "alerting",
];
/// Parts of paths that are no secrets.
const USUAL: [&str; 20] = [
    "",
    "*",
    "api",
    "v1",
    "v2",
    "receive",
    "write",
    "push",
    "read",
    "query",
    "prom",
    "prometheus",
    "metrics",
    "insert",
    "select",
    "remote",
    "oauth",
    "oauth2",
    "token",
    "x",
];
/// Maps of our own kinds whose keys anybody may choose, and whose values are no secrets.
const LABELS: [&str; 3] = ["enforced", "default", "matchLabels"];

/// Every field that our own kinds know: what stands in another may be anything.
static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut known = HashSet::new();
    for crd in [policy::crd(), wiring::crd()] {
        properties(&serde_json::to_value(crd).unwrap_or_default(), &mut known);
    }
    known
});

fn properties(value: &Value, known: &mut HashSet<String>) {
    match value {
        Value::Object(members) => {
            let named = members.get("properties").and_then(Value::as_object);
            known.extend(named.into_iter().flatten().map(|(name, _)| name.clone()));
            members
                .values()
                .for_each(|member| properties(member, known));
        }
        Value::Array(items) => items.iter().for_each(|item| properties(item, known)),
        _ => {}
    }
}

/// Values that are hidden, by their pointers.
#[derive(Default)]
struct Found {
    whole: Vec<String>,
    /// Urls of which the path is.
    paths: Vec<String>,
    /// Keys that have swallowed a value: `{token:hunter2}` has no blank behind its colon.
    keys: Vec<String>,
}

/// The bytes of the source that a document may not show, in the order of their beginning.
pub(super) fn of_document(document: &Document) -> Vec<Range<usize>> {
    let mut found = Found::default();
    for object in document.objects() {
        let at = object.pointer.as_str();
        if object.value["kind"] == "Secret" {
            let fields = ["data", "stringData"].map(|field| format!("{at}/{field}"));
            found.whole.extend(fields);
        }
        let below = mask::pointers(object.value).into_iter();
        let below = below.map(|pointer| format!("{at}{pointer}"));
        found.whole.extend(below);
        free(object.value, "", at, false, &mut found);
        if is_ours(object.value) {
            let spec = &object.value["spec"];
            unknown(spec, &format!("{at}/spec"), &mut found.whole);
        }
    }
    let range = |pointer: &String| document.value_range(pointer);
    let whole = found.whole.iter().filter_map(range);
    let paths = found.paths.iter().filter_map(range);
    let text = document.source().text();
    let paths = paths.filter_map(|url| path_of(text, url));
    let keys = found
        .keys
        .iter()
        .filter_map(|pointer| document.key_range(pointer));
    ranges(whole.chain(paths).chain(keys))
}

/// The bytes of a url behind its host, as it is written.
fn path_of(text: &str, url: Range<usize>) -> Option<Range<usize>> {
    let (start, end) = (url.start, url.end);
    let written = text.get(url)?;
    let host = written.find("://")? + "://".len();
    let path = written[host..].find('/')?;
    Some(start + host + path..end)
}

/// Whether everything behind a url's host is what such urls usually have: a path may hold a token, too.
fn is_usual(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return true;
    };
    let mut segments = rest.split('/').skip(1);
    segments.all(|segment| USUAL.contains(&segment.to_ascii_lowercase().as_str()))
}

/// The same of an object-store file: every value but those that are known to be no secrets.
pub(super) fn of_store(text: &str) -> Vec<Range<usize>> {
    let first = first_document(text);
    let Ok(parsed) = yaml::parse(first) else {
        return ranges(std::iter::once(0..text.len()));
    };
    let mut found = Found::default();
    closed(&parsed.value, "", String::new(), &mut found);
    let tree = &parsed.tree;
    let values = found
        .whole
        .iter()
        .filter_map(|pointer| tree.value_span(first, pointer));
    let keys = found
        .keys
        .iter()
        .filter_map(|pointer| tree.key_span(first, pointer));
    let behind = std::iter::once(first.len()..text.len());
    ranges(values.chain(keys).chain(behind))
}

/// The text before the second document, which nobody reads.
pub(super) fn first_document(text: &str) -> &str {
    let mut length = 0;
    let mut is_begun = false;
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") && is_begun {
            return &text[..length];
        }
        let content = line.trim();
        is_begun |= !content.is_empty() && !content.starts_with(['#', '%']);
        length += line.len();
    }
    text
}

fn ranges(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut ranges: Vec<_> = ranges.filter(|range| !range.is_empty()).collect();
    ranges.sort_by_key(|range| range.start);
    ranges
}

fn below(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Texts in which a secret may stand though no field is made for one.
fn free(value: &Value, key: &str, pointer: &str, within: bool, found: &mut Found) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let is_header =
                    key == "headers" && !OPEN_HEADERS.contains(&name.to_ascii_lowercase().as_str());
                let within = within || is_header || FREE.contains(&name.as_str());
                // What an argument or a variable is called is no secret.
                let within = within && name != "name";
                let pointer = below(pointer, name);
                if name.contains([':', '=', '@', '?', ' ', '\n']) {
                    found.keys.push(pointer.clone());
                }
                free(member, name, &pointer, within, found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                free(item, key, &below(pointer, &at.to_string()), within, found);
            }
        }
        Value::String(text) => {
            // A user in a url, however many slashes it has, or a query.
            let has_user = text.contains('@') && !text.contains("@sha256:");
            let is_astray = PARTS.contains(&key);
            if within || has_user || is_astray || text.contains(['?', '\n']) {
                found.whole.push(pointer.to_owned());
            } else if !is_usual(text) {
                found.paths.push(pointer.to_owned());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What stands in fields that our own kinds do not know.
fn unknown(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let pointer = below(pointer, name);
                if !KNOWN.contains(name) {
                    found.push(pointer);
                } else if !LABELS.contains(&name.as_str()) {
                    unknown(member, &pointer, found);
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                unknown(item, &below(pointer, &at.to_string()), found);
            }
        }
        _ => {}
    }
}

fn closed(value: &Value, key: &str, pointer: String, found: &mut Found) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let pointer = below(&pointer, name);
                let letter = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'_';
                if !name.bytes().all(letter) {
                    found.keys.push(pointer.clone());
                }
                closed(member, name, pointer, found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                closed(item, key, below(&pointer, &at.to_string()), found);
            }
        }
        Value::Null | Value::Bool(_) => {}
        Value::Number(_) | Value::String(_) => {
            if !OPEN.contains(&key) {
                found.whole.push(pointer);
            }
        }
    }
}
