//! A wiring as a `MutatingAdmissionPolicy`: the object that comes back is the one that `decide` makes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use serde_json::Value;
use thanos_core::native;
use thanos_tests::{Cluster, Options, tools};

use super::room::Room;
use super::{bound, enforce};
use crate::doors::{Story, through_core};

/// The stories to which the API server alone answers otherwise, and why.
const OTHERWISE: &[(&str, &str)] = &[
    ("a-default-follows-the-wiring", MENDED),
    ("a-default-that-would-cross-the-users-own", ADOPTED),
    ("a-foreign-tail-of-the-users-own", ADOPTED),
    ("a-touch-has-it-wired", RECORD),
    ("a-wiring-that-goes-un-wires", RECORD),
    ("adopt-an-entry-without-a-name", ADOPTED),
    ("adopt-by-name", ADOPTED),
    ("adopt-by-url-under-another-name", ADOPTED),
    ("adopt-refused-url-spelled-differently", URL),
    ("adopt-replace-overwrites", ADOPTED),
    ("an-edited-tail-is-made-whole", MENDED),
    ("an-object-on-its-way-out-is-left-alone", NO_CREATE),
    ("annotation-too-large", RECORD),
    ("crd-too-old", VERSION),
    ("credential-missing", CREDENTIAL),
    ("leave-ruler-that-is-too-old", VERSION),
    ("leave-ruler-with-workload-identity", VERSION),
    ("malformed-labels", NO_CREATE),
    ("many-labels-go-at-once", RECORD),
    ("namespace-not-selected-un-wires", RECORD),
    ("opt-out-un-wires", RECORD),
    ("patch-too-large", RECORD),
    ("rules-appended-after-ours-move-before-them", MENDED),
    ("the-enforced-value-changed-in-the-wiring", MENDED),
    ("the-entry-was-renamed-in-the-wiring", MENDED),
    ("the-url-changed-in-the-wiring", MENDED),
    ("the-user-keeps-the-queue", MENDED),
    ("the-users-metadata-stays-as-it-is", ADOPTED),
    ("the-users-rules-come-first", MENDED),
    ("two-wirings-one-destination", ALONE),
    ("two-wirings-one-entry-name", ALONE),
    ("two-wirings-one-label", ALONE),
    ("un-wire-an-adopted-entry", RECORD),
    ("version-of-the-operators-default", VERSION),
    ("version-too-old", VERSION),
    ("version-too-old-for-a-default", VERSION),
    ("whatever-else-is-ours", MENDED),
];

const ADOPTED: &str = "an entry of the user's is not adopted";
const ALONE: &str = "each wiring stands alone";
const CREDENTIAL: &str = "whether the credential is there is not known";
const MENDED: &str = "an entry that is there is not mended";
const NO_CREATE: &str =
    "the API server refuses to create such an object, or makes it right by wiring it";
const RECORD: &str = "there is no record of what is ours, and no bound on it";
const URL: &str = "urls are compared as they are spelled";
const VERSION: &str = "versions and served fields are not looked at";

fn objects(story: &Story) -> Result<Vec<Value>> {
    let rules = story.rules()?;
    Ok(rules
        .wirings()
        .iter()
        .flat_map(|wiring| native::mutating(wiring))
        .collect())
}

fn folders() -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(tools::root().join("tests/cases"))?;
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    Ok(folders)
}

#[tokio::test]
async fn what_a_static_wiring_does_is_what_decide_does() -> Result<()> {
    let mut rooms = Vec::new();
    for folder in folders()? {
        let story = Story::read(&folder)?;
        if !story.is_about_a_wiring() {
            rooms.push(Room::new(story, rooms.len() + 1, objects)?);
        }
    }
    let plain = Room::of(&tools::root().join("tests/cases/no-wiring"), 0, |_| {
        Ok(Vec::new())
    })?;
    let sentinel = tools::root().join("tests/cases/wire-prometheus");
    let sentinel = Room::of(&sentinel, rooms.len() + 1, objects)?;
    Cluster::with(Options::new("native-mutating"), async |cluster| {
        for room in rooms.iter().chain([&plain, &sentinel]) {
            room.furnish(cluster).await?;
        }
        let bound = bound(&rooms);
        enforce(cluster, &bound, &sentinel, |answer| {
            answer.body["spec"]["remoteWrite"][0]["name"] == "thanos"
        })
        .await?;
        let mut differ = BTreeMap::new();
        let mut wired = 0;
        for room in &rooms {
            match difference(cluster, room, &plain).await? {
                Some(why) => drop(differ.insert(room.story.name(), why)),
                None if through_core(&room.story)?.0.object["spec"] != room.story.given["spec"] => {
                    wired += 1;
                }
                None => {}
            }
        }
        println!(
            "{} stories, {wired} wired alike, {} otherwise",
            rooms.len(),
            differ.len()
        );
        // Of two wirings the API server asks either first.
        let known: BTreeSet<&str> = OTHERWISE.iter().map(|(name, _)| *name).collect();
        let surely = OTHERWISE.iter().filter(|(_, why)| *why != ALONE);
        let surely: BTreeSet<&str> = surely.map(|(name, _)| *name).collect();
        let found: BTreeSet<&str> = differ.keys().map(String::as_str).collect();
        if !found.is_subset(&known) || !surely.is_subset(&found) {
            bail!("{differ:#?}\n{found:#?}");
        }
        ensure!(wired > 20, "only {wired} stories show a wiring at work");
        Ok(())
    })
    .await
}

/// What the API server's object has otherwise than `decide`'s, after the CRD's defaults.
async fn difference(cluster: &Cluster, room: &Room, plain: &Room) -> Result<Option<String>> {
    let answer = room.ask(cluster, &room.story.given).await?;
    let (decided, decision) = through_core(&room.story)?;
    let mut wanted = decided.object;
    wanted["metadata"]["namespace"] = plain.namespace.clone().into();
    let wanted = plain.ask(cluster, &wanted).await?;
    if !answer.status.is_success() || !wanted.status.is_success() {
        let alike = answer.status.is_success() == wanted.status.is_success();
        return Ok(
            (!alike).then(|| format!("{} {}", answer.body["message"], wanted.body["message"]))
        );
    }
    let (got, wanted) = (in_order(&answer.body), in_order(&wanted.body));
    Ok((got != wanted).then(|| format!("{:?}\n got {got}\n for {wanted}", decision.verdict)))
}

/// The spec, its entries by name: the API server asks its policies in no order.
fn in_order(object: &Value) -> Value {
    let mut spec = object["spec"].clone();
    if let Some(entries) = spec["remoteWrite"].as_array_mut() {
        entries.sort_by_key(|entry| entry["name"].to_string());
    }
    spec
}
