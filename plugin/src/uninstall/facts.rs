//! What of ours is there. Read only.

use serde_json::Value;
use thanos_core::names;

use super::plan::Wish;
use crate::cluster::Cluster;
use crate::cluster::resource::{
    At, CERTIFICATES, CRDS, GATEWAY_CLASSES, GATEWAYS, LEASES, MUTATING, POLICIES, ROLE_BINDINGS,
    ROLES, Resource, SECRETS, VALIDATING, VOLUME_CLAIMS, WIRINGS,
};
use crate::cluster::trouble::{Sort, Trouble};
use crate::failure::Failure;
use crate::helm::chart;
use crate::helm::releases::Installed;
use crate::init::hub::facts::{ENVOY_CONTROLLER, helm_release, releases};
use crate::init::hub::named;
use crate::judge::kind_of;

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
    /// Certificates' Secrets that cert-manager leaves when the hub's Certificate goes.
    pub(crate) left: Vec<(At, Value)>,
    /// Who else uses a release of others that init brought, by its name; looked for only where those are to go.
    pub(crate) users: Vec<(&'static str, String)>,
    /// What `control` was elected by: its next one would wait until it has run out.
    pub(crate) lease: Option<(At, Value)>,
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
    let users = if wish.third_party {
        users(cluster, &wish.hub, &objects).await?
    } else {
        Vec::new()
    };
    let left = left(cluster, &wish.hub, &releases).await?;
    Ok(Facts {
        releases,
        wirings,
        wired: objects.into_iter().filter(is_wired).collect(),
        registrations,
        credentials,
        enrolments,
        claims,
        left,
        users,
        lease: lease(cluster).await?,
        crds,
    })
}

async fn lease(cluster: &Cluster) -> Result<Option<(At, Value)>, Failure> {
    let at = LEASES.within(names::NAMESPACE).named(names::LEASE);
    // It runs out by itself.
    let found = cluster.find_if_allowed(&at).await?;
    Ok(found.map(|lease| (at, lease)))
}

/// Gateways of Envoy Gateway, Certificates and Prometheus objects that no release of this hub brought.
async fn users(
    cluster: &Cluster,
    hub: &str,
    objects: &[Value],
) -> Result<Vec<(&'static str, String)>, Failure> {
    let of = |object: &Value, release: &str| {
        helm_release(object).is_some_and(|(name, _)| name == release)
    };
    let title = |resource: &Resource, object: &Value| {
        let metadata = &object["metadata"];
        let [name, namespace] =
            [&metadata["name"], &metadata["namespace"]].map(|it| it.as_str().unwrap_or_default());
        format!("{}/{name} in namespace {namespace}", resource.singular)
    };
    let classes = served(cluster.list(&GATEWAY_CLASSES.all()).await)?;
    let is_envoys = |gateway: &&Value| {
        classes.iter().any(|class| {
            class["metadata"]["name"] == gateway["spec"]["gatewayClassName"]
                && class["spec"]["controllerName"] == ENVOY_CONTROLLER
        })
    };
    let gateways = served(cluster.list(&GATEWAYS.all()).await)?;
    let gateways = gateways
        .iter()
        .filter(|gateway| !of(gateway, hub))
        .filter(is_envoys)
        .map(|gateway| (chart::ENVOY_GATEWAY.release, title(&GATEWAYS, gateway)));
    let certificates = served(cluster.metadata(&CERTIFICATES.all(), "").await)?;
    let certificates = certificates
        .iter()
        .filter(|one| !of(one, hub))
        .map(|one| (chart::CERT_MANAGER.release, title(&CERTIFICATES, one)));
    let stack = chart::KUBE_PROMETHEUS_STACK.release;
    let objects = objects
        .iter()
        .filter(|object| !of(object, stack))
        .filter_map(|object| {
            let resource = Resource::of(kind_of(object)?);
            Some((stack, title(resource, object)))
        });
    Ok(gateways.chain(certificates).chain(objects).collect())
}

/// What is not served is not used; of what may not be looked at, nobody knows.
fn served(listed: Result<Vec<Value>, Trouble>) -> Result<Vec<Value>, Failure> {
    match listed {
        Err(trouble) if matches!(trouble.sort, Sort::NotServed | Sort::Forbidden) => Ok(Vec::new()),
        listed => Ok(listed?),
    }
}

async fn left(
    cluster: &Cluster,
    hub: &str,
    releases: &[Installed],
) -> Result<Vec<(At, Value)>, Failure> {
    let release = releases
        .iter()
        .find(|release| release.name == hub && release.is_a_hub());
    let Some(release) = release else {
        return Ok(Vec::new());
    };
    let of_certificates = "controller.cert-manager.io/fao=true";
    let own = named(hub, "tls");
    let found = listed(cluster, &SECRETS, Some(&release.namespace), of_certificates).await?;
    let is_own = |(at, _): &(At, Value)| at.name.as_deref() == Some(&own);
    Ok(found.into_iter().filter(is_own).collect())
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
