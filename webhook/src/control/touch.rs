//! When an object is touched, and the one patch that does it.
//!
//! A touch asks the mutator to look again; it makes the edit in that very request and strips the annotation. `serve`
//! may know less than we do for a moment, so an object that is still wrong is touched again after 1, 2, 4 and 8 s, and
//! then every so often. Nothing piles up while no webhook answers: the annotation keeps its first value, so every
//! further touch changes nothing that is stored.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use thanos_core::{Kind, names};

use super::objects::{Object, resource};

/// Doublings before the longest pause begins: 1, 2, 4, 8 s.
const DOUBLINGS: u32 = 4;

/// How long to wait for an answer to a touch.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Before the first touch.
    pub head_start: Duration,
    /// After the first touch.
    pub base: Duration,
    /// After the fifth touch and every further one.
    pub longest: Duration,
}

/// Which objects were touched without being right yet, by uid.
#[derive(Debug)]
pub struct Schedule {
    patience: Patience,
    tried: BTreeMap<String, Tried>,
    /// Objects that are wrong and were not touched yet, with the time of their first touch.
    fresh: BTreeMap<String, Timestamp>,
}

#[derive(Clone, Debug)]
struct Tried {
    value: String,
    times: u32,
    next: Timestamp,
}

/// Whether an object is to be touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It never was.
    First,
    /// It was, so many times, and it is time again.
    Again(u32),
    /// Not before then.
    Later(Timestamp),
}

/// One touch to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Touch {
    /// The object's kind.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The version that was judged: of a later one nothing is known.
    pub version: String,
    /// What the annotation says.
    pub value: String,
}

impl Schedule {
    /// Nothing was touched yet.
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            tried: BTreeMap::new(),
            fresh: BTreeMap::new(),
        }
    }

    /// Whether an object that is wrong is to be touched now.
    pub fn due(&mut self, uid: &str, now: Timestamp) -> Due {
        match self.tried.get(uid) {
            None => {
                let head_start = after(now, self.patience.head_start);
                let first = *self.fresh.entry(uid.to_owned()).or_insert(head_start);
                if first <= now {
                    Due::First
                } else {
                    Due::Later(first)
                }
            }
            Some(tried) if tried.next <= now => Due::Again(tried.times),
            Some(tried) => Due::Later(tried.next),
        }
    }

    /// Notes a touch, and gives it.
    pub fn touch(&mut self, object: &Object, now: Timestamp) -> Touch {
        let there = object
            .raw
            .pointer("/metadata/annotations")
            .and_then(|annotations| annotations.get(names::TOUCH))
            .and_then(Value::as_str)
            .filter(|value| !value.is_empty());
        let patience = self.patience;
        let tried = self
            .tried
            .entry(object.uid.clone())
            .or_insert_with(|| Tried {
                value: there.map_or_else(|| now.to_string(), str::to_owned),
                times: 0,
                next: now,
            });
        let pause = if tried.times < DOUBLINGS {
            patience.longest.min(patience.base * 2_u32.pow(tried.times))
        } else {
            patience.longest
        };
        tried.times += 1;
        tried.next = after(now, pause);
        Touch {
            kind: object.kind,
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            version: object.version.clone(),
            value: tried.value.clone(),
        }
    }

    /// How often an object was touched without being right yet.
    pub fn times(&self, uid: &str) -> u32 {
        self.tried.get(uid).map_or(0, |tried| tried.times)
    }

    /// Whether that is often enough to say that no webhook answers.
    pub fn unanswered(times: u32) -> bool {
        times > DOUBLINGS
    }

    /// Forgets the objects that are right, or gone.
    pub fn retain(&mut self, wrong: impl Fn(&str) -> bool) {
        self.tried.retain(|uid, _| wrong(uid));
        self.fresh.retain(|uid, _| wrong(uid));
    }
}

/// A time so much later.
pub fn after(now: Timestamp, pause: Duration) -> Timestamp {
    SignedDuration::try_from(pause)
        .ok()
        .and_then(|pause| now.checked_add(pause).ok())
        .unwrap_or(now)
}

impl Touch {
    /// `kind/namespace/name`, as people read it.
    pub fn title(&self) -> String {
        format!("{}/{}/{}", self.kind.singular(), self.namespace, self.name)
    }

    /// Makes it: a merge patch of one annotation, at the version that was judged.
    pub async fn apply(&self, client: &Client) -> kube::Result<()> {
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), &self.namespace, &resource(self.kind));
        let params = PatchParams {
            field_manager: Some(names::MANAGER_CONTROL.to_owned()),
            ..PatchParams::default()
        };
        api.patch_metadata(&self.name, &params, &Patch::Merge(self.patch()))
            .await
            .map(drop)
    }

    fn patch(&self) -> Value {
        json!({"metadata": {
            "resourceVersion": self.version,
            "annotations": {names::TOUCH: self.value},
        }})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(annotations: &Value) -> Object {
        let raw = json!({"metadata": {"name": "k8s", "namespace": "monitoring", "uid": "1", "resourceVersion": "7", "annotations": annotations}});
        Object::read(Kind::Prometheus, serde_json::from_value(raw).unwrap())
    }

    fn schedule() -> Schedule {
        Schedule::new(Patience {
            head_start: Duration::ZERO,
            base: Duration::from_secs(1),
            longest: Duration::from_secs(25),
        })
    }

    #[test]
    fn an_unanswered_touch_is_made_again_later_and_later() {
        let mut schedule = schedule();
        let mut now: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
        assert_eq!(schedule.due("1", now), Due::First);
        let mut pauses = Vec::new();
        let mut values = Vec::new();
        for times in 1..=7 {
            values.push(schedule.touch(&object(&Value::Null), now).value);
            let Due::Later(next) = schedule.due("1", now) else {
                panic!()
            };
            pauses.push((next - now).get_seconds());
            now = next;
            assert_eq!(schedule.due("1", now), Due::Again(times));
            assert_eq!(Schedule::unanswered(schedule.times("1")), times > 4);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 25, 25, 25]);
        assert!(
            values.iter().all(|value| value == "2026-11-25T00:00:00Z"),
            "{values:?}"
        );
        schedule.retain(|_| false);
        assert_eq!(schedule.due("1", now), Due::First);
    }

    #[test]
    fn serve_gets_a_head_start() {
        let patience = Patience {
            head_start: Duration::from_millis(250),
            base: Duration::from_secs(1),
            longest: Duration::from_secs(25),
        };
        let mut schedule = Schedule::new(patience);
        let now = Timestamp::UNIX_EPOCH;
        let first = after(now, patience.head_start);
        assert_eq!(schedule.due("1", now), Due::Later(first));
        assert_eq!(schedule.due("1", first), Due::First);
        schedule.retain(|_| false);
        assert_ne!(
            schedule.due("1", first),
            Due::First,
            "it was right in between"
        );
    }

    #[test]
    fn a_touch_writes_one_annotation_at_the_version_that_was_judged() {
        let now = Timestamp::UNIX_EPOCH;
        let touch = schedule().touch(&object(&json!({"other": "x"})), now);
        assert_eq!(
            touch.patch(),
            json!({"metadata": {"resourceVersion": "7", "annotations": {"kubectl-thanos.dev/touch": "1970-01-01T00:00:00Z"}}})
        );
        assert_eq!(touch.title(), "prometheus/monitoring/k8s");
    }

    #[test]
    fn what_a_leader_before_us_wrote_is_kept() {
        let touched = object(&json!({names::TOUCH: "earlier"}));
        assert_eq!(
            schedule().touch(&touched, Timestamp::UNIX_EPOCH).value,
            "earlier"
        );
    }
}
