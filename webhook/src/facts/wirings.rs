//! The wirings, with the namespaces that are ready for each, and the policies beside them: resolved once per change.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use thanos_core::{Credential, Fault, Policy, Rules, ThanosPolicy, ThanosWiring, Wiring};
use tokio::time::Instant;

/// Why a namespace is not ready that the controller has not looked at yet.
pub(crate) const UNCHECKED: &str = "NotChecked";

/// All of them. Reviews read a snapshot and wait for nobody.
#[derive(Default)]
pub(super) struct Wirings {
    written: Mutex<Written>,
    snapshot: ArcSwap<Snapshot>,
}

/// What admins have written, by name.
#[derive(Default)]
struct Written {
    wirings: BTreeMap<String, Known>,
    policies: BTreeMap<String, Judging>,
}

#[derive(Default)]
struct Snapshot {
    rules: Arc<Rules>,
    known: Vec<Known>,
    uids: BTreeMap<Arc<str>, String>,
}

/// A policy that is right.
struct Judging {
    policy: Arc<Policy>,
    uid: String,
}

#[derive(Clone)]
struct Known {
    wiring: Arc<Wiring>,
    /// By namespace: what the controller found there. Empty while its status is about other Secrets.
    found: Arc<HashMap<String, Credential>>,
    /// Whether the status has been about these references.
    is_current: bool,
    /// Which object, and which version of its spec.
    version: (Option<String>, Option<i64>),
    /// What it was before, and since when it is not.
    before: Option<(Arc<Wiring>, Instant)>,
}

impl Wirings {
    pub(super) fn put(&self, written: &ThanosWiring) -> Result<(), Vec<Fault>> {
        self.put_at(written, Instant::now())
    }

    fn put_at(&self, written: &ThanosWiring, now: Instant) -> Result<(), Vec<Fault>> {
        let name = written.metadata.name.clone().unwrap_or_default();
        self.write(|all| {
            let read = Known::read(written, all.wirings.get(&name), now);
            place(&mut all.wirings, name, read)
        })
    }

    pub(super) fn remove(&self, name: &str) {
        self.write(|all| all.wirings.remove(name));
    }

    /// Forgets every wiring that is not among these.
    pub(super) fn keep_only(&self, names: &BTreeSet<String>) {
        self.write(|all| all.wirings.retain(|name, _| names.contains(name)));
    }

    pub(super) fn put_policy(&self, written: &ThanosPolicy) -> Result<(), Vec<Fault>> {
        let name = written.metadata.name.clone().unwrap_or_default();
        let read = Policy::resolve(written).map(|policy| Judging {
            policy: Arc::new(policy),
            uid: written.metadata.uid.clone().unwrap_or_default(),
        });
        self.write(|all| place(&mut all.policies, name, read))
    }

    pub(super) fn remove_policy(&self, name: &str) {
        self.write(|all| all.policies.remove(name));
    }

    /// Forgets every policy that is not among these.
    pub(super) fn keep_only_policies(&self, names: &BTreeSet<String>) {
        self.write(|all| all.policies.retain(|name, _| names.contains(name)));
    }

    /// The uid of a policy that is right.
    pub(super) fn policy_uid(&self, name: &str) -> Option<String> {
        self.snapshot.load().uids.get(name).cloned()
    }

    /// What each wiring was before it changed, where that is no longer ago.
    pub(super) fn lately(&self, memory: Duration, now: Instant) -> BTreeMap<Arc<str>, Arc<Wiring>> {
        let snapshot = self.snapshot.load();
        let recent = snapshot.known.iter().filter_map(|known| {
            let (before, until) = known.before.as_ref()?;
            let is_recent = now.duration_since(*until) < memory;
            is_recent.then(|| (Arc::clone(&known.wiring.name), Arc::clone(before)))
        });
        recent.collect()
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

    /// Changes what is written and lets everybody see it.
    fn write<T>(&self, change: impl FnOnce(&mut Written) -> T) -> T {
        let mut all = self.lock();
        let outcome = change(&mut all);
        let known: Vec<Known> = all.wirings.values().cloned().collect();
        let rules = Rules::new(known.iter().map(|known| Arc::clone(&known.wiring)));
        let judging = || all.policies.values();
        let rules = rules.with_policies(judging().map(|one| Arc::clone(&one.policy)));
        let uids = judging().map(|one| (Arc::clone(&one.policy.name), one.uid.clone()));
        self.snapshot.store(Arc::new(Snapshot {
            rules: Arc::new(rules),
            known,
            uids: uids.collect(),
        }));
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is right takes its place; what is wrong loses it.
fn place<T>(
    all: &mut BTreeMap<String, T>,
    name: String,
    read: Result<T, Vec<Fault>>,
) -> Result<(), Vec<Fault>> {
    match read {
        Ok(read) => {
            all.insert(name, read);
            Ok(())
        }
        Err(faults) => {
            all.remove(&name);
            Err(faults)
        }
    }
}

impl Known {
    /// A status of an older generation counts as long as the same Secrets are named: to enrol one more namespace must
    /// not make the others wait. Of a wiring that names other Secrets now, nothing is known until the controller looked.
    fn read(
        written: &ThanosWiring,
        before: Option<&Known>,
        now: Instant,
    ) -> Result<Self, Vec<Fault>> {
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
        let version = (written.metadata.uid.clone(), written.metadata.generation);
        let before = before.and_then(|before| {
            if before.version == version {
                before.before.clone()
            } else {
                Some((Arc::clone(&before.wiring), now))
            }
        });
        Ok(Self {
            found: Arc::new(found.collect()),
            wiring: Arc::new(wiring),
            is_current,
            version,
            before,
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
mod tests;
