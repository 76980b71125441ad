//! Texts with what may be a secret masked, so that a line beside a change shows none.

use std::ops::Range;

use serde_json::Value;

use crate::yaml;

/// What stands for a masked value.
const MASK: &str = "\"***\"";
/// Keys whose text is a secret, or may hold one, in whatever object: lower case, without `-` and `_`.
const KEYS: [&str; 14] = [
    "bearertoken",
    "token",
    "password",
    "passwd",
    "clientsecret",
    "secretkey",
    "accesskey",
    "sastoken",
    "connectionstring",
    "credentials",
    "authorization",
    "proxyauthorization",
    "cookie",
    "kubectl.kubernetes.io/lastappliedconfiguration",
];
/// Parts of the name of a header whose value is a secret.
const HEADERS: [&str; 5] = ["auth", "token", "secret", "key", "cookie"];

/// The text with every value masked that may be a secret. A text that cannot be read is masked whole.
pub(super) fn mask(text: &str) -> String {
    let Ok(parsed) = yaml::parse(text) else {
        return "***\n".to_owned();
    };
    let mut found = Vec::new();
    find(
        &parsed.value,
        &mut String::new(),
        Place::default(),
        &mut found,
    );
    let mut spans: Vec<(Range<usize>, &str)> = Vec::new();
    for (pointer, instead) in &found {
        if let Some(span) = parsed.tree.value_span(text, pointer) {
            spans.push((span, instead));
        }
    }
    spans.sort_by_key(|(span, _)| span.start);
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    for (span, instead) in spans {
        // What two aliases share is masked once.
        let Some(between) = text.get(at..span.start) else {
            continue;
        };
        masked.push_str(between);
        masked.push_str(instead);
        let hidden = &text[span.clone()];
        masked.push_str(&hidden[hidden.trim_end().len()..]);
        at = span.end;
    }
    masked.push_str(text.get(at..).unwrap_or_default());
    masked
}

/// The pointers to every value that may be a secret.
pub(crate) fn pointers(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    find(value, &mut String::new(), Place::default(), &mut found);
    found.into_iter().map(|(pointer, _)| pointer).collect()
}

/// What is known of where a value stands.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    key: &'a str,
    in_headers: bool,
}

fn find(value: &Value, pointer: &mut String, place: Place<'_>, found: &mut Vec<(String, String)>) {
    let below = |key: &str, pointer: &mut String| {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        length
    };
    match value {
        Value::Object(members) => {
            let is_secret = members.get("kind").is_some_and(|kind| kind == "Secret");
            for (key, member) in members {
                let length = below(key, pointer);
                if is_secret && matches!(key.as_str(), "data" | "stringData") {
                    all(member, pointer, found);
                } else {
                    let in_headers = place.key == "headers";
                    find(member, pointer, Place { key, in_headers }, found);
                }
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let length = below(&at.to_string(), pointer);
                find(item, pointer, place, found);
                pointer.truncate(length);
            }
        }
        Value::String(text) => {
            let folded: String = place
                .key
                .chars()
                .filter(|letter| !"-_".contains(*letter))
                .flat_map(char::to_lowercase)
                .collect();
            let header = place.in_headers && HEADERS.iter().any(|part| folded.contains(part));
            if header || KEYS.contains(&folded.as_str()) {
                found.push((pointer.clone(), MASK.to_owned()));
            } else if let Some(masked) = without_user(text) {
                found.push((pointer.clone(), masked));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Every value in a Secret, whatever it is.
fn all(value: &Value, pointer: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, member) in members {
                all(
                    member,
                    &format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Value::Null => {}
        _ => found.push((pointer.to_owned(), MASK.to_owned())),
    }
}

/// A url without its user information, as a quoted text; `None` for anything else.
fn without_user(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (_, host) = authority.rsplit_once('@')?;
    let behind = &rest[authority.len()..];
    Some(Value::String(format!("{scheme}://***@{host}{behind}")).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_where_they_stand() {
        let text = "\
kind: Secret
data:
  a: aHVudGVyMg== # c
  b: |
    hunter2
    hunter2
---
";
        let first = text.trim_end_matches("---\n");
        assert_eq!(
            mask(first),
            "kind: Secret\ndata:\n  a: \"***\" # c\n  b: \"***\"\n"
        );
        let other = "\
kind: Prometheus
spec:
  remoteWrite:
  - url: https://me:hunter2@x/y
    bearerToken: hunter2
    headers: {X-Api-Key: hunter2, THANOS-TENANT: t}
    basicAuth: {password: {name: s, key: password}}
    authorization: {credentials: {name: s, key: token}}
";
        let masked = mask(other);
        assert!(!masked.contains("hunter2"), "{masked}");
        assert!(
            masked.contains("url: \"https://***@x/y\"") && masked.contains("THANOS-TENANT: t"),
            "{masked}"
        );
        assert!(
            masked.contains("password: {name: s, key: password}")
                && masked.contains("{name: s, key: token}"),
            "{masked}"
        );
        assert_eq!(mask("a: [\n"), "***\n");
    }
}
