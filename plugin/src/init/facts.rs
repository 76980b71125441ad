//! The look at the cluster before anything is planned. Read only.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use semver::Version;
use serde_json::Value;
use thanos_core::names;
use thanos_core::subject::Kind;

use super::wish::Wish;
use crate::cluster::Cluster;
use crate::cluster::live;
use crate::cluster::resource::{At, CRDS, MUTATING, VALIDATING, WIRINGS, wiring_crd_name};
use crate::cluster::trouble::Sort;
use crate::enroll::facts::{Found, binding, look, role};
use crate::enroll::parts::Values;
use crate::enroll::plan::Terms;
use crate::enroll::wish::copied;
use crate::failure::Failure;

/// What was found.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Where the API server is.
    pub(crate) server: String,
    /// Its version.
    pub(crate) version: String,
    /// The operator's version, where its CRDs say one.
    pub(crate) operator: Option<Version>,
    /// The kinds of the operator that are served.
    pub(crate) kinds: BTreeSet<Kind>,
    /// Our CRD.
    pub(crate) crd: Option<Value>,
    /// The wiring of that name.
    pub(crate) wiring: Option<Value>,
    /// Which webhook configurations are there.
    pub(crate) registered: Registered,
    /// What is in each namespace that is to be enrolled.
    pub(crate) namespaces: Vec<(String, Found)>,
    /// The credential of a namespace that was enrolled before.
    pub(crate) copied: Values,
    /// What whoever asks may not do, of all that could be needed.
    pub(crate) denied: BTreeSet<(&'static str, String)>,
}

/// Which webhook configurations are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Registered {
    pub(crate) mutating: bool,
    pub(crate) validating: bool,
}

/// Looks.
pub(crate) async fn gather(
    cluster: &Cluster,
    wish: &Wish,
    terms: &Terms,
) -> Result<Facts, Failure> {
    let version = cluster.version().await?;
    let ours = CRDS.named(&wiring_crd_name());
    let (crds, crd) = futures::try_join!(live::crds(cluster), cluster.find(&ours))?;
    let wiring = match crd {
        Some(_) => wiring(cluster, &terms.wiring).await?,
        None => None,
    };
    let [mutating, validating] = [
        MUTATING.named(names::REGISTRATION),
        VALIDATING.named(names::REGISTRATION),
    ];
    let (mutating, validating) =
        futures::try_join!(cluster.find(&mutating), cluster.find(&validating))?;
    let enrolled: &[String] = if terms.holders.is_empty() {
        &[]
    } else {
        &wish.namespaces
    };
    let looks = enrolled.iter().map(async |namespace| {
        let found = look(cluster, &terms.wiring, &terms.holders, namespace).await?;
        Ok::<_, Failure>((namespace.clone(), found))
    });
    Ok(Facts {
        server: cluster.server().to_owned(),
        version,
        operator: crds.iter().find_map(|(_, crd)| live::operator_version(crd)),
        kinds: crds.iter().map(|(kind, _)| *kind).collect(),
        crd,
        registered: Registered {
            mutating: mutating.is_some(),
            validating: validating.is_some(),
        },
        namespaces: try_join_all(looks).await?,
        copied: credential(cluster, wiring.as_ref(), enrolled, terms).await?,
        denied: denied(cluster, enrolled, terms).await?,
        wiring,
    })
}

/// The wiring; a CRD that is not yet served holds none.
async fn wiring(cluster: &Cluster, name: &str) -> Result<Option<Value>, Failure> {
    match cluster.find(&WIRINGS.named(name)).await {
        Err(trouble) if trouble.sort == Sort::NotServed => Ok(None),
        found => Ok(found?),
    }
}

/// What is there of ours already, so that one member keeps one password: in the namespaces that are to be enrolled, or
/// in the first one that was.
async fn credential(
    cluster: &Cluster,
    wiring: Option<&Value>,
    wished: &[String],
    terms: &Terms,
) -> Result<Values, Failure> {
    let enrolled = wiring.map(live::enrolled).unwrap_or_default();
    let first = enrolled.first().map(|first| (*first).to_owned());
    for namespace in wished.iter().chain(&first) {
        let values = copied(cluster, terms, namespace).await?;
        if !values.is_empty() {
            return Ok(values);
        }
    }
    Ok(Values::new())
}

/// Asks for every right that a plan could need.
async fn denied(
    cluster: &Cluster,
    namespaces: &[String],
    terms: &Terms,
) -> Result<BTreeSet<(&'static str, String)>, Failure> {
    let asked = rights(namespaces, terms)
        .into_iter()
        .map(async |(verb, at)| {
            let allowed = cluster.may(verb, &at).await?;
            Ok::<_, Failure>((!allowed).then(|| (verb, at.to_string())))
        });
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}

/// The rights that making or changing everything takes.
fn rights(namespaces: &[String], terms: &Terms) -> Vec<(&'static str, At)> {
    let mut objects = vec![CRDS.named(&wiring_crd_name()), WIRINGS.named(&terms.wiring)];
    for namespace in namespaces {
        objects.extend(terms.holders.iter().map(|holder| holder.at(namespace)));
        objects.extend([
            role(&terms.wiring, namespace),
            binding(&terms.wiring, namespace),
        ]);
    }
    objects
        .into_iter()
        .flat_map(|at| [("create", at.clone()), ("patch", at)])
        .collect()
}
