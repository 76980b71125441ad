//! A file of the kind PolicyTest in, a suite with everything that its cases need out, or every fault with its place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use thanos_core::codes;

use super::reader::Reader;
use crate::facts::{Known, World, is_ours};
use crate::failure::Failure;
use crate::inputs;
use crate::manifests::{Document, is_manifest};

/// One file.
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) known: Known,
    pub(super) cases: Vec<Case>,
}

/// One object, and what is expected to happen to it.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) object: Value,
    pub(super) old: Option<Value>,
    /// Whether the object is judged as it is written, and not as the webhook would leave it.
    pub(super) as_is: bool,
    /// `deny egress-url`.
    pub(super) expected: BTreeSet<String>,
}

/// Reads a test and what it names, relative to its folder.
pub(super) fn read(path: &Path, now: Timestamp) -> Result<Suite, Failure> {
    let file = path.display().to_string();
    let inputs = inputs::read(&[path.to_owned()], &mut std::io::empty())?;
    let documents: Vec<&Document> = inputs.iter().flat_map(|input| &input.documents).collect();
    let wrong = |line: usize, sentence: &str| {
        Failure::failed(format!("{file}:{line}:1: {sentence}")).code(codes::POLICY_TEST_INVALID)
    };
    let document = match documents.as_slice() {
        [] => return Err(wrong(1, "holds no document of the kind PolicyTest")),
        [document] => *document,
        [_, second, ..] => {
            return Err(wrong(
                second.first_line(),
                "a second document, where one belongs",
            ));
        }
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut reader = Reader::new(document, folder);
    let parts = reader.parts();
    if !reader.faults.is_empty() {
        return Err(Failure::all(codes::POLICY_TEST_INVALID, reader.faults));
    }
    let Parts {
        name,
        policies,
        wirings,
        facts,
        cases,
    } = parts;
    let known = known(policies, &wirings, facts.as_deref(), folder, now)?;
    Ok(Suite {
        name,
        file,
        known,
        cases,
    })
}

/// What a test says.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) name: String,
    pub(super) policies: Vec<PathBuf>,
    pub(super) wirings: Vec<PathBuf>,
    pub(super) facts: Option<PathBuf>,
    pub(super) cases: Vec<Case>,
}

fn known(
    policies: Vec<PathBuf>,
    wirings: &[PathBuf],
    facts: Option<&Path>,
    folder: &Path,
    now: Timestamp,
) -> Result<Known, Failure> {
    let stdin = &mut std::io::empty();
    let policies = if policies.is_empty() {
        beside(folder)?
    } else {
        policies
    };
    let world = match facts {
        None => World::assumed(now),
        Some(path) => World::of_file(path, now, stdin)?,
    };
    Known::of_parts(&policies, wirings, world)
}

/// The policies beside a test that names none: every manifest of its folder that holds one.
fn beside(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let mut files: Vec<PathBuf> = Vec::new();
    let entries = folder.read_dir().into_iter().flatten().flatten();
    for path in entries
        .map(|entry| entry.path())
        .filter(|path| is_manifest(path) && !path.is_dir())
    {
        let inputs = inputs::read(std::slice::from_ref(&path), &mut std::io::empty())?;
        let mut objects = inputs
            .iter()
            .flat_map(|input| &input.documents)
            .flat_map(Document::objects);
        if objects.any(|object| object.value["kind"] == "ThanosPolicy" && is_ours(object.value)) {
            files.push(path);
        }
    }
    if files.is_empty() {
        let sentence = format!("no ThanosPolicy in {}", folder.display());
        return Err(Failure::usage(sentence).code(codes::NO_INPUTS));
    }
    files.sort();
    Ok(files)
}
