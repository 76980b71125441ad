//! The doors: one story asked of core, of the webhook and of the plugin. They must say the same.

mod core;
mod plugin;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;
use thanos_core::fields::Served;
use thanos_core::{Kind, Policy, Rules, Wiring, policy, wiring};
use thanos_tests::install::objects;

pub(crate) use self::core::{judged_by_core, through_core};
pub(crate) use plugin::{judged_by_plugin, refused_by_plugin, through_plugin};
pub(crate) use webhook::{judged_by_webhook, refused_by_webhook, through_webhook};

/// The moment of all stories.
pub(crate) const NOW: &str = "2026-11-24T00:00:00Z";

/// What a door answers: the object as it ends up, and what people are told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// The object.
    pub(crate) object: Value,
    /// `KTH2009 not wired by hub: …`, in the order in which they are told.
    pub(crate) warnings: Vec<String>,
}

/// One folder under `tests/cases/`.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) folder: PathBuf,
    pub(crate) given: Value,
    pub(crate) old: Option<Value>,
    pub(crate) wirings: Vec<Value>,
    pub(crate) policies: Vec<Value>,
    pub(crate) known: Known,
}

/// The facts file, read here on its own: what the plugin makes of the same file is one of the things under test.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Known {
    pub(crate) operator_version: Option<String>,
    #[serde(default)]
    pub(crate) crds: BTreeMap<String, PathBuf>,
    #[serde(default)]
    pub(crate) namespaces: BTreeMap<String, KnownNamespace>,
    #[serde(default)]
    pub(crate) ready: BTreeMap<String, Vec<Option<String>>>,
}

/// One namespace of a facts file.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct KnownNamespace {
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
}

impl Known {
    /// The namespace's labels, with the one that the API server adds.
    pub(crate) fn labels(&self, namespace: &str) -> Option<BTreeMap<String, String>> {
        let mut labels = self.namespaces.get(namespace)?.labels.clone();
        labels.insert(
            thanos_core::names::NAMESPACE_NAME.to_owned(),
            namespace.to_owned(),
        );
        Some(labels)
    }

    /// The namespaces where a wiring's credential is.
    pub(crate) fn ready(&self, wiring: &str) -> BTreeSet<String> {
        self.ready
            .get(wiring)
            .into_iter()
            .flatten()
            .flatten()
            .cloned()
            .collect()
    }
}

impl Story {
    /// Reads a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let all = |name: &str| -> Result<Vec<Value>> {
            let path = folder.join(name);
            if !path.exists() {
                return Ok(Vec::new());
            }
            objects(name, std::fs::read_to_string(&path)?)
                .with_context(|| path.display().to_string())
        };
        let one = |name: &str| -> Result<Option<Value>> { Ok(all(name)?.into_iter().next()) };
        let known = match one("facts.yaml")? {
            Some(facts) => serde_json::from_value(facts)?,
            None => Known::default(),
        };
        Ok(Self {
            folder: folder.to_owned(),
            given: one("given.yaml")?.context("no given.yaml")?,
            old: one("old.yaml")?,
            wirings: all("wiring.yaml")?,
            policies: all("policy.yaml")?,
            known,
        })
    }

    /// The folder's name.
    pub(crate) fn name(&self) -> String {
        self.folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// Whether it is about a wiring that is refused.
    pub(crate) fn is_about_a_wiring(&self) -> bool {
        self.given["kind"] == "ThanosWiring"
    }

    /// The wirings, resolved.
    pub(crate) fn rules(&self) -> Result<Rules> {
        let read = |raw| {
            wiring::read(raw)
                .map(Arc::new)
                .map_err(|faults| anyhow::anyhow!("{faults:?}"))
        };
        Ok(Rules::new(
            self.wirings
                .iter()
                .map(read)
                .collect::<Result<Vec<Arc<Wiring>>>>()?,
        ))
    }

    /// The policies, resolved.
    pub(crate) fn policies(&self) -> Result<Vec<Arc<Policy>>> {
        let read = |raw| {
            policy::read(raw)
                .map(Arc::new)
                .map_err(|faults| anyhow::anyhow!("{faults:?}"))
        };
        self.policies.iter().map(read).collect()
    }

    /// The fields that the story's CRD of a kind serves.
    pub(crate) fn served(&self, kind: Kind) -> Result<Served> {
        let Some(path) = self.known.crds.get(kind.plural()) else {
            return Ok(Served::newest(kind));
        };
        let crd = objects("crd", std::fs::read_to_string(self.folder.join(path))?)?;
        Served::from_crd(crd.first().context("an empty CRD")?).context("a CRD that serves nothing")
    }
}

/// A warning as the webhook cuts it: 120 characters, as the API server advises.
pub(crate) fn shortened(warning: &str) -> String {
    let short: String = warning.chars().take(120).collect();
    if short.len() < warning.len() {
        format!("{}…", short.chars().take(119).collect::<String>())
    } else {
        short
    }
}
