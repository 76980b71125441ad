//! What admins have written: wirings and policies, put in and forgotten.

use std::collections::BTreeSet;

use thanos_core::{Fault, ThanosPolicy, ThanosWiring};

use super::{Knowledge, Stored};

impl Knowledge {
    /// Puts a wiring in, or in the place of an older one. One that is wrong goes out, and its faults come back.
    ///
    /// A namespace counts as ready when the wiring enrols it and its status says so, about this generation of it.
    pub fn put_wiring(&self, written: &ThanosWiring) -> Result<(), Vec<Fault>> {
        let put = self.wirings.put(written);
        if let Some(kept) = &self.kept {
            kept.wirings.put(written, faults(&put));
        }
        self.tell();
        put
    }

    /// Forgets a wiring.
    pub fn remove_wiring(&self, name: &str) {
        self.wirings.remove(name);
        if let Some(kept) = &self.kept {
            kept.wirings.remove(name);
        }
        self.tell();
    }

    /// Forgets every wiring that is not among these.
    pub(super) fn keep_wirings(&self, names: &BTreeSet<String>) {
        self.wirings.keep_only(names);
        if let Some(kept) = &self.kept {
            kept.wirings.keep_only(names);
        }
        self.tell();
    }

    /// Every wiring as it is stored, the wrong ones too; none unless [`Knowledge::keeping`] made this.
    pub fn stored(&self) -> Vec<Stored> {
        let kept = self.kept.as_ref();
        kept.map(|kept| kept.wirings.all()).unwrap_or_default()
    }

    /// Puts a policy in, or in the place of an older one. One that is wrong goes out, and its faults come back.
    pub fn put_policy(&self, written: &ThanosPolicy) -> Result<(), Vec<Fault>> {
        let put = self.wirings.put_policy(written);
        if let Some(kept) = &self.kept {
            kept.policies.put(written, faults(&put));
        }
        self.tell();
        put
    }

    /// Forgets a policy.
    pub fn remove_policy(&self, name: &str) {
        self.wirings.remove_policy(name);
        if let Some(kept) = &self.kept {
            kept.policies.remove(name);
        }
        self.tell();
    }

    /// Forgets every policy that is not among these.
    pub(super) fn keep_policies(&self, names: &BTreeSet<String>) {
        self.wirings.keep_only_policies(names);
        if let Some(kept) = &self.kept {
            kept.policies.keep_only(names);
        }
        self.tell();
    }

    /// Every policy as it is stored, the wrong ones too; none unless [`Knowledge::keeping`] made this.
    pub fn stored_policies(&self) -> Vec<Stored<ThanosPolicy>> {
        let kept = self.kept.as_ref();
        kept.map(|kept| kept.policies.all()).unwrap_or_default()
    }

    /// The uid of a policy that is right.
    pub fn policy_uid(&self, name: &str) -> Option<String> {
        self.wirings.policy_uid(name)
    }
}

fn faults(put: &Result<(), Vec<Fault>>) -> &[Fault] {
    put.as_ref().err().map_or(&[], Vec::as_slice)
}
