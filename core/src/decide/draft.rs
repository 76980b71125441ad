//! The object as it will be, in the three places that wiring may touch; worded as edits at the end.
//!
//! Everything else of the raw object is never copied and never looked at. Entries that nobody changes stay borrowed,
//! so they cannot change.

use std::borrow::Cow;
use std::collections::BTreeSet;

use json_patch::PatchOperation;
use serde_json::{Map, Value};

use super::record::{Record, Unread};
use crate::decision::{Effect, Reason};
use crate::names;
use crate::patch::{add, between, pointer, remove, replace};
use crate::subject::{Kind, Subject, string_map};

const ANNOTATIONS: &str = "/metadata/annotations";
const REMOTE_WRITE: &str = "/spec/remoteWrite";

/// The most edits inside one entry; a larger rewrite replaces the entry.
const MOST_INNER_EDITS: usize = 12;
/// The most edits among the labels; a larger rewrite replaces the map.
const MOST_LABEL_EDITS: usize = 32;

#[derive(Clone)]
pub(super) struct Draft<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) entries: Vec<DraftEntry<'a>>,
    pub(super) labels: Map<String, Value>,
    /// The labels as this round found them.
    came: Map<String, Value>,
    pub(super) record: Record,
    pub(super) record_was_unreadable: bool,
    /// Containers that wirings have made, whether they stay or are reverted: they go when they are empty.
    pub(super) made: BTreeSet<String>,
}

#[derive(Clone)]
pub(super) struct DraftEntry<'a> {
    /// Its index in the raw list; `None`: it is new.
    pub(super) from: Option<usize>,
    pub(super) value: Cow<'a, Value>,
}

pub(super) struct Finished {
    pub(super) edits: Vec<PatchOperation>,
    pub(super) effects: Vec<Effect>,
}

impl DraftEntry<'_> {
    pub(super) fn text(&self, field: &str) -> &str {
        self.value
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

impl<'a> Draft<'a> {
    pub(super) fn read(subject: &'a Subject<'a>) -> Result<Self, Reason> {
        let malformed = |path: &str, must_be| {
            Err(Reason::Malformed {
                path: path.to_owned(),
                must_be,
            })
        };
        if !subject.raw.get("spec").is_some_and(Value::is_object) {
            return malformed("spec", "an object");
        }
        let mut entries = Vec::new();
        match subject.spec("remoteWrite") {
            None => {}
            Some(Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    if !item.is_object() {
                        return malformed(&format!("spec.remoteWrite[{at}]"), "an object");
                    }
                    entries.push(DraftEntry {
                        from: Some(at),
                        value: Cow::Borrowed(item),
                    });
                }
            }
            Some(_) => return malformed("spec.remoteWrite", "a list"),
        }
        let field = subject.kind.labels_field();
        let labels = match subject.spec(field) {
            None => Map::new(),
            Some(value) => match string_map(value) {
                Some(labels) => labels.clone(),
                None => return malformed(&format!("spec.{field}"), "a map of strings"),
            },
        };
        let annotation = subject.annotation(names::WIRED);
        let record = annotation.map(Record::read);
        if let Some(Err(Unread::Newer(version))) = record {
            return Err(Reason::RecordNewer { version });
        }
        Ok(Self {
            subject,
            entries,
            came: labels.clone(),
            labels,
            record_was_unreadable: matches!(record, Some(Err(_))),
            record: record.and_then(Result::ok).unwrap_or_default(),
            made: BTreeSet::new(),
        })
    }

    /// Whether a label that a record holds still has our value: as this round found it, so that what another wiring
    /// sets in the same round is not taken for it.
    pub(super) fn holds(&self, label: &str, ours: Option<&String>) -> bool {
        let ours = ours.map(String::as_str);
        self.came_with(label) == ours && self.labels.get(label).and_then(Value::as_str) == ours
    }

    /// The value that this round found a label with.
    pub(super) fn came_with(&self, label: &str) -> Option<&str> {
        self.came.get(label).and_then(Value::as_str)
    }

    /// Takes the draft as it is for the object that the next round finds.
    pub(super) fn next_round(&mut self) {
        self.came.clone_from(&self.labels);
    }

    /// Words the draft as edits; the reason says why the object is left whole instead.
    pub(super) fn finish(mut self) -> Result<Finished, Reason> {
        self.remember_containers();
        let annotation = self.record.write();
        if let Some(bytes) = annotation
            .as_ref()
            .map(String::len)
            .filter(|bytes| *bytes > names::WIRED_LIMIT)
        {
            return Err(Reason::AnnotationTooLarge { bytes });
        }
        let mut edits = self.annotation_edits(annotation);
        let labels = self.label_edits();
        let (entries, entry_effects) = self.entry_edits();
        let effects = self.effects(!labels.is_empty(), entry_effects);
        edits.extend(labels);
        edits.extend(entries);
        let bytes = serde_json::to_vec(&edits).map_or(usize::MAX, |bytes| bytes.len());
        if edits.len() > names::PATCH_OPERATIONS || bytes > names::PATCH_BYTES {
            return Err(Reason::PatchTooLarge);
        }
        Ok(Finished { edits, effects })
    }

    fn raw_container(&self, at: &str) -> Option<&'a Value> {
        self.subject
            .raw
            .pointer(at)
            .filter(|value| !value.is_null())
    }

    fn labels_pointer(&self) -> String {
        format!("/spec/{}", self.subject.kind.labels_field())
    }

    /// Notes the containers that were not there before us, with the first wiring that stays and nowhere else.
    fn remember_containers(&mut self) {
        let noted = self.record.iter().flat_map(|(_, wired)| &wired.made);
        self.made.extend(noted.cloned());
        let filled = [
            (REMOTE_WRITE.to_owned(), !self.entries.is_empty()),
            (self.labels_pointer(), !self.labels.is_empty()),
            (ANNOTATIONS.to_owned(), true),
        ];
        let made = filled
            .into_iter()
            .filter(|(at, filled)| *filled && (self.goes(at) || self.raw_container(at).is_none()))
            .map(|(at, _)| at)
            .collect();
        self.record.set_made(made);
    }

    /// Whether a container that is empty now was made by us and goes.
    fn goes(&self, at: &str) -> bool {
        self.made.contains(at)
    }

    fn annotation_edits(&self, wired: Option<String>) -> Vec<PatchOperation> {
        let before = self.subject.annotation(names::WIRED);
        let at = |key: &str| pointer(["metadata", "annotations", key]);
        let mut edits = Vec::new();
        match (before, wired) {
            (None, Some(now)) if self.raw_container(ANNOTATIONS).is_none() => {
                edits.push(add(
                    pointer(["metadata", "annotations"]),
                    serde_json::json!({names::WIRED: now}),
                ));
            }
            (None, Some(now)) => edits.push(add(at(names::WIRED), Value::String(now))),
            (Some(before), Some(now)) if before != now => {
                edits.push(replace(at(names::WIRED), Value::String(now)));
            }
            // What is not ours to read stays until there is something to write.
            (Some(_), None) if self.record_was_unreadable => {}
            (Some(_), None) => {
                let others = self
                    .raw_container(ANNOTATIONS)
                    .and_then(Value::as_object)
                    .into_iter()
                    .flat_map(Map::keys);
                let alone = others
                    .into_iter()
                    .all(|key| key == names::WIRED || key == names::TOUCH);
                if alone && self.goes(ANNOTATIONS) {
                    return vec![remove(pointer(["metadata", "annotations"]))];
                }
                edits.push(remove(at(names::WIRED)));
            }
            _ => {}
        }
        edits.extend(strip_touch(self.subject));
        edits
    }

    fn label_edits(&self) -> Vec<PatchOperation> {
        let field = self.subject.kind.labels_field();
        let at = |key: &str| pointer(["spec", field, key]);
        let Some(before) = self.subject.spec(field).and_then(Value::as_object) else {
            let whole = || add(pointer(["spec", field]), Value::Object(self.labels.clone()));
            return if self.labels.is_empty() {
                Vec::new()
            } else {
                vec![whole()]
            };
        };
        if self.labels.is_empty() && !before.is_empty() && self.goes(&self.labels_pointer()) {
            return vec![remove(pointer(["spec", field]))];
        }
        let gone = before
            .keys()
            .filter(|key| !self.labels.contains_key(*key))
            .map(|key| remove(at(key)));
        let set = self
            .labels
            .iter()
            .filter_map(|(key, value)| match before.get(key) {
                None => Some(add(at(key), value.clone())),
                Some(old) if old != value => Some(replace(at(key), value.clone())),
                Some(_) => None,
            });
        let edits: Vec<PatchOperation> = gone.chain(set).collect();
        if edits.len() > MOST_LABEL_EDITS {
            return vec![replace(
                pointer(["spec", field]),
                Value::Object(self.labels.clone()),
            )];
        }
        edits
    }

    /// Changes first, while the raw indexes hold; then removals from the end; then what is new.
    fn entry_edits(&self) -> (Vec<PatchOperation>, bool) {
        let list = pointer(["spec", "remoteWrite"]);
        let Some(before) = self.subject.spec("remoteWrite").and_then(Value::as_array) else {
            let new: Vec<Value> = self
                .entries
                .iter()
                .map(|entry| entry.value.clone().into_owned())
                .collect();
            return (
                if new.is_empty() {
                    Vec::new()
                } else {
                    vec![add(list, Value::Array(new))]
                },
                false,
            );
        };
        if self.entries.is_empty() && !before.is_empty() && self.goes(REMOTE_WRITE) {
            return (vec![remove(list)], false);
        }
        let at = |index: usize| pointer(["spec", "remoteWrite", &index.to_string()]);
        let mut edits = Vec::new();
        for entry in &self.entries {
            if let (Some(index), Cow::Owned(value)) = (entry.from, &entry.value) {
                let inner = between(&at(index), &before[index], value);
                let whole = inner.len() > MOST_INNER_EDITS;
                edits.extend(if whole {
                    vec![replace(at(index), value.clone())]
                } else {
                    inner
                });
            }
        }
        let changed = !edits.is_empty();
        let stays: BTreeSet<usize> = self.entries.iter().filter_map(|entry| entry.from).collect();
        edits.extend(
            (0..before.len())
                .rev()
                .filter(|index| !stays.contains(index))
                .map(|index| remove(at(index))),
        );
        let new = self.entries.iter().filter(|entry| entry.from.is_none());
        edits.extend(new.map(|entry| {
            add(
                pointer(["spec", "remoteWrite", "-"]),
                entry.value.clone().into_owned(),
            )
        }));
        (edits, changed)
    }

    fn effects(&self, labels_change: bool, entry_changes: bool) -> Vec<Effect> {
        let ruler = self.subject.kind == Kind::ThanosRuler;
        let mut effects = Vec::new();
        if entry_changes {
            effects.push(Effect::RestartsQueue);
        }
        let had_queues = self
            .subject
            .spec("remoteWrite")
            .and_then(Value::as_array)
            .is_some_and(|entries| !entries.is_empty());
        // A ruler is told of its remote-write, and of its labels, by arguments.
        let arguments = labels_change || had_queues == self.entries.is_empty();
        if ruler && arguments {
            effects.push(Effect::RollsPods);
        } else if !ruler && labels_change && had_queues {
            effects.push(Effect::RestartsAllQueues);
        }
        effects
    }
}

/// The edit that takes the touch annotation off, whenever it is there.
pub(super) fn strip_touch(subject: &Subject<'_>) -> Option<PatchOperation> {
    subject
        .annotation(names::TOUCH)
        .map(|_| remove(pointer(["metadata", "annotations", names::TOUCH])))
}
