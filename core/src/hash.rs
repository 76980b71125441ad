//! A hash of JSON that does not see the order of keys. It tells whether two values are one, and is no proof against
//! somebody who looks for two that collide.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The first eight bytes of SHA-256 over a value.
pub(crate) fn of(value: &Value) -> [u8; 8] {
    let mut sha = Sha256::new();
    add(value, &mut sha);
    let mut first = [0; 8];
    first.copy_from_slice(&sha.finalize()[..8]);
    first
}

fn add(value: &Value, whole: &mut Sha256) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            whole.update(b"{");
            for (key, member) in sorted {
                whole.update(key.as_bytes());
                whole.update([0]);
                add(member, whole);
            }
            whole.update(b"}");
        }
        Value::Array(items) => {
            whole.update(b"[");
            for item in items {
                add(item, whole);
            }
            whole.update(b"]");
        }
        Value::String(text) => {
            whole.update(b"\"");
            whole.update(text.as_bytes());
            whole.update([0]);
        }
        other => whole.update(other.to_string().as_bytes()),
    }
}
