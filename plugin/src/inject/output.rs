//! What `inject` gives back: the documents, the objects as one JSON document, the edits alone, or the files rewritten.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};
use thanos_core::patch;

use super::Work;
use crate::cli::InjectFormat;
use crate::failure::Failure;
use crate::files::{self, Replacement};
use crate::manifests::{self, Document};
use crate::ui::Ui;

/// Prints the result.
pub(super) fn print(work: &Work<'_>, format: InjectFormat, ui: &mut Ui<'_>) -> Result<(), Failure> {
    match format {
        InjectFormat::Yaml => {
            let streams: Vec<Vec<u8>> = (0..work.inputs.len()).map(|number| assembled(work, number)).collect();
            ui.data(&manifests::concatenate(&streams))
        }
        InjectFormat::Json => ui.json(&objects(work)),
        InjectFormat::Patch => ui.json(&patches(work)),
    }
}

/// Writes the files that change, all of them or none.
pub(super) fn in_place(work: &Work<'_>) -> Result<(), Failure> {
    let changed: BTreeSet<usize> = work.texts.iter().map(|rewrite| rewrite.input).collect();
    let replacements: Vec<Replacement<'_>> = changed
        .into_iter()
        .map(|number| {
            let source = &work.inputs[number].source;
            Replacement { path: PathBuf::from(source.name()), old: source.text().as_bytes(), new: assembled(work, number) }
        })
        .collect();
    files::replace_all(&replacements)
}

/// A whole source with its changed documents.
pub(super) fn assembled(work: &Work<'_>, number: usize) -> Vec<u8> {
    let rewrites = work.texts.iter().filter(|rewrite| rewrite.input == number);
    manifests::assemble(&work.inputs[number].source, rewrites.map(|rewrite| (rewrite.document, rewrite.text.as_str())))
}

/// The one document as it is, or all objects in one List.
fn objects(work: &Work<'_>) -> Value {
    let documents: Vec<&Document> = work.inputs.iter().flat_map(|input| &input.documents).collect();
    if let [document] = documents.as_slice() {
        return edited(work, document);
    }
    let mut items = Vec::new();
    for document in documents {
        let whole = edited(work, document);
        let pointers = document.objects();
        let own = pointers.iter().filter_map(|object| whole.pointer(object.pointer.as_str()));
        items.extend(own.cloned());
    }
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

fn edited(work: &Work<'_>, document: &Document) -> Value {
    let mut value = document.value().clone();
    if let Some(rewrite) = work.texts.iter().find(|rewrite| std::ptr::eq(rewrite.document, document)) {
        patch::apply(&mut value, &rewrite.edits);
    }
    value
}

/// The edits of each object that changes.
fn patches(work: &Work<'_>) -> Value {
    let changed = work.done.iter().filter(|done| !done.edits.is_empty());
    changed.map(|done| json!({"object": done.judged.object, "patch": done.edits})).collect()
}
