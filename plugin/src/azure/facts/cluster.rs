//! Which subscription, and which AKS cluster in it.

use serde_json::Value;
use thanos_core::codes;

use super::found::{Cluster, text};
use crate::azure::ids::{self, version};
use crate::azure::{Azure, Wish};
use crate::failure::Failure;

/// Where everything is.
pub(super) struct Place {
    pub(super) subscription: String,
    pub(super) tenant: String,
    pub(super) cluster: Option<Cluster>,
}

struct Subscription {
    id: String,
    name: String,
    tenant: String,
}

/// By the flags, else by what the cluster says of itself.
pub(super) async fn place(azure: &Azure, wish: &Wish) -> Result<Place, Failure> {
    let all = azure
        .arm
        .list("/subscriptions", version::SUBSCRIPTIONS, None)
        .await
        .map_err(|trouble| trouble.told("the subscriptions cannot be listed"))?;
    let all: Vec<Subscription> = all.iter().filter_map(read).collect();
    let of_node = wish
        .provider_id
        .as_deref()
        .and_then(|id| ids::part(id, "subscriptions"));
    let chosen = match wish.subscription.as_deref().or(of_node) {
        Some(word) => all
            .iter()
            .find(|one| one.id.eq_ignore_ascii_case(word) || one.name.eq_ignore_ascii_case(word))
            .ok_or_else(|| none(word, &all, azure.logged_in_by()))?,
        None => match all.as_slice() {
            [only] => only,
            [] => return Err(none("any", &all, azure.logged_in_by())),
            _ => {
                let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
                return Err(Failure::usage("which subscription is not clear")
                    .because(format!("the login sees {}", names.join(", ")))
                    .hint("--subscription NAME"));
            }
        },
    };
    Ok(Place {
        cluster: cluster(azure, wish, &chosen.id).await?,
        subscription: chosen.id.clone(),
        tenant: chosen.tenant.clone(),
    })
}

fn read(value: &Value) -> Option<Subscription> {
    Some(Subscription {
        id: text(value, "/subscriptionId")?,
        name: text(value, "/displayName").unwrap_or_default(),
        tenant: text(value, "/tenantId").unwrap_or_default(),
    })
}

fn none(word: &str, all: &[Subscription], way: &str) -> Failure {
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let sees = if names.is_empty() {
        format!("the login ({way}) sees no subscription")
    } else {
        format!("the login ({way}) sees {}", names.join(", "))
    };
    Failure::failed(format!("the subscription {word} is not there"))
        .code(codes::AZURE_NOT_FOUND)
        .because(sees)
        .hint("az account list --output table; then az login, or --subscription NAME")
}

async fn cluster(
    azure: &Azure,
    wish: &Wish,
    subscription: &str,
) -> Result<Option<Cluster>, Failure> {
    let path = format!(
        "/subscriptions/{subscription}/providers/Microsoft.ContainerService/managedClusters"
    );
    let all = azure
        .arm
        .list(&path, version::CLUSTERS, None)
        .await
        .map_err(|trouble| trouble.told("the AKS clusters cannot be listed"))?;
    let all: Vec<Cluster> = all.iter().filter_map(Cluster::read).collect();
    let mut found: Vec<&Cluster> = all.iter().filter(|one| is_meant(one, wish)).collect();
    if found.len() > 1 {
        // The same name in two groups: the group that is named decides.
        found.retain(|one| {
            let group = ids::part(&one.id, "resourceGroups").unwrap_or_default();
            wish.resource_group
                .as_deref()
                .is_some_and(|wanted| wanted.eq_ignore_ascii_case(group))
        });
        if found.len() != 1 {
            return Err(Failure::usage("which AKS cluster is not clear")
                .because("several clusters have that name")
                .hint("--resource-group NAME, the cluster's own"));
        }
    }
    if let (None, Some(name)) = (found.first(), &wish.aks_cluster) {
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        return Err(
            Failure::failed(format!("the AKS cluster {name} is not there"))
                .code(codes::AZURE_NOT_FOUND)
                .because(format!(
                    "the subscription {subscription} holds [{}]",
                    names.join(", ")
                ))
                .hint(
                    "az aks list --output table; then --aks-cluster NAME, or --subscription NAME",
                ),
        );
    }
    Ok(found.first().copied().cloned())
}

/// By name, else by the API server's host name, else by the group of its nodes.
fn is_meant(cluster: &Cluster, wish: &Wish) -> bool {
    if let Some(name) = &wish.aks_cluster {
        return cluster.name.eq_ignore_ascii_case(name);
    }
    let by_server = wish
        .server
        .as_deref()
        .is_some_and(|server| cluster.is_at(server));
    let by_node = wish
        .provider_id
        .as_deref()
        .and_then(|id| ids::part(id, "resourceGroups"))
        .is_some_and(|group| group.eq_ignore_ascii_case(&cluster.node_group));
    by_server || by_node
}
