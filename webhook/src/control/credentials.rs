//! Which enrolled namespaces hold the credential: each Secret and ConfigMap that a wiring names, looked at by name.
//!
//! The right to look is a Role beside each credential, for that one name, so there is nothing to list. Each target is
//! one small task: a GET, answered from the API server's watch cache, then a wait. While there are at most
//! `--credential-watches` targets the wait is a watch of that one name's metadata, as the kubelet does it, and an
//! arrival shows at once; a watch holds a connection (kube speaks HTTP/1.1) and some 40 KiB, so every further target is asked again
//! after `--credential-interval`. At most eight requests run at a time, however many namespaces there are.
//!
//! Values are never kept: of the answer only the names of the keys that are not empty are read.

mod look;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use thanos_core::Wiring;
use thanos_core::wiring::{NamespaceStatus, ReferenceKind};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use look::Shared;

/// One Secret or ConfigMap to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Which of the two.
    pub kind: ReferenceKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What was seen of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is there, with these keys that are not empty.
    Keys(BTreeSet<String>),
    /// It is not there.
    Missing,
    /// This process may not look: the Role beside the credential is missing.
    NotPermitted,
}

/// What was seen, by target. A target that was not looked at yet is not in here.
pub type Looks = BTreeMap<Target, Look>;

/// Everything that a wiring needs to be looked at, in the namespaces that there are.
pub fn targets(wiring: &Wiring, exists: impl Fn(&str) -> bool) -> BTreeSet<Target> {
    let there = wiring.enrolled.iter().filter(|namespace| exists(namespace));
    there
        .flat_map(|namespace| {
            wiring.references.iter().map(|reference| Target {
                kind: reference.kind,
                namespace: namespace.clone(),
                name: reference.name.clone(),
            })
        })
        .collect()
}

/// What the status says about each enrolled namespace; one that was not wholly looked at yet keeps what `before` says.
pub fn readiness(
    wiring: &Wiring,
    exists: impl Fn(&str) -> bool,
    looks: &Looks,
    before: &[NamespaceStatus],
) -> Vec<NamespaceStatus> {
    if wiring.references.is_empty() {
        return Vec::new();
    }
    let judged = wiring.enrolled.iter().filter_map(|namespace| {
        let seen = if exists(namespace) {
            seen(wiring, namespace, looks)
        } else {
            Some(Err("NamespaceMissing"))
        };
        match seen {
            None => before.iter().find(|one| one.name == *namespace).cloned(),
            Some(ready) => Some(NamespaceStatus {
                name: namespace.clone(),
                ready: ready.is_ok(),
                reason: ready.err().map(str::to_owned),
            }),
        }
    });
    judged.collect()
}

/// Whether a namespace is ready, or why not; `None`: not everything was looked at yet.
fn seen(wiring: &Wiring, namespace: &str, looks: &Looks) -> Option<Result<(), &'static str>> {
    let mut reasons = BTreeSet::new();
    for reference in &wiring.references {
        let target = Target {
            kind: reference.kind,
            namespace: namespace.to_owned(),
            name: reference.name.clone(),
        };
        // Sorted by weight: what must be mended first.
        reasons.extend(match (looks.get(&target)?, reference.kind) {
            (Look::NotPermitted, _) => Some((0, "NotPermitted")),
            (Look::Missing, ReferenceKind::Secret) => Some((1, "SecretMissing")),
            (Look::Missing, ReferenceKind::ConfigMap) => Some((2, "ConfigMapMissing")),
            (Look::Keys(keys), _) if !keys.contains(&reference.key) => Some((3, "KeyMissing")),
            (Look::Keys(_), _) => None,
        });
    }
    Some(reasons.first().map_or(Ok(()), |(_, reason)| Err(*reason)))
}

/// Looks at targets as long as it lives.
pub struct Credentials {
    shared: Arc<Shared>,
    tasks: BTreeMap<Target, JoinHandle<()>>,
}

impl Credentials {
    /// Looks at nothing yet; `changed` is told of what it sees.
    pub fn new(client: Client, watches: usize, interval: Duration, changed: Arc<Notify>) -> Self {
        Self {
            shared: Arc::new(Shared::new(client, watches, interval, changed)),
            tasks: BTreeMap::new(),
        }
    }

    /// Looks at exactly these from now on.
    pub fn want(&mut self, targets: &BTreeSet<Target>) {
        let shared = &self.shared;
        self.tasks.retain(|target, task| {
            let wanted = targets.contains(target);
            if !wanted {
                task.abort();
            }
            wanted
        });
        shared.lock().retain(|target, _| targets.contains(target));
        for target in targets {
            if !self.tasks.contains_key(target) {
                let task = tokio::spawn(look::follow(target.clone(), Arc::clone(shared)));
                self.tasks.insert(target.clone(), task);
            }
        }
    }

    /// What was seen so far.
    pub fn looks(&self) -> Looks {
        self.shared.lock().clone()
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        for task in self.tasks.values() {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wiring(tls: bool) -> Wiring {
        let key = |key: &str| json!({"name": "remotewrite-secret", "key": key});
        let mut written = json!({
            "apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosWiring", "metadata": {"name": "hub"},
            "spec": {
                "cluster": "edge",
                "remoteWrite": {
                    "url": "https://receive.example.com/api/v1/receive",
                    "auth": {"basicAuth": {"username": key("user"), "password": key("password")}},
                },
                "credentials": {"namespaces": ["b", "a", "gone"]},
            },
        });
        if tls {
            written["spec"]["remoteWrite"]["tls"] =
                json!({"ca": {"configMap": {"name": "ca", "key": "ca.crt"}}});
        }
        thanos_core::wiring::read(&written).unwrap()
    }

    fn target(namespace: &str, kind: ReferenceKind) -> Target {
        let name = match kind {
            ReferenceKind::Secret => "remotewrite-secret",
            ReferenceKind::ConfigMap => "ca",
        };
        Target {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    fn keys(keys: &[&str]) -> Look {
        Look::Keys(keys.iter().map(|&key| key.to_owned()).collect())
    }

    fn said(wiring: &Wiring, looks: &Looks, before: &[NamespaceStatus]) -> Vec<String> {
        let all = readiness(wiring, |namespace| namespace != "gone", looks, before);
        let words = |one: NamespaceStatus| {
            format!(
                "{} {} {}",
                one.name,
                one.ready,
                one.reason.unwrap_or_default()
            )
        };
        all.into_iter().map(words).collect()
    }

    #[test]
    fn looks_at_one_name_in_each_namespace_that_there_is() {
        let wanted = targets(&wiring(true), |namespace| namespace != "gone");
        let both = |namespace| {
            [
                target(namespace, ReferenceKind::Secret),
                target(namespace, ReferenceKind::ConfigMap),
            ]
        };
        assert_eq!(wanted, both("a").into_iter().chain(both("b")).collect());
    }

    #[test]
    fn every_key_must_be_there_and_filled() {
        let secret = |namespace| target(namespace, ReferenceKind::Secret);
        let looks = Looks::from([
            (secret("a"), keys(&["user", "password"])),
            (secret("b"), keys(&["user"])),
        ]);
        assert_eq!(
            said(&wiring(false), &looks, &[]),
            [
                "a true ",
                "b false KeyMissing",
                "gone false NamespaceMissing"
            ]
        );
        let looks = Looks::from([
            (secret("a"), Look::Missing),
            (secret("b"), Look::NotPermitted),
        ]);
        assert_eq!(
            said(&wiring(false), &looks, &[])[..2],
            ["a false SecretMissing", "b false NotPermitted"]
        );
    }

    #[test]
    fn what_must_be_mended_first_is_said() {
        let mut looks = Looks::from([(
            target("a", ReferenceKind::Secret),
            keys(&["user", "password"]),
        )]);
        looks.insert(target("a", ReferenceKind::ConfigMap), Look::Missing);
        assert_eq!(
            said(&wiring(true), &looks, &[])[0],
            "a false ConfigMapMissing"
        );
        looks.insert(target("a", ReferenceKind::Secret), Look::Missing);
        assert_eq!(said(&wiring(true), &looks, &[])[0], "a false SecretMissing");
        looks.insert(target("a", ReferenceKind::ConfigMap), Look::NotPermitted);
        assert_eq!(said(&wiring(true), &looks, &[])[0], "a false NotPermitted");
    }

    #[test]
    fn what_was_not_looked_at_keeps_what_was_said_before() {
        let before = [NamespaceStatus {
            name: "a".to_owned(),
            ready: true,
            reason: None,
        }];
        assert_eq!(
            said(&wiring(false), &Looks::new(), &before),
            ["a true ", "gone false NamespaceMissing"]
        );
        assert_eq!(
            said(&wiring(false), &Looks::new(), &[]),
            ["gone false NamespaceMissing"]
        );
    }
}
