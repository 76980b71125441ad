//! Edits on raw JSON as RFC 6902, and applying them so that keys keep their order.

use json_patch::jsonptr::{Pointer, PointerBuf};
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::Value;

/// A pointer of unescaped tokens.
pub fn pointer<'a>(tokens: impl IntoIterator<Item = &'a str>) -> PointerBuf {
    PointerBuf::from_tokens(tokens)
}

/// An `add`.
pub fn add(path: PointerBuf, value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation { path, value })
}

/// A `replace`.
pub fn replace(path: PointerBuf, value: Value) -> PatchOperation {
    PatchOperation::Replace(ReplaceOperation { path, value })
}

/// A `remove`.
pub fn remove(path: PointerBuf) -> PatchOperation {
    PatchOperation::Remove(RemoveOperation { path })
}

/// The edits that turn one value into another, below `at`: add, replace and remove only.
pub fn between(at: &PointerBuf, old: &Value, new: &Value) -> Vec<PatchOperation> {
    let below = |path: &Pointer| at.concat(path);
    let turned = json_patch::diff(old, new)
        .0
        .into_iter()
        .map(|operation| match operation {
            PatchOperation::Add(AddOperation { path, value }) => add(below(&path), value),
            PatchOperation::Remove(RemoveOperation { path }) => remove(below(&path)),
            PatchOperation::Replace(ReplaceOperation { path, value }) => {
                replace(below(&path), value)
            }
            // `diff` makes none of these; whole replacement is right whatever it made.
            PatchOperation::Move(_) | PatchOperation::Copy(_) | PatchOperation::Test(_) => {
                replace(at.clone(), new.clone())
            }
        });
    turned.collect()
}

/// Applies edits in their order. An edit whose place is not there is passed over: [`crate::decide`] makes none such,
/// and the tests hold every patch against `json_patch` too.
pub fn apply(object: &mut Value, edits: &[PatchOperation]) {
    for edit in edits {
        match edit {
            PatchOperation::Add(AddOperation { path, value }) => put(object, path, value, true),
            PatchOperation::Replace(ReplaceOperation { path, value }) => {
                put(object, path, value, false);
            }
            PatchOperation::Remove(RemoveOperation { path }) => take(object, path),
            PatchOperation::Move(_) | PatchOperation::Copy(_) | PatchOperation::Test(_) => {}
        }
    }
}

fn put(object: &mut Value, path: &Pointer, value: &Value, insert: bool) {
    let Some((parent, last)) = path.split_back() else {
        *object = value.clone();
        return;
    };
    match object.pointer_mut(parent.as_str()) {
        Some(Value::Object(members)) => {
            members.insert(last.decoded().into_owned(), value.clone());
        }
        Some(Value::Array(items)) => {
            let end = items.len();
            let at = if last.decoded() == "-" {
                end
            } else {
                last.decoded().parse().unwrap_or(usize::MAX)
            };
            if insert && at <= end {
                items.insert(at, value.clone());
            } else if at < end {
                items[at] = value.clone();
            }
        }
        _ => {}
    }
}

/// Removes with the order of what remains kept: `serde_json`'s own `remove` would move the last key into the gap.
fn take(object: &mut Value, path: &Pointer) {
    let Some((parent, last)) = path.split_back() else {
        return;
    };
    match object.pointer_mut(parent.as_str()) {
        Some(Value::Object(members)) => {
            members.shift_remove(last.decoded().as_ref());
        }
        Some(Value::Array(items)) => {
            if let Ok(at) = last.decoded().parse::<usize>()
                && at < items.len()
            {
                items.remove(at);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keeps_the_order_of_keys() {
        let mut object = json!({"a": 1, "b": 2, "c": 3, "list": [1, 2, 3]});
        apply(
            &mut object,
            &[
                remove(pointer(["a"])),
                remove(pointer(["list", "0"])),
                add(pointer(["list", "-"]), json!(4)),
            ],
        );
        assert_eq!(object.to_string(), r#"{"b":2,"c":3,"list":[2,3,4]}"#);
    }

    #[test]
    fn says_the_same_as_the_library() {
        let old = json!({"x": {"a/b": 1, "rules": [{"n": 1}, {"n": 2}], "gone": true}});
        let new = json!({"x": {"a/b": 2, "rules": [{"n": 1}, {"n": 3}, {"n": 4}], "new": []}});
        let edits = between(&PointerBuf::new(), &old, &new);
        let mut ours = old.clone();
        apply(&mut ours, &edits);
        let mut theirs = old;
        json_patch::patch(&mut theirs, &edits).unwrap();
        assert_eq!(ours, new);
        assert_eq!(theirs, new);
    }
}
