//! As whom an object writes: the types, their schema and their CEL.

use kube_derive::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::KeyReference;

/// As whom an object writes: exactly one member.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.basicAuth), has(self.authorization), has(self.azureAd), has(self.none)].filter(set, set).size() == 1").message("exactly one of basicAuth, authorization, azureAd and none must be set"))]
pub struct Auth {
    /// User name and password, each a key of a Secret in the object's own namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    /// A token in a Secret in the object's own namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,
    /// Keyless, on Azure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_ad: Option<AzureAd>,
    /// No authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<NoAuth>,
}

/// No authentication: an empty object.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[schemars(schema_with = "empty_object")]
pub struct NoAuth {}

fn empty_object(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object", "maxProperties": 0})
}

/// User name and password.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]

pub struct BasicAuth {
    /// The user name's key.
    pub username: KeyReference,
    /// The password's key.
    pub password: KeyReference,
}

/// An `Authorization` header.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct Authorization {
    /// The scheme. Basic is basicAuth's.
    #[serde(rename = "type", default = "default_scheme")]
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9-]+$') && self.lowerAscii() != 'basic'").message("must be an authentication scheme other than Basic"))]
    pub scheme: String,
    /// The token's key.
    pub credentials: KeyReference,
}

fn default_scheme() -> String {
    "Bearer".to_owned()
}

/// Keyless authentication on Azure: exactly one of the three identities.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.managedIdentity), has(self.workloadIdentity), has(self.sdk)].filter(set, set).size() == 1").message("exactly one of managedIdentity, workloadIdentity and sdk must be set"))]
pub struct AzureAd {
    /// The Azure cloud, where it is not the public one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<AzureCloud>,
    /// The node's or a user-assigned managed identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_identity: Option<ManagedIdentity>,
    /// The pod's federated identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload_identity: Option<WorkloadIdentity>,
    /// The Azure SDK's own order of credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<AzureSdk>,
    /// The token's scope, where it is not Azure Monitor's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^[a-zA-Z0-9._:/ -]+$')").message("must be a scope"))]
    pub scope: Option<String>,
}

/// An Azure cloud, as the operator names them.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AzureCloud {
    /// The public one.
    AzurePublic,
    /// China's.
    AzureChina,
    /// The United States government's.
    AzureGovernment,
}

/// A managed identity.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ManagedIdentity {
    /// The *client* id of a user-assigned identity.
    #[schemars(schema_with = "uuid")]
    pub client_id: String,
}

/// A federated identity.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadIdentity {
    /// The client id.
    #[schemars(schema_with = "uuid")]
    pub client_id: String,
    /// The Entra tenant.
    #[schemars(schema_with = "uuid")]
    pub tenant_id: String,
}

/// The Azure SDK's own order of credentials.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AzureSdk {
    /// The Entra tenant.
    #[schemars(schema_with = "uuid")]
    pub tenant_id: String,
}

fn uuid(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "maxLength": 36, "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"})
}
