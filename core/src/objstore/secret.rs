//! A Secret in, its objstore files out: which of its keys hold one, and what is wrong with each.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use super::{Finding, Judged, judge};
use crate::{codes, names};

/// The keys of a Secret that are known to hold an objstore file.
pub fn keys() -> &'static [&'static str] {
    &names::OBJSTORE_KEYS
}

/// Judges every objstore file of a Secret, in the order of the keys' names.
///
/// Without the label [`names::OBJSTORE`] these are the [`keys`] that it has. With the label empty or `true` it is every
/// key, with another value the key of that name too, which then must be there: a label takes no known key out of sight. `stringData` wins over `data`, as in
/// the API server.
pub fn judge_secret(secret: &Value) -> Vec<(String, Judged)> {
    let label = secret["metadata"]["labels"][names::OBJSTORE].as_str();
    let (data, texts) = (secret["data"].as_object(), secret["stringData"].as_object());
    let there = |map: Option<&Map<String, Value>>| -> Vec<String> {
        map.map(|map| map.keys().cloned().collect())
            .unwrap_or_default()
    };
    let mut found = there(data);
    found.extend(there(texts));
    found.sort();
    found.dedup();
    let is_known = |key: &String| names::OBJSTORE_KEYS.contains(&key.as_str());
    let wanted = match label {
        None => found.into_iter().filter(is_known).collect(),
        Some("" | "true") => found,
        Some(named) => {
            let mut wanted: Vec<String> = found.into_iter().filter(is_known).collect();
            wanted.push(named.to_owned());
            wanted.sort();
            wanted.dedup();
            wanted
        }
    };
    wanted
        .into_iter()
        .map(|key| {
            let judged = content(&key, data, texts).map_or_else(unreadable, |text| judge(&text));
            (key, judged)
        })
        .collect()
}

fn content(
    key: &str,
    data: Option<&Map<String, Value>>,
    texts: Option<&Map<String, Value>>,
) -> Result<Vec<u8>, &'static str> {
    if let Some(text) = texts.and_then(|texts| texts.get(key)) {
        let text = text.as_str().ok_or("is no text in stringData")?;
        return Ok(text.as_bytes().to_vec());
    }
    match data.and_then(|data| data.get(key)) {
        // The API server keeps an empty value as null.
        Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(encoded)) => BASE64_STANDARD
            .decode(encoded)
            .map_err(|_| "is not base64 in data: use stringData for plain text"),
        Some(_) => Err("is no text in data"),
        None => Err("is not there, and the label names it"),
    }
}

fn unreadable(sentence: &'static str) -> Judged {
    Judged {
        faults: vec![Finding::new(codes::OBJSTORE_DATA, "", sentence, None)],
        ..Judged::default()
    }
}
