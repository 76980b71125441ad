//! Resources as they are found: of each answer only what is needed.

use serde_json::Value;

/// An AKS cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Resource id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its region.
    pub location: String,
    /// Every host name of its API server.
    pub hosts: Vec<String>,
    /// The group of its nodes.
    pub node_group: String,
    /// Issuer of its ServiceAccount tokens, byte for byte; `None`: switched off.
    pub issuer: Option<String>,
    /// Whether its webhook for workload identities runs.
    pub has_workload_identity: bool,
    /// Whose token every node can get; `None` on a cluster with a service principal.
    pub kubelet: Option<Kubelet>,
    /// Whether pods are kept from the nodes' identity (`podLinkLocalAccess: None`).
    pub restricts_metadata: bool,
}

/// The nodes' identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kubelet {
    /// For Thanos.
    pub client_id: String,
    /// For role assignments.
    pub object_id: String,
}

/// A storage account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageAccount {
    /// Resource id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The hub that its tag names.
    pub hub: Option<String>,
    /// Where blobs are: `https://ACCOUNT.blob.core.windows.net/`.
    pub blob_endpoint: String,
    /// Whether Azure has finished making it.
    pub is_ready: bool,
    /// Its properties, for comparing.
    pub properties: Value,
}

/// A blob container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// Resource id.
    pub id: String,
    /// Whether anybody may read it.
    pub public: bool,
}

/// A user-assigned identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserIdentity {
    /// Resource id.
    pub id: String,
    /// For Thanos.
    pub client_id: String,
    /// For role assignments.
    pub principal_id: String,
    /// Its tenant.
    pub tenant_id: String,
    /// The hub that its tag names.
    pub hub: Option<String>,
}

/// A federated credential.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Federated {
    /// Its name.
    pub name: String,
    /// Whose tokens it takes.
    pub issuer: String,
    /// `system:serviceaccount:NAMESPACE:NAME`.
    pub subject: String,
    /// For whom those tokens are.
    pub audiences: Vec<String>,
}

/// A role assignment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// Resource id.
    pub id: String,
    /// Where it holds.
    pub scope: String,
    /// Who has it.
    pub principal: String,
    /// The role's GUID.
    pub role: String,
}

/// A DNS zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// Resource id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Those records that the hub's names need, where they are there.
    pub records: Vec<Record>,
}

/// An address record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Below its zone: `*`.
    pub name: String,
    /// Where it leads.
    pub addresses: Vec<String>,
    /// Whether it is an alias of another resource.
    pub is_alias: bool,
    /// The hub that its metadata name.
    pub hub: Option<String>,
    /// For a safe change.
    pub etag: String,
}

/// A Managed Grafana.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    /// Resource id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it answers.
    pub endpoint: String,
    /// The hub that its tag names.
    pub hub: Option<String>,
    /// Whether Azure has finished making it.
    pub is_ready: bool,
}

pub(super) fn text(value: &Value, pointer: &str) -> Option<String> {
    let text = value.pointer(pointer)?.as_str()?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// The hub that a resource's tag names.
fn tag(value: &Value) -> Option<String> {
    let tags = value["tags"].as_object()?;
    let (_, hub) = tags
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(thanos_core::names::AZURE_TAG))?;
    Some(hub.as_str()?.to_owned())
}

/// A resource without a state is ready.
fn is_ready(value: &Value) -> bool {
    matches!(
        value["properties"]["provisioningState"].as_str(),
        None | Some("Succeeded")
    )
}

impl Cluster {
    /// Whether a host is one of its API server.
    pub(in crate::azure) fn is_at(&self, server: &str) -> bool {
        self.hosts
            .iter()
            .any(|host| host.eq_ignore_ascii_case(server))
    }

    pub(super) fn read(value: &Value) -> Option<Self> {
        let properties = &value["properties"];
        let host = |name: &str| text(properties, &format!("/{name}"));
        let issuer = &properties["oidcIssuerProfile"];
        let kubelet = &properties["identityProfile"]["kubeletidentity"];
        Some(Self {
            id: text(value, "/id")?,
            name: text(value, "/name")?,
            location: text(value, "/location")?,
            hosts: ["fqdn", "privateFQDN", "azurePortalFQDN", "fqdnSubdomain"]
                .iter()
                .filter_map(|name| host(name))
                .collect(),
            node_group: text(properties, "/nodeResourceGroup").unwrap_or_default(),
            issuer: text(issuer, "/issuerURL")
                .or_else(|| text(issuer, "/issuerUrl"))
                .filter(|_| issuer["enabled"] != Value::Bool(false)),
            has_workload_identity: properties["securityProfile"]["workloadIdentity"]["enabled"]
                == Value::Bool(true),
            kubelet: text(kubelet, "/objectId").map(|object_id| Kubelet {
                client_id: text(kubelet, "/clientId").unwrap_or_default(),
                object_id,
            }),
            restricts_metadata: text(properties, "/networkProfile/podLinkLocalAccess").as_deref()
                == Some("None"),
        })
    }
}

impl StorageAccount {
    pub(in crate::azure) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            id: text(value, "/id")?,
            name: text(value, "/name")?,
            hub: tag(value),
            blob_endpoint: text(value, "/properties/primaryEndpoints/blob").unwrap_or_default(),
            is_ready: is_ready(value),
            properties: value["properties"].clone(),
        })
    }
}

impl UserIdentity {
    pub(in crate::azure) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            id: text(value, "/id")?,
            client_id: text(value, "/properties/clientId")?,
            principal_id: text(value, "/properties/principalId")?,
            tenant_id: text(value, "/properties/tenantId").unwrap_or_default(),
            hub: tag(value),
        })
    }
}

impl Federated {
    pub(super) fn read(value: &Value) -> Option<Self> {
        let audiences = value["properties"]["audiences"].as_array();
        Some(Self {
            name: text(value, "/name")?,
            issuer: text(value, "/properties/issuer")?,
            subject: text(value, "/properties/subject")?,
            audiences: audiences
                .into_iter()
                .flatten()
                .filter_map(|audience| Some(audience.as_str()?.to_owned()))
                .collect(),
        })
    }
}

impl Assignment {
    pub(super) fn read(value: &Value) -> Option<Self> {
        let role = text(value, "/properties/roleDefinitionId")?;
        Some(Self {
            id: text(value, "/id")?,
            scope: text(value, "/properties/scope")?,
            principal: text(value, "/properties/principalId")?,
            role: crate::azure::ids::last(&role).to_ascii_lowercase(),
        })
    }
}

impl Workspace {
    pub(in crate::azure) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            id: text(value, "/id")?,
            name: text(value, "/name")?,
            endpoint: text(value, "/properties/endpoint").unwrap_or_default(),
            hub: tag(value),
            is_ready: is_ready(value),
        })
    }
}
