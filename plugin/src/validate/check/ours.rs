//! Policies and wirings themselves: by their own schemas, and what an admin should know of those that are right.

use thanos_core::codes::{self, Code};
use thanos_core::decision::Fault;
use thanos_core::{Policy, Wiring};

use super::{Checks, Where};
use crate::charge::last_day;
use crate::facts::{POLICY, WIRING};
use crate::judge::ObjectName;
use crate::validate::finding::Finding;

impl Checks<'_> {
    pub(super) fn policy(&mut self, at: Where<'_>) {
        let object = ObjectName::named(at.value, POLICY.kind, "");
        match (POLICY.read)(at.value) {
            Err(faults) => self.faulty(at, &object, &faults),
            Ok(policy) => {
                self.twice(at, &object, POLICY.code);
                self.expired(at, &object, &policy);
            }
        }
        self.checked += 1;
    }

    /// What no longer lets anybody off.
    fn expired(&mut self, at: Where<'_>, object: &ObjectName, policy: &Policy) {
        let now = self.known.world.now();
        for (number, exemption) in policy.exemptions.iter().enumerate() {
            if exemption.ends.is_none_or(|ends| now < ends) {
                continue;
            }
            let last = last_day(exemption).unwrap_or_default();
            let rules: Vec<&str> = exemption.rules.iter().copied().collect();
            let sentence = format!(
                "its last day was {last}: {} is held to {} again",
                exemption.namespace,
                rules.join(", ")
            );
            let path = format!("spec.exemptions[{number}].expires");
            let finding = Finding::new(codes::EXEMPTION_EXPIRED, path, sentence).of(object);
            self.findings.push(at.place(finding));
        }
    }

    pub(super) fn wiring(&mut self, at: Where<'_>) {
        let object = ObjectName::named(at.value, WIRING.kind, "");
        match (WIRING.read)(at.value) {
            Err(faults) => self.faulty(at, &object, &faults),
            Ok(wiring) => {
                self.twice(at, &object, WIRING.code);
                self.faulty(at, &object, &Wiring::warnings(&wiring));
            }
        }
        self.checked += 1;
    }

    fn faulty(&mut self, at: Where<'_>, object: &ObjectName, faults: &[Fault]) {
        for fault in faults {
            let finding = Finding::new(fault.code, &fault.path, &fault.sentence).of(object);
            self.findings.push(at.place(finding));
        }
    }

    /// Two of one kind and one name: the later one would stand.
    fn twice(&mut self, at: Where<'_>, object: &ObjectName, code: &'static Code) {
        if !self.seen.insert((object.kind, object.name.clone())) {
            let sentence = format!(
                "there are two objects of the kind {} and this name",
                object.kind
            );
            let finding = Finding::new(code, "metadata.name", sentence).of(object);
            self.findings.push(at.place(finding));
        }
    }
}
