//! What is written to wirings: statuses and finalizers that are not what they should be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use thanos_core::wiring::ThanosWiringStatus;

use super::{Memory, Plan, World};
use crate::control::rewire::Next;
use crate::control::touch::after;
use crate::control::view::View;
use crate::control::wiring::{self, What, Write};
use crate::control::{credentials, status};
use crate::facts::Stored;

/// A wiring is written no more often than this.
const STATUS: Duration = Duration::from_millis(300);
/// A status waits so long for namespaces that were not looked at yet: mostly all of them are seen by then.
const LOOKING: Duration = Duration::from_secs(1);
/// A wiring on its way out is held so long after its last object was un-wired: one that was wired at that very moment
/// may not be known here yet.
const LINGER: Duration = Duration::from_secs(2);

impl Memory {
    /// Finalizers and statuses that are not what they should be.
    pub(super) fn writes(
        &mut self,
        world: &World,
        views: &[View],
        next: &BTreeMap<Arc<str>, Next>,
        plan: &mut Plan,
    ) {
        let there = |name: &str| world.wirings.iter().any(|stored| stored.name() == name);
        self.written.retain(|name, _| there(name));
        self.empty.retain(|name, _| there(name));
        self.looking.retain(|name, _| there(name));
        for stored in &world.wirings {
            let status = status_of(world, views, next, stored);
            plan.counts
                .insert(stored.name().to_owned(), (status.wired, status.unwired));
            let what = match self.finalizers(stored, views, world.now, plan) {
                Some(finalizers) => What::Finalizers(finalizers),
                None if stored.written.status.as_ref() == Some(&status) => continue,
                None => What::Status(Box::new(status)),
            };
            let free = self.free(world, stored, &what);
            if world.now < free {
                plan.wake(free);
                continue;
            }
            self.written.insert(stored.name().to_owned(), world.now);
            plan.writes.push(Write {
                wiring: stored.name().to_owned(),
                version: stored
                    .written
                    .metadata
                    .resource_version
                    .clone()
                    .unwrap_or_default(),
                what,
            });
        }
    }
    /// When a wiring may be written.
    fn free(&mut self, world: &World, stored: &Stored, what: &What) -> Timestamp {
        let name = stored.name();
        let last = self.written.get(name);
        let free = last.map_or(world.now, |last| after(*last, STATUS));
        let enrolled = world
            .rules
            .wiring(name)
            .filter(|wiring| !wiring.references.is_empty());
        let enrolled = enrolled.map_or(0, |wiring| wiring.enrolled.len());
        let looking = matches!(what, What::Status(status) if status.namespaces.len() < enrolled);
        if !looking {
            self.looking.remove(name);
            return free;
        }
        let since = self.looking.entry(name.to_owned()).or_insert(world.now);
        free.max(after(*since, LOOKING))
    }

    /// All finalizers as they should be, once that is certain; `None` when they are right.
    fn finalizers(
        &mut self,
        stored: &Stored,
        views: &[View],
        now: Timestamp,
        plan: &mut Plan,
    ) -> Option<Vec<String>> {
        let finalizers = wiring::finalizers(&stored.written, views);
        let name = stored.name();
        let unwired = wiring::unwires(&stored.written) && finalizers.is_some();
        if !unwired {
            self.empty.remove(name);
            return finalizers;
        }
        let since = *self.empty.entry(name.to_owned()).or_insert(now);
        let until = after(since, LINGER);
        if now < until {
            plan.wake(until);
            return None;
        }
        finalizers
    }
}

fn status_of(
    world: &World,
    views: &[View],
    next: &BTreeMap<Arc<str>, Next>,
    stored: &Stored,
) -> ThanosWiringStatus {
    let name = stored.name();
    let resolved = world.rules.wiring(name);
    let before = stored.written.status.as_ref();
    // What an older generation's status says may be about other Secrets.
    let before =
        before.filter(|status| status.observed_generation == stored.written.metadata.generation);
    let before = before.map_or(&[][..], |status| status.namespaces.as_slice());
    let exists = |namespace: &str| world.namespaces.contains(namespace);
    let halted = match next.get(name) {
        Some(Next::Halted(uid)) => views
            .iter()
            .find(|view| view.object.uid == *uid)
            .map(|view| view.object.title()),
        _ => None,
    };
    let known = status::Known {
        namespaces: resolved.map_or_else(Vec::new, |wiring| {
            credentials::readiness(wiring, exists, &world.looks, before)
        }),
        resolved: resolved
            .map(|wiring| &**wiring)
            .ok_or(stored.faults.as_slice()),
        views,
        halted,
    };
    status::status(&stored.written, known, world.now)
}
