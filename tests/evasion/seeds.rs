//! What somebody tries to get in: the refused objects of the stories, and one offender or more for every rule.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use thanos_core::facts::{Credential, Lately};
use thanos_core::fields::Served;
use thanos_core::{Facts, Kind, Policy, Rules, Wiring, names, policy, versions, wiring};

use super::offenders::{OFFENDERS, PARAMETERS};
use super::oracle::Law;
use super::server::NAMESPACE;
use crate::policies::stories;

/// One object that is refused, and the world that refuses it.
pub(super) struct Seed {
    pub(super) name: String,
    pub(super) is_story: bool,
    pub(super) object: Value,
    /// What stood there before any policy looked, where the story says so.
    pub(super) start: Option<Value>,
    pub(super) policy: Value,
    pub(super) rules: Rules,
    facts: Vec<(Kind, Facts)>,
    pub(super) law: Law,
}

/// All seeds, the stories first.
pub(super) fn seeds() -> Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    for story in stories()? {
        let name = story.name();
        let tries = name.contains("-refused") || name.contains("-evasion");
        let is_one = story.policies.len() == 1
            && Kind::ALL
                .iter()
                .any(|kind| story.given["kind"] == kind.name());
        if tries && is_one {
            let policy = hardened(&story.policies[0]);
            let mut seed = Seed::new(name, story.given, story.old, policy, &story.wirings)?;
            seed.is_story = true;
            seeds.push(seed);
        }
    }
    for offender in OFFENDERS {
        let spec: Value = serde_json::from_str(offender.spec)?;
        let mut object = clean(offender.kind);
        let (metadata, spec) = match spec.get("metadata") {
            Some(metadata) => (metadata.clone(), json!({})),
            None => (json!({}), spec),
        };
        super::server::merge::merge(&mut object, &json!({"metadata": metadata, "spec": spec}));
        let mut policy: Value = serde_json::from_str(PARAMETERS)?;
        policy["spec"]["profile"] = json!("None");
        policy["spec"]["rules"] = json!([{"id": offender.rule, "enforcement": "Deny"}]);
        let name = format!("{}-{}", offender.rule, offender.name);
        seeds.push(Seed::new(
            name.clone(),
            object.clone(),
            None,
            policy.clone(),
            &wirings(),
        )?);
        policy["spec"]["profile"] = json!("Restricted");
        policy["spec"]
            .as_object_mut()
            .unwrap()
            .shift_remove("rules");
        seeds.push(Seed::new(
            format!("{name}-among-all"),
            object,
            None,
            policy,
            &wirings(),
        )?);
    }
    Ok(seeds)
}

impl Seed {
    fn new(
        name: String,
        object: Value,
        start: Option<Value>,
        policy: Value,
        wirings: &[Value],
    ) -> Result<Self> {
        let read = |raw: &Value| -> Result<Arc<Wiring>> {
            wiring::read(raw)
                .map(Arc::new)
                .map_err(|faults| anyhow!("{faults:?}"))
        };
        let rules = Rules::new(wirings.iter().map(read).collect::<Result<Vec<_>>>()?);
        let resolved: Policy =
            policy::read(&policy).map_err(|faults| anyhow!("{name}: {faults:?}"))?;
        let rules = rules.with_policies([Arc::new(resolved)]);
        let namespace = object["metadata"]["namespace"]
            .as_str()
            .unwrap_or(NAMESPACE);
        let ready = |wiring: &Arc<Wiring>| (Arc::clone(&wiring.name), Credential::Ready);
        let labels = BTreeMap::from([(names::NAMESPACE_NAME.to_owned(), namespace.to_owned())]);
        let facts = Kind::ALL.map(|kind| {
            let facts = Facts {
                now: jiff::Timestamp::UNIX_EPOCH,
                namespace: Some(Arc::new(labels.clone())),
                credentials: rules.wirings().iter().map(ready).collect(),
                operator: versions::parse("0.92.1"),
                served: Arc::new(Served::newest(kind)),
                lately: Lately::default(),
            };
            (kind, facts)
        });
        let law = Law::read(&policy, wirings, namespace);
        Ok(Self {
            name,
            is_story: false,
            object,
            start,
            policy,
            rules,
            facts: facts.into(),
            law,
        })
    }

    /// What is known around an object of a kind.
    pub(super) fn facts(&self, kind: Kind) -> &Facts {
        let found = self.facts.iter().find(|(known, _)| *known == kind);
        &found.unwrap().1
    }

    /// The object without its offence, for those who come in clean first.
    pub(super) fn clean(&self, kind: Kind) -> Value {
        let mut object = clean(kind);
        for field in ["name", "namespace"] {
            object["metadata"][field] = self.object["metadata"][field].clone();
        }
        object
    }
}

/// A story's policy for everybody: it denies, exempts nobody and selects all.
fn hardened(policy: &Value) -> Value {
    let mut policy = policy.clone();
    let spec = policy["spec"].as_object_mut().unwrap();
    for field in ["exemptions", "objectSelector", "namespaceSelector"] {
        spec.shift_remove(field);
    }
    spec.insert("enforcement".to_owned(), json!("Deny"));
    for rule in spec
        .get_mut("rules")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        rule["enforcement"] = json!("Deny");
    }
    policy
}

/// An object that breaks no rule of any policy here.
pub(super) fn clean(kind: Kind) -> Value {
    let mut spec = json!({"version": "v3.7.0", "retention": "1d"});
    let more = match kind {
        Kind::Prometheus | Kind::PrometheusAgent => json!({
            "serviceMonitorSelector": {}, "scrapeInterval": "1m", "ignoreNamespaceSelectors": true,
            "arbitraryFSAccessThroughSMs": {"deny": true}, "automountServiceAccountToken": false, "externalLabels": {"cluster": "edge-01", "team": "a"},
            "enforcedSampleLimit": 10, "enforcedTargetLimit": 10, "enforcedLabelLimit": 10,
            "enforcedLabelNameLengthLimit": 10, "enforcedLabelValueLengthLimit": 10,
            "enforcedKeepDroppedTargets": 10, "enforcedBodySizeLimit": "1MB",
        }),
        Kind::ThanosRuler => {
            json!({"version": "v0.40.0", "labels": {"cluster": "edge-01", "team": "a"},
            "queryEndpoints": ["https://query.example.com/api/v1/receive"]})
        }
    };
    super::server::merge::merge(&mut spec, &more);
    if kind == Kind::PrometheusAgent {
        spec.as_object_mut().unwrap().shift_remove("retention");
    }
    if kind == Kind::Prometheus {
        spec["retentionSize"] = json!("1GB");
    }
    json!({"apiVersion": format!("{}/{}", names::OPERATOR_GROUP, kind.version()), "kind": kind.name(),
        "metadata": {"name": "k8s", "namespace": NAMESPACE}, "spec": spec})
}

/// The one wiring of the offenders: it may not be left.
pub(super) fn wirings() -> Vec<Value> {
    let key = |key: &str| json!({"name": names::SECRET, "key": key});
    vec![
        json!({"apiVersion": names::API_VERSION, "kind": "ThanosWiring", "metadata": {"name": "hub"}, "spec": {
            "optOut": "Forbidden", "cluster": "edge-01", "labels": {"enforced": {"cluster": "{cluster}"}},
            "remoteWrite": {"url": "https://receive.example.com/api/v1/receive",
                "auth": {"basicAuth": {"username": key("user"), "password": key("password")}},
                "tenant": {"header": "THANOS-TENANT", "value": "{cluster}"},
                "queueConfig": {"maxShards": 5, "capacity": 100, "maxSamplesPerSend": 100}},
            "credentials": {"namespaces": [NAMESPACE]}}}),
    ]
}
