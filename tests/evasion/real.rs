//! The same tries through the real API server, with our webhooks and a hostile one after them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use thanos_core::names;
use thanos_tests::install::apply;
use thanos_tests::ours::Installed;
use thanos_tests::{Cluster, Options, eventually};

use super::attempt::Attempt;
use super::door::{Door, Real};
use super::later::Later;
use super::oracle::Breach;
use super::seeds::{Seed, wirings};
use super::server::{Answer, Request, kind_of};
use super::{first_number, refused};
use crate::properties::cases;

/// A few more than 2 000: not every object that is to stand there before is one.
const TRIES: u32 = 2_100;
/// A soak makes no more here: it has other things to do.
const MOST: u32 = 20_000;
const AT_ONCE: usize = 24;
const SOON: Duration = Duration::from_secs(60);

/// One try in its namespace.
struct Try<'s> {
    number: u64,
    seed: &'s Seed,
    attempt: Attempt,
    door: Real,
    /// What the object that stood there before has of what is forbidden.
    old: BTreeSet<Breach>,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_gets_in_through_the_api_server() -> Result<()> {
    let mut seeds = refused()?;
    seeds.retain(|seed| !seed.is_story);
    Cluster::with(Options::new("evasion"), async |cluster| {
        let namespaces: BTreeMap<String, &Seed> =
            seeds.iter().map(|seed| (namespace(seed), seed)).collect();
        for name in namespaces.keys() {
            cluster.namespace(name, &[]).await?;
        }
        let tries = begun(&cluster.client(), &seeds).await?;
        ensure!(
            tries.iter().any(|one| !one.old.is_empty()),
            "the oracle sees nothing in what stood there before"
        );
        let installed = Installed::new(cluster).await?;
        let _serve = installed
            .serve(cluster, &["--start-grace=0s", "--wiring-grace=0s"])
            .await?;
        let _later = Later::start(cluster).await?;
        rule(cluster, &namespaces).await?;
        in_force(cluster, &seeds).await?;
        let (begin, count) = (Instant::now(), tries.len());
        let told: Vec<Option<String>> = stream::iter(tries)
            .map(made)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        println!(
            "{count} tries through the API server in {:.1} s",
            begin.elapsed().as_secs_f64()
        );
        let told: Vec<String> = told.into_iter().flatten().take(20).collect();
        ensure!(told.is_empty(), "it got in:\n{}", told.concat());
        Ok(())
    })
    .await
}

/// One namespace for each policy.
fn namespace(seed: &Seed) -> String {
    match seed.policy["spec"]["rules"][0]["id"].as_str() {
        Some(rule) => format!("alone-{rule}"),
        None => "among-all".to_owned(),
    }
}

/// All tries; what stands there before any policy is stored before anybody watches.
async fn begun<'s>(client: &Client, seeds: &'s [Seed]) -> Result<Vec<Try<'s>>> {
    let tries = cases(TRIES).min(MOST) as usize;
    let numbers = (first_number()..).take(tries);
    let begin = |number: u64| async move {
        let seed = &seeds[usize::try_from(number).unwrap_or_default() % seeds.len()];
        let attempt = Attempt::of(number);
        let (plan, requests) = attempt.requests(seed);
        let mut door = Real {
            client: client.clone(),
            namespace: namespace(seed),
            name: format!("try-{number}"),
            dry: false,
            kind: plan.kind(),
        };
        let mut old = BTreeSet::new();
        if let Some(start) = &plan.start {
            let asked = Door::Real(door.clone())
                .ask(&Request::Create(start.clone()))
                .await?;
            let Answer::Stored(stored) = asked else {
                return Ok(None);
            };
            old = seed.law.breaches(&stored);
        }
        door.dry = plan.start.is_none() && matches!(requests.as_slice(), [Request::Create(_)]);
        Ok::<_, anyhow::Error>(Some(Try {
            number,
            seed,
            attempt,
            door,
            old,
        }))
    };
    let all: Vec<Option<Try<'_>>> = stream::iter(numbers)
        .map(begin)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(all.into_iter().flatten().collect())
}

async fn made(one: Try<'_>) -> Result<Option<String>> {
    let hole = one
        .attempt
        .through(Door::Real(one.door), one.seed, &one.old)
        .await?;
    Ok(hole.map(|hole| format!("THANOS_EVASION={} {}: {hole}\n", one.number, one.seed.name)))
}

/// The policies, each for its namespace, the wiring for all of them with its credential everywhere, and no webhook that
/// may be left out.
async fn rule(cluster: &Cluster, namespaces: &BTreeMap<String, &Seed>) -> Result<()> {
    let mut objects = wirings();
    objects[0]["spec"]["credentials"]["namespaces"] = json!(namespaces.keys().collect::<Vec<_>>());
    for (name, seed) in namespaces {
        let mut policy = seed.policy.clone();
        policy["metadata"]["name"] = json!(name);
        policy["spec"]["namespaceSelector"] = json!({"matchLabels": {names::NAMESPACE_NAME: name}});
        objects.push(policy);
    }
    apply(cluster, &objects, "admin").await?;
    let wirings = api(
        cluster,
        names::GROUP,
        names::VERSION,
        "ThanosWiring",
        "thanoswirings",
    );
    let ready: Vec<Value> = namespaces
        .keys()
        .map(|name| json!({"name": name, "ready": true}))
        .collect();
    let status = Patch::Merge(json!({"status": {"observedGeneration": 1, "namespaces": ready}}));
    wirings
        .patch_status("hub", &PatchParams::default(), &status)
        .await
        .context("the wiring's status")?;
    for (kind, plural) in [
        (
            "MutatingWebhookConfiguration",
            "mutatingwebhookconfigurations",
        ),
        (
            "ValidatingWebhookConfiguration",
            "validatingwebhookconfigurations",
        ),
    ] {
        let registrations = api(cluster, "admissionregistration.k8s.io", "v1", kind, plural);
        let mut ours = registrations.get(names::REGISTRATION).await?;
        for webhook in ours.data["webhooks"].as_array_mut().into_iter().flatten() {
            webhook["failurePolicy"] = json!("Fail");
            webhook["timeoutSeconds"] = json!(30);
        }
        registrations
            .replace(
                names::REGISTRATION,
                &kube::api::PostParams::default(),
                &ours,
            )
            .await
            .context(kind)?;
    }
    Ok(())
}

fn api(
    cluster: &Cluster,
    group: &str,
    version: &str,
    kind: &str,
    plural: &str,
) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk(group, version, kind);
    Api::all_with(
        cluster.client(),
        &ApiResource::from_gvk_with_plural(&gvk, plural),
    )
}

/// Waits until every offender is refused as it is, and says so: the webhook knows all policies and the wiring then.
async fn in_force(cluster: &Cluster, seeds: &[Seed]) -> Result<()> {
    for seed in seeds {
        eventually(&format!("{} is refused", seed.name), SOON, || async {
            let mut door = Door::Real(Real {
                client: cluster.client(),
                namespace: namespace(seed),
                name: "probe".to_owned(),
                dry: true,
                kind: kind_of(&seed.object).map_err(anyhow::Error::msg)?,
            });
            let answer = door.ask(&Request::Create(seed.object.clone())).await?;
            ensure!(
                matches!(&answer, Answer::Refused(text) if text.contains("KTH7")),
                "{answer:?}"
            );
            Ok(())
        })
        .await?;
    }
    Ok(())
}
