//! What of Azure is a hub's, for `uninstall`: listed, never deleted. The blocks in the container are the users' data.

use serde::Serialize;
use thanos_core::names;

use super::Azure;
use super::ids::{self, version};
use crate::failure::Failure;

/// A resource that carries a hub's tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ours {
    /// Resource id.
    pub id: String,
    /// `Microsoft.Storage/storageAccounts`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether deleting it deletes blocks or dashboards.
    pub holds_data: bool,
    /// What deletes it, for whoever wants that.
    pub command: String,
}

/// Everything in a subscription that carries the tag of this hub, but for DNS records, which have no tags.
///
/// # Errors
/// Azure cannot be asked.
pub async fn ours(azure: &Azure, subscription: &str, hub: &str) -> Result<Vec<Ours>, Failure> {
    let path = format!("/subscriptions/{subscription}/resources");
    let filter = format!(
        "tagName eq '{}' and tagValue eq '{}'",
        names::AZURE_TAG,
        hub.replace('\'', "''")
    );
    let all = azure
        .arm
        .list(&path, version::GROUPS, Some(&filter))
        .await
        .map_err(|trouble| trouble.told("the resources of the hub cannot be listed"))?;
    let mut found: Vec<Ours> = all
        .iter()
        .filter_map(|one| {
            let id = one["id"].as_str()?.to_owned();
            let kind = one["type"].as_str().unwrap_or_default().to_owned();
            Some(Ours {
                name: ids::last(&id).to_owned(),
                holds_data: !kind
                    .eq_ignore_ascii_case("Microsoft.ManagedIdentity/userAssignedIdentities"),
                command: format!("az resource delete --ids {id}"),
                id,
                kind,
            })
        })
        .collect();
    // What holds data comes last.
    found.sort_by(|one, other| (one.holds_data, &one.id).cmp(&(other.holds_data, &other.id)));
    Ok(found)
}
