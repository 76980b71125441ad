//! The namespaces: their labels and nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use thanos_core::names;
use tokio::time::{Instant, timeout_at};

use super::Labels;

/// For the one GET on a miss.
const PATIENCE: Duration = Duration::from_millis(500);

pub(super) struct Namespaces {
    known: RwLock<HashMap<String, Labels>>,
    client: Option<Client>,
}

impl Namespaces {
    /// With a client a namespace that is not known is asked for.
    pub(super) fn new(client: Option<Client>) -> Self {
        Self {
            known: RwLock::default(),
            client,
        }
    }

    pub(super) fn put(&self, name: &str, labels: BTreeMap<String, String>) {
        self.write(|known| known.insert(name.to_owned(), whole(name, labels)));
    }

    pub(super) fn remove(&self, name: &str) {
        self.write(|known| known.remove(name));
    }

    /// Forgets every namespace that is not among these.
    pub(super) fn keep_only(&self, names: &BTreeSet<String>) {
        self.write(|known| known.retain(|name, _| names.contains(name)));
    }

    pub(super) fn names(&self) -> BTreeSet<String> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .cloned()
            .collect()
    }

    pub(super) fn known(&self, name: &str) -> Option<Labels> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// The labels; `None` where the namespace is not known and the API server does not know it in time either.
    ///
    /// What the GET gives is not kept: the watch will bring it, and is the only one to take it away again.
    pub(super) async fn get(&self, name: &str, deadline: Instant) -> Option<Labels> {
        if let Some(labels) = self.known(name) {
            return Some(labels);
        }
        let client = self.client.clone().filter(|_| is_name(name))?;
        let namespaces: Api<Namespace> = Api::all(client);
        let deadline = deadline.min(Instant::now() + PATIENCE);
        let found = timeout_at(deadline, namespaces.get_metadata(name))
            .await
            .ok()?
            .ok()?;
        Some(whole(name, found.metadata.labels.unwrap_or_default()))
    }

    fn write<T>(&self, change: impl FnOnce(&mut HashMap<String, Labels>) -> T) {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner));
    }
}

fn whole(name: &str, mut labels: BTreeMap<String, String>) -> Labels {
    labels
        .entry(names::NAMESPACE_NAME.to_owned())
        .or_insert_with(|| name.to_owned());
    Arc::new(labels)
}

/// Whether a namespace can have this name. The name goes into a path, and a review may be forged.
pub(super) fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty()
        && name.len() <= 63
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_go_into_a_path() {
        for right in ["a", "team-a", "0"] {
            assert!(is_name(right), "{right}");
        }
        for wrong in [
            "",
            "-a",
            "a-",
            "A",
            "a/../b",
            "..",
            "a?b",
            "a%2fb",
            &"a".repeat(64),
        ] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_namespace_carries_its_name() {
        let namespaces = Namespaces::new(None);
        namespaces.put("a", BTreeMap::new());
        assert_eq!(namespaces.known("a").unwrap()[names::NAMESPACE_NAME], "a");
        namespaces.keep_only(&BTreeSet::new());
        assert!(namespaces.known("a").is_none());
    }
}
