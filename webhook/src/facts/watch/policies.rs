//! The watch of the policies: one that is wrong is left out, and that is said once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kube::api::{ApiResource, DynamicObject};
use kube::runtime::watcher::{Config, Event};
use kube::{Api, Client, ResourceExt};
use thanos_core::{Fault, ThanosPolicy, codes};

use super::Events;
use crate::admin::Health;
use crate::facts::Knowledge;
use crate::metrics::Metrics;

/// Read untyped, one by one, as wirings are.
pub(super) async fn follow(
    client: Client,
    knowledge: Arc<Knowledge>,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
) {
    let api: Api<DynamicObject> = Api::all_with(client, &ApiResource::erase::<ThanosPolicy>(&()));
    let mut events = Events::of(api, Config::default(), "policies");
    let mut listed = BTreeSet::new();
    let mut told = Told::new();
    loop {
        match events.next().await {
            Event::Init => listed.clear(),
            Event::InitApply(object) => {
                listed.insert(object.name_any());
                put_policy(&knowledge, object, &mut told);
            }
            Event::InitDone => {
                knowledge.keep_policies(&listed);
                told.retain(|name, _| listed.contains(name));
                health.open("policies");
            }
            Event::Apply(object) => put_policy(&knowledge, object, &mut told),
            Event::Delete(object) => {
                knowledge.remove_policy(&object.name_any());
                told.remove(&object.name_any());
            }
        }
        metrics
            .policies
            .set(i64::try_from(knowledge.rules().policies().len()).unwrap_or(i64::MAX));
    }
}

/// What was said last about each wrong policy: every write of its status brings it once more.
type Told = BTreeMap<String, String>;

fn put_policy(knowledge: &Knowledge, object: DynamicObject, told: &mut Told) {
    let name = object.name_any();
    let read = serde_json::to_value(object).and_then(serde_json::from_value::<ThanosPolicy>);
    let put = read.map_or_else(
        |_| {
            knowledge.remove_policy(&name);
            let sentence = "does not have the shape of a ThanosPolicy";
            Err(vec![Fault::new(codes::POLICY_INVALID, "spec", sentence)])
        },
        |written| knowledge.put_policy(&written),
    );
    let Err(faults) = put else {
        told.remove(&name);
        return;
    };
    let sentences: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let faults = sentences.join("; ");
    if told.get(&name) != Some(&faults) {
        tracing::error!(
            policy = name,
            code = codes::POLICY_INVALID.code,
            faults,
            "a stored policy is wrong and left out"
        );
        told.insert(name, faults);
    }
}
