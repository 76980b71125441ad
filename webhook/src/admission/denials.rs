//! A denial → one Event on each policy that denied: a queue that drops when it is full, and a pace per policy.
//!
//! A review waits for nobody: what is not told here stands in the audit log and in the counters all the same.
//! Rights: create on events (events.k8s.io) in the namespace `default`, where Events about cluster-scoped objects live.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use thanos_core::{Judgement, names};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::answer::cut;
use super::review::Review;
use crate::facts::Knowledge;
use crate::metrics::Metrics;

/// As many Events wait to be written.
const WAITING: usize = 128;
/// As many Events about one policy may come at once.
const AT_ONCE: u32 = 10;
/// After those, one in this time.
const BETWEEN: Duration = Duration::from_secs(6);
/// For one Event to be written.
const PATIENCE: Duration = Duration::from_secs(5);
/// As many paces are kept before those that have rested are dropped.
const PACES: usize = 256;
/// The API server takes at most 1 kB of a note.
const NOTE: usize = 1000;

/// Tells of denials, or does not.
#[derive(Default)]
pub struct Denials {
    queue: Option<mpsc::Sender<Denial>>,
    paces: Mutex<HashMap<Arc<str>, Pace>>,
}

/// What is told about one policy.
#[derive(Debug, PartialEq)]
pub(super) struct Denial {
    pub(super) policy: Arc<str>,
    pub(super) uid: String,
    pub(super) reason: String,
    pub(super) note: String,
}

impl Denials {
    /// Tells nobody.
    pub fn silent() -> Self {
        Self::default()
    }

    /// Writes Events, under the name of this program by this instance of it, until the value is dropped.
    pub fn told(client: Client, instance: String, metrics: Arc<Metrics>) -> Self {
        let (denials, queue) = Self::queued();
        tokio::spawn(write(client, instance, metrics, queue));
        denials
    }

    pub(super) fn queued() -> (Self, mpsc::Receiver<Denial>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let denials = Self {
            queue: Some(sender),
            ..Self::default()
        };
        (denials, receiver)
    }

    /// Tells of everything that a judgement denies, once per policy.
    pub(super) fn tell(
        &self,
        review: &Review<'_>,
        judgement: &Judgement,
        knowledge: &Knowledge,
        metrics: &Metrics,
    ) {
        let Some(queue) = &self.queue else { return };
        let now = Instant::now();
        for denial in denials(review, judgement, knowledge) {
            let policy = Arc::clone(&denial.policy);
            if !self.may(&policy, now) || queue.try_send(denial).is_err() {
                metrics.event("dropped");
            }
        }
    }

    /// Whether the policy's pace lets one more Event through.
    fn may(&self, policy: &Arc<str>, now: Instant) -> bool {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        if paces.len() >= PACES {
            paces.retain(|_, pace| !pace.has_rested(now));
        }
        let pace = paces.entry(Arc::clone(policy)).or_insert(Pace(now));
        pace.step(now)
    }
}

/// The moment up to which all steps are used up; as far as [`AT_ONCE`] steps ahead of now it may be.
struct Pace(Instant);

impl Pace {
    fn step(&mut self, now: Instant) -> bool {
        let next = self.0.max(now) + BETWEEN;
        let is_free = next <= now + BETWEEN * AT_ONCE;
        if is_free {
            self.0 = next;
        }
        is_free
    }

    fn has_rested(&self, now: Instant) -> bool {
        self.0 <= now
    }
}

/// One per policy, the first rule that denies as its reason. No sentence of a charge is in it: names and codes only.
fn denials(review: &Review<'_>, judgement: &Judgement, knowledge: &Knowledge) -> Vec<Denial> {
    let mut denials: Vec<Denial> = Vec::new();
    for charge in judgement.denied() {
        let words = format!("{} {}", charge.rule, charge.rule.id);
        for policy in &charge.policies {
            let known = denials.iter_mut().find(|denial| denial.policy == *policy);
            if let Some(denial) = known {
                if !denial.note.contains(&words) {
                    denial.note = format!("{}, {words}", denial.note);
                }
                continue;
            }
            let name = |text: &str| cut(text, 253, usize::MAX);
            denials.push(Denial {
                policy: Arc::clone(policy),
                uid: knowledge.policy_uid(policy).unwrap_or_default(),
                reason: charge.rule.event_reason(),
                note: format!(
                    "{}/{}/{} was refused: {words}",
                    name(&review.kind),
                    name(&review.namespace),
                    name(&review.name)
                ),
            });
        }
    }
    denials
}

/// Writes one after the other. What fails is not tried again.
async fn write(
    client: Client,
    instance: String,
    metrics: Arc<Metrics>,
    mut queue: mpsc::Receiver<Denial>,
) {
    let events: Api<Event> = Api::namespaced(client, "default");
    while let Some(denial) = queue.recv().await {
        let event = event(denial, &instance, Timestamp::now());
        let written = timeout(PATIENCE, events.create(&PostParams::default(), &event)).await;
        let error = match written {
            Ok(Ok(_)) => {
                metrics.event("written");
                continue;
            }
            // No word of the answer's: it would quote what was written.
            Ok(Err(kube::Error::Api(status))) => format!("{} {}", status.code, status.reason),
            Ok(Err(_)) => "no answer".to_owned(),
            Err(_) => "no answer in time".to_owned(),
        };
        metrics.event("failed");
        let policy = event.regarding.and_then(|regarding| regarding.name);
        tracing::debug!(policy, error, "an Event could not be written");
    }
}

fn event(denial: Denial, instance: &str, now: Timestamp) -> Event {
    let Denial {
        policy,
        uid,
        reason,
        note,
    } = denial;
    Event {
        metadata: ObjectMeta {
            generate_name: Some(format!("{policy}-")),
            namespace: Some("default".to_owned()),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(now)),
        reporting_controller: Some(names::MANAGER_CONTROL.to_owned()),
        reporting_instance: Some(cut(instance, 128, usize::MAX)),
        action: Some("Deny".to_owned()),
        reason: Some(reason),
        type_: Some("Warning".to_owned()),
        note: Some(cut(&note, usize::MAX, NOTE)),
        regarding: Some(ObjectReference {
            api_version: Some(names::API_VERSION.to_owned()),
            kind: Some("ThanosPolicy".to_owned()),
            name: Some(policy.to_string()),
            uid: Some(uid).filter(|uid| !uid.is_empty()),
            ..ObjectReference::default()
        }),
        ..Event::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_has_a_pace_of_its_own() {
        let denials = Denials::silent();
        let (noisy, quiet): (Arc<str>, Arc<str>) = ("noisy".into(), "quiet".into());
        let through = |now| (0..50).filter(|_| denials.may(&noisy, now)).count();
        let begin = Instant::now();
        assert_eq!(through(begin), AT_ONCE as usize);
        assert!(denials.may(&quiet, begin));
        assert_eq!(through(begin + BETWEEN), 1);
        let rested = begin + BETWEEN * (2 * AT_ONCE);
        assert_eq!(through(rested), AT_ONCE as usize);
    }

    #[test]
    fn paces_that_have_rested_are_dropped() {
        let denials = Denials::silent();
        let begin = Instant::now();
        for number in 0..PACES {
            denials.may(&format!("policy-{number}").into(), begin);
        }
        denials.may(&"one more".into(), begin + BETWEEN);
        assert_eq!(denials.paces.lock().unwrap().len(), 1);
    }

    #[test]
    fn an_event_is_about_the_policy() {
        let denial = Denial {
            policy: "shared".into(),
            uid: "u-7".into(),
            reason: "EgressUrl".into(),
            note: "x".repeat(5000),
        };
        let event = event(denial, "serve-1", Timestamp::UNIX_EPOCH);
        let regarding = event.regarding.unwrap();
        assert_eq!(regarding.uid.as_deref(), Some("u-7"));
        assert_eq!(regarding.name.as_deref(), Some("shared"));
        assert!(event.note.unwrap().len() <= NOTE);
    }
}
