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

/// A policy with every parameter that a rule has.
fn policy(name: &str, profile: &str, namespaces: &Value) -> Result<Arc<Policy>> {
    let raw = json!({
        "apiVersion": names::API_VERSION,
        "kind": "ThanosPolicy",
        "metadata": {"name": name},
        "spec": {
            "profile": profile,
            "enforcement": "Deny",
            "namespaceSelector": namespaces,
            "remoteWrite": {
                "allowedUrls": ["https://*.example.com/api/v1/receive"],
                "allowedSecrets": [],
                "requireWiring": ["hub"],
            },
            "labels": {"required": ["cluster"]},
            "limits": {
                "sampleLimit": 50_000, "targetLimit": 500, "bodySizeLimit": "50MB", "minScrapeInterval": "10s",
                "maxReplicas": 3, "maxShards": 4, "maxRetention": "15d", "queue": {"maxShards": 50},
            },
            "allow": {"images": ["quay.io/prometheus/*"], "volumeTypes": ["emptyDir"], "minimumVersion": "v3.0.0"},
            "objectStorage": {"types": ["AZURE"], "secretless": true},
        },
    });
    let read = policy::read(&raw).map_err(|faults| anyhow!("{faults:?}"))?;
    Ok(Arc::new(read))
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
    let charges = |object: &Value, rules: &Rules| {
        let subject = Subject::read(object, None, "monitoring").ok()?;
        Some(judge(&subject, &facts, rules).charges.len())
    };
    // Every rule that Baseline has, and those of Restricted beside.
    for profile in ["Baseline", "Restricted"] {
        let rules = rules
            .clone()
            .with_policies([policy("shared", profile, &json!({}))?]);
        for (word, object) in [("fresh", &fresh), ("wired already", &wired)] {
            criterion.bench_function(&format!("judge by {profile}, {word}"), |bencher| {
                bencher.iter(|| charges(black_box(object), &rules));
            });
        }
    }
    // At most three times as long as the one that matches.
    let elsewhere = json!({"matchLabels": {"team": "another"}});
    let others = (0..199).map(|at| policy(&format!("other-{at}"), "Baseline", &elsewhere));
    let mut many = others.collect::<Result<Vec<_>>>()?;
    many.push(policy("shared", "Baseline", &json!({}))?);
    let rules = rules.with_policies(many);
    criterion.bench_function("judge by 200 policies, one of them matches", |bencher| {
        bencher.iter(|| charges(black_box(&wired), &rules));
    });
    criterion.final_summary();
    Ok(())
}
