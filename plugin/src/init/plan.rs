//! What is to be done: a pure function of wish and facts. Nothing is left to choose, and every fault is told at once.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};
use thanos_core::codes::{self, Code};
use thanos_core::wiring::ThanosWiringSpec;
use thanos_core::{ThanosWiring, wiring};

use super::facts::Facts;
use super::wish::Wish;
use crate::cluster::resource::{CRDS, WIRINGS, wiring_crd_name};
use crate::enroll::facts::Found;
use crate::enroll::objects;
use crate::enroll::plan::{self, Action, Row, Step, Terms};
use crate::failure::Failure;

/// The steps, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// CRD and wiring.
    pub(crate) cluster: Vec<Row>,
    /// Per namespace, what its enrolment does.
    pub(crate) namespaces: Vec<(String, Vec<Row>)>,
    /// What people should know before they say yes.
    pub(crate) warnings: Vec<(&'static Code, String)>,
}

impl Plan {
    /// Every row with the namespace that it is for.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (Option<&str>, &Row)> {
        let cluster = self.cluster.iter().map(|row| (None, row));
        let enrolled = self.namespaces.iter().flat_map(|(namespace, rows)| {
            rows.iter().map(move |row| (Some(namespace.as_str()), row))
        });
        cluster.chain(enrolled)
    }

    /// Whether everything is as it should be.
    pub(crate) fn is_settled(&self) -> bool {
        self.rows().all(|(_, row)| row.action == Action::Unchanged)
    }
}

/// Plans.
pub(crate) fn plan(
    wish: &Wish,
    credential: &plan::Wish,
    terms: &Terms,
    facts: &Facts,
) -> Result<Plan, Vec<Failure>> {
    let mut faults = obstacles(wish, terms, facts);
    let mut plan = Plan {
        cluster: vec![crd(facts, &mut faults), wiring_row(wish, facts)],
        ..Plan::default()
    };
    plan.warnings.extend(warnings(wish));
    for (namespace, found) in &facts.namespaces {
        match plan::plan(terms, namespace, credential, found) {
            Ok(enrolment) => {
                plan.warnings.extend(enrolment.warnings);
                plan.namespaces.push((namespace.clone(), enrolment.rows));
            }
            Err(more) => faults.extend(more),
        }
        if let Some(sentence) = unselected(wish, namespace, found) {
            plan.warnings
                .push((codes::NAMESPACE_NOT_SELECTED, sentence));
        }
    }
    faults.extend(forbidden(&plan, facts));
    if faults.is_empty() {
        Ok(plan)
    } else {
        Err(faults)
    }
}

/// What people should know of the wiring itself, though it is right.
pub(crate) fn warnings(wish: &Wish) -> Vec<(&'static Code, String)> {
    let own = wish.right.warnings().into_iter();
    let mut warnings: Vec<_> = own.map(|fault| (fault.code, fault.to_string())).collect();
    let url = url::Url::parse(&wish.right.entry.url);
    if url.is_ok_and(|url| matches!(url.path(), "" | "/")) {
        let sentence =
            "spec.remoteWrite.url: has no path: Thanos Receive listens at /api/v1/receive";
        warnings.push((codes::WIRING_PATHLESS, sentence.to_owned()));
    }
    warnings
}

/// What stands in the way of the whole.
fn obstacles(wish: &Wish, terms: &Terms, facts: &Facts) -> Vec<Failure> {
    let mut faults = Vec::new();
    if !wish
        .right
        .kinds
        .iter()
        .any(|kind| facts.kinds.contains(kind))
    {
        let kinds: Vec<&str> = wish.right.kinds.iter().map(|kind| kind.name()).collect();
        let message = format!(
            "the API server {} serves none of {}",
            facts.server,
            kinds.join(", ")
        );
        faults.push(
            Failure::failed(message)
                .code(codes::CRD_MISSING)
                .hint("install prometheus-operator first"),
        );
    }
    let enrolled = facts
        .wiring
        .as_ref()
        .map(crate::cluster::live::enrolled)
        .unwrap_or_default();
    if facts
        .wiring
        .as_ref()
        .is_some_and(|wiring| wiring["metadata"]["deletionTimestamp"].is_string())
    {
        faults.push(
            Failure::failed(format!("wiring {} is being deleted", terms.wiring))
                .code(codes::WIRING_GOING),
        );
    }
    if terms.holders.is_empty() && !enrolled.is_empty() {
        let message = format!(
            "wiring {} would keep no credential in a namespace, and {} are enrolled",
            terms.wiring,
            enrolled.join(", ")
        );
        let failure = Failure::failed(message).code(codes::WIRING_INVALID);
        faults.push(failure.hint("kubectl thanos enroll -n NAMESPACE --remove, for each of them"));
    }
    if !terms.holders.is_empty() && enrolled.is_empty() && wish.namespaces.is_empty() {
        let failure =
            Failure::usage("no namespace is given, and without a credential nothing is wired")
                .code(codes::NO_INPUTS);
        faults.push(failure.hint("name one or more with --namespaces"));
    }
    faults
}

fn crd(facts: &Facts, faults: &mut Vec<Failure>) -> Row {
    let object = serde_json::to_value(wiring::crd()).unwrap_or_else(|error| {
        faults.push(
            Failure::failed("the CRD cannot be written")
                .code(codes::BUG)
                .from_chain(&error),
        );
        Value::Null
    });
    let action = match &facts.crd {
        None => Action::Create,
        Some(live) if same_crd(live) => Action::Unchanged,
        Some(_) => Action::Change,
    };
    Row {
        at: CRDS.named(&wiring_crd_name()),
        action,
        detail: String::new(),
        step: Step::Apply(object),
    }
}

/// Whether the CRD that is there says what ours says; what the API server fills in does not count.
fn same_crd(live: &Value) -> bool {
    let Ok(live) = serde_json::from_value::<CustomResourceDefinition>(live.clone()) else {
        return false;
    };
    let (ours, live) = (wiring::crd().spec, live.spec);
    let names = |names: &k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinitionNames| {
        (names.kind.clone(), names.plural.clone(), names.short_names.clone(), names.categories.clone())
    };
    ours.versions == live.versions
        && ours.scope == live.scope
        && names(&ours.names) == names(&live.names)
}

fn wiring_row(wish: &Wish, facts: &Facts) -> Row {
    let (action, detail) = match &facts.wiring {
        None => (Action::Create, String::new()),
        Some(live) => {
            let changed = changed(live, wish);
            if changed.is_empty() {
                (Action::Unchanged, String::new())
            } else {
                (Action::Change, format!("sets {}", changed.join(", ")))
            }
        }
    };
    let name = wish.right.name.to_string();
    Row {
        at: WIRINGS.named(&name),
        action,
        detail,
        step: Step::Apply(wish.manifest.clone()),
    }
}

/// The parts of a wiring that would change; the list of namespaces is enrolment's own.
fn changed(live: &Value, wish: &Wish) -> Vec<String> {
    let spec = |written: ThanosWiring| {
        let spec = ThanosWiringSpec {
            credentials: None,
            ..written.spec
        };
        serde_json::to_value(spec).unwrap_or_default()
    };
    let before = serde_json::from_value(live.clone())
        .map(spec)
        .unwrap_or_default();
    let after = spec(wish.written.clone());
    let mut changed = differing("spec", &before, &after);
    let wanted = wish.manifest["metadata"].as_object().into_iter().flatten();
    for (map, wanted) in wanted.filter(|(map, _)| *map != "name") {
        let missing = wanted
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, value)| live["metadata"][map][*key] != **value);
        changed.extend(missing.map(|(key, _)| format!("metadata.{map}.{key}")));
    }
    changed
}

/// The paths at which two values differ, down to the first level that is no map of the same.
fn differing(path: &str, before: &Value, after: &Value) -> Vec<String> {
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else {
        return if before == after {
            Vec::new()
        } else {
            vec![path.to_owned()]
        };
    };
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let below = |key: &str| differing(&format!("{path}.{key}"), &before[key], &after[key]);
    keys.into_iter().flat_map(|key| below(key)).collect()
}

fn unselected(wish: &Wish, namespace: &str, found: &Found) -> Option<String> {
    use kube::core::SelectorExt as _;
    let labels = crate::cluster::live::labels(found.namespace.as_ref()?);
    let selected = wish.right.namespaces.matches(&labels);
    (!selected).then(|| {
        format!(
            "wiring {} does not select namespace {namespace}: nothing is wired there",
            wish.right.name
        )
    })
}

/// Rights that the steps need and whoever asks has not.
fn forbidden(plan: &Plan, facts: &Facts) -> Vec<Failure> {
    let mut faults = Vec::new();
    for (namespace, row) in plan.rows() {
        let verbs: &[&str] = match (row.action, &row.step) {
            (Action::Unchanged, _) => &[],
            (Action::Create, Step::Apply(_)) => &["create", "patch"],
            (Action::Create, _) => &["create"],
            (Action::Change, _) => &["patch"],
        };
        for verb in verbs {
            if facts.denied.contains(&(*verb, row.at.to_string())) {
                let place = namespace
                    .map(|namespace| format!(" -n {namespace}"))
                    .unwrap_or_default();
                let failure = Failure::failed(format!("you may not {verb} {}", row.at))
                    .code(codes::FORBIDDEN);
                let resource = row.at.resource.qualified();
                faults.push(failure.hint(format!("kubectl auth can-i {verb} {resource}{place}")));
            }
        }
    }
    faults.dedup();
    faults
}

/// The plan as data.
pub(crate) fn as_json(plan: &Plan) -> Value {
    let row = |(namespace, row): (Option<&str>, &Row)| json!({"action": row.action.intent(), "namespace": namespace, "object": row.at.title(), "detail": row.detail});
    plan.rows().map(row).collect()
}

/// Every object of the plan as a manifest for whoever applies it otherwise, by the name of its file: numbered, because
/// that is the order in which a folder is applied. No Secret is in it.
pub(crate) fn manifests(wish: &Wish, terms: &Terms) -> Vec<(String, Value)> {
    let mut wiring = wish.manifest.clone();
    if !terms.holders.is_empty() && !wish.namespaces.is_empty() {
        wiring["spec"]["credentials"] = json!({"namespaces": wish.namespaces});
    }
    let mut files = vec![
        (
            "00-crd.yaml".to_owned(),
            serde_json::to_value(wiring::crd()).unwrap_or_default(),
        ),
        (format!("10-wiring-{}.yaml", terms.wiring), wiring),
    ];
    let enrolled = if terms.holders.is_empty() {
        &[][..]
    } else {
        &wish.namespaces
    };
    for namespace in enrolled {
        files.push((
            format!("20-{namespace}-role.yaml"),
            objects::role(terms, namespace),
        ));
        files.push((
            format!("20-{namespace}-rolebinding.yaml"),
            objects::binding(terms, namespace),
        ));
    }
    files
}

#[cfg(test)]
mod tests;
