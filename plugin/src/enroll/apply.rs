//! A plan for one namespace is carried out, step by step; each is told when it is done.

use std::collections::BTreeSet;
use std::time::Duration;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, ReplaceOperation};
use serde_json::{Value, json};
use thanos_core::codes;

use super::facts;
use super::parts::{Part, Values};
use super::plan::{self, Action, Plan, Row, Step, Terms, Wish};
use crate::cluster::live::enrolled;
use crate::cluster::resource::{At, WIRINGS};
use crate::cluster::trouble::{Sort, Trouble};
use crate::cluster::{Cluster, Mode};
use crate::failure::Failure;

/// As often as a plan is made anew because somebody was faster.
const ROUNDS: usize = 5;
/// As often as the list is tried: each of many admins at once may be the last.
const TRIES: u32 = 60;

/// A step that is done.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) at: At,
    pub(crate) action: Action,
    pub(crate) detail: String,
}

/// Looks, plans and carries out; again when an object changed between the look and the deed.
pub(crate) async fn enroll(
    cluster: &Cluster,
    terms: &Terms,
    namespace: &str,
    wish: &Wish,
    tell: &mut impl FnMut(&Done) -> Result<(), Failure>,
) -> Result<Plan, Vec<Failure>> {
    let one = |failure: Failure| vec![failure];
    let mut told = BTreeSet::new();
    let mut round = 1;
    loop {
        let found = facts::look(cluster, &terms.wiring, &terms.holders, namespace).await;
        let found = found.map_err(|trouble| one(trouble.failure))?;
        let mut plan = plan::plan(terms, namespace, wish, &found)?;
        let mut overtaken = false;
        for row in &plan.rows {
            let done = match carry_out(cluster, terms, row).await {
                Err(trouble) if round < ROUNDS && was_overtaken(trouble.sort) => {
                    overtaken = true;
                    break;
                }
                done => done.map_err(|trouble| one(without_values(trouble, &plan.effective)))?,
            };
            if told.insert(row.at.title()) {
                tell(&done).map_err(one)?;
            }
        }
        if !overtaken {
            plan.warnings.dedup();
            return Ok(plan);
        }
        round += 1;
    }
}

fn was_overtaken(sort: Sort) -> bool {
    matches!(sort, Sort::Exists | Sort::Conflict | Sort::Absent)
}

async fn carry_out(cluster: &Cluster, terms: &Terms, row: &Row) -> Result<Done, Trouble> {
    let mut action = row.action;
    match (&row.step, row.action) {
        (Step::List { namespace }, _) => {
            action = list(cluster, &terms.wiring, namespace, true).await?;
        }
        (_, Action::Unchanged) => {}
        (Step::Make(object), _) => {
            let at = At {
                name: None,
                ..row.at.clone()
            };
            cluster.create(&at, object, Mode::Real).await?;
        }
        (Step::Lay(members), _) => drop(cluster.merge(&row.at, members).await?),
        (Step::Apply(object), _) => drop(cluster.apply(&row.at, object).await?),
    }
    Ok(Done {
        at: row.at.clone(),
        action,
        detail: row.detail.clone(),
    })
}

/// Puts a namespace on the wiring's list, or takes it off; tried again when somebody else was faster.
pub(crate) async fn list(
    cluster: &Cluster,
    wiring: &str,
    namespace: &str,
    on: bool,
) -> Result<Action, Trouble> {
    let at = WIRINGS.named(wiring);
    let mut tries = 0;
    loop {
        let stored = cluster.get(&at).await?;
        let Some(edits) = edits(&stored, namespace, on) else {
            return Ok(Action::Unchanged);
        };
        match cluster.edit(&at, edits).await {
            Ok(_) => return Ok(Action::Change),
            Err(trouble) if trouble.sort == Sort::Conflict && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(pause(tries)).await;
            }
            Err(trouble) => return Err(trouble),
        }
    }
}

/// The edits of the list, void as soon as the wiring is another one than was read; `None` where nothing is to be done.
fn edits(wiring: &Value, namespace: &str, on: bool) -> Option<Patch> {
    let path = |tokens: &[&str]| PointerBuf::from_tokens(tokens.iter().copied());
    let edit = match (enrolled(wiring).contains(&namespace), on) {
        (true, true) | (false, false) => return None,
        (true, false) => {
            // The whole list: a place of it that is gone meanwhile is answered with 422, before the version is looked at.
            let mut left = enrolled(wiring);
            left.retain(|listed| *listed != namespace);
            let path = path(&["spec", "credentials", "namespaces"]);
            let value = json!(left);
            PatchOperation::Add(AddOperation { path, value })
        }
        (false, true) => {
            let credentials = &wiring["spec"]["credentials"];
            let (path, value) = if credentials["namespaces"].is_array() {
                (
                    path(&["spec", "credentials", "namespaces", "-"]),
                    json!(namespace),
                )
            } else if credentials.is_object() {
                (
                    path(&["spec", "credentials", "namespaces"]),
                    json!([namespace]),
                )
            } else {
                (
                    path(&["spec", "credentials"]),
                    json!({"namespaces": [namespace]}),
                )
            };
            PatchOperation::Add(AddOperation { path, value })
        }
    };
    // A `test` of it would be answered with 422, like any wrong value; a replaced version is answered with 409.
    let version = PatchOperation::Replace(ReplaceOperation {
        path: path(&["metadata", "resourceVersion"]),
        value: wiring["metadata"]["resourceVersion"].clone(),
    });
    Some(Patch(vec![version, edit]))
}

/// Longer with every try, and different for everybody.
fn pause(tries: u32) -> Duration {
    let mut chance = [0; 1];
    let chance = getrandom::fill(&mut chance).map_or(128, |()| u64::from(chance[0]));
    Duration::from_millis(5 + chance * u64::from(tries.min(8)) / 8)
}

/// An admission plugin may quote what it refuses: then only that it refused is said.
fn without_values(trouble: Trouble, values: &Values) -> Failure {
    let mut failure = trouble.failure;
    let hidden = |part: &Part| matches!(part, Part::Password | Part::Token);
    let secret = |text: &String| {
        values
            .iter()
            .any(|(part, value)| hidden(part) && value.is_in(text))
    };
    if failure.causes.iter().any(secret) {
        failure.causes =
            vec!["its words are not shown, because they quote the credential".to_owned()];
        failure.code = Some(codes::API_REFUSED);
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(spec: &Value, namespace: &str, on: bool) -> Option<Value> {
        let mut wiring = json!({"metadata": {"resourceVersion": "7"}, "spec": spec});
        let edits = edits(&wiring, namespace, on)?;
        json_patch::patch(&mut wiring, &edits).unwrap();
        assert_eq!(wiring["metadata"]["resourceVersion"], "7");
        Some(wiring["spec"]["credentials"]["namespaces"].clone())
    }

    #[test]
    fn the_list_grows_and_shrinks_by_one() {
        let listed = |names: &[&str]| json!({"credentials": {"namespaces": names}});
        assert_eq!(patched(&json!({}), "a", true), Some(json!(["a"])));
        assert_eq!(
            patched(&json!({"credentials": {}}), "a", true),
            Some(json!(["a"]))
        );
        assert_eq!(patched(&listed(&["a"]), "b", true), Some(json!(["a", "b"])));
        assert_eq!(patched(&listed(&["a"]), "a", true), None);
        assert_eq!(
            patched(&listed(&["a", "b", "c"]), "b", false),
            Some(json!(["a", "c"]))
        );
        assert_eq!(patched(&listed(&["a"]), "b", false), None);
    }
}
