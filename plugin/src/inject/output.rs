//! What `inject` gives back: the documents, the objects as one JSON document, the edits alone, or the files rewritten.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use thanos_core::patch;

use super::Work;
use crate::cli::{InjectArgs, InjectFormat};
use crate::failure::Failure;
use crate::files::{self, Replacement};
use crate::manifests::{self, Document, Source};
use crate::ui::Ui;

/// What a post-renderer says to nothing: for helm, no output is a failure.
const NOTHING: &[u8] = b"# no manifests\n";

/// Prints the result.
pub(super) fn print(work: &Work<'_>, args: &InjectArgs, ui: &mut Ui<'_>) -> Result<(), Failure> {
    match args.output {
        InjectFormat::Yaml => {
            let streams: Vec<Vec<u8>> = work
                .inputs
                .iter()
                .map(|input| assembled(work, &input.source))
                .collect();
            let stream = manifests::concatenate(&streams);
            let is_blank = stream.trim_ascii().is_empty();
            ui.data(if args.post_render && is_blank {
                NOTHING
            } else {
                &stream
            })
        }
        InjectFormat::Json => ui.json(&objects(work)),
        InjectFormat::Patch => ui.json(&patches(work)),
    }
}

/// Writes the files that change, all of them or none.
pub(super) fn in_place(work: &Work<'_>) -> Result<(), Failure> {
    let is_changed = |source: &Arc<Source>| {
        work.rewrites
            .iter()
            .any(|rewrite| Arc::ptr_eq(rewrite.document.source(), source))
    };
    let changed = work
        .inputs
        .iter()
        .map(|input| &input.source)
        .filter(|source| is_changed(source));
    let replacements: Vec<Replacement<'_>> = changed
        .map(|source| Replacement {
            path: PathBuf::from(source.name()),
            old: source.text().as_bytes(),
            new: assembled(work, source),
        })
        .collect();
    files::replace_all(&replacements)
}

/// A whole source with its changed documents.
fn assembled(work: &Work<'_>, source: &Arc<Source>) -> Vec<u8> {
    let rewrites = work
        .rewrites
        .iter()
        .filter(|rewrite| Arc::ptr_eq(rewrite.document.source(), source));
    manifests::assemble(
        source,
        rewrites.map(|rewrite| (rewrite.document, rewrite.text.as_str())),
    )
}

/// The one document as it is, or all objects in one List.
fn objects(work: &Work<'_>) -> Value {
    let documents: Vec<&Document> = work
        .inputs
        .iter()
        .flat_map(|input| &input.documents)
        .collect();
    // Both are in the order of the inputs.
    let mut rewrites = work.rewrites.iter().peekable();
    let mut edited = |document: &Document| {
        let mut value = document.value().clone();
        if let Some(rewrite) = rewrites.next_if(|rewrite| std::ptr::eq(rewrite.document, document))
        {
            patch::apply(&mut value, &rewrite.edits);
        }
        value
    };
    if let [document] = documents.as_slice() {
        return edited(document);
    }
    let mut items = Vec::new();
    for document in documents {
        let whole = edited(document);
        let pointers = document.objects();
        let own = pointers
            .iter()
            .filter_map(|object| whole.pointer(object.pointer.as_str()));
        items.extend(own.cloned());
    }
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

/// The edits of each object that changes.
fn patches(work: &Work<'_>) -> Value {
    let changed = work.done.iter().filter(|done| !done.edits().is_empty());
    changed
        .map(|done| json!({"object": done.judged.object, "patch": done.edits()}))
        .collect()
}
