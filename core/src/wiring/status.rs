//! What the controller writes into a wiring's status.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the controller has found.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ThanosWiringStatus {
    /// The generation that the rest of the status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Each enrolled namespace, and whether its credential is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "namespace_statuses")]
    pub namespaces: Vec<NamespaceStatus>,
    /// Objects that this wiring selects and has wired.
    #[serde(default)]
    pub wired: i32,
    /// Objects that this wiring selects and has not wired.
    #[serde(default)]
    pub unwired: i32,
    /// Ready, CredentialsReady.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// One enrolled namespace.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceStatus {
    /// The namespace.
    pub name: String,
    /// Whether every Secret and key that the wiring names is there.
    pub ready: bool,
    /// Why not: SecretMissing, KeyMissing, NotPermitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

fn namespace_statuses(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let items = generator.subschema_for::<NamespaceStatus>();
    schemars::json_schema!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": items})
}
