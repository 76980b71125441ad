//! What of ours is there. Read only.

use serde_json::Value;
use thanos_core::names;

use super::plan::Wish;
use crate::cluster::Cluster;
use crate::cluster::resource::{
    At, CRDS, MUTATING, POLICIES, ROLE_BINDINGS, ROLES, Resource, SECRETS, VALIDATING,
    VOLUME_CLAIMS, WIRINGS,
};
use crate::cluster::trouble::Sort;
use crate::failure::Failure;
use crate::helm::releases::Installed;
use crate::init::hub::facts::{helm_release, releases};

/// A webhook configuration, and the name and namespace of the release that it belongs to.
pub(crate) type Registration = (At, Value, Option<(String, String)>);

/// What was found. Objects are metadata alone, but for wirings and what is wired.
#[derive(Clone, Default)]
pub(crate) struct Facts {
    pub(crate) releases: Vec<Installed>,
    pub(crate) wirings: Vec<Value>,
    /// Objects with a record of ours.
    pub(crate) wired: Vec<Value>,
    /// Those under our name.
    pub(crate) registrations: Vec<Registration>,
    /// Secrets of hubs.
    pub(crate) credentials: Vec<(At, Value)>,
    /// What enrolments made: Secrets, Roles and RoleBindings.
    pub(crate) enrolments: Vec<(At, Value)>,
    /// Volumes that init had made for the hub: they carry its name, and outlive all else.
    pub(crate) claims: Vec<(At, Value)>,
    /// Our definitions.
    pub(crate) crds: Vec<(At, Value)>,
}

/// Looks.
pub(crate) async fn gather(cluster: &Cluster, wish: &Wish) -> Result<Facts, Failure> {
    let releases = releases(cluster).await?;
    let wirings = match cluster.list(&WIRINGS.all()).await {
        Err(trouble) if trouble.sort == Sort::NotServed => Vec::new(),
        listed => listed?,
    };
    let (objects, _) = cluster.judged(None).await?;
    let mut registrations = Vec::new();
    for resource in [&MUTATING, &VALIDATING] {
        let at = resource.named(names::REGISTRATION);
        if let Some(found) = cluster.find(&at).await? {
            let release = helm_release(&found);
            registrations.push((at, found, release));
        }
    }
    let ours = format!("{}={}", names::MANAGED_BY, names::MANAGER_PLUGIN);
    let credentials = listed(
        cluster,
        &SECRETS,
        None,
        &format!("{ours},{}={}", names::HUB, wish.hub),
    )
    .await?;
    let mut enrolments = Vec::new();
    for resource in [&ROLE_BINDINGS, &ROLES, &SECRETS] {
        enrolments.extend(
            listed(
                cluster,
                resource,
                None,
                &format!("{ours},{}", names::WIRING),
            )
            .await?,
        );
    }
    let of_hub = format!("{}={}", names::HUB, wish.hub);
    let claims = listed(cluster, &VOLUME_CLAIMS, None, &of_hub).await?;
    let mut crds = Vec::new();
    for resource in [&WIRINGS, &POLICIES] {
        let at = CRDS.named(&resource.qualified());
        crds.extend(cluster.find(&at).await?.map(|found| (at, found)));
    }
    Ok(Facts {
        releases,
        wirings,
        wired: objects.into_iter().filter(is_wired).collect(),
        registrations,
        credentials,
        enrolments,
        claims,
        crds,
    })
}

/// Whether an object holds a record of any wiring.
pub(crate) fn is_wired(object: &Value) -> bool {
    object["metadata"]["annotations"][names::WIRED].is_string()
}

/// The wirings that an object's record names.
pub(crate) fn wirings_of(object: &Value) -> Vec<String> {
    let record = object["metadata"]["annotations"][names::WIRED].as_str();
    let record: Value = serde_json::from_str(record.unwrap_or_default()).unwrap_or_default();
    // Beside the wirings stands the record's own version.
    let wirings = record.as_object().into_iter().flatten();
    let wirings = wirings.filter(|(_, wired)| wired.is_object());
    wirings.map(|(name, _)| name.clone()).collect()
}

async fn listed(
    cluster: &Cluster,
    resource: &'static Resource,
    namespace: Option<&str>,
    labels: &str,
) -> Result<Vec<(At, Value)>, Failure> {
    let at = namespace.map_or_else(|| resource.all(), |namespace| resource.within(namespace));
    let found = cluster.metadata(&at, labels).await?;
    let placed = |object: Value| {
        let metadata = &object["metadata"];
        let namespace = metadata["namespace"].as_str().unwrap_or_default();
        let at = resource.within(namespace).named(metadata["name"].as_str()?);
        Some((at, object))
    };
    Ok(found.into_iter().filter_map(placed).collect())
}
