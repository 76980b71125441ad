//! Files of wirings and policies, and the rules that come of them.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use thanos_core::{Policy, Rules};

use super::ours::{Ours, POLICY, WIRING};
use crate::failure::Failure;
use crate::inputs::{self, Input};
use crate::manifests::{self, Source};
use crate::ui::Ui;

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
    let inputs = [Input { source, documents }];
    Ok(Rules::new(
        WIRING.of_inputs(&[PathBuf::from(name)], &inputs)?,
    ))
}

/// Reads files of wirings.
pub(crate) fn of_files(paths: &[PathBuf], stdin: &mut dyn Read) -> Result<Rules, Failure> {
    let inputs = inputs::read(paths, stdin)?;
    Ok(Rules::new(WIRING.of_inputs(paths, &inputs)?))
}

/// Reads files of policies.
pub(crate) fn policies(
    paths: &[PathBuf],
    stdin: &mut dyn Read,
) -> Result<Vec<Arc<Policy>>, Failure> {
    POLICY.of_inputs(paths, &inputs::read(paths, stdin)?)
}

/// The stored ones that are right; each other one is warned of, as the webhook leaves it out, too.
pub(super) fn of_objects<T>(kind: &Ours<T>, stored: &[Value], ui: &mut Ui<'_>) -> Vec<Arc<T>> {
    let mut right = Vec::new();
    for object in stored {
        match (kind.read)(object) {
            Ok(read) => right.push(Arc::new(read)),
            Err(faults) => {
                let name = object
                    .pointer("/metadata/name")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let word = kind.kind.trim_start_matches("Thanos").to_lowercase();
                let sentences: Vec<String> = faults.iter().map(ToString::to_string).collect();
                ui.tell(
                    kind.code,
                    format!("{word} {name} is left out: {}", sentences.join("; ")),
                );
            }
        }
    }
    right
}
