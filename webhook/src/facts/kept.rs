//! What `control` keeps besides: wirings and policies as they are stored, and word of every change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::Resource;
use thanos_core::{Fault, ThanosPolicy, ThanosWiring};
use tokio::sync::Notify;

/// A wiring or a policy as it is stored.
#[derive(Clone, Debug)]
pub struct Stored<T = ThanosWiring> {
    /// All of it.
    pub written: Arc<T>,
    /// What is wrong with it; such a one is in no rules.
    pub faults: Vec<Fault>,
}

impl<T: Resource> Stored<T> {
    /// Its name.
    pub fn name(&self) -> &str {
        self.written.meta().name.as_deref().unwrap_or_default()
    }
}

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) wirings: Shelf<ThanosWiring>,
    pub(super) policies: Shelf<ThanosPolicy>,
    changed: Arc<Notify>,
}

impl Kept {
    pub(super) fn new(changed: Arc<Notify>) -> Self {
        Self {
            wirings: Shelf::default(),
            policies: Shelf::default(),
            changed,
        }
    }

    pub(super) fn tell(&self) {
        self.changed.notify_one();
    }
}

/// The objects of one kind, by name.
#[derive(Debug)]
pub(super) struct Shelf<T>(Mutex<BTreeMap<String, Stored<T>>>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Resource + Clone> Shelf<T> {
    pub(super) fn put(&self, written: &T, faults: &[Fault]) {
        let mut written = written.clone();
        written.meta_mut().managed_fields = None;
        let stored = Stored {
            written: Arc::new(written),
            faults: faults.to_vec(),
        };
        self.lock().insert(stored.name().to_owned(), stored);
    }

    pub(super) fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    pub(super) fn keep_only(&self, names: &BTreeSet<String>) {
        self.lock().retain(|name, _| names.contains(name));
    }

    pub(super) fn all(&self) -> Vec<Stored<T>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Stored<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
