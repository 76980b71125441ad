//! The look at the cluster before a hub is planned. Read only, and bounded: a few lists of metadata, a few objects.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use semver::Version;
use serde_json::Value;
use thanos_core::{Kind, names, objstore, versions};

use super::credentials::{Kept, SECRETS_OF_HUB};
use super::wish::{Wish, named};
use crate::cluster::Cluster;
use crate::cluster::resource::{
    At, CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, CRDS, DEPLOYMENTS, GATEWAY_CLASSES, MUTATING,
    NAMESPACES, Resource, SECRETS, VALIDATING,
};
use crate::cluster::trouble::Sort;
use crate::enroll::hidden::Hidden;
use crate::failure::Failure;
use crate::helm::releases::{self, Installed};
use crate::init::facts::Registered;

/// Programs that a hub needs or is, by the name that their charts and manifests give them.
const PROGRAMS: [(&str, &str); 10] = [
    ("gateway-helm", "envoy-gateway"),
    ("envoy-gateway", "envoy-gateway"),
    ("cert-manager", "cert-manager"),
    ("prometheus-operator", "prometheus-operator"),
    (
        "kube-prometheus-stack-prometheus-operator",
        "prometheus-operator",
    ),
    ("thanos", "thanos"),
    ("thanos-receive", "thanos"),
    ("thanos-query", "thanos"),
    ("ingress-nginx", "ingress-nginx"),
    ("thanos-webhook", "thanos-webhook"),
];
/// Who takes care of a GatewayClass of Envoy Gateway.
pub(crate) const ENVOY_CONTROLLER: &str = "gateway.envoyproxy.io/gatewayclass-controller";

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) server: String,
    pub(crate) context: Option<String>,
    pub(crate) version: String,
    /// The names of all definitions.
    pub(crate) crds: BTreeSet<String>,
    pub(crate) operator: Option<Version>,
    pub(crate) releases: Vec<Installed>,
    /// Deployments of [`PROGRAMS`]: program, namespace, name, the release that they belong to.
    pub(crate) programs: Vec<Program>,
    /// GatewayClasses and who takes care of them.
    pub(crate) classes: Vec<(String, String)>,
    /// Of those that matter, the ones that are there.
    pub(crate) namespaces: BTreeSet<String>,
    /// The hub's own Secrets.
    pub(crate) kept: Kept,
    /// Where other hubs of this cluster keep their blocks: the hub, and the place.
    pub(crate) stores: Vec<(String, objstore::Config)>,
    /// Whether the Secret with the gateway's certificate is there.
    pub(crate) has_certificate: bool,
    /// Prometheus and PrometheusAgent objects: kind, namespace, name, and the release that they belong to.
    pub(crate) objects: Vec<Subject>,
    pub(crate) registered: Registered,
    /// The release of the webhook configuration that is there.
    pub(crate) registered_by: Option<(String, String)>,
    /// What whoever asks may not do, of what is needed.
    pub(crate) denied: Vec<(&'static str, At)>,
}

/// A program that runs here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// By the second word of [`PROGRAMS`].
    pub(crate) sort: &'static str,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) release: Option<String>,
}

/// A Prometheus or an agent that is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Of kube-prometheus-stack.
    pub(crate) of_stack: bool,
}

impl Facts {
    /// Whether a definition is there.
    pub(crate) fn serves(&self, resource: &Resource) -> bool {
        self.crds.contains(&resource.qualified())
    }

    /// The release of that name.
    pub(crate) fn release(&self, name: &str, namespace: &str) -> Option<&Installed> {
        self.releases
            .iter()
            .find(|release| release.name == name && release.namespace == namespace)
    }

    /// The first program of that sort.
    pub(crate) fn program(&self, program: &str) -> Option<&Program> {
        self.programs.iter().find(|found| found.sort == program)
    }
}

/// Looks.
pub(crate) async fn gather(
    cluster: &Cluster,
    wish: &Wish,
    namespaces: &[&str],
) -> Result<Facts, Failure> {
    let version = cluster.version().await?;
    let [mutating, validating] = [
        MUTATING.named(names::REGISTRATION),
        VALIDATING.named(names::REGISTRATION),
    ];
    let known: Vec<&str> = PROGRAMS.iter().map(|(name, _)| *name).collect();
    let programs = format!("app.kubernetes.io/name in ({})", known.join(","));
    let (crds, releases, programs, mutating, validating) = futures::try_join!(
        async { Ok(cluster.metadata(&CRDS.all(), "").await?) },
        releases(cluster),
        async { Ok(cluster.metadata(&DEPLOYMENTS.all(), &programs).await?) },
        async { Ok::<_, Failure>(cluster.find(&mutating).await?) },
        async { Ok(cluster.find(&validating).await?) },
    )?;
    let operator = crds.iter().find_map(|crd| {
        let is_it = crd["metadata"]["name"] == Resource::of(Kind::Prometheus).qualified();
        let said = crd["metadata"]["annotations"][names::OPERATOR_VERSION].as_str();
        versions::parse(said.filter(|_| is_it)?)
    });
    let mut facts = Facts {
        server: cluster.server().to_owned(),
        context: cluster.context().map(str::to_owned),
        version,
        crds: crds
            .iter()
            .filter_map(|crd| Some(crd["metadata"]["name"].as_str()?.to_owned()))
            .collect(),
        operator,
        releases,
        programs: programs.iter().filter_map(program).collect(),
        registered: Registered {
            mutating: mutating.is_some(),
            validating: validating.is_some(),
        },
        registered_by: mutating.as_ref().and_then(helm_release),
        ..Facts::default()
    };
    let (found, kept, stores, certificate, classes, objects, denied) = futures::try_join!(
        existing(cluster, namespaces),
        kept(cluster, wish),
        stores(cluster, wish, &facts.releases),
        certificate(cluster, wish),
        classes(cluster, &facts),
        objects(cluster, &facts),
        denied(cluster, wish),
    )?;
    facts.namespaces = found;
    facts.kept = kept;
    facts.stores = stores;
    facts.has_certificate = certificate;
    facts.classes = classes;
    facts.objects = objects;
    facts.denied = denied;
    Ok(facts)
}

/// What helm has installed, anywhere.
pub(crate) async fn releases(cluster: &Cluster) -> Result<Vec<Installed>, Failure> {
    let secrets = cluster.metadata(&SECRETS.all(), releases::SELECTOR).await?;
    Ok(releases::newest(&secrets))
}

fn program(deployment: &Value) -> Option<Program> {
    let metadata = &deployment["metadata"];
    let label = |key: &str| metadata["labels"][key].as_str();
    let name = label("app.kubernetes.io/name")?;
    let (_, program) = PROGRAMS.iter().find(|(known, _)| *known == name)?;
    Some(Program {
        sort: program,
        namespace: metadata["namespace"].as_str()?.to_owned(),
        name: metadata["name"].as_str()?.to_owned(),
        release: label("app.kubernetes.io/instance").map(str::to_owned),
    })
}

/// Whose release an object belongs to, in helm's own words.
pub(crate) fn helm_release(object: &Value) -> Option<(String, String)> {
    let note = |key: &str| {
        object["metadata"]["annotations"][key]
            .as_str()
            .map(str::to_owned)
    };
    Some((
        note("meta.helm.sh/release-name")?,
        note("meta.helm.sh/release-namespace")?,
    ))
}

async fn existing(cluster: &Cluster, names: &[&str]) -> Result<BTreeSet<String>, Failure> {
    let wanted: BTreeSet<&str> = names.iter().copied().collect();
    let looks = wanted.into_iter().map(async |name| {
        let found = cluster.find(&NAMESPACES.named(name)).await?;
        Ok::<_, Failure>(found.map(|_| name.to_owned()))
    });
    Ok(try_join_all(looks).await?.into_iter().flatten().collect())
}

async fn kept(cluster: &Cluster, wish: &Wish) -> Result<Kept, Failure> {
    let looks = SECRETS_OF_HUB.map(async |end| {
        let at = SECRETS.within(&wish.namespace).named(&wish.named(end));
        Ok::<_, Failure>(cluster.find(&at).await?.map(|secret| (end, secret)))
    });
    let found = try_join_all(looks).await?;
    Ok(Kept(found.into_iter().flatten().collect()))
}

/// Only what says where they are; no credential is kept.
async fn stores(
    cluster: &Cluster,
    wish: &Wish,
    releases: &[Installed],
) -> Result<Vec<(String, objstore::Config)>, Failure> {
    let others = releases.iter().filter(|release| {
        let is_own = release.name == wish.name && release.namespace == wish.namespace;
        !is_own && release.is_a_hub()
    });
    let looks = others.map(async |hub| {
        let name = named(&hub.name, "objstore");
        let at = SECRETS.within(&hub.namespace).named(&name);
        let found = cluster.find_if_allowed(&at).await?;
        let file = found.as_ref().and_then(|secret| {
            Hidden::from_base64(secret["data"][super::credentials::OBJSTORE_KEY].as_str()?)
        });
        let place = file.and_then(|file| objstore::judge(file.reveal()).config);
        Ok::<_, Failure>(place.map(|place| (hub.name.clone(), place)))
    });
    Ok(try_join_all(looks).await?.into_iter().flatten().collect())
}

/// Whether the Secret that was named is there; what it holds is not looked at.
async fn certificate(cluster: &Cluster, wish: &Wish) -> Result<bool, Failure> {
    if wish.certificate.is_issued() {
        return Ok(true);
    }
    let at = SECRETS
        .within(&wish.namespace)
        .named(&wish.certificate_secret());
    Ok(cluster.find(&at).await?.is_some())
}

async fn classes(cluster: &Cluster, facts: &Facts) -> Result<Vec<(String, String)>, Failure> {
    if !facts.serves(&GATEWAY_CLASSES) {
        return Ok(Vec::new());
    }
    let classes = match cluster.list(&GATEWAY_CLASSES.all()).await {
        Err(trouble) if trouble.sort == Sort::NotServed => Vec::new(),
        listed => listed?,
    };
    let read = |class: &Value| {
        // A hub's own class comes with the hub, and says nothing of whoever should take care of it.
        let of_hub = class["metadata"]["labels"]["app.kubernetes.io/name"] == "thanos";
        let name = class["metadata"]["name"]
            .as_str()
            .filter(|_| !of_hub)?
            .to_owned();
        Some((name, class["spec"]["controllerName"].as_str()?.to_owned()))
    };
    Ok(classes.iter().filter_map(read).collect())
}

async fn objects(cluster: &Cluster, facts: &Facts) -> Result<Vec<Subject>, Failure> {
    let mut objects = Vec::new();
    for kind in [Kind::Prometheus, Kind::PrometheusAgent] {
        let resource = Resource::of(kind);
        if !facts.serves(resource) {
            continue;
        }
        for found in cluster.metadata(&resource.all(), "").await? {
            let metadata = &found["metadata"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            objects.push(Subject {
                kind,
                namespace: text(&metadata["namespace"]),
                name: text(&metadata["name"]),
                of_stack: metadata["labels"]["app"]
                    .as_str()
                    .is_some_and(|app| app.starts_with("kube-prometheus-stack-prometheus")),
            });
        }
    }
    Ok(objects)
}

/// An admin may do everything, which is one question. Of anybody else, what charts make is asked one by one.
async fn denied(cluster: &Cluster, wish: &Wish) -> Result<Vec<(&'static str, At)>, Failure> {
    static ALL: Resource = Resource {
        group: "*",
        version: "",
        plural: "*",
        kind: "",
        singular: "*",
    };
    if cluster.may("*", &ALL.all()).await? {
        return Ok(Vec::new());
    }
    let within = |resource: &'static Resource| resource.within(&wish.namespace);
    let needed = [
        NAMESPACES.all(),
        CRDS.all(),
        MUTATING.all(),
        VALIDATING.all(),
        CLUSTER_ROLES.all(),
        CLUSTER_ROLE_BINDINGS.all(),
        within(&SECRETS),
        within(&DEPLOYMENTS),
        DEPLOYMENTS.within(names::NAMESPACE),
        SECRETS.within(names::NAMESPACE),
    ];
    let asked = needed.into_iter().map(async |at| {
        let allowed = cluster.may("create", &at).await?;
        Ok::<_, Failure>((!allowed).then_some(("create", at)))
    });
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}
