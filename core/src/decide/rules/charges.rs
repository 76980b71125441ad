//! From findings to what is said and done about them: enforcement, ratchet, exemptions, united over the policies.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::case::{Finding, Findings};
use super::{RULES, Rule};
use crate::codes::{self, Code};
use crate::decision::Fault;
use crate::policy::{Enforcement, Policy};

/// The most that one rule of one policy charges an object with: whoever writes the object chooses how much is wrong.
pub(super) const MOST_FINDINGS: usize = 256;

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
}

/// The charges as they come in. Equal ones of several policies are one.
#[derive(Default)]
pub(super) struct Gathered {
    charges: Vec<Charge>,
    at: BTreeMap<Key, usize>,
}

/// Rule, path, sentence, exempt and enforcement.
type Key = (&'static str, String, String, bool, Enforcement);

impl Gathered {
    /// What one rule of one policy has found, beside what it finds in the object as it was.
    pub(super) fn add(
        &mut self,
        rule: &Rule,
        policy: &Policy,
        enforcement: Enforcement,
        exempt: bool,
        found: Findings,
        had: &Findings,
    ) {
        let had: HashSet<_> = had.0.iter().map(Finding::sameness).collect();
        let mut found: Vec<_> = found
            .0
            .into_iter()
            .map(|finding| (had.contains(&finding.sameness()), finding))
            .collect();
        if found.len() > MOST_FINDINGS {
            // What is new goes first: nobody may hide it behind what was there.
            found.sort_by_key(|(before, _)| *before);
            found.truncate(MOST_FINDINGS);
        }
        for (before, finding) in found {
            let mut enforcement = finding
                .at_most
                .map_or(enforcement, |most| most.min(enforcement));
            if before {
                enforcement = enforcement.min(Enforcement::Warn);
            }
            let key = (
                rule.code.code,
                finding.path.clone(),
                finding.sentence.clone(),
                exempt,
                enforcement,
            );
            if let Some(at) = self.at.get(&key) {
                let policies = &mut self.charges[*at].policies;
                if !policies.contains(&policy.name) {
                    policies.push(Arc::clone(&policy.name));
                }
                continue;
            }
            self.at.insert(key, self.charges.len());
            self.charges.push(Charge {
                rule: rule.code,
                code: finding.code.unwrap_or(rule.code),
                path: finding.path,
                sentence: finding.sentence,
                enforcement,
                had: before,
                exempt,
                policies: vec![Arc::clone(&policy.name)],
            });
        }
    }

    /// What no policy that denies lets in: nobody can judge it. An object that stays as it was is warned of.
    pub(super) fn unjudged(&mut self, policy: &Policy, sentence: &str, stays: bool) {
        let rules = RULES.iter().filter(|rule| !rule.is_about_secrets());
        let most = rules.filter_map(|rule| policy.enforcement_of(rule)).max();
        let Some(enforcement) = most else { return };
        let enforcement = if stays {
            enforcement.min(Enforcement::Warn)
        } else {
            enforcement
        };
        let mut same = self.charges.iter_mut();
        if let Some(charge) = same.find(|charge| charge.enforcement == enforcement) {
            charge.policies.push(Arc::clone(&policy.name));
            return;
        }
        self.charges.push(Charge {
            rule: codes::MALFORMED,
            code: codes::MALFORMED,
            path: "spec".to_owned(),
            sentence: sentence.to_owned(),
            enforcement,
            had: stays,
            exempt: false,
            policies: vec![Arc::clone(&policy.name)],
        });
    }

    /// What is said whatever the policies are.
    pub(super) fn extend(&mut self, charges: impl IntoIterator<Item = Charge>) {
        self.charges.extend(charges);
    }

    /// The whole judgement. What one policy refuses another need not warn of.
    pub(super) fn settle(mut self) -> Judgement {
        self.charges.sort_by(|a, b| {
            (a.exempt, std::cmp::Reverse(a.enforcement))
                .cmp(&(b.exempt, std::cmp::Reverse(b.enforcement)))
        });
        let mut said: BTreeSet<(&str, String, String)> = BTreeSet::new();
        let charges = self.charges.into_iter().filter(|charge| {
            let words = (
                charge.rule.code,
                charge.path.clone(),
                charge.sentence.clone(),
            );
            let is_new = !said.contains(&words);
            if !charge.exempt {
                said.insert(words);
            }
            is_new
        });
        Judgement {
            charges: charges.collect(),
        }
    }
}
