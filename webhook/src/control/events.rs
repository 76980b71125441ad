//! Events on the objects: wired, left, un-wired, each said once; and what stops a rollout.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use thanos_core::codes::{self, Code, Severity};
use thanos_core::decision::Reason;
use thanos_core::names;

use super::objects::Object;
use super::view::{Stand, View};
use crate::facts::UNCHECKED;

/// One thing to be said about one object.
#[derive(Clone, Debug)]
pub struct News {
    /// The object.
    pub object: Arc<Object>,
    /// The wiring it is about.
    pub wiring: Arc<str>,
    /// `Wired`, `NotEnrolled`, …
    pub reason: String,
    /// What led to it. Events of one reason and one action are counted as a series, under the first one's note.
    pub action: String,
    /// The sentence, its code first.
    pub note: String,
    /// Whether it is a warning.
    pub warns: bool,
}

impl News {
    fn new(view: &View, wiring: &Arc<str>, code: &Code, cause: &Code, sentence: &str) -> Self {
        Self {
            object: Arc::clone(&view.object),
            wiring: Arc::clone(wiring),
            reason: code.event_reason(),
            action: cause.event_reason(),
            note: format!("{code} {sentence}"),
            warns: code.severity > Severity::Info,
        }
    }

    /// A rollout stops at this object.
    pub fn halted(view: &View, wiring: &Arc<str>) -> Self {
        let sentence = format!(
            "rewiring by {wiring} is halted: the operator does not reconcile the object since it was rewired, and no other is rewired until it does, or until the wiring would write something else"
        );
        let code = codes::REWIRING_HALTED;
        Self::new(view, wiring, code, code, &sentence)
    }

    /// Touch after touch, and the object is still not what it should be.
    pub fn unanswered(view: &View, times: u32) -> Self {
        let sentence = format!(
            "touched {times} times, and still not what it should be: no webhook answers, or another one undoes it"
        );
        let wiring = view
            .stands
            .first()
            .map_or_else(|| Arc::from(""), |(wiring, _)| Arc::clone(wiring));
        let code = codes::WEBHOOK_SILENT;
        Self::new(view, &wiring, code, code, &sentence)
    }
}

/// What was said last, per object and wiring.
#[derive(Debug, Default)]
pub struct Told {
    started: bool,
    said: BTreeMap<(String, Arc<str>), &'static Code>,
}

impl Told {
    /// What is new since the last time.
    ///
    /// The first time nothing is told of an object that is wired, nor of a wiring that was `watched` by a leader
    /// before us: a restart makes no storm.
    pub fn news(&mut self, views: &[View], watched: impl Fn(&str) -> bool) -> Vec<News> {
        let first = !std::mem::replace(&mut self.started, true);
        let uids: BTreeSet<&str> = views.iter().map(|view| view.object.uid.as_str()).collect();
        self.said.retain(|(uid, _), _| uids.contains(uid.as_str()));
        let mut news = Vec::new();
        for view in views {
            for (wiring, stand) in &view.stands {
                let key = (view.object.uid.clone(), Arc::clone(wiring));
                let before = self.said.get(&key).copied();
                let (code, sentence) = match stand {
                    Stand::Left(Reason::CredentialMissing { why, .. }, _) if why == UNCHECKED => {
                        continue;
                    }
                    Stand::Wired => (codes::WIRED, format!("wired by {wiring}")),
                    Stand::Left(reason, true) => (
                        reason.code(),
                        format!("wired by {wiring} and left as it is: {reason}"),
                    ),
                    Stand::Left(reason, false) => {
                        (reason.code(), format!("not wired by {wiring}: {reason}"))
                    }
                    Stand::Out(reason) if before == Some(codes::WIRED) => {
                        (codes::UNWIRED, format!("un-wired from {wiring}: {reason}"))
                    }
                    // Not selected: what was said before does not hold any more, and there is nothing to say.
                    Stand::Out(_) => {
                        self.said.remove(&key);
                        continue;
                    }
                    // Still wired, whether or not there was time to say so: the end of it will be told.
                    Stand::Rewire | Stand::Unwire(_) => {
                        self.said.insert(key, codes::WIRED);
                        continue;
                    }
                    Stand::Wire => continue,
                };
                self.said.insert(key, code);
                let silent = first && (code == codes::WIRED || watched(wiring));
                if before != Some(code) && !silent {
                    news.push(News::new(view, wiring, code, cause(stand, code), &sentence));
                }
            }
        }
        news
    }
}

/// Why an object was un-wired; anything else is its own cause.
fn cause(stand: &Stand, code: &'static Code) -> &'static Code {
    match stand {
        Stand::Out(reason) => reason.code(),
        _ => code,
    }
}

/// Writes Events.
#[derive(Clone)]
pub struct Reports(Recorder);

impl Reports {
    /// Under the name of this program, by this instance of it.
    pub fn new(client: Client, instance: &str) -> Self {
        Self(Recorder::new(
            client,
            Reporter {
                controller: names::MANAGER_CONTROL.to_owned(),
                instance: Some(instance.to_owned()),
            },
        ))
    }

    /// Writes one Event beside its object.
    pub async fn publish(&self, news: &News) -> kube::Result<()> {
        let event = Event {
            type_: if news.warns {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: news.reason.clone(),
            note: Some(cut(&news.note)),
            action: news.action.clone(),
            // Also keeps two wirings' Events about one object apart: equal ones are counted as a series.
            secondary: Some(ObjectReference {
                api_version: Some(names::API_VERSION.to_owned()),
                kind: Some("ThanosWiring".to_owned()),
                name: Some(news.wiring.to_string()),
                ..ObjectReference::default()
            }),
        };
        self.0.publish(&event, &reference(&news.object)).await
    }
}

fn reference(object: &Object) -> ObjectReference {
    ObjectReference {
        api_version: Some(format!(
            "{}/{}",
            names::OPERATOR_GROUP,
            object.kind.version()
        )),
        kind: Some(object.kind.name().to_owned()),
        namespace: Some(object.namespace.clone()),
        name: Some(object.name.clone()),
        uid: Some(object.uid.clone()),
        // Without it, so that the same Event about a later version counts as a series.
        resource_version: None,
        field_path: None,
    }
}

/// The API server takes at most 1 kB.
fn cut(note: &str) -> String {
    let mut end = note.len().min(1000);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    note[..end].to_owned()
}
