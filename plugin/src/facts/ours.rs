//! Files of our own kinds: every fault of every object at once, each with its place; or what they say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use thanos_core::codes::Code;
use thanos_core::decision::Fault;
use thanos_core::{Policy, Wiring, codes, names, policy, wiring};

use super::file::located;
use crate::failure::Failure;
use crate::inputs::Input;
use crate::manifests::{self, Document};

/// One of our kinds, and how it is read.
pub(crate) struct Ours<T> {
    /// As it stands in `kind`.
    pub(crate) kind: &'static str,
    /// What is said of one that is wrong.
    pub(crate) code: &'static Code,
    /// What several of them are called.
    pub(crate) plural: &'static str,
    /// Reads one.
    pub(crate) read: fn(&Value) -> Result<T, Vec<Fault>>,
    name: fn(&T) -> &Arc<str>,
}

/// Our kinds.
const KINDS: [&str; 4] = ["ThanosWiring", "ThanosPolicy", "Facts", "PolicyTest"];

/// ThanosWirings.
pub(crate) const WIRING: Ours<Wiring> = Ours {
    kind: KINDS[0],
    code: codes::WIRING_INVALID,
    plural: "wirings",
    read: wiring::read,
    name: |wiring| &wiring.name,
};

/// ThanosPolicies.
pub(crate) const POLICY: Ours<Policy> = Ours {
    kind: KINDS[1],
    code: codes::POLICY_INVALID,
    plural: "policies",
    read: policy::read,
    name: |policy| &policy.name,
};

impl<T> Ours<T> {
    /// What the inputs hold of the kind, sorted by name.
    pub(super) fn of_inputs(
        &self,
        paths: &[PathBuf],
        inputs: &[Input],
    ) -> Result<Vec<Arc<T>>, Failure> {
        let mut found: BTreeMap<Arc<str>, Arc<T>> = BTreeMap::new();
        let mut faults = Vec::new();
        for document in inputs.iter().flat_map(|input| &input.documents) {
            let objects = document.objects().into_iter();
            for object in objects.filter(|object| self.is_meant(object.value)) {
                let pointer = object.pointer.as_str();
                match (self.read)(object.value) {
                    Ok(right) if found.contains_key((self.name)(&right)) => {
                        let sentence = format!("there are two {} of this name", self.plural);
                        faults.push(located(document, pointer, "metadata.name", &sentence));
                    }
                    Ok(right) => {
                        found.insert(Arc::clone((self.name)(&right)), Arc::new(right));
                    }
                    Err(wrong) => faults.extend(
                        wrong
                            .iter()
                            .map(|fault| located(document, pointer, &fault.path, &fault.sentence)),
                    ),
                }
            }
        }
        if !faults.is_empty() {
            return Err(Failure::all(self.code, faults));
        }
        let without = self.without(paths, inputs);
        if !without.is_empty() {
            let sentence = format!("no {} in {}", self.kind, without.join(", "));
            return Err(Failure::usage(sentence).code(codes::NO_INPUTS));
        }
        Ok(found.into_values().collect())
    }

    /// What was named for them and holds none: a file that is empty was not meant, either.
    fn without(&self, paths: &[PathBuf], inputs: &[Input]) -> Vec<String> {
        let has_any = |input: &Input| {
            let mut objects = input.documents.iter().flat_map(Document::objects);
            objects.any(|object| self.is_meant(object.value))
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
                .any(|input| is_of(input, path) && has_any(input))
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

    /// Whether somebody meant this to be one: anything of our group that is no other kind of ours.
    fn is_meant(&self, value: &Value) -> bool {
        let kind = value["kind"].as_str().unwrap_or_default();
        kind == self.kind || (is_ours(value) && !KINDS.contains(&kind))
    }
}

/// Whether it is of our group, whatever its kind.
pub(crate) fn is_ours(value: &Value) -> bool {
    let version = value["apiVersion"].as_str();
    version.is_some_and(|version| version.split('/').next() == Some(names::GROUP))
}
