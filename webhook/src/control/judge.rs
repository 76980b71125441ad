//! Everything that is known → everything that is to be done. Pure: the time is told, nothing is asked.

mod touches;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use thanos_core::{Facts, Kind, Rules, ThanosPolicy};

use super::credentials::{self, Looks, Target};
use super::events::{News, Told};
use super::objects::Object;
use super::policies::{self, Audit};
use super::registration::Asked;
use super::rewire::{Pace, Rollout};
use super::touch::{Patience, Schedule, Touch};
use super::view::View;
use super::wiring::Write;
use crate::facts::Stored;

/// Everything that is known at one moment.
#[derive(Debug)]
pub struct World {
    /// Now.
    pub now: Timestamp,
    /// Every wiring.
    pub wirings: Vec<Stored>,
    /// Every policy.
    pub policies: Vec<Stored<ThanosPolicy>>,
    /// Those of both that are right.
    pub rules: Arc<Rules>,
    /// Every object.
    pub objects: Vec<Arc<Object>>,
    /// The facts around the objects of each kind in each namespace.
    pub facts: BTreeMap<(Kind, String), Facts>,
    /// The namespaces that there are.
    pub namespaces: BTreeSet<String>,
    /// What was seen of credentials.
    pub looks: Looks,
    /// Which namespaces the API server asks the webhook about.
    pub asked: Asked,
}

/// How patient, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// With touches that nobody answers.
    pub patience: Patience,
    /// With objects that are rewired.
    pub pace: Pace,
}

/// What is remembered from one judgement to the next, while this process leads.
#[derive(Debug)]
pub struct Memory {
    pace: Pace,
    schedule: Schedule,
    rollouts: BTreeMap<Arc<str>, Rollout>,
    halted: BTreeMap<Arc<str>, String>,
    written: BTreeMap<String, Timestamp>,
    /// Since when a wiring has namespaces that were not looked at yet.
    looking: BTreeMap<String, Timestamp>,
    /// Since when a wiring on its way out has nothing left to un-wire.
    empty: BTreeMap<String, Timestamp>,
    told: Told,
    audit: Audit,
}

/// Everything that is to be done.
#[derive(Debug, Default)]
pub struct Plan {
    /// Objects to touch.
    pub touches: Vec<Touch>,
    /// Wirings to write.
    pub writes: Vec<Write>,
    /// Statuses of policies to write.
    pub statuses: Vec<policies::Write>,
    /// Events to tell.
    pub news: Vec<News>,
    /// Secrets and ConfigMaps to look at.
    pub targets: BTreeSet<Target>,
    /// Per wiring, how many objects are wired and how many are not.
    pub counts: BTreeMap<String, (i32, i32)>,
    /// Per policy, how many objects break its rules; `None`: as before.
    pub violations: Option<BTreeMap<String, i32>>,
    /// When to judge again, if nothing happens before.
    pub next: Option<Timestamp>,
}

impl Memory {
    /// Remembers nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            pace: settings.pace,
            schedule: Schedule::new(settings.patience),
            rollouts: BTreeMap::new(),
            halted: BTreeMap::new(),
            written: BTreeMap::new(),
            looking: BTreeMap::new(),
            empty: BTreeMap::new(),
            told: Told::default(),
            audit: Audit::default(),
        }
    }
}

/// Judges the world, and remembers what it says is to be done.
pub fn judge(world: &World, memory: &mut Memory) -> Plan {
    let views = views(world);
    let mut plan = Plan {
        targets: targets(world),
        ..Plan::default()
    };
    let next = memory.rollouts(world, &views, &mut plan);
    memory.touches(world, &views, &next, &mut plan);
    memory.writes(world, &views, &next, &mut plan);
    memory.audit.take(world, &mut plan);
    let watched = |name: &str| {
        let stored = world.wirings.iter().find(|stored| stored.name() == name);
        stored.is_some_and(|stored| {
            stored
                .written
                .status
                .as_ref()
                .is_some_and(|status| status.observed_generation.is_some())
        })
    };
    plan.news.extend(memory.told.news(&views, watched));
    plan
}

/// Every object that the webhook is asked about, judged where it is stored.
fn views(world: &World) -> Vec<View> {
    let judged = world.objects.iter().filter_map(|object| {
        let facts = world.facts.get(&(object.kind, object.namespace.clone()))?;
        let asked = facts
            .namespace
            .as_ref()
            .is_none_or(|labels| world.asked.about(labels));
        let view = View::of(object, facts, &world.rules)?;
        asked.then_some(view)
    });
    judged.collect()
}

fn targets(world: &World) -> BTreeSet<Target> {
    let exists = |namespace: &str| world.namespaces.contains(namespace);
    let wirings = world
        .rules
        .wirings()
        .iter()
        .filter(|wiring| !wiring.deleting);
    wirings
        .flat_map(|wiring| credentials::targets(wiring, exists))
        .collect()
}

impl Plan {
    pub(super) fn wake(&mut self, at: Timestamp) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }
}

#[cfg(test)]
mod tests;
