//! What is known of the world: from a file of the kind Facts, from a cluster, or assumed, and then said to be.
//!
//! ```text
//! facts.yaml ─> World::read ──┐
//! a cluster ──> World::empty ─┼─> world.facts(kind, namespace, rules) ─> thanos_core::Facts ─> decide
//! nothing ────> World::assumed┘
//! ```
//!
//! ```
//! # use kubectl_thanos::facts::{World, rules};
//! # use thanos_core::{Kind, Subject, decide};
//! # fn story(facts_yaml: &str, wiring_yaml: &str, object: &serde_json::Value) -> Result<(), kubectl_thanos::Failure> {
//! let now = "2026-11-24T00:00:00Z".parse().unwrap_or_default();
//! let world = World::read("facts.yaml", facts_yaml, std::path::Path::new("."), now)?;
//! let rules = rules("wiring.yaml", wiring_yaml)?;
//! if let Ok(subject) = Subject::read(object, None, "default") {
//!     let decision = decide(&subject, &world.facts(subject.kind, subject.namespace, &rules), &rules);
//! #   let _ = decision;
//! }
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use semver::Version;
use thanos_core::fields::Served;
use thanos_core::{Credential, Facts, Kind, Rules, Wiring, names};

use crate::failure::Failure;

mod file;
mod look;
mod ours;
mod wirings;
mod written;

pub(crate) use file::located;
pub(crate) use look::Known;
pub(crate) use ours::{POLICY, WIRING, is_ours};
pub use wirings::rules;
pub use written::Written;

/// What is known of the world around all subjects of one command.
#[derive(Clone, Debug)]
pub struct World {
    now: Timestamp,
    operator: Option<Version>,
    served: BTreeMap<Kind, Arc<Served>>,
    /// `None`: every namespace is assumed to be there, without labels of its own.
    namespaces: Option<BTreeMap<String, Arc<Labels>>>,
    /// Per wiring and namespace. `None`: every credential is assumed to be there.
    credentials: Option<BTreeMap<String, BTreeMap<String, Credential>>>,
    /// Whether nobody has said anything, so that the newest CRDs are assumed, too.
    is_assumed: bool,
}

/// Labels of a namespace.
pub type Labels = BTreeMap<String, String>;

impl World {
    /// A world of which nothing is known but the time: namespaces have no labels, credentials are there, CRDs are
    /// those of the newest operator that we know, and the operator's version is not known.
    pub fn assumed(now: Timestamp) -> Self {
        Self {
            now,
            operator: None,
            served: BTreeMap::new(),
            namespaces: None,
            credentials: None,
            is_assumed: true,
        }
    }

    /// A world without any namespace or credential, into which everything that was found is put.
    pub fn empty(now: Timestamp) -> Self {
        Self {
            namespaces: Some(BTreeMap::new()),
            credentials: Some(BTreeMap::new()),
            is_assumed: false,
            ..Self::assumed(now)
        }
    }

    /// Reads the text of a facts file. Paths in it are relative to `folder`; `now` stands in where it says no time.
    ///
    /// # Errors
    /// Every fault at once, each with its place (KTH0007); a CRD file that cannot be read.
    pub fn read(name: &str, text: &str, folder: &Path, now: Timestamp) -> Result<Self, Failure> {
        file::read(name, text, folder, now)
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Sets the time.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Sets the operator's version.
    pub fn set_operator(&mut self, version: Option<Version>) {
        self.operator = version;
    }

    /// Sets which fields the served CRD of a kind knows.
    pub fn set_served(&mut self, kind: Kind, served: Arc<Served>) {
        self.served.insert(kind, served);
    }

    /// Puts in a namespace. The label that the API server gives every namespace is added.
    pub fn set_namespace(&mut self, name: &str, mut labels: Labels) {
        labels.insert(names::NAMESPACE_NAME.to_owned(), name.to_owned());
        let namespaces = self.namespaces.get_or_insert_default();
        namespaces.insert(name.to_owned(), Arc::new(labels));
    }

    /// Puts in whether a wiring's credential is in a namespace.
    pub fn set_credential(&mut self, wiring: &str, namespace: &str, credential: Credential) {
        let of_wiring = self
            .credentials
            .get_or_insert_default()
            .entry(wiring.to_owned());
        of_wiring
            .or_default()
            .insert(namespace.to_owned(), credential);
    }

    /// What is known around one subject.
    pub fn facts(&self, kind: Kind, namespace: &str, rules: &Rules) -> Facts {
        let labels = match &self.namespaces {
            Some(known) => known.get(namespace).map(Arc::clone),
            None => Some(Arc::new(Labels::from([(
                names::NAMESPACE_NAME.to_owned(),
                namespace.to_owned(),
            )]))),
        };
        let naming = rules
            .wirings()
            .iter()
            .filter(|wiring| !wiring.references.is_empty());
        Facts {
            now: self.now,
            namespace: labels,
            credentials: naming
                .map(|wiring| (Arc::clone(&wiring.name), self.credential(wiring, namespace)))
                .collect(),
            operator: self.operator.clone(),
            served: self.served(kind),
            lately: thanos_core::facts::Lately::default(),
        }
    }

    /// Which fields the served CRD of a kind knows.
    pub fn served(&self, kind: Kind) -> Arc<Served> {
        self.served
            .get(&kind)
            .map_or_else(|| Arc::new(Served::newest(kind)), Arc::clone)
    }

    /// Whether nobody has said which fields the served CRD of a kind knows.
    pub fn assumes_crd(&self, kind: Kind) -> bool {
        !self.served.contains_key(&kind)
    }

    fn credential(&self, wiring: &Wiring, namespace: &str) -> Credential {
        let listed = wiring.enrolled.contains(namespace);
        let Some(known) = &self.credentials else {
            // What the wiring says itself need not be assumed.
            return if listed || wiring.enrolled.is_empty() {
                Credential::Ready
            } else {
                Credential::NotEnrolled
            };
        };
        match known
            .get(&*wiring.name)
            .and_then(|namespaces| namespaces.get(namespace))
        {
            Some(credential) => credential.clone(),
            None if listed => Credential::Missing("SecretMissing".to_owned()),
            None => Credential::NotEnrolled,
        }
    }

    /// Whether credentials are only assumed to be there.
    pub fn assumes_credentials(&self) -> bool {
        self.credentials.is_none()
    }

    /// What was assumed, each a short sentence; empty when everything that can matter is known.
    pub fn assumptions(&self, rules: &Rules) -> Vec<&'static str> {
        let references = rules
            .wirings()
            .iter()
            .any(|wiring| !wiring.references.is_empty());
        let parts = [
            (self.namespaces.is_none(), "namespaces have no labels"),
            (
                self.credentials.is_none() && references,
                "the credential is in every enrolled namespace",
            ),
            (self.is_assumed, "the newest CRDs"),
        ];
        parts
            .into_iter()
            .filter_map(|(assumed, sentence)| assumed.then_some(sentence))
            .collect()
    }
}
