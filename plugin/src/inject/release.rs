//! What helm's post-renderer must be told of the release, because helm does not tell it.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation};
use serde_json::Value;
use thanos_core::codes;
use thanos_core::names::HELM_FILENAME as FILENAME;

use crate::cli::{Global, InjectArgs};
use crate::failure::Failure;
use crate::inputs::Input;
use crate::judge::kind_of;
use crate::manifests::Document;

const ANNOTATIONS: &str = "/metadata/annotations";

/// An object whose only annotation is helm's, without it: what is decided is then what stands in the cluster.
pub(super) fn without_helms(object: &Value) -> Option<Value> {
    let annotations = object.pointer(ANNOTATIONS)?.as_object()?;
    if annotations.len() != 1 || !annotations.contains_key(FILENAME) {
        return None;
    }
    let mut object = object.clone();
    let metadata = object.get_mut("metadata")?.as_object_mut()?;
    metadata.remove("annotations");
    Some(object)
}

/// Edits of such an object, for the object as it is: annotations are added beside helm's, not in its place.
pub(super) fn beside_helms(
    edits: impl IntoIterator<Item = PatchOperation>,
    object: &str,
) -> Vec<PatchOperation> {
    let whole = format!("{object}{ANNOTATIONS}");
    let mut beside = Vec::new();
    for edit in edits {
        match edit {
            PatchOperation::Add(AddOperation {
                path,
                value: Value::Object(annotations),
            }) if path.as_str() == whole => {
                beside.extend(annotations.into_iter().map(|(key, value)| {
                    let mut path: PointerBuf = path.clone();
                    path.push_back(key);
                    PatchOperation::Add(AddOperation { path, value })
                }));
            }
            other => beside.push(other),
        }
    }
    beside
}

/// Refuses to guess where an object goes, and which cluster is asked about it.
///
/// # Errors
/// An object of ours without a namespace where none is named, or `--live` without a cluster (KTH0020).
pub(super) fn is_known(
    args: &InjectArgs,
    global: &Global,
    inputs: &[Input],
) -> Result<(), Failure> {
    let is_named = global.context.is_some() || global.helm.server.is_some();
    if args.world.live && !is_named {
        let sentence = "--live asks a cluster, and helm does not tell its post-renderer which one";
        return Err(Failure::usage(sentence)
            .code(codes::RELEASE_UNKNOWN)
            .hint("name it: --post-renderer-args=--context=NAME"));
    }
    if args.revert || global.namespace.is_some() {
        return Ok(());
    }
    let text = |value: &Value, pointer: &str| {
        let text = value.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let documents = inputs.iter().flat_map(|input| &input.documents);
    let homeless: Vec<String> = documents
        .flat_map(Document::objects)
        .filter(|object| text(object.value, "/metadata/namespace").is_empty())
        .filter_map(|object| {
            let kind = kind_of(object.value)?.singular();
            Some(format!("{kind}/{}", text(object.value, "/metadata/name")))
        })
        .collect();
    let sentence = match homeless.as_slice() {
        [] => return Ok(()),
        [one] => format!("{one} names no namespace"),
        several => format!("{} name no namespace", several.join(", ")),
    };
    let sentence =
        format!("{sentence}, and helm does not tell its post-renderer that of the release");
    Err(Failure::usage(sentence)
        .code(codes::RELEASE_UNKNOWN)
        .hint("name it: --post-renderer-args=--namespace=NAME"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use thanos_core::patch;

    use super::*;

    #[test]
    fn helms_annotation_stays_and_is_not_taken_for_the_users() {
        let object = json!({"metadata": {"name": "k8s", "annotations": {FILENAME: "a.yaml"}}});
        let lent = without_helms(&object).unwrap();
        assert_eq!(lent, json!({"metadata": {"name": "k8s"}}));
        let edits: json_patch::Patch = serde_json::from_value(json!([
            {"op": "add", "path": "/items/0/metadata/annotations", "value": {"a/b": "c"}},
            {"op": "add", "path": "/items/0/spec", "value": {}},
        ]))
        .unwrap();
        let beside = beside_helms(edits.0, "/items/0");
        let mut list = json!({"items": [object]});
        patch::apply(&mut list, &beside);
        assert_eq!(
            list["items"][0],
            json!({"metadata": {"name": "k8s", "annotations": {FILENAME: "a.yaml", "a/b": "c"}}, "spec": {}})
        );
        let own = json!({"metadata": {"annotations": {FILENAME: "a.yaml", "own": "x"}}});
        assert_eq!(without_helms(&own), None);
    }
}
