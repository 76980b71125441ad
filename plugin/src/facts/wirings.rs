//! Files of wirings, and the rules that come of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use thanos_core::{Rules, Wiring, codes, names, wiring};

use super::file::located;
use crate::failure::Failure;
use crate::inputs::{self, Input};
use crate::manifests::{self, Source};

/// Reads the wirings in a text; `name` is what it is called in errors.
///
/// # Errors
/// Text that is no YAML (KTH0004); every fault of every wiring at once, each with its place (KTH2301); objects, and
/// no wiring among them (KTH0003).
pub fn rules(name: &str, text: &str) -> Result<Rules, Failure> {
    let source = Source::new(name, text.as_bytes().to_vec())
        .map_err(|error| inputs::unreadable(&[error]))?;
    let source = Arc::new(source);
    let documents = manifests::read(&source).map_err(|errors| inputs::unreadable(&errors))?;
    of_inputs(&[Input { source, documents }])
}

/// Reads files of wirings.
pub(super) fn of_files(paths: &[PathBuf]) -> Result<Rules, Failure> {
    of_inputs(&inputs::read(paths, &mut std::io::empty())?)
}

fn of_inputs(inputs: &[Input]) -> Result<Rules, Failure> {
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
    // A file without any object says that there is no wiring; one with others was not meant.
    if found.is_empty()
        && inputs
            .iter()
            .flat_map(|input| &input.documents)
            .any(|document| !document.objects().is_empty())
    {
        let names: Vec<&str> = inputs.iter().map(|input| input.source.name()).collect();
        return Err(
            Failure::usage(format!("no ThanosWiring in {}", names.join(", ")))
                .code(codes::NO_INPUTS),
        );
    }
    Ok(Rules::new(found.into_values()))
}

/// Whether somebody meant this to be a wiring: anything of our group that is no other kind of ours.
fn is_meant(value: &Value) -> bool {
    let ours = value["apiVersion"]
        .as_str()
        .is_some_and(|version| version.split('/').next() == Some(names::GROUP));
    value["kind"] == "ThanosWiring"
        || (ours && value["kind"] != "ThanosPolicy" && value["kind"] != "Facts")
}
