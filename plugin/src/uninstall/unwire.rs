//! Objects are un-wired before anything else goes: by the webhook and its controller while they answer, past them where
//! they do not.
//!
//! ```text
//! onDelete: Unwire ─> the controller's finalizer ─> delete ─> the wiring is gone when nothing is wired by it
//!                └─ nobody answers ─> registrations go ─> each object is patched at the version that was read
//! ```

use std::time::{Duration, Instant};

use json_patch::{Patch, PatchOperation};
use serde_json::{Value, json};
use thanos_core::{Subject, codes, names};

use super::apply::{Doings, delete};
use super::facts::{is_wired, wirings_of};
use super::plan::{Plan, Row, Step};
use crate::cluster::Cluster;
use crate::cluster::resource::{At, MUTATING, Resource, VALIDATING, WIRINGS};
use crate::cluster::trouble::Sort;
use crate::failure::Failure;
use crate::init::apply::Wait;
use crate::judge::kind_of;

/// How long the controller may take to answer a wiring that is to un-wire.
const ANSWERED: Duration = Duration::from_secs(10);
/// How long un-wiring may stand still, where `--timeout` says nothing.
const STILL: Duration = Duration::from_secs(45);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(300);
/// As often as an object is patched because somebody else was faster.
const TRIES: usize = 5;

/// What else went on the way.
pub(super) struct Unwired {
    pub(super) registrations_gone: bool,
}

/// Whether an object is one of the webhook's registrations.
pub(super) fn is_registration(at: &At) -> bool {
    *at.resource == MUTATING || *at.resource == VALIDATING
}

/// Un-wires everything that the plan's wirings have wired, and deletes the wirings.
pub(super) async fn unwire(
    cluster: &Cluster,
    plan: &Plan,
    doings: &mut Doings<'_, '_>,
) -> Result<Unwired, Vec<Failure>> {
    let one = |failure: Failure| vec![failure];
    if plan.wirings.is_empty() && !plan.rows.iter().any(|row| matches!(row.step, Step::Unwire)) {
        return Ok(Unwired {
            registrations_gone: false,
        });
    }
    let is_registered = cluster
        .find(&MUTATING.named(names::REGISTRATION))
        .await
        .map_err(|trouble| one(trouble.failure))?
        .is_some();
    let answered = is_registered && by_the_webhook(cluster, plan, doings).await.map_err(one)?;
    // Where nothing is wired, nobody need answer.
    if left(cluster, plan).await.map_err(one)?.is_empty() {
        if !answered {
            drop_wirings(cluster, plan).await.map_err(one)?;
        }
        return told(plan, doings).map_err(one).map(|()| Unwired {
            registrations_gone: false,
        });
    }
    if !plan.webhook_goes && is_registered {
        let failure = Failure::failed(
            "no webhook answers, and it is not ours to remove: objects cannot be un-wired",
        );
        return Err(one(failure
            .code(codes::STILL_WIRED)
            .hint(format!("kubectl get pods -n {}", names::NAMESPACE))));
    }
    let sentence = "no webhook answers: its registrations go first, and field managers will see kubectl-thanos on what is un-wired";
    doings.ui.tell(codes::UNWIRED_DIRECTLY, sentence);
    for row in &plan.rows {
        if let Step::Delete(at, object) = &row.step
            && is_registration(at)
        {
            delete(cluster, at, object).await.map_err(one)?;
            doings.tell(row, "deleted").map_err(one)?;
        }
    }
    past_it(cluster, plan).await?;
    drop_wirings(cluster, plan).await.map_err(one)?;
    told(plan, doings).map_err(one)?;
    Ok(Unwired {
        registrations_gone: true,
    })
}

/// Tells of every object and wiring that is done with.
fn told(plan: &Plan, doings: &mut Doings<'_, '_>) -> Result<(), Failure> {
    let done = |row: &&Row| matches!(row.step, Step::Unwire | Step::Wiring);
    for row in plan.rows.iter().filter(done) {
        let word = if matches!(row.step, Step::Unwire) {
            "un-wired"
        } else {
            "deleted"
        };
        doings.tell(row, word)?;
    }
    Ok(())
}

/// Asks the controller; gives whether it did the work.
async fn by_the_webhook(
    cluster: &Cluster,
    plan: &Plan,
    doings: &mut Doings<'_, '_>,
) -> Result<bool, Failure> {
    for name in &plan.wirings {
        let at = WIRINGS.named(name);
        let Some(wiring) = cluster.find(&at).await? else {
            continue;
        };
        if wiring["metadata"]["deletionTimestamp"].is_null() {
            if wiring["spec"]["onDelete"] != "Unwire" {
                cluster
                    .merge(&at, &json!({"spec": {"onDelete": "Unwire"}}))
                    .await?;
            }
            if !is_held(cluster, &at, doings).await? {
                return Ok(false);
            }
            let wiring = cluster.get(&at).await?;
            delete(cluster, &at, &wiring).await?;
        }
    }
    let mut wait = Wait::begin("no object is wired any more".to_owned());
    let (mut fewest, mut moved) = (usize::MAX, Instant::now());
    loop {
        let left = left(cluster, plan).await?.len();
        let mut going = 0;
        for name in &plan.wirings {
            going += usize::from(cluster.find(&WIRINGS.named(name)).await?.is_some());
        }
        if left + going == 0 {
            return Ok(true);
        }
        if left + going < fewest {
            (fewest, moved) = (left + going, Instant::now());
        }
        if !doings.is_timed && moved.elapsed() > STILL {
            return Ok(false);
        }
        let state = format!("{left} objects and {going} wirings are left");
        wait.rest(doings.ui, &state, LOOK).await;
    }
}

/// Waits for the controller's finalizer: without it, the wiring would go and leave its objects wired.
async fn is_held(cluster: &Cluster, at: &At, doings: &mut Doings<'_, '_>) -> Result<bool, Failure> {
    let mut wait = Wait::begin(format!("the controller holds {at}"));
    loop {
        let wiring = cluster.get(at).await?;
        let held = wiring["metadata"]["finalizers"].as_array();
        if held.is_some_and(|held| held.iter().any(|one| one == names::FINALIZER)) {
            return Ok(true);
        }
        if wait.began.elapsed() > ANSWERED {
            return Ok(false);
        }
        wait.rest(doings.ui, "it has not looked yet", LOOK).await;
    }
}

/// Objects that are wired by a wiring that goes, or by one that is not there.
async fn left(cluster: &Cluster, plan: &Plan) -> Result<Vec<Value>, Failure> {
    let known: Vec<String> = match cluster.metadata(&WIRINGS.all(), "").await {
        Err(trouble) if trouble.sort == Sort::NotServed => Vec::new(),
        listed => listed?
            .iter()
            .filter_map(|wiring| Some(wiring["metadata"]["name"].as_str()?.to_owned()))
            .collect(),
    };
    let (objects, _) = cluster.judged(None).await?;
    let by = |object: &Value| {
        wirings_of(object)
            .iter()
            .any(|wiring| plan.wirings.contains(wiring) || !known.contains(wiring))
    };
    Ok(objects
        .into_iter()
        .filter(|object| is_wired(object) && by(object))
        .collect())
}

/// Takes out what the records say, object by object; every fault at once.
async fn past_it(cluster: &Cluster, plan: &Plan) -> Result<(), Vec<Failure>> {
    let objects = left(cluster, plan).await.map_err(|failure| vec![failure])?;
    let mut faults = Vec::new();
    for object in objects {
        if let Err(fault) = patched(cluster, object).await {
            faults.push(fault);
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

async fn patched(cluster: &Cluster, mut object: Value) -> Result<(), Failure> {
    let text = |object: &Value, key: &str| {
        object["metadata"][key]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let Some(kind) = kind_of(&object) else {
        return Ok(());
    };
    let (namespace, name) = (text(&object, "namespace"), text(&object, "name"));
    let at = Resource::of(kind).within(&namespace).named(&name);
    for _ in 0..TRIES {
        let Some(edits) = edits(&object, &namespace) else {
            return Ok(());
        };
        match cluster.edit(&at, edits).await {
            Ok(_) => return Ok(()),
            Err(trouble) if trouble.sort == Sort::Absent => return Ok(()),
            Err(trouble) if trouble.sort == Sort::Conflict => match cluster.find(&at).await? {
                Some(newer) => object = newer,
                None => return Ok(()),
            },
            Err(trouble) => return Err(still(&at, trouble.failure)),
        }
    }
    Err(still(
        &at,
        Failure::failed("somebody else changed it each time"),
    ))
}

/// An object that stays as it is, and why.
fn still(at: &At, failure: Failure) -> Failure {
    let mut still = Failure::failed(format!("{at} could not be un-wired")).code(codes::STILL_WIRED);
    still.causes = failure.causes;
    still.because(failure.message)
}

/// What a record says is ours goes, unless the object is another by now; `None`: nothing of it is ours.
fn edits(object: &Value, namespace: &str) -> Option<Patch> {
    let subject = Subject::read(object, None, namespace).ok()?;
    let decision = thanos_core::decide::revert(&subject);
    let edits = decision.edits();
    if edits.is_empty() {
        return None;
    }
    let version = PatchOperation::Replace(json_patch::ReplaceOperation {
        path: json_patch::jsonptr::PointerBuf::from_tokens(["metadata", "resourceVersion"]),
        value: object["metadata"]["resourceVersion"].clone(),
    });
    let mut all = vec![version];
    all.extend(edits.iter().cloned());
    Some(Patch(all))
}

/// Wirings that nobody looks after any more.
async fn drop_wirings(cluster: &Cluster, plan: &Plan) -> Result<(), Failure> {
    for name in &plan.wirings {
        let at = WIRINGS.named(name);
        if let Some(wiring) = cluster.find(&at).await? {
            drop_wiring(cluster, &at, &wiring).await?;
        }
    }
    Ok(())
}

/// One of them.
async fn drop_wiring(cluster: &Cluster, at: &At, wiring: &Value) -> Result<(), Failure> {
    let held = wiring["metadata"]["finalizers"].as_array();
    if let Some(held) = held.filter(|held| held.iter().any(|one| one == names::FINALIZER)) {
        let rest: Vec<&Value> = held.iter().filter(|one| *one != names::FINALIZER).collect();
        let members = json!({"metadata": {"finalizers": rest, "resourceVersion": wiring["metadata"]["resourceVersion"]}});
        match cluster.merge(at, &members).await {
            Err(trouble) if trouble.sort == Sort::Absent => return Ok(()),
            merged => drop(merged?),
        }
    }
    delete(cluster, at, wiring).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_stays_wired_says_why() {
        let at = WIRINGS.named("x");
        let failure = still(&at, Failure::failed("refused").because("a policy"));
        assert_eq!(failure.code, Some(codes::STILL_WIRED));
        assert_eq!(failure.causes, ["a policy", "refused"]);
    }

    #[test]
    fn an_object_is_patched_only_at_the_version_that_was_read() {
        let record = json!({"hub": {"entry": "thanos", "labels": {}, "keys": []}}).to_string();
        let object = json!({
            "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
            "metadata": {"name": "k8s", "namespace": "a", "resourceVersion": "7", "annotations": {names::WIRED: record}},
            "spec": {"remoteWrite": [{"name": "own", "url": "https://o/"}, {"name": "thanos", "url": "https://t/"}]},
        });
        if let Some(Patch(all)) = edits(&object, "a") {
            assert!(matches!(&all[0], PatchOperation::Replace(version) if version.value == "7"));
            assert!(
                !all.iter()
                    .any(|edit| matches!(edit, PatchOperation::Test(_)))
            );
        }
        let plain = json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": {"name": "x"}, "spec": {}});
        assert!(edits(&plain, "a").is_none());
    }
}
