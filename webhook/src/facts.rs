//! What is known of the cluster, in memory → core facts. One bounded GET on an unknown namespace and for the object behind
//! a Scale, never a call otherwise.
//!
//! [`Knowledge`] can be filled by hand, so that tests ask the whole webhook without a cluster:
//!
//! ```
//! # use thanos_webhook::facts::Knowledge;
//! let knowledge = Knowledge::new();
//! knowledge.put_namespace("monitoring", [("team", "a")]);
//! // knowledge.put_wiring(&wiring)?; knowledge.put_crd(Kind::Prometheus, served, operator);
//! ```

mod definition;
mod kept;
mod namespaces;
mod parents;
mod watch;
mod wirings;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use kube::Client;
use semver::Version;
use serde_json::Value;
use thanos_core::facts::Lately;
use thanos_core::fields::Served;
use thanos_core::{Facts, Kind, Rules};
use tokio::sync::Notify;
use tokio::time::Instant;

use kept::Kept;
use namespaces::Namespaces;
use parents::Parents;
use wirings::Wirings;

pub use kept::Stored;
pub use watch::watch;
pub(crate) use wirings::UNCHECKED;

/// Labels of a namespace, shared with every decision about it.
pub type Labels = Arc<BTreeMap<String, String>>;

/// What is known of the cluster. Shared; written by watches, read by every review.
pub struct Knowledge {
    wirings: Wirings,
    namespaces: Namespaces,
    definitions: ArcSwap<BTreeMap<Kind, Definition>>,
    parents: Parents,
    kept: Option<Kept>,
    grace: Grace,
    began: Instant,
}

/// For how long a rule must not refuse what was right until then.
#[derive(Clone, Copy, Debug)]
pub struct Grace {
    /// After a wiring changed, what it was before counts too.
    pub wiring: Duration,
    /// After the start not every wiring may be known.
    pub start: Duration,
}

impl Default for Grace {
    /// Knowledge that is put in by hand has no start to recover from.
    fn default() -> Self {
        Self {
            wiring: Duration::from_secs(60),
            start: Duration::ZERO,
        }
    }
}

/// What is kept of one of the operator's CRDs.
#[derive(Clone, Debug)]
struct Definition {
    served: Arc<Served>,
    operator: Option<Version>,
}

impl Default for Knowledge {
    fn default() -> Self {
        Self::new()
    }
}

impl Knowledge {
    /// Knows nothing, and asks nobody: what is not put in is unknown.
    pub fn new() -> Self {
        Self {
            wirings: Wirings::default(),
            namespaces: Namespaces::new(None),
            definitions: ArcSwap::default(),
            parents: Parents::new(None),
            kept: None,
            grace: Grace::default(),
            began: Instant::now(),
        }
    }

    /// Knows nothing yet, and asks the API server for a namespace that it does not know and for what is scaled.
    pub fn asking(client: Client) -> Self {
        Self {
            namespaces: Namespaces::new(Some(client.clone())),
            parents: Parents::new(Some(client)),
            ..Self::new()
        }
    }

    /// With other times of grace, from now on.
    #[must_use]
    pub fn with_grace(self, grace: Grace) -> Self {
        Self { grace, ..self }
    }

    /// Knows nothing yet, and asks nobody; keeps wirings and policies as they are stored too, and tells `changed` of every change.
    pub fn keeping(changed: Arc<Notify>) -> Self {
        Self {
            kept: Some(Kept::new(changed)),
            ..Self::new()
        }
    }

    /// Says what is stored behind a Scale: it is not asked for then.
    pub fn put_parent(&self, kind: Kind, object: &Value) {
        self.parents.put(kind, object);
    }

    /// The object behind a Scale; `None` where there is none, or no answer in time.
    pub async fn parent(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        deadline: Instant,
    ) -> Option<Value> {
        self.parents.get(kind, namespace, name, deadline).await
    }

    fn tell(&self) {
        if let Some(kept) = &self.kept {
            kept.tell();
        }
    }

    /// Puts a namespace in with all its labels. The label with its own name is added, as the API server does.
    pub fn put_namespace<K, V>(&self, name: &str, labels: impl IntoIterator<Item = (K, V)>)
    where
        K: Into<String>,
        V: Into<String>,
    {
        let labels = labels
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        self.namespaces.put(name, labels);
        self.tell();
    }

    /// Forgets a namespace.
    pub fn remove_namespace(&self, name: &str) {
        self.namespaces.remove(name);
        self.tell();
    }

    /// Forgets every namespace that is not among these.
    fn keep_namespaces(&self, names: &BTreeSet<String>) {
        self.namespaces.keep_only(names);
        self.tell();
    }

    /// The names of the namespaces that are known.
    pub fn namespaces(&self) -> BTreeSet<String> {
        self.namespaces.names()
    }

    /// Says what the served CRD of a kind knows, and which operator it belongs to. Not said: the newest one, unknown.
    pub fn put_crd(&self, kind: Kind, served: Served, operator: Option<Version>) {
        let definition = Definition {
            served: Arc::new(served),
            operator,
        };
        self.definitions.rcu(|known| {
            let mut known = BTreeMap::clone(known);
            known.insert(kind, definition.clone());
            known
        });
        self.tell();
    }

    /// Forgets the CRD of a kind.
    pub fn remove_crd(&self, kind: Kind) {
        self.definitions.rcu(|known| {
            let mut known = BTreeMap::clone(known);
            known.remove(&kind);
            known
        });
        self.tell();
    }

    /// The wirings and the policies that are right, lowest name first.
    pub fn rules(&self) -> Arc<Rules> {
        self.wirings.rules()
    }

    /// The rules, and the facts around an object of `kind` in `namespace`. Rules and credentials are of one moment.
    ///
    /// Only an unknown namespace takes time, and `deadline` bounds it.
    pub async fn facts(
        &self,
        kind: Kind,
        namespace: &str,
        now: Timestamp,
        deadline: Instant,
    ) -> (Arc<Rules>, Facts) {
        let (rules, credentials) = self.wirings.of(namespace);
        // Without a wiring and a policy nothing is asked about the namespace, so nobody is asked for it.
        let labels = if rules.wirings().is_empty() && rules.policies().is_empty() {
            self.namespaces.known(namespace)
        } else {
            self.namespaces.get(namespace, deadline).await
        };
        let definition = self.definitions.load().get(&kind).cloned();
        let (served, operator) = match definition {
            Some(Definition { served, operator }) => (served, operator),
            None => (Arc::new(Served::newest(kind)), None),
        };
        (
            rules,
            Facts {
                now,
                namespace: labels,
                credentials,
                operator,
                served,
                lately: Lately {
                    wirings: self.wirings.lately(self.grace.wiring, Instant::now()),
                    started: self.began.elapsed() < self.grace.start,
                },
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn the_start_counts_as_lately_for_as_long_as_it_was_told() {
        let started = |start| {
            let grace = Grace {
                start,
                ..Grace::default()
            };
            let knowledge = Knowledge::new().with_grace(grace);
            let now = Timestamp::UNIX_EPOCH;
            let facts = knowledge.facts(Kind::Prometheus, "a", now, Instant::now());
            facts.now_or_never().unwrap().1.lately.started
        };
        assert!(started(Duration::from_secs(60)));
        assert!(!started(Duration::ZERO));
    }
}
