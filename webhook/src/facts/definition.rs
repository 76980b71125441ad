//! A CustomResourceDefinition of 500 to 830 KB → which of the few fields that matter it knows.
//!
//! Only what [`FIELDS`] names is kept while reading; everything else is skipped without being stored.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value, json};
use thanos_core::fields::{FIELDS, Served};

/// The fields that a served CRD knows; `None` when the text is no CRD that serves a version.
pub(super) fn served(text: &str) -> Option<Served> {
    let definition: Definition = serde_json::from_str(text).ok()?;
    let version = definition
        .spec
        .versions
        .into_iter()
        .find(|version| version.served)?;
    Some(Served::from_schema(&version.schema?.open_api_v3_schema.0))
}

#[derive(Deserialize)]
struct Definition {
    spec: Spec,
}

#[derive(Deserialize)]
struct Spec {
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    served: bool,
    schema: Option<Schema>,
}

#[derive(Deserialize)]
struct Schema {
    #[serde(rename = "openAPIV3Schema")]
    open_api_v3_schema: Pruned,
}

/// A schema with nothing in it but the paths that matter.
struct Pruned(Value);

impl<'de> Deserialize<'de> for Pruned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut wanted = Wanted::default();
        for field in FIELDS {
            wanted.add(&format!("properties.spec.{}", field.path));
        }
        Keep(&wanted).deserialize(deserializer).map(Pruned)
    }
}

/// A tree of member names. A leaf keeps that a member is there, and nothing of it.
#[derive(Default)]
struct Wanted(BTreeMap<String, Wanted>);

impl Wanted {
    /// Adds a path of [`FIELDS`] in the words of a schema: `a[].b` is `properties.a.items.properties.b`.
    fn add(&mut self, path: &str) {
        let mut at = self;
        for (index, segment) in path.split('.').enumerate() {
            let (name, is_list) = segment
                .strip_suffix("[]")
                .map_or((segment, false), |name| (name, true));
            if index > 1 {
                at = at.0.entry("properties".to_owned()).or_default();
            }
            at = at.0.entry(name.to_owned()).or_default();
            if is_list {
                at = at.0.entry("items".to_owned()).or_default();
            }
        }
    }
}

struct Keep<'w>(&'w Wanted);

impl<'de> DeserializeSeed<'de> for Keep<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.0.0.is_empty() {
            IgnoredAny::deserialize(deserializer)?;
            return Ok(json!({}));
        }
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keep<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a part of a schema")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            match self.0.0.get(&name) {
                Some(wanted) => {
                    kept.insert(name, members.next_value_seed(Keep(wanted))?);
                }
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Value::Object(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(schema: &Value) -> Value {
        json!({"kind": "CustomResourceDefinition", "metadata": {"name": "x"}, "spec": {"versions": [
            {"name": "v0", "served": false, "schema": {"openAPIV3Schema": {}}},
            {"name": "v1", "served": true, "schema": {"openAPIV3Schema": schema}},
        ]}})
    }

    #[test]
    fn keeps_what_core_would_have_read_from_the_whole() {
        let schema = json!({"type": "object", "properties": {"status": {"type": "object"}, "spec": {
            "type": "object", "properties": {
                "externalLabels": {"type": "object"},
                "paused": {"type": "boolean"},
                "shardingStrategy": {"properties": {"topology": {"properties": {"externalLabelName": {"type": "string"}}}}},
                "remoteWrite": {"type": "array", "items": {"type": "object", "properties": {
                    "url": {"type": "string"}, "azureAd": {"properties": {"cloud": {}, "sdk": {"type": "object"}}},
                }}},
            },
        }}});
        let definition = definition(&schema);
        let served = served(&definition.to_string()).unwrap();
        assert_eq!(Some(&served), Served::from_crd(&definition).as_ref());
        assert!(
            served.knows("remoteWrite[].azureAd.sdk") && !served.knows("remoteWrite[].headers")
        );
        assert!(served.knows("shardingStrategy.topology.externalLabelName"));
    }

    #[test]
    fn says_what_is_no_definition() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"spec":{"versions":[]}}"#,
            r#"{"spec":{"versions":[{"served":true}]}}"#,
        ] {
            assert!(served(text).is_none(), "{text}");
        }
    }
}
