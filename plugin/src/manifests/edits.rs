//! Edits in, the edited value out, with every other key in its place.

use json_patch::{PatchError, PatchOperation};
use serde_json::Value;

/// Applies edits one after the other.
///
/// # Errors
/// The first edit that does not fit the value; its number and path, never a value.
pub(super) fn apply(mut value: Value, edits: &[PatchOperation]) -> Result<Value, PatchError> {
    for (operation, edit) in edits.iter().enumerate() {
        if remove_in_order(&mut value, edit).is_some() {
            continue;
        }
        json_patch::patch_unsafe(&mut value, std::slice::from_ref(edit)).map_err(|mut error| {
            error.operation = operation;
            error
        })?;
    }
    Ok(value)
}

/// `json_patch` would put the last key where the removed one was.
fn remove_in_order(value: &mut Value, edit: &PatchOperation) -> Option<Value> {
    let PatchOperation::Remove(edit) = edit else {
        return None;
    };
    let (parent, name) = edit.path.split_back()?;
    value
        .pointer_mut(parent.as_str())?
        .as_object_mut()?
        .shift_remove(name.decoded().as_ref())
}
