//! The pace of rewiring: when a wiring changes, one object first, then a few a minute, and none after a failure.
//!
//! A change of a wiring restarts queues, or pods. So the first object must be reconciled by the operator before the
//! rest follow, and one that is not stops the rest, until it heals or the wiring changes again. An object that was
//! failing before it was touched proves nothing, and nor does one that begins to fail long after: that has another
//! cause.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::touch::after;

/// How fast.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two objects.
    pub between: Duration,
    /// How long the first object may take to be reconciled before the rest follow all the same. A failure that is seen
    /// later than that after a touch is not put down to it.
    pub settle: Duration,
}

impl Pace {
    /// So many a minute, evenly.
    pub fn per_minute(objects: u32, settle: Duration) -> Self {
        let between = Duration::from_secs(60) / objects.max(1);
        Self { between, settle }
    }
}

/// What a rollout looks at of one object that the wiring has wired.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Its uid.
    pub uid: &'a str,
    /// Whether it is still to be rewired; `None`: nothing can be said for the moment.
    pub pending: Option<bool>,
    /// What the operator says about its present generation.
    pub reconciled: Option<bool>,
}

/// One change of one wiring on its way to the objects.
#[derive(Debug, Default)]
pub struct Rollout {
    /// [`thanos_core::Wiring::digest`]: what the wiring writes. Its generation would not do: that counts every change,
    /// one of the enrolled namespaces too, and none of these is a new rollout, nor mends what halted this one.
    digest: Option<String>,
    touched: BTreeMap<String, Touched>,
    last: Option<Timestamp>,
    halted: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct Touched {
    /// The last time: an object that nobody answered for is touched again, and what it is to show begins anew.
    at: Timestamp,
    /// Whether it was failing at every touch.
    was_failing: bool,
}

impl Touched {
    /// Whether a failure that is seen now comes of the touch.
    fn answers_for_failure(&self, now: Timestamp, pace: Pace) -> bool {
        !self.was_failing && now <= after(self.at, pace.settle)
    }
}

/// What may happen next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing is pending.
    Done,
    /// This object may be touched.
    Touch(String),
    /// Nothing before then.
    Wait(Timestamp),
    /// Nothing at all: this object is not reconciled since it was rewired.
    Halted(String),
}

impl Rollout {
    /// What may happen next. `halted_before` is the object at which a leader before us had halted this very change.
    pub fn next(
        &mut self,
        digest: &str,
        halted_before: Option<&str>,
        objects: &[Progress<'_>],
        now: Timestamp,
        pace: Pace,
    ) -> Next {
        if self.digest.as_deref() != Some(digest) {
            // It was made within that leader's window: it holds until the object heals, as one of our own does.
            let halted = halted_before.filter(|_| self.digest.is_none());
            *self = Self {
                digest: Some(digest.to_owned()),
                halted: halted.map(str::to_owned),
                ..Self::default()
            };
        }
        self.touched
            .retain(|uid, _| objects.iter().any(|object| object.uid == uid));
        if self.touched.is_empty() {
            // The first one is gone, and has shown nothing: another one is the first.
            self.last = None;
        }
        if let Some(halted) = self.halted(objects, now, pace) {
            return Next::Halted(halted);
        }
        self.follow(objects, now, pace)
    }

    /// Notes that an object was touched.
    pub fn touched(&mut self, uid: &str, failing: bool, now: Timestamp) {
        self.last = Some(now);
        let touched = self.touched.entry(uid.to_owned()).or_insert(Touched {
            at: now,
            was_failing: failing,
        });
        touched.at = now;
        touched.was_failing &= failing;
    }

    /// Whether an object was touched in this rollout.
    pub fn has_touched(&self, uid: &str) -> bool {
        self.touched.contains_key(uid)
    }

    /// The object that stops the rest, if there is one. A failure must begin soon after its touch to stop them; once
    /// it has, it does so until it heals, however long that takes.
    fn halted(&mut self, objects: &[Progress<'_>], now: Timestamp, pace: Pace) -> Option<String> {
        let find = |uid: &str| objects.iter().find(|object| object.uid == uid);
        let heals = |uid: &String| find(uid).is_none_or(|object| object.reconciled == Some(true));
        if self.halted.as_ref().is_some_and(heals) {
            self.halted = None;
        }
        if self.halted.is_none() {
            let failed = objects.iter().find(|object| {
                let touched = self.touched.get(object.uid);
                let ours = touched.is_some_and(|touched| touched.answers_for_failure(now, pace));
                ours && object.pending == Some(false) && object.reconciled == Some(false)
            });
            self.halted = failed.map(|object| object.uid.to_owned());
        }
        self.halted.clone()
    }

    fn follow(&mut self, objects: &[Progress<'_>], now: Timestamp, pace: Pace) -> Next {
        let waiting = |object: &&Progress<'_>| {
            object.pending == Some(true) && !self.touched.contains_key(object.uid)
        };
        let healthy = objects
            .iter()
            .find(|object| waiting(object) && object.reconciled != Some(false));
        let Some(candidate) = healthy.or_else(|| objects.iter().find(waiting)) else {
            if objects.iter().any(|object| object.pending.is_none()) {
                return Next::Wait(after(now, pace.between));
            }
            return self.finish(objects, now, pace);
        };
        let earliest = match self.last {
            None => now,
            Some(last) if self.proven(objects) => after(last, pace.between),
            Some(last) => after(last, pace.settle.max(pace.between)),
        };
        if now < earliest {
            return Next::Wait(earliest);
        }
        Next::Touch(candidate.uid.to_owned())
    }

    /// Whether some object has shown that the change is good, or enough time went by without a word.
    fn proven(&self, objects: &[Progress<'_>]) -> bool {
        let good = |object: &Progress<'_>| {
            let touched = self.touched.contains_key(object.uid);
            touched && object.pending == Some(false) && object.reconciled == Some(true)
        };
        self.touched.len() > 1 || objects.iter().any(good)
    }

    /// Nothing is left to touch: what was touched is watched until it is settled.
    fn finish(&mut self, objects: &[Progress<'_>], now: Timestamp, pace: Pace) -> Next {
        self.touched.retain(|uid, touched| {
            let object = objects.iter().find(|object| object.uid == uid);
            let pending = object.is_some_and(|object| object.pending == Some(true));
            let good = object.is_some_and(|object| object.reconciled == Some(true));
            pending || (!good && now < after(touched.at, pace.settle))
        });
        let ends = |touched: &Touched| after(touched.at, pace.settle);
        match self.touched.values().map(ends).min() {
            None => {
                self.last = None;
                Next::Done
            }
            // One that is long overdue is the schedule's to wake us for.
            Some(end) => Next::Wait(end.max(after(now, pace.between))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        between: Duration::from_secs(6),
        settle: Duration::from_secs(60),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn progress(
        uid: &str,
        pending: impl Into<Option<bool>>,
        reconciled: Option<bool>,
    ) -> Progress<'_> {
        Progress {
            uid,
            pending: pending.into(),
            reconciled,
        }
    }

    /// Asks, and touches what may be touched.
    fn step(rollout: &mut Rollout, objects: &[Progress<'_>], seconds: i64) -> Next {
        let next = rollout.next("one", None, objects, at(seconds), PACE);
        if let Next::Touch(uid) = &next {
            let object = objects.iter().find(|object| object.uid == uid).unwrap();
            rollout.touched(uid, object.reconciled == Some(false), at(seconds));
        }
        next
    }

    #[test]
    fn one_first_then_the_rest_at_their_pace() {
        let mut rollout = Rollout::default();
        let [a, b, c] = ["a", "b", "c"].map(|uid| progress(uid, true, Some(true)));
        assert_eq!(
            step(&mut rollout, &[a, b, c], 0),
            Next::Touch("a".to_owned())
        );
        assert_eq!(step(&mut rollout, &[a, b, c], 1), Next::Wait(at(60)));
        let a = progress("a", false, None);
        assert_eq!(
            step(&mut rollout, &[a, b, c], 10),
            Next::Wait(at(60)),
            "the operator has not said a word"
        );
        let a = progress("a", false, Some(true));
        assert_eq!(
            step(&mut rollout, &[a, b, c], 11),
            Next::Touch("b".to_owned())
        );
        let b = progress("b", false, None);
        assert_eq!(step(&mut rollout, &[a, b, c], 12), Next::Wait(at(17)));
        assert_eq!(
            step(&mut rollout, &[a, b, c], 17),
            Next::Touch("c".to_owned())
        );
        let [b, c] = ["b", "c"].map(|uid| progress(uid, false, Some(true)));
        assert_eq!(step(&mut rollout, &[a, b, c], 18), Next::Done);
    }

    #[test]
    fn without_an_operator_the_rest_follow_after_a_while() {
        let mut rollout = Rollout::default();
        let [a, b] = ["a", "b"].map(|uid| progress(uid, true, None));
        assert_eq!(step(&mut rollout, &[a, b], 0), Next::Touch("a".to_owned()));
        let a = progress("a", false, None);
        assert_eq!(step(&mut rollout, &[a, b], 59), Next::Wait(at(60)));
        assert_eq!(step(&mut rollout, &[a, b], 60), Next::Touch("b".to_owned()));
    }

    #[test]
    fn a_failure_stops_the_rest_until_it_heals() {
        let mut rollout = Rollout::default();
        let [a, b] = ["a", "b"].map(|uid| progress(uid, true, Some(true)));
        step(&mut rollout, &[a, b], 0);
        let failed = progress("a", false, Some(false));
        assert_eq!(
            step(&mut rollout, &[failed, b], 5),
            Next::Halted("a".to_owned())
        );
        assert_eq!(
            step(&mut rollout, &[failed, b], 5000),
            Next::Halted("a".to_owned())
        );
        let working = progress("a", false, None);
        assert_eq!(
            step(&mut rollout, &[working, b], 5001),
            Next::Halted("a".to_owned())
        );
        let healed = progress("a", false, Some(true));
        assert_eq!(
            step(&mut rollout, &[healed, b], 5002),
            Next::Touch("b".to_owned())
        );
    }

    #[test]
    fn a_failure_that_begins_long_after_the_touch_stops_nothing() {
        // Far apart, so that the rollout still goes on when the window is over.
        let slow = Pace {
            between: Duration::from_secs(3600),
            ..PACE
        };
        let first_fails_at = |seconds: i64| {
            let mut rollout = Rollout::default();
            let [a, b] = ["a", "b"].map(|uid| progress(uid, true, Some(true)));
            assert_eq!(
                rollout.next("one", None, &[a, b], at(0), slow),
                Next::Touch("a".to_owned())
            );
            rollout.touched("a", false, at(0));
            let good = progress("a", false, Some(true));
            assert_eq!(
                rollout.next("one", None, &[good, b], at(5), slow),
                Next::Wait(at(3600))
            );
            let failed = progress("a", false, Some(false));
            rollout.next("one", None, &[failed, b], at(seconds), slow)
        };
        assert_eq!(first_fails_at(60), Next::Halted("a".to_owned()));
        assert_eq!(first_fails_at(61), Next::Wait(at(3600)));
        assert_eq!(first_fails_at(3600), Next::Touch("b".to_owned()));
    }

    #[test]
    fn a_moment_of_which_nothing_is_known_ends_no_rollout() {
        let mut rollout = Rollout::default();
        let [a, b] = ["a", "b"].map(|uid| progress(uid, true, Some(true)));
        assert_eq!(step(&mut rollout, &[a, b], 0), Next::Touch("a".to_owned()));
        let [unknown_a, unknown_b] = ["a", "b"].map(|uid| progress(uid, None, Some(true)));
        assert_eq!(
            step(&mut rollout, &[unknown_a, unknown_b], 1),
            Next::Wait(at(7))
        );
        assert_eq!(
            step(&mut rollout, &[unknown_a, b], 10),
            Next::Wait(at(60)),
            "nor does it prove anything"
        );
        let a = progress("a", false, Some(true));
        assert_eq!(step(&mut rollout, &[a, b], 11), Next::Touch("b".to_owned()));
    }

    #[test]
    fn the_window_begins_anew_with_every_touch() {
        let mut rollout = Rollout::default();
        let [a, b] = ["a", "b"].map(|uid| progress(uid, true, Some(true)));
        assert_eq!(step(&mut rollout, &[a, b], 0), Next::Touch("a".to_owned()));
        // No webhook answers; it is touched once more.
        rollout.touched("a", false, at(50));
        let failed = progress("a", false, Some(false));
        assert_eq!(
            step(&mut rollout, &[failed, b], 100),
            Next::Halted("a".to_owned())
        );
    }

    #[test]
    fn a_failure_is_forgotten_with_its_object_and_with_the_wiring_that_made_it() {
        let mut rollout = Rollout::default();
        let [a, b] = ["a", "b"].map(|uid| progress(uid, true, Some(true)));
        step(&mut rollout, &[a, b], 0);
        let failed = progress("a", false, Some(false));
        assert_eq!(
            step(&mut rollout, &[failed, b], 5),
            Next::Halted("a".to_owned())
        );
        let again = progress("a", true, Some(false));
        assert_eq!(
            rollout.next("two", None, &[again, b], at(6), PACE),
            Next::Touch("b".to_owned()),
            "healthy ones first"
        );
        let mut rollout = Rollout::default();
        step(&mut rollout, &[a, b], 0);
        assert_eq!(
            step(&mut rollout, &[failed, b], 5),
            Next::Halted("a".to_owned())
        );
        assert_eq!(step(&mut rollout, &[b], 6), Next::Touch("b".to_owned()));
    }

    #[test]
    fn what_was_failing_before_proves_nothing() {
        let mut rollout = Rollout::default();
        let [a, b] = ["a", "b"].map(|uid| progress(uid, true, Some(false)));
        assert_eq!(step(&mut rollout, &[a, b], 0), Next::Touch("a".to_owned()));
        let a = progress("a", false, Some(false));
        assert_eq!(step(&mut rollout, &[a, b], 1), Next::Wait(at(60)));
        assert_eq!(step(&mut rollout, &[a, b], 60), Next::Touch("b".to_owned()));
    }

    #[test]
    fn a_new_leader_keeps_the_halt_of_the_one_before() {
        let waits = progress("a", false, None);
        let other = progress("other", false, Some(false));
        let failed = progress("a", false, Some(false));
        let waiting = progress("b", true, Some(true));
        let mut rollout = Rollout::default();
        assert_eq!(
            rollout.next("one", Some("a"), &[failed, waiting], at(0), PACE),
            Next::Halted("a".to_owned())
        );
        assert_eq!(
            rollout.next("two", Some("a"), &[failed, waiting], at(1), PACE),
            Next::Touch("b".to_owned())
        );
        // The object has healed, and another one fails of itself.
        let healed = progress("a", false, Some(true));
        assert_eq!(
            Rollout::default().next("one", Some("a"), &[other, healed, waiting], at(0), PACE),
            Next::Touch("b".to_owned())
        );
        // The operator looks at it and has not said yet.
        assert_eq!(
            Rollout::default().next("one", Some("a"), &[other, waits, waiting], at(0), PACE),
            Next::Halted("a".to_owned())
        );
    }

    #[test]
    fn so_many_a_minute() {
        assert_eq!(
            Pace::per_minute(10, Duration::ZERO).between,
            Duration::from_secs(6)
        );
        assert_eq!(
            Pace::per_minute(0, Duration::ZERO).between,
            Duration::from_secs(60)
        );
    }
}
