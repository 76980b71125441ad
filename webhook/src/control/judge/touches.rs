//! Which objects are touched: those that are wrong, when it is their time, at the pace of each changed wiring.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thanos_core::decision::Reason;

use super::{Memory, Plan, World};
use crate::control::events::News;
use crate::control::rewire::{Next, Progress};
use crate::control::status;
use crate::control::touch::{Due, Schedule};
use crate::control::view::{Stand, View};
use crate::facts::UNCHECKED;

/// As many objects are touched in one go; the others next time, which is soon.
const TOUCHES: usize = 16;

impl Memory {
    /// What each wiring's rollout allows.
    pub(super) fn rollouts(
        &mut self,
        world: &World,
        views: &[View],
        plan: &mut Plan,
    ) -> BTreeMap<Arc<str>, Next> {
        let rules = &world.rules;
        self.rollouts.retain(|name, _| rules.wiring(name).is_some());
        self.halted.retain(|name, _| rules.wiring(name).is_some());
        let mut all = BTreeMap::new();
        for wiring in rules.wirings() {
            let stored = world
                .wirings
                .iter()
                .find(|stored| *stored.name() == *wiring.name);
            let digest = wiring.digest();
            let halted_before = stored
                .and_then(|stored| status::was_halted(&stored.written, &digest))
                .and_then(|title| views.iter().find(|view| view.object.title() == title))
                .map(|view| view.object.uid.as_str());
            let objects: Vec<Progress<'_>> = views
                .iter()
                .filter_map(|view| progress(view, &wiring.name))
                .collect();
            let rollout = self.rollouts.entry(Arc::clone(&wiring.name)).or_default();
            let next = rollout.next(&digest, halted_before, &objects, world.now, self.pace);
            match &next {
                Next::Wait(at) => plan.wake(*at),
                Next::Halted(uid) => {
                    let told = self.halted.insert(Arc::clone(&wiring.name), uid.clone());
                    let told = told.as_ref() == Some(uid) || halted_before == Some(uid);
                    let view = views.iter().find(|view| view.object.uid == *uid);
                    if let (Some(view), false) = (view, told) {
                        plan.news.push(News::halted(view, &wiring.name));
                    }
                }
                Next::Touch(_) | Next::Done => {}
            }
            if !matches!(next, Next::Halted(_)) {
                self.halted.remove(&wiring.name);
            }
            all.insert(Arc::clone(&wiring.name), next);
        }
        all
    }

    /// The objects that are wrong, and whose time it is: first those that were never touched.
    pub(super) fn touches(
        &mut self,
        world: &World,
        views: &[View],
        next: &BTreeMap<Arc<str>, Next>,
        plan: &mut Plan,
    ) {
        let wrong: BTreeSet<&str> = views
            .iter()
            .filter(|view| view.wrong)
            .map(|view| view.object.uid.as_str())
            .collect();
        self.schedule.retain(|uid| wrong.contains(uid));
        let mut due: Vec<(u32, &View)> = Vec::new();
        for view in views {
            if !view.wrong || !self.allows(view, next) {
                continue;
            }
            match self.schedule.due(&view.object.uid, world.now) {
                Due::First => due.push((0, view)),
                Due::Again(times) => due.push((times, view)),
                Due::Later(at) => plan.wake(at),
            }
        }
        due.sort_by_key(|(times, _)| *times);
        if due.len() > TOUCHES {
            plan.wake(world.now);
        }
        for (_, view) in due.into_iter().take(TOUCHES) {
            let object = &view.object;
            plan.touches.push(self.schedule.touch(object, world.now));
            for wiring in view.rewires() {
                let rollout = self.rollouts.entry(Arc::clone(wiring)).or_default();
                rollout.touched(&object.uid, object.reconciled == Some(false), world.now);
            }
            let times = self.schedule.times(&object.uid);
            if Schedule::unanswered(times) && !Schedule::unanswered(times - 1) {
                plan.news.push(News::unanswered(view, times));
            }
            if let Due::Later(at) = self.schedule.due(&object.uid, world.now) {
                plan.wake(at);
            }
        }
    }

    /// Whether every rollout whose pace holds for an object lets it be touched.
    fn allows(&self, view: &View, next: &BTreeMap<Arc<str>, Next>) -> bool {
        let uid = &view.object.uid;
        view.paced_by().iter().all(|wiring| match next.get(wiring) {
            Some(Next::Halted(_)) => false,
            Some(Next::Touch(chosen)) if chosen == uid => true,
            _ => self
                .rollouts
                .get(wiring)
                .is_some_and(|rollout| rollout.has_touched(uid)),
        })
    }
}

/// How far one object has come with one wiring that has wired it.
fn progress<'a>(view: &'a View, wiring: &str) -> Option<Progress<'a>> {
    let pending = match view.stand(wiring)? {
        // Only for a moment, as after a start or a change of the wiring: the namespace is about to be looked at.
        Stand::Left(Reason::CredentialMissing { why, .. }, true) if why == UNCHECKED => None,
        Stand::Wired | Stand::Left(_, true) => Some(false),
        Stand::Rewire => Some(true),
        Stand::Wire | Stand::Left(_, false) | Stand::Unwire(_) | Stand::Out(_) => return None,
    };
    Some(Progress {
        uid: &view.object.uid,
        pending,
        reconciled: view.object.reconciled,
    })
}
