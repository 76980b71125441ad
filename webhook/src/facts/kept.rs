//! What `control` keeps besides: the wirings as they are stored, and word of every change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thanos_core::{Fault, ThanosWiring};
use tokio::sync::Notify;

/// A wiring as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// All of it.
    pub written: Arc<ThanosWiring>,
    /// What is wrong with it; such a one is in no rules.
    pub faults: Vec<Fault>,
}

impl Stored {
    /// Its name.
    pub fn name(&self) -> &str {
        self.written.metadata.name.as_deref().unwrap_or_default()
    }
}

#[derive(Debug)]
pub(super) struct Kept {
    wirings: Mutex<BTreeMap<String, Stored>>,
    changed: Arc<Notify>,
}

impl Kept {
    pub(super) fn new(changed: Arc<Notify>) -> Self {
        Self {
            wirings: Mutex::default(),
            changed,
        }
    }

    pub(super) fn put(&self, written: &ThanosWiring, faults: &[Fault]) {
        let mut written = written.clone();
        written.metadata.managed_fields = None;
        let stored = Stored {
            written: Arc::new(written),
            faults: faults.to_vec(),
        };
        self.lock().insert(stored.name().to_owned(), stored);
        self.tell();
    }

    pub(super) fn remove(&self, name: &str) {
        self.lock().remove(name);
        self.tell();
    }

    pub(super) fn keep_only(&self, names: &BTreeSet<String>) {
        self.lock().retain(|name, _| names.contains(name));
        self.tell();
    }

    pub(super) fn all(&self) -> Vec<Stored> {
        self.lock().values().cloned().collect()
    }

    pub(super) fn tell(&self) {
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Stored>> {
        self.wirings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
