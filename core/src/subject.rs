//! The object under judgement, read from raw JSON, the raw kept beside; borrowed views over it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::names;

mod scale;

pub use scale::scaled;

/// A kind of the operator's that is wired.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
pub enum Kind {
    /// `monitoring.coreos.com/v1 Prometheus`.
    Prometheus,
    /// `monitoring.coreos.com/v1alpha1 PrometheusAgent`.
    PrometheusAgent,
    /// `monitoring.coreos.com/v1 ThanosRuler`.
    ThanosRuler,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::Prometheus, Kind::PrometheusAgent, Kind::ThanosRuler];

    /// The kind as it stands in `kind`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Prometheus => "Prometheus",
            Kind::PrometheusAgent => "PrometheusAgent",
            Kind::ThanosRuler => "ThanosRuler",
        }
    }

    /// The resource, as it stands in a path.
    pub fn plural(self) -> &'static str {
        match self {
            Kind::Prometheus => "prometheuses",
            Kind::PrometheusAgent => "prometheusagents",
            Kind::ThanosRuler => "thanosrulers",
        }
    }

    /// The resource in the singular, as people type it: `prometheus/k8s`.
    pub fn singular(self) -> &'static str {
        match self {
            Kind::Prometheus => "prometheus",
            Kind::PrometheusAgent => "prometheusagent",
            Kind::ThanosRuler => "thanosruler",
        }
    }

    /// The one version that the operator serves.
    pub fn version(self) -> &'static str {
        match self {
            Kind::PrometheusAgent => "v1alpha1",
            Kind::Prometheus | Kind::ThanosRuler => "v1",
        }
    }

    /// The kind behind what people type: kind, plural or singular, in any case.
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let word = word.split('.').next().unwrap_or_default();
        Self::ALL.into_iter().find(|kind| {
            word == kind.plural()
                || word == kind.singular()
                || matches!(
                    (kind, word),
                    (Kind::Prometheus, "prom")
                        | (Kind::PrometheusAgent, "promagent")
                        | (Kind::ThanosRuler, "ruler")
                )
        })
    }

    /// The kind behind `apiVersion` and `kind` of an object.
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        let (group, _) = api_version.split_once('/')?;
        (group == names::OPERATOR_GROUP)
            .then(|| Self::ALL.into_iter().find(|known| known.name() == kind))?
    }

    /// The field below `spec` that holds the labels of every sample.
    pub fn labels_field(self) -> &'static str {
        match self {
            Kind::Prometheus | Kind::PrometheusAgent => "externalLabels",
            Kind::ThanosRuler => "labels",
        }
    }
}

/// What is being done to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is new.
    Create,
    /// It was there.
    Update,
}

/// Why a document is no subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Another kind of object: none of our business.
    OtherKind,
    /// One of ours, with a part of the wrong shape: its path, and what it must be.
    Malformed(&'static str, &'static str),
}

/// The object under judgement. Everything is borrowed from the raw JSON.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// Its kind.
    pub kind: Kind,
    /// What is being done.
    pub operation: Operation,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name; empty on a create with `generateName`.
    pub name: &'a str,
    /// The object as it came.
    pub raw: &'a Value,
    /// What it was before, on an update.
    pub old: Option<&'a Value>,
}

impl<'a> Subject<'a> {
    /// Reads an object as it is to be. `namespace` stands in where the object names none.
    pub fn read(
        raw: &'a Value,
        old: Option<&'a Value>,
        namespace: &'a str,
    ) -> Result<Self, Unreadable> {
        let text = |pointer: &str| raw.pointer(pointer).and_then(Value::as_str);
        let kind = Kind::of(
            text("/apiVersion").unwrap_or_default(),
            text("/kind").unwrap_or_default(),
        )
        .ok_or(Unreadable::OtherKind)?;
        if !raw["metadata"].is_object() {
            return Err(Unreadable::Malformed("metadata", "an object"));
        }
        for (pointer, path) in [
            ("/metadata/annotations", "metadata.annotations"),
            ("/metadata/labels", "metadata.labels"),
        ] {
            match raw.pointer(pointer) {
                None | Some(Value::Null) => {}
                Some(Value::Object(members)) if members.values().all(Value::is_string) => {}
                Some(_) => return Err(Unreadable::Malformed(path, "a map of strings")),
            }
        }
        Ok(Self {
            kind,
            operation: if old.is_some() {
                Operation::Update
            } else {
                Operation::Create
            },
            namespace: text("/metadata/namespace")
                .filter(|namespace| !namespace.is_empty())
                .unwrap_or(namespace),
            name: text("/metadata/name").unwrap_or_default(),
            raw,
            old,
        })
    }

    /// `kind/namespace/name`, as people read it.
    pub fn title(&self) -> String {
        let name = if self.name.is_empty() {
            self.raw
                .pointer("/metadata/generateName")
                .and_then(Value::as_str)
                .unwrap_or_default()
        } else {
            self.name
        };
        format!("{}/{}/{name}", self.kind.singular(), self.namespace)
    }

    /// An annotation.
    pub fn annotation(&self, key: &str) -> Option<&'a str> {
        self.raw
            .get("metadata")?
            .get("annotations")?
            .get(key)?
            .as_str()
    }

    /// A label.
    pub fn label(&self, key: &str) -> Option<&'a str> {
        self.raw.get("metadata")?.get("labels")?.get(key)?.as_str()
    }

    /// The labels, for a selector.
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        labels_of(self.raw)
    }

    /// A field below `spec`; `None` where it is absent or null.
    pub fn spec(&self, field: &str) -> Option<&'a Value> {
        self.raw
            .get("spec")?
            .get(field)
            .filter(|value| !value.is_null())
    }

    /// A text below `spec`.
    pub fn spec_text(&self, field: &str) -> Option<&'a str> {
        self.spec(field)?.as_str()
    }

    /// Whether the object is on its way out.
    pub fn deleting(&self) -> bool {
        self.raw
            .pointer("/metadata/deletionTimestamp")
            .is_some_and(|at| !at.is_null())
    }

    /// Whether `spec` is what it was; never true on a create.
    pub fn spec_is_unchanged(&self) -> bool {
        self.old
            .is_some_and(|old| old.get("spec") == self.raw.get("spec"))
    }
}

/// The labels of any object, for a selector.
pub(crate) fn labels_of(object: &Value) -> BTreeMap<String, String> {
    let labels = object
        .get("metadata")
        .and_then(|metadata| metadata.get("labels"))
        .and_then(Value::as_object);
    labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// The members of a value that must be a map of strings; `None` for anything else.
pub(crate) fn string_map(value: &Value) -> Option<&Map<String, Value>> {
    value
        .as_object()
        .filter(|members| members.values().all(Value::is_string))
}
