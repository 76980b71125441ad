//! What is wanted of Azure: what flags, a file of answers and the cluster say. What is left out, the facts fill.

use serde::{Deserialize, Serialize};

/// What a hub wants of Azure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wish {
    /// The hub's name: part of default names, and the value of the tag on everything that is made.
    pub hub: String,
    /// Id or display name. Left out: the one that the cluster's nodes name, else the only one there is.
    #[serde(default)]
    pub subscription: Option<String>,
    /// Where new resources are made. Left out: the cluster's own group. Made when it is not there.
    #[serde(default)]
    pub resource_group: Option<String>,
    /// The AKS cluster's name. Left out: found by `server` or `provider_id`.
    #[serde(default)]
    pub aks_cluster: Option<String>,
    /// Host name of the kubeconfig's server.
    #[serde(default)]
    pub server: Option<String>,
    /// `spec.providerID` of any node.
    #[serde(default)]
    pub provider_id: Option<String>,
    /// Left out: the cluster's.
    #[serde(default)]
    pub location: Option<String>,
    /// Left out: `thanos` and ten digits that follow from subscription, group and hub.
    #[serde(default)]
    pub storage_account: Option<String>,
    /// The blob container.
    #[serde(default = "container")]
    pub storage_container: String,
    /// The user-assigned identity's name. Left out: `<hub>-thanos`, or the hub's name where it contains `thanos`.
    #[serde(default)]
    pub identity: Option<String>,
    /// As whom Thanos reaches the storage.
    #[serde(default)]
    pub mode: Mode,
    /// The ServiceAccounts of Thanos that the identity is federated with; at most 20.
    #[serde(default)]
    pub service_accounts: Vec<Account>,
    /// Also what the article grants: "Reader and Data Access" on the whole account.
    #[serde(default)]
    pub article_roles: bool,
    /// The hub's names in a DNS zone.
    #[serde(default)]
    pub dns: Option<DnsWish>,
    /// A Managed Grafana.
    #[serde(default)]
    pub grafana: Option<GrafanaWish>,
    /// Address of Azure Resource Manager, for a cloud of one's own. Left out: by `AZURE_AUTHORITY_HOST`.
    #[serde(default)]
    pub arm_endpoint: Option<String>,
}

fn container() -> String {
    "thanos".to_owned()
}

impl Wish {
    /// The least wish of a hub: storage and an identity, beside the cluster that is found.
    pub fn of(hub: &str) -> Self {
        Self {
            hub: hub.to_owned(),
            subscription: None,
            resource_group: None,
            aks_cluster: None,
            server: None,
            provider_id: None,
            location: None,
            storage_account: None,
            storage_container: container(),
            identity: None,
            mode: Mode::Workload,
            service_accounts: Vec::new(),
            article_roles: false,
            dns: None,
            grafana: None,
            arm_endpoint: None,
        }
    }
}

/// As whom Thanos reaches the storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A user-assigned identity, federated with the ServiceAccounts of Thanos alone.
    #[default]
    Workload,
    /// The identity of the nodes: every pod on them can be it.
    Kubelet,
}

/// A ServiceAccount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Names that lead to the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsWish {
    /// The zone's name, or its resource id. It must exist: a registrar must point at it.
    pub zone: String,
    /// The domain; hosts right below it share one wildcard record.
    pub domain: String,
    /// The hosts that clients use.
    pub hosts: Vec<String>,
    /// The gateway's address, where it is already known.
    #[serde(default)]
    pub address: Option<std::net::IpAddr>,
}

/// A Managed Grafana.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrafanaWish {
    /// The workspace's name; made when it is not there.
    pub name: String,
    /// Where Grafana reads: `https://query.<domain>`.
    pub url: String,
}
