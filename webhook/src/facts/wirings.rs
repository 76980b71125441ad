//! The wirings: resolved once per change, with the namespaces that are ready for each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use thanos_core::{Credential, Fault, Rules, ThanosWiring, Wiring};

/// Why a namespace is not ready that the controller has not looked at yet.
pub(crate) const UNCHECKED: &str = "NotChecked";

/// All of them. Reviews read a snapshot and wait for nobody.
#[derive(Default)]
pub(super) struct Wirings {
    known: Mutex<BTreeMap<String, Known>>,
    snapshot: ArcSwap<Snapshot>,
}

#[derive(Default)]
struct Snapshot {
    rules: Arc<Rules>,
    known: Vec<Known>,
}

#[derive(Clone)]
struct Known {
    wiring: Arc<Wiring>,
    /// By namespace: what the controller found there. Empty while its status is about other Secrets.
    found: Arc<HashMap<String, Credential>>,
    /// Whether the status has been about these references.
    is_current: bool,
}

impl Wirings {
    pub(super) fn put(&self, written: &ThanosWiring) -> Result<(), Vec<Fault>> {
        let name = written.metadata.name.clone().unwrap_or_default();
        let mut known = self.lock();
        let resolved = Known::read(written, known.get(&name));
        let outcome = match resolved {
            Ok(resolved) => {
                known.insert(name, resolved);
                Ok(())
            }
            Err(faults) => {
                known.remove(&name);
                Err(faults)
            }
        };
        self.publish(&known);
        outcome
    }

    pub(super) fn remove(&self, name: &str) {
        let mut known = self.lock();
        known.remove(name);
        self.publish(&known);
    }

    /// Forgets every wiring that is not among these.
    pub(super) fn keep_only(&self, names: &BTreeSet<String>) {
        let mut known = self.lock();
        known.retain(|name, _| names.contains(name));
        self.publish(&known);
    }

    pub(super) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.snapshot.load().rules)
    }

    /// The rules, and per wiring that enrols the namespace what is there.
    pub(super) fn of(&self, namespace: &str) -> (Arc<Rules>, BTreeMap<Arc<str>, Credential>) {
        let snapshot = self.snapshot.load();
        let enrolling = snapshot
            .known
            .iter()
            .filter(|known| known.wiring.enrolled.contains(namespace));
        let credentials =
            enrolling.map(|known| (Arc::clone(&known.wiring.name), known.credential(namespace)));
        (Arc::clone(&snapshot.rules), credentials.collect())
    }

    fn publish(&self, known: &BTreeMap<String, Known>) {
        let known: Vec<Known> = known.values().cloned().collect();
        let rules = Arc::new(Rules::new(
            known.iter().map(|known| Arc::clone(&known.wiring)),
        ));
        self.snapshot.store(Arc::new(Snapshot { rules, known }));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// A status of an older generation counts as long as the same Secrets are named: to enrol one more namespace must
    /// not make the others wait. Of a wiring that names other Secrets now, nothing is known until the controller looked.
    fn read(written: &ThanosWiring, before: Option<&Known>) -> Result<Self, Vec<Fault>> {
        let wiring = Wiring::resolve(written)?;
        let status = written.status.as_ref();
        let names_the_same =
            |before: &Known| before.is_current && before.wiring.references == wiring.references;
        let is_of_now =
            status.is_some_and(|status| status.observed_generation == written.metadata.generation);
        let is_current = is_of_now || before.is_some_and(names_the_same);
        let entries = status
            .filter(|_| is_current)
            .map(|status| status.namespaces.as_slice())
            .unwrap_or_default();
        let enrolled = entries
            .iter()
            .filter(|entry| wiring.enrolled.contains(&entry.name));
        let found = enrolled.map(|entry| {
            let missing = || {
                Credential::Missing(entry.reason.clone().unwrap_or_else(|| UNCHECKED.to_owned()))
            };
            (
                entry.name.clone(),
                if entry.ready {
                    Credential::Ready
                } else {
                    missing()
                },
            )
        });
        Ok(Self {
            found: Arc::new(found.collect()),
            wiring: Arc::new(wiring),
            is_current,
        })
    }

    fn credential(&self, namespace: &str) -> Credential {
        self.found
            .get(namespace)
            .cloned()
            .unwrap_or_else(|| Credential::Missing(UNCHECKED.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn wiring(
        generation: i64,
        observed: i64,
        secret: &str,
        enrolled: &[&str],
        ready: &[&str],
    ) -> ThanosWiring {
        let key = |key: &str| json!({"name": secret, "key": key});
        let entries: Vec<Value> = ready
            .iter()
            .map(|name| json!({"name": name, "ready": true}))
            .collect();
        serde_json::from_value(json!({
            "apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosWiring",
            "metadata": {"name": "hub", "generation": generation},
            "spec": {
                "cluster": "edge",
                "remoteWrite": {
                    "url": "https://receive.example.com/api/v1/receive",
                    "auth": {"basicAuth": {"username": key("user"), "password": key("password")}},
                },
                "credentials": {"namespaces": enrolled},
            },
            "status": {"observedGeneration": observed, "namespaces": entries},
        }))
        .unwrap()
    }

    fn credential(wirings: &Wirings, namespace: &str) -> Option<Credential> {
        wirings.of(namespace).1.into_values().next()
    }

    #[test]
    fn ready_is_who_is_enrolled_and_found() {
        let wirings = Wirings::default();
        wirings
            .put(&wiring(1, 1, "s", &["a", "b"], &["a", "c"]))
            .unwrap();
        assert_eq!(credential(&wirings, "a"), Some(Credential::Ready));
        assert_eq!(
            credential(&wirings, "b"),
            Some(Credential::Missing(UNCHECKED.into()))
        );
        assert_eq!(
            credential(&wirings, "c"),
            None,
            "found, and not enrolled any more"
        );
    }

    #[test]
    fn a_status_about_other_secrets_says_nothing() {
        let wirings = Wirings::default();
        wirings.put(&wiring(2, 1, "s", &["a"], &["a"])).unwrap();
        assert_eq!(
            credential(&wirings, "a"),
            Some(Credential::Missing(UNCHECKED.into())),
            "never seen current"
        );
        wirings.put(&wiring(2, 2, "s", &["a"], &["a"])).unwrap();
        wirings
            .put(&wiring(3, 2, "s", &["a", "b"], &["a"]))
            .unwrap();
        assert_eq!(
            credential(&wirings, "a"),
            Some(Credential::Ready),
            "one more was enrolled"
        );
        wirings
            .put(&wiring(4, 2, "other", &["a", "b"], &["a"]))
            .unwrap();
        assert_eq!(
            credential(&wirings, "a"),
            Some(Credential::Missing(UNCHECKED.into())),
            "another Secret is named"
        );
        wirings
            .put(&wiring(4, 4, "other", &["a", "b"], &["a"]))
            .unwrap();
        assert_eq!(credential(&wirings, "a"), Some(Credential::Ready));
    }

    #[test]
    fn a_wrong_wiring_goes_out() {
        let wirings = Wirings::default();
        let mut written = wiring(1, 1, "s", &["a"], &["a"]);
        wirings.put(&written).unwrap();
        written.spec.cluster = "not a name".to_owned();
        assert!(wirings.put(&written).is_err());
        assert!(wirings.rules().wirings().is_empty());
    }
}
