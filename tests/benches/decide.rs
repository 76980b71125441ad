//! How long one decision takes, with its patch: on a default kube-prometheus-stack object, fresh and wired already.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use criterion::Criterion;
use serde_json::{Value, json};
use thanos_core::facts::Credential;
use thanos_core::fields::Served;
use thanos_core::{
    Facts, Kind, Policy, Rules, Subject, decide, judge, names, policy, versions, wiring,
};
use thanos_tests::install::objects;
use thanos_tests::tools::root;

fn read(name: &str) -> Result<Value> {
    let path = root()
        .join("tests/cases/a-default-kube-prometheus-stack")
        .join(name);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    objects(name, text)?
        .into_iter()
        .next()
        .context("an empty file")
}

/// A policy with the parameters of the rules about sending.
fn policy(profile: &str) -> Result<Policy> {
    policy::read(&json!({
        "apiVersion": names::API_VERSION,
        "kind": "ThanosPolicy",
        "metadata": {"name": "shared"},
        "spec": {
            "profile": profile,
            "enforcement": "Deny",
            "remoteWrite": {
                "allowedUrls": ["https://*.example.com/api/v1/receive"],
                "allowedSecrets": [],
                "requireWiring": ["hub"],
            },
        },
    }))
    .map_err(|faults| anyhow!("{faults:?}"))
}

fn main() -> Result<()> {
    let wiring = wiring::read(&read("wiring.yaml")?).map_err(|faults| anyhow!("{faults:?}"))?;
    let wiring = Arc::new(wiring);
    let facts = Facts {
        now: jiff::Timestamp::UNIX_EPOCH,
        namespace: Some(Arc::default()),
        credentials: [(Arc::clone(&wiring.name), Credential::Ready)].into(),
        operator: versions::parse("0.92.1"),
        served: Arc::new(Served::newest(Kind::Prometheus)),
        lately: thanos_core::facts::Lately::default(),
    };
    let rules = Rules::new([wiring]);
    let patch = |object: &Value| {
        let subject = Subject::read(object, None, "monitoring").ok()?;
        serde_json::to_vec(decide(&subject, &facts, &rules).edits()).ok()
    };
    let (fresh, wired) = (read("given.yaml")?, read("then.yaml")?);
    patch(&fresh).context("no patch")?;
    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("decide and patch, fresh", |bencher| {
        bencher.iter(|| patch(black_box(&fresh)));
    });
    criterion.bench_function("decide and patch, wired already", |bencher| {
        bencher.iter(|| patch(black_box(&wired)));
    });
    // Every rule that Baseline has, and those of Restricted beside.
    for profile in ["Baseline", "Restricted"] {
        let rules = rules.clone().with_policies([Arc::new(policy(profile)?)]);
        let charges = |object: &Value| {
            let subject = Subject::read(object, None, "monitoring").ok()?;
            Some(judge(&subject, &facts, &rules).charges.len())
        };
        for (word, object) in [("fresh", &fresh), ("wired already", &wired)] {
            criterion.bench_function(&format!("judge by {profile}, {word}"), |bencher| {
                bencher.iter(|| charges(black_box(object)));
            });
        }
    }
    criterion.final_summary();
    Ok(())
}
