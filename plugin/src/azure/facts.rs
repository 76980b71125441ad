//! What is there: the subscription, the cluster, and everything that a hub would have made. Reads only.

use serde_json::Value;
use thanos_core::codes;

use super::arm::Trouble;
use super::ids::{self, version};
use super::wish::Wish;
use super::{Azure, dns, grafana};
use crate::failure::Failure;

mod cluster;
mod found;

pub use found::{
    Assignment, Cluster, Container, Federated, Kubelet, Record, StorageAccount, UserIdentity,
    Workspace, Zone,
};
pub use grafana::Board;

/// What is known of Azure.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Subscription id.
    pub subscription: String,
    /// Tenant id.
    pub tenant: String,
    /// The AKS cluster.
    pub cluster: Option<Cluster>,
    /// Id of the resource group for new resources.
    pub group: String,
    /// Whether that group is there.
    pub group_exists: bool,
    /// Where new resources are made.
    pub location: String,
    /// The storage account's name, given or derived.
    pub account_name: String,
    /// The account, wherever in the subscription it is.
    pub account: Option<StorageAccount>,
    /// Why an account of that name cannot be made.
    pub name_refused: Option<String>,
    /// The container, where its account is there.
    pub container: Option<Container>,
    /// The user-assigned identity's name, given or derived.
    pub identity_name: String,
    /// The user-assigned identity.
    pub identity: Option<UserIdentity>,
    /// With whom it is federated.
    pub federated: Vec<Federated>,
    /// The roles of the identity that reaches the storage, there and above.
    pub assignments: Vec<Assignment>,
    /// The DNS zone, where one is wished and there.
    pub zone: Option<Zone>,
    /// The Grafana workspace, where one is wished and there.
    pub workspace: Option<Workspace>,
    /// What Grafana itself holds, where we may ask it.
    pub board: Option<Board>,
    /// Object id of whoever is logged in.
    pub caller: String,
    /// `User` or `ServicePrincipal`.
    pub caller_kind: &'static str,
    /// The roles of whoever is logged in, on the workspace and above.
    pub caller_assignments: Vec<Assignment>,
}

/// Looks at everything that the wish names.
///
/// # Errors
/// Azure cannot be asked; the subscription or the cluster cannot be told apart from others.
pub async fn gather(azure: &Azure, wish: &Wish) -> Result<Facts, Failure> {
    let place = cluster::place(azure, wish).await?;
    let mut facts = Facts {
        subscription: place.subscription,
        tenant: place.tenant,
        cluster: place.cluster,
        ..Facts::default()
    };
    group(azure, wish, &mut facts).await?;
    let caller = azure.arm.caller().await?;
    facts.caller = caller.object_id;
    facts.caller_kind = caller.kind;
    storage(azure, wish, &mut facts).await?;
    roles(azure, wish, &mut facts).await?;
    if let Some(wanted) = &wish.dns {
        facts.zone = dns::look(azure, wanted, &facts.subscription).await?;
    }
    if let Some(wanted) = &wish.grafana {
        workspace(azure, wish, wanted, &mut facts).await?;
    }
    Ok(facts)
}

/// The subscription that a wish is about.
///
/// # Errors
/// Azure cannot be asked, or several would do.
pub async fn subscription(azure: &Azure, wish: &Wish) -> Result<String, Failure> {
    Ok(cluster::place(azure, wish).await?.subscription)
}

async fn group(azure: &Azure, wish: &Wish, facts: &mut Facts) -> Result<(), Failure> {
    let of_cluster = facts
        .cluster
        .as_ref()
        .and_then(|cluster| ids::part(&cluster.id, "resourceGroups"));
    let Some(name) = wish.resource_group.as_deref().or(of_cluster) else {
        return Err(Failure::usage(
            "no resource group is named, and no cluster is found to take it from",
        )
        .hint("--resource-group NAME"));
    };
    facts.group = ids::group(&facts.subscription, name);
    let found = azure
        .arm
        .get(&facts.group, version::GROUPS)
        .await
        .map_err(|trouble| trouble.told("the resource group cannot be looked at"))?;
    facts.group_exists = found.is_some();
    let of_group = found.and_then(|group| group["location"].as_str().map(str::to_owned));
    let of_cluster = facts
        .cluster
        .as_ref()
        .map(|cluster| cluster.location.clone());
    facts.location = wish
        .location
        .clone()
        .or(of_cluster)
        .or(of_group)
        .unwrap_or_default();
    Ok(())
}

async fn storage(azure: &Azure, wish: &Wish, facts: &mut Facts) -> Result<(), Failure> {
    let told = |trouble: Trouble| trouble.told("the storage account cannot be looked at");
    facts.account_name = wish.storage_account.clone().unwrap_or_else(|| {
        let words = format!("{}|{}", facts.group.to_ascii_lowercase(), wish.hub);
        format!("thanos{}", ids::digits(&words, 10))
    });
    let accounts = format!(
        "/subscriptions/{}/providers/Microsoft.Storage/storageAccounts",
        facts.subscription
    );
    let all = azure
        .arm
        .list(&accounts, version::STORAGE, None)
        .await
        .map_err(told)?;
    facts.account = all.iter().find_map(|account| {
        let found = StorageAccount::read(account)?;
        found
            .name
            .eq_ignore_ascii_case(&facts.account_name)
            .then_some(found)
    });
    let Some(account) = &facts.account else {
        let path = format!(
            "/subscriptions/{}/providers/Microsoft.Storage/checkNameAvailability",
            facts.subscription
        );
        let asked = serde_json::json!({
            "name": facts.account_name,
            "type": "Microsoft.Storage/storageAccounts",
        });
        let answer = azure
            .arm
            .ask(&path, version::STORAGE, &asked)
            .await
            .map_err(told)?;
        if answer["nameAvailable"] == Value::Bool(false) {
            let message = answer["message"].as_str().unwrap_or("the name is not free");
            facts.name_refused = Some(message.to_owned());
        }
        return Ok(());
    };
    let id = ids::container(&account.id, &wish.storage_container);
    facts.container = azure
        .arm
        .get(&id, version::STORAGE)
        .await
        .map_err(|trouble| trouble.told("the container cannot be looked at"))?
        .map(|container| Container {
            public: container["properties"]["publicAccess"]
                .as_str()
                .is_some_and(|access| access != "None"),
            id,
        });
    Ok(())
}

async fn roles(azure: &Azure, wish: &Wish, facts: &mut Facts) -> Result<(), Failure> {
    facts.identity_name = wish.identity.clone().unwrap_or_else(|| {
        if wish.hub.contains("thanos") {
            wish.hub.clone()
        } else {
            format!("{}-thanos", wish.hub)
        }
    });
    let id = ids::resource(
        &facts.group,
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        &facts.identity_name,
    );
    let told = |trouble: Trouble| trouble.told("the identity cannot be looked at");
    if wish.mode == super::Mode::Workload {
        let found = azure
            .arm
            .get(&id, version::IDENTITIES)
            .await
            .map_err(told)?;
        facts.identity = found.as_ref().and_then(UserIdentity::read);
        if facts.identity.is_some() {
            let path = format!("{id}/federatedIdentityCredentials");
            let all = azure
                .arm
                .list(&path, version::IDENTITIES, None)
                .await
                .map_err(told)?;
            facts.federated = all.iter().filter_map(Federated::read).collect();
        }
    }
    let Some(principal) = facts.principal(wish) else {
        return Ok(());
    };
    let scope = match (&facts.container, &facts.account) {
        (Some(container), _) => &container.id,
        (None, Some(account)) => &account.id,
        (None, None) => return Ok(()),
    };
    facts.assignments = assignments(azure, scope, &format!("principalId eq '{principal}'")).await?;
    Ok(())
}

async fn workspace(
    azure: &Azure,
    wish: &Wish,
    wanted: &super::GrafanaWish,
    facts: &mut Facts,
) -> Result<(), Failure> {
    let path = format!(
        "/subscriptions/{}/providers/Microsoft.Dashboard/grafana",
        facts.subscription
    );
    let all = azure
        .arm
        .list(&path, version::GRAFANA, None)
        .await
        .map_err(|trouble| trouble.told("the Grafana workspace cannot be looked at"))?;
    facts.workspace = all.iter().find_map(|workspace| {
        let found = Workspace::read(workspace)?;
        found
            .name
            .eq_ignore_ascii_case(&wanted.name)
            .then_some(found)
    });
    let Some(workspace) = &facts.workspace else {
        return Ok(());
    };
    let filter = format!("assignedTo('{}')", facts.caller);
    let found = assignments(azure, &workspace.id, &filter).await?;
    let is_admin = found
        .iter()
        .any(|one| one.role == ids::GRAFANA_ADMIN.id && ids::holds(&one.scope, &workspace.id));
    if is_admin && workspace.is_ready {
        facts.board = grafana::look(azure, &workspace.endpoint, &wish.hub).await;
    }
    facts.caller_assignments = found;
    Ok(())
}

async fn assignments(azure: &Azure, scope: &str, filter: &str) -> Result<Vec<Assignment>, Failure> {
    let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
    let all = azure
        .arm
        .list(&path, version::ASSIGNMENTS, Some(filter))
        .await
        .map_err(|trouble| trouble.told("the role assignments cannot be looked at"))?;
    Ok(all.iter().filter_map(Assignment::read).collect())
}

impl Facts {
    /// Object id of the identity that reaches the storage, where it is known yet.
    pub fn principal(&self, wish: &Wish) -> Option<&str> {
        match wish.mode {
            super::Mode::Workload => Some(self.identity.as_ref()?.principal_id.as_str()),
            super::Mode::Kubelet => {
                Some(self.cluster.as_ref()?.kubelet.as_ref()?.object_id.as_str())
            }
        }
    }

    /// A refusal that names the ways out, where something had to be there and is not.
    pub(super) fn missing(what: &str, hint: String) -> Failure {
        Failure::failed(what.to_owned())
            .code(codes::AZURE_NOT_FOUND)
            .hint(hint)
    }
}
