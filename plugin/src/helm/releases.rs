//! What helm has installed, read off the labels of its Secrets: the list asks for metadata alone, so what a release
//! holds never leaves the API server.

use std::collections::BTreeMap;

use serde_json::Value;
use thanos_core::names;

/// What helm's Secrets are told apart by.
pub(crate) const SELECTOR: &str = "owner=helm";

/// The newest revision of one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installed {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) status: String,
    revision: u64,
    /// Of chart and values; `None`: we did not install it.
    pub(crate) digest: Option<String>,
    /// The hub that it is a part of.
    pub(crate) hub: Option<String>,
}

impl Installed {
    /// Whether we installed it.
    pub(crate) fn is_ours(&self) -> bool {
        self.digest.is_some()
    }

    /// Whether a helm was interrupted while it worked on it: helm refuses to touch it until that is mended.
    pub(crate) fn is_pending(&self) -> bool {
        self.status.starts_with("pending-") || self.status == "uninstalling"
    }

    /// Whether a revision before this one can be gone back to.
    pub(crate) fn has_earlier(&self) -> bool {
        self.status != "pending-install" && self.status != "uninstalling" && self.revision > 1
    }

    /// Whether it is there as a whole.
    pub(crate) fn is_deployed(&self) -> bool {
        self.status == "deployed"
    }
}

/// The newest revision of each release, out of the metadata of helm's Secrets.
pub(crate) fn newest(secrets: &[Value]) -> Vec<Installed> {
    let mut newest: BTreeMap<(String, String), Installed> = BTreeMap::new();
    for installed in secrets.iter().filter_map(read) {
        let key = (installed.namespace.clone(), installed.name.clone());
        let known = newest.get(&key).map_or(0, |known| known.revision);
        if installed.revision > known {
            newest.insert(key, installed);
        }
    }
    // A release that was uninstalled with its history kept is not there.
    newest
        .into_values()
        .filter(|installed| installed.status != "uninstalled")
        .collect()
}

fn read(secret: &Value) -> Option<Installed> {
    let metadata = &secret["metadata"];
    let label = |key: &str| metadata["labels"][key].as_str().map(str::to_owned);
    Some(Installed {
        name: label("name")?,
        namespace: metadata["namespace"].as_str()?.to_owned(),
        status: label("status")?,
        revision: label("version")?.parse().ok()?,
        digest: label(names::DIGEST),
        hub: label(names::HUB),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn secret(name: &str, revision: u64, status: &str) -> Value {
        json!({"metadata": {"namespace": "n", "labels": {
            "owner": "helm", "name": name, "version": revision.to_string(), "status": status,
            names::DIGEST: "d", names::HUB: "thanos",
        }}})
    }

    #[test]
    fn the_newest_revision_counts() {
        let secrets = [
            secret("a", 9, "superseded"),
            secret("a", 10, "pending-upgrade"),
            secret("b", 1, "pending-install"),
            secret("c", 2, "uninstalled"),
            json!({"metadata": {"name": "something else"}}),
        ];
        let releases = newest(&secrets);
        let [a, b] = releases.as_slice() else {
            panic!("{releases:?}")
        };
        assert!(a.is_pending() && a.has_earlier() && a.is_ours());
        assert!(b.is_pending() && !b.has_earlier() && !b.is_deployed());
    }
}
