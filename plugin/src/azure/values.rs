//! What the Thanos chart must be told of Azure.

use serde::Serialize;

/// For the values `identity.*` and `objectStorage.azure.*` of charts/thanos.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Values {
    /// `identity.mode`: `workload` or `kubelet`.
    pub mode: String,
    /// `identity.clientId`.
    pub client_id: String,
    /// `identity.tenantId`.
    pub tenant_id: String,
    /// `objectStorage.azure.storageAccount`.
    pub storage_account: String,
    /// `objectStorage.azure.container`.
    pub container: String,
    /// `objectStorage.azure.endpoint`: `blob.core.windows.net`, or what the account says of itself.
    pub endpoint: String,
    /// The subscription, for cert-manager's DNS solver and for what is told.
    pub subscription: String,
    /// The resource group of what was made.
    pub resource_group: String,
    /// Where the Managed Grafana answers, if one is wished and made.
    pub grafana: Option<String>,
}
