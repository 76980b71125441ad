//! A world as a file of the kind Facts, and the CRDs beside it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use thanos_core::fields::{FIELDS, Served};
use thanos_core::{Credential, Kind, names};

use super::{Labels, World};

/// A facts file, and the files that it names, ready to be written.
#[derive(Clone, Debug)]
pub struct Written {
    /// The facts file itself.
    pub facts: Value,
    /// Beside it: name and content of each CRD that differs from the newest one we know.
    pub crds: Vec<(PathBuf, Value)>,
}

impl World {
    /// This world as a facts file called `path`. What was assumed stays out.
    pub fn written(&self, path: &Path) -> Written {
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut facts =
            json!({"apiVersion": names::API_VERSION, "kind": "Facts", "now": self.now.to_string()});
        let mut crds = Vec::new();
        if let Some(version) = &self.operator {
            facts["operatorVersion"] = json!(version.to_string());
        }
        for (kind, served) in self
            .served
            .iter()
            .filter(|(kind, served)| ***served != Served::newest(**kind))
        {
            let file = format!("{stem}.{}.yaml", kind.plural());
            facts["crds"][kind.plural()] = json!(format!("./{file}"));
            crds.push((path.with_file_name(file), crd(*kind, served)));
        }
        if let Some(namespaces) = &self.namespaces {
            let own = |labels: &Labels| -> Map<String, Value> {
                let own = labels
                    .iter()
                    .filter(|(key, _)| *key != names::NAMESPACE_NAME);
                own.map(|(key, value)| (key.clone(), json!(value)))
                    .collect()
            };
            facts["namespaces"] = namespaces
                .iter()
                .map(|(name, labels)| (name.clone(), json!({"labels": own(labels)})))
                .collect::<Map<_, _>>()
                .into();
        }
        if let Some(credentials) = &self.credentials {
            let ready = credentials.iter().map(|(wiring, namespaces)| {
                let ready = namespaces
                    .iter()
                    .filter(|(_, credential)| **credential == Credential::Ready);
                (
                    wiring.clone(),
                    ready
                        .map(|(namespace, _)| json!(namespace))
                        .collect::<Value>(),
                )
            });
            facts["ready"] = ready.collect::<Map<_, _>>().into();
        }
        Written { facts, crds }
    }
}

/// A CRD that holds only the fields that matter here.
fn crd(kind: Kind, served: &Served) -> Value {
    let mut spec = json!({"type": "object"});
    let known: BTreeSet<&str> = FIELDS
        .iter()
        .map(|field| field.path)
        .filter(|path| served.knows(path))
        .collect();
    for path in known {
        let mut at = &mut spec;
        for segment in path.split('.') {
            let (name, list) = segment
                .strip_suffix("[]")
                .map_or((segment, false), |name| (name, true));
            at = &mut at["properties"][name];
            if at.is_null() {
                *at = json!({});
            }
            if list {
                at = &mut at["items"];
            }
        }
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{}.{}", kind.plural(), names::OPERATOR_GROUP)},
        "spec": {
            "names": {"plural": kind.plural(), "kind": kind.name()},
            "versions": [{"name": kind.version(), "served": true, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}}],
        },
    })
}
