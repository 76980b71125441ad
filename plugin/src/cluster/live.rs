//! What a cluster says of the world around its objects: namespaces, CRDs, and what is ready for whom.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::try_join_all;
use jiff::Timestamp;
use semver::Version;
use serde_json::Value;
use thanos_core::fields::Served;
use thanos_core::subject::Kind;
use thanos_core::{Credential, names, versions};

use super::Cluster;
use super::resource::{CRDS, NAMESPACES, Resource};
use super::trouble::Trouble;
use crate::facts::World;
use crate::failure::Failure;

/// As many namespaces are asked for one by one; more are listed.
const ONE_BY_ONE: usize = 8;

/// Gathers it.
pub(super) async fn world(
    cluster: &Cluster,
    namespaces: &[&str],
    wirings: &[Value],
) -> Result<World, Failure> {
    let mut world = World::empty(Timestamp::now());
    for namespace in self::namespaces(cluster, namespaces).await? {
        if let Some(name) = namespace["metadata"]["name"].as_str() {
            world.set_namespace(name, labels(&namespace));
        }
    }
    for (kind, crd) in crds(cluster).await? {
        if let Some(served) = Served::from_crd(&crd) {
            world.set_served(kind, Arc::new(served));
        }
        if kind == Kind::Prometheus {
            world.set_operator(operator_version(&crd));
        }
    }
    for wiring in wirings {
        let name = wiring["metadata"]["name"].as_str().unwrap_or_default();
        for (namespace, credential) in credentials(wiring) {
            world.set_credential(name, &namespace, credential);
        }
    }
    Ok(world)
}

async fn namespaces(cluster: &Cluster, names: &[&str]) -> Result<Vec<Value>, Trouble> {
    if names.len() > ONE_BY_ONE {
        return cluster.list(&NAMESPACES.all()).await;
    }
    let asked = names
        .iter()
        .map(async |name| cluster.find(&NAMESPACES.named(name)).await);
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}

/// The labels of an object.
pub(crate) fn labels(object: &Value) -> BTreeMap<String, String> {
    let labels = object["metadata"]["labels"].as_object();
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    labels.into_iter().flatten().filter_map(text).collect()
}

/// The operator's CRDs that are there.
pub(crate) async fn crds(cluster: &Cluster) -> Result<Vec<(Kind, Value)>, Trouble> {
    let asked = Kind::ALL.map(async |kind| {
        let crd = cluster
            .find(&CRDS.named(&Resource::of(kind).qualified()))
            .await?;
        Ok::<_, Trouble>(crd.map(|crd| (kind, crd)))
    });
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}

/// The version of the operator that a CRD belongs to.
pub(crate) fn operator_version(crd: &Value) -> Option<Version> {
    versions::parse(crd["metadata"]["annotations"][names::OPERATOR_VERSION].as_str()?)
}

/// Why a namespace is not ready that no controller has looked at yet, in the webhook's own word.
pub(crate) const UNCHECKED: &str = "NotChecked";

/// What a wiring's status says of each enrolled namespace.
pub(crate) fn credentials(wiring: &Value) -> BTreeMap<String, Credential> {
    let looked_at = wiring["status"]["namespaces"].as_array();
    let status = |name: &str| looked_at?.iter().find(|status| status["name"] == name);
    let said = enrolled(wiring).into_iter().map(|name| {
        let credential = match status(name) {
            Some(status) if status["ready"] == true => Credential::Ready,
            Some(status) => {
                Credential::Missing(status["reason"].as_str().unwrap_or(UNCHECKED).to_owned())
            }
            None => Credential::Missing(UNCHECKED.to_owned()),
        };
        (name.to_owned(), credential)
    });
    said.collect()
}

/// The condition of that type in an object's status; null where it has none.
pub(crate) fn condition<'v>(object: &'v Value, of: &str) -> &'v Value {
    let conditions = object["status"]["conditions"].as_array();
    let found = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == of);
    found.unwrap_or(&Value::Null)
}

/// The namespaces on a wiring's list.
pub(crate) fn enrolled(wiring: &Value) -> Vec<&str> {
    let listed = wiring["spec"]["credentials"]["namespaces"].as_array();
    listed
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}
