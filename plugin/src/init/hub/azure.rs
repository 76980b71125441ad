//! Where a hub meets Azure: the storage, the identity and the record that `plugin/src/azure` makes.

use serde_json::Value;

use super::wish::usage;
use crate::cli::HubArgs;
use crate::failure::Failure;

/// What is wished of Azure.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// For DNS-01, and for the record.
    pub(crate) dns_zone: Option<String>,
    pub(crate) grafana: Option<String>,
}

/// What the hub's charts must know of what was made in Azure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    pub(crate) storage_account: String,
    pub(crate) container: String,
    pub(crate) endpoint: String,
    pub(crate) client_id: String,
    pub(crate) tenant_id: String,
    /// cert-manager's Azure DNS solver, as the chart's values have it.
    pub(crate) dns_solver: Option<Value>,
    /// The client id of cert-manager's identity.
    pub(crate) cert_manager_client_id: Option<String>,
}

/// Reads it off the flags; `None` under `--no-azure`.
pub(crate) fn wish(hub: &HubArgs, _name: &str) -> Result<Option<Wish>, Vec<Failure>> {
    if hub.no_azure {
        return Ok(None);
    }
    Err(vec![
        usage("Azure is not told: --subscription, --resource-group and --aks-cluster are missing")
            .hint("--no-azure --objstore-file FILE makes a hub on any Kubernetes"),
    ])
}
