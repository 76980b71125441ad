//! What is asked of each story: more than the story itself, so that one field does not hide another.

use anyhow::Result;
use serde_json::{Value, json};
use thanos_tests::Cluster;

use super::room::Room;

/// What each room's object becomes where nobody judges it, for the updates.
pub(super) async fn stored(cluster: &Cluster, rooms: &[Room]) -> Result<Vec<Option<Value>>> {
    let mut stored = Vec::new();
    for room in rooms {
        stored.push(room.store(cluster, OLD).await?);
    }
    Ok(stored)
}

/// The name under which an object is stored.
pub(super) const OLD: &str = "before";

/// An object, and the one that it is to replace.
pub(super) struct Question {
    pub(super) given: Value,
    pub(super) old: Option<Value>,
}

/// The story's own object; each field of its spec alone; and, as an update of the whole, the same, without each field, and
/// as the next story has it.
pub(super) fn questions(rooms: &[Room], at: usize, stored: Option<&Value>) -> Vec<Question> {
    let room = &rooms[at];
    let whole = &room.story.given;
    let mut questions = vec![Question {
        given: whole.clone(),
        old: room.story.old.clone(),
    }];
    if room.story.old.is_some() {
        return questions;
    }
    let fields: Vec<String> = whole["spec"]
        .as_object()
        .into_iter()
        .flat_map(|spec| spec.keys().cloned())
        .collect();
    let with = |keep: &dyn Fn(&str) -> bool| {
        let mut given = whole.clone();
        if let Some(spec) = given["spec"].as_object_mut() {
            spec.retain(|name, _| keep(name));
        }
        given
    };
    let mut others = Vec::new();
    for field in &fields {
        questions.push(Question {
            given: with(&|name| name == field),
            old: None,
        });
        others.push(with(&|name| name != field));
    }
    if let Some(stored) = stored {
        let same_kind = rooms.iter().cycle().skip(at + 1).take(rooms.len());
        let next = same_kind
            .map(|other| &other.story.given)
            .find(|other| other["kind"] == whole["kind"]);
        others.push(whole.clone());
        others.extend(next.map(|next| {
            let mut given = whole.clone();
            given["spec"] = next["spec"].clone();
            given
        }));
        questions.extend(others.into_iter().map(|mut given| {
            given["metadata"]["name"] = json!(OLD);
            Question {
                given,
                old: Some(stored.clone()),
            }
        }));
    }
    questions.dedup_by(|a, b| a.given == b.given && a.old == b.old);
    questions
}
