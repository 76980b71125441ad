//! Files of wirings, and the rules that come of them.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use thanos_core::{Rules, Wiring, codes, names, wiring};

use super::file::located;
use crate::failure::Failure;
use crate::inputs::{self, Input};
use crate::manifests::{self, Document, Source};

/// Reads the wirings in a text; `name` is what it is called in errors.
///
/// # Errors
/// Text that is no YAML (KTH0004); every fault of every wiring at once, each with its place (KTH2301); no wiring in it
/// (KTH0003).
pub fn rules(name: &str, text: &str) -> Result<Rules, Failure> {
    let source = Source::new(name, text.as_bytes().to_vec())
        .map_err(|error| inputs::unreadable(&[error]))?;
    let source = Arc::new(source);
    let documents = manifests::read(&source).map_err(|errors| inputs::unreadable(&errors))?;
    of_inputs(&[PathBuf::from(name)], &[Input { source, documents }])
}

/// Reads files of wirings.
pub(super) fn of_files(paths: &[PathBuf], stdin: &mut dyn Read) -> Result<Rules, Failure> {
    of_inputs(paths, &inputs::read(paths, stdin)?)
}

fn of_inputs(paths: &[PathBuf], inputs: &[Input]) -> Result<Rules, Failure> {
    let mut found: BTreeMap<Arc<str>, Arc<Wiring>> = BTreeMap::new();
    let mut faults = Vec::new();
    for document in inputs.iter().flat_map(|input| &input.documents) {
        for object in document
            .objects()
            .into_iter()
            .filter(|object| is_meant(object.value))
        {
            let pointer = object.pointer.as_str();
            match wiring::read(object.value) {
                Ok(wiring) if found.contains_key(&wiring.name) => {
                    faults.push(located(
                        document,
                        pointer,
                        "metadata.name",
                        "there are two wirings of this name",
                    ));
                }
                Ok(wiring) => drop(found.insert(Arc::clone(&wiring.name), Arc::new(wiring))),
                Err(wrong) => faults.extend(
                    wrong
                        .iter()
                        .map(|fault| located(document, pointer, &fault.path, &fault.sentence)),
                ),
            }
        }
    }
    if !faults.is_empty() {
        return Err(Failure::all(codes::WIRING_INVALID, faults));
    }
    let without = without_wiring(paths, inputs);
    if !without.is_empty() {
        return Err(
            Failure::usage(format!("no ThanosWiring in {}", without.join(", ")))
                .code(codes::NO_INPUTS),
        );
    }
    Ok(Rules::new(found.into_values()))
}

/// What was named for its wirings and holds none: a file that is empty was not meant, either.
fn without_wiring(paths: &[PathBuf], inputs: &[Input]) -> Vec<String> {
    let has_wiring = |input: &Input| {
        let mut objects = input.documents.iter().flat_map(Document::objects);
        objects.any(|object| is_meant(object.value))
    };
    let is_of = |input: &Input, path: &Path| {
        let name = Path::new(input.source.name());
        name == path
            || name.parent() == Some(path)
            || (path == Path::new("-") && input.source.name() == manifests::STDIN)
    };
    let without = paths.iter().filter(|path| {
        !inputs
            .iter()
            .any(|input| is_of(input, path) && has_wiring(input))
    });
    let name = |path: &PathBuf| {
        if path == Path::new("-") {
            manifests::STDIN.to_owned()
        } else {
            path.display().to_string()
        }
    };
    without.map(name).collect()
}

/// Whether somebody meant this to be a wiring: anything of our group that is no other kind of ours.
fn is_meant(value: &Value) -> bool {
    let ours = value["apiVersion"]
        .as_str()
        .is_some_and(|version| version.split('/').next() == Some(names::GROUP));
    value["kind"] == "ThanosWiring"
        || (ours && value["kind"] != "ThanosPolicy" && value["kind"] != "Facts")
}
