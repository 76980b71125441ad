//! From findings to what is said and done about them: enforcement, ratchet, exemptions, united over the policies.

use std::sync::Arc;

use super::Rule;
use super::case::Findings;
use crate::codes::Code;
use crate::decision::Fault;
use crate::policy::{Enforcement, Policy};

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Charge {
    /// The rule's row in the registry.
    pub rule: &'static Code,
    /// The row that says most about it: the rule's own, or that of what Thanos would say.
    pub code: &'static Code,
    /// Where: `spec.remoteWrite[0].url`.
    pub path: String,
    /// What is wrong there, without any value that could be secret.
    pub sentence: String,
    /// What happens about it.
    pub enforcement: Enforcement,
    /// Whether the object had it before.
    pub had: bool,
    /// Whether an exemption lets the object off; nothing happens then.
    pub exempt: bool,
    /// The policies that say so, lowest name first.
    pub policies: Vec<Arc<str>>,
}

impl Charge {
    /// deny, warn, audit, exempt.
    pub fn word(&self) -> &'static str {
        if self.exempt {
            "exempt"
        } else {
            self.enforcement.word()
        }
    }

    /// As a fault: code, path and sentence, with the policies.
    pub fn fault(&self) -> Fault {
        let policies: Vec<&str> = self.policies.iter().map(|name| &**name).collect();
        let said = match policies.as_slice() {
            [] => self.sentence.clone(),
            [one] => format!("{} (policy {one})", self.sentence),
            several => format!("{} (policies {})", self.sentence, several.join(", ")),
        };
        Fault::new(self.code, self.path.clone(), said)
    }
}

/// Everything that is wrong with an object: what is refused first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// In the order of enforcement, then rule, then path.
    pub charges: Vec<Charge>,
}

impl Judgement {
    /// What the object is refused for.
    pub fn denied(&self) -> impl Iterator<Item = &Charge> {
        self.with(Enforcement::Deny)
    }

    /// What whoever applies it is warned of.
    pub fn warned(&self) -> impl Iterator<Item = &Charge> {
        self.with(Enforcement::Warn)
    }

    /// What is only written down.
    pub fn audited(&self) -> impl Iterator<Item = &Charge> {
        self.with(Enforcement::Audit)
    }

    fn with(&self, enforcement: Enforcement) -> impl Iterator<Item = &Charge> {
        self.charges
            .iter()
            .filter(move |charge| charge.enforcement == enforcement && !charge.exempt)
    }

    pub(super) fn add(
        &mut self,
        rule: &Rule,
        policy: &Policy,
        enforcement: Enforcement,
        exempt: bool,
        found: Findings,
        had: &Findings,
    ) {
        for finding in found.0 {
            let before = had.0.iter().any(|old| old.same(&finding));
            let mut enforcement = finding
                .at_most
                .map_or(enforcement, |most| most.min(enforcement));
            if before {
                enforcement = enforcement.min(Enforcement::Warn);
            }
            let charge = Charge {
                rule: rule.code,
                code: finding.code.unwrap_or(rule.code),
                path: finding.path,
                sentence: finding.sentence,
                enforcement,
                had: before,
                exempt,
                policies: vec![Arc::clone(&policy.name)],
            };
            let same = |other: &&mut Charge| {
                other.rule == charge.rule
                    && other.path == charge.path
                    && other.sentence == charge.sentence
                    && other.exempt == charge.exempt
                    && other.enforcement == charge.enforcement
            };
            match self.charges.iter_mut().find(same) {
                Some(other) if other.policies.contains(&policy.name) => {}
                Some(other) => other.policies.push(Arc::clone(&policy.name)),
                None => self.charges.push(charge),
            }
        }
    }

    /// What one policy refuses another need not warn of.
    pub(super) fn settle(&mut self) {
        self.charges.sort_by(|a, b| {
            (a.exempt, std::cmp::Reverse(a.enforcement))
                .cmp(&(b.exempt, std::cmp::Reverse(b.enforcement)))
        });
        let mut kept: Vec<Charge> = Vec::new();
        for charge in self.charges.drain(..) {
            let said = kept.iter().any(|other| {
                !other.exempt
                    && other.rule == charge.rule
                    && other.path == charge.path
                    && other.sentence == charge.sentence
            });
            if !said {
                kept.push(charge);
            }
        }
        self.charges = kept;
    }
}
