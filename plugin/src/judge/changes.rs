//! Edits in a few words: `+remoteWrite[thanos] ~externalLabels.cluster`.

use json_patch::PatchOperation;
use serde_json::Value;
use thanos_core::names;

/// What edits do to an object, each place once. Our own bookkeeping is not told.
pub(crate) fn changes(object: &Value, edits: &[PatchOperation]) -> Vec<String> {
    let mut told = Vec::new();
    for edit in edits {
        let (sign, path, value) = match edit {
            PatchOperation::Add(edit) => ('+', edit.path.as_str(), Some(&edit.value)),
            PatchOperation::Replace(edit) => ('~', edit.path.as_str(), Some(&edit.value)),
            PatchOperation::Remove(edit) => ('-', edit.path.as_str(), None),
            PatchOperation::Move(_) | PatchOperation::Copy(_) | PatchOperation::Test(_) => continue,
        };
        for change in change(object, sign, path, value) {
            if !told.contains(&change) {
                told.push(change);
            }
        }
    }
    if told.is_empty()
        && edits.iter().any(|edit| {
            edit.path()
                .as_str()
                .contains(&names::WIRED.replace('/', "~1"))
        })
    {
        told.push("~annotations.wired".to_owned());
    }
    told
}

fn change(object: &Value, sign: char, path: &str, value: Option<&Value>) -> Vec<String> {
    let tokens: Vec<String> = path
        .split('/')
        .skip(1)
        .map(|token| token.replace("~1", "/").replace("~0", "~"))
        .collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let entry_name = |entry: &Value| {
        entry
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let entries = object.pointer("/spec/remoteWrite");
    match tokens.as_slice() {
        ["spec", "remoteWrite"] => match value.or(entries).and_then(Value::as_array) {
            Some(entries) => entries
                .iter()
                .map(|entry| format!("{sign}remoteWrite[{}]", entry_name(entry)))
                .collect(),
            None => vec![format!("{sign}remoteWrite")],
        },
        ["spec", "remoteWrite", "-"] => vec![format!(
            "{sign}remoteWrite[{}]",
            value.map(entry_name).unwrap_or_default()
        )],
        ["spec", "remoteWrite", at, rest @ ..] => {
            let at: usize = at.parse().unwrap_or(usize::MAX);
            let name = entries
                .and_then(|entries| entries.get(at))
                .map(entry_name)
                .unwrap_or_default();
            let name = if name.is_empty() {
                at.to_string()
            } else {
                name
            };
            // Inside an entry, whatever is done to a part changes the whole.
            vec![format!(
                "{}remoteWrite[{name}]",
                if rest.is_empty() { sign } else { '~' }
            )]
        }
        ["spec", field @ ("externalLabels" | "labels")] => {
            let labels = value
                .or_else(|| object.get("spec")?.get(field))
                .and_then(Value::as_object);
            labels
                .into_iter()
                .flatten()
                .map(|(label, _)| format!("{sign}{field}.{label}"))
                .collect()
        }
        ["spec", field @ ("externalLabels" | "labels"), label] => {
            vec![format!("{sign}{field}.{label}")]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tells_each_place_once() {
        let object = json!({"spec": {"externalLabels": {"a": "1"}, "remoteWrite": [{"name": "mine"}, {"url": "x"}]}});
        let edits: Vec<PatchOperation> = serde_json::from_value(json!([
            {"op": "add", "path": "/metadata/annotations", "value": {"kubectl-thanos.dev/wired": "{}"}},
            {"op": "replace", "path": "/spec/externalLabels/a", "value": "2"},
            {"op": "add", "path": "/spec/remoteWrite/0/url", "value": "y"},
            {"op": "remove", "path": "/spec/remoteWrite/0/headers"},
            {"op": "remove", "path": "/spec/remoteWrite/1"},
            {"op": "add", "path": "/spec/remoteWrite/-", "value": {"name": "thanos"}},
        ])).unwrap();
        assert_eq!(
            changes(&object, &edits),
            [
                "~externalLabels.a",
                "~remoteWrite[mine]",
                "-remoteWrite[1]",
                "+remoteWrite[thanos]"
            ]
        );
        let whole: Vec<PatchOperation> = serde_json::from_value(json!([
            {"op": "add", "path": "/spec/externalLabels", "value": {"cluster": "x"}},
            {"op": "add", "path": "/spec/remoteWrite", "value": [{"name": "thanos"}]},
        ]))
        .unwrap();
        assert_eq!(
            changes(&json!({"spec": {}}), &whole),
            ["+externalLabels.cluster", "+remoteWrite[thanos]"]
        );
        let own: Vec<PatchOperation> = serde_json::from_value(json!([{"op": "replace", "path": "/metadata/annotations/kubectl-thanos.dev~1wired", "value": ""}])).unwrap();
        assert_eq!(changes(&object, &own), ["~annotations.wired"]);
    }
}
