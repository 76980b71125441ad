//! What the handlers share, and what all reviews together may take of it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use thanos_core::{Facts, Kind, Rules};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::denials::Denials;
use super::rejection::{self, Rejection};
use super::review::{Review, Unreadable};
use crate::facts::Knowledge;
use crate::metrics::Metrics;

/// What all reviews together may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one body.
    pub body: usize,
    /// Bytes of all bodies that are held at once.
    pub bodies: usize,
    /// Bytes of all objects that are read at once, as estimated: small parts take many times their text.
    pub objects: usize,
    /// For a body to come.
    pub body_timeout: Duration,
    /// For one review at most.
    pub review_timeout: Duration,
    /// Reviews that are judged at once.
    pub running: usize,
    /// Reviews that wait for their turn.
    pub waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            body: 8 << 20,
            bodies: 32 << 20,
            objects: 64 << 20,
            body_timeout: Duration::from_secs(10),
            review_timeout: Duration::from_secs(3),
            running: 2 * cores,
            waiting: 64,
        }
    }
}

const KIB: usize = 1024;

/// What the handlers share.
pub struct State {
    pub(super) knowledge: Arc<Knowledge>,
    pub(super) limits: Limits,
    pub(super) metrics: Arc<Metrics>,
    pub(super) now: fn() -> Timestamp,
    pub(super) denials: Denials,
    /// Bytes that bodies may still take.
    pub(super) bytes: Semaphore,
    /// KiB that read objects may still take.
    pub(super) room: Semaphore,
    /// Turns to run, and places to wait for one.
    pub(super) turns: Semaphore,
    pub(super) places: Semaphore,
}

impl State {
    /// With the limits and the clock of a real webhook: `router(State::new(knowledge))` answers as `serve` does.
    pub fn new(knowledge: Arc<Knowledge>) -> Arc<Self> {
        Self::with(knowledge, Limits::default(), Arc::default(), Timestamp::now)
    }

    /// With everything given, and no word of denials.
    pub fn with(
        knowledge: Arc<Knowledge>,
        limits: Limits,
        metrics: Arc<Metrics>,
        now: fn() -> Timestamp,
    ) -> Arc<Self> {
        Self::telling(knowledge, limits, metrics, now, Denials::silent())
    }

    /// With everything given.
    pub fn telling(
        knowledge: Arc<Knowledge>,
        limits: Limits,
        metrics: Arc<Metrics>,
        now: fn() -> Timestamp,
        denials: Denials,
    ) -> Arc<Self> {
        let Limits {
            bodies,
            objects,
            running,
            waiting,
            ..
        } = limits;
        Arc::new(Self {
            knowledge,
            limits,
            metrics,
            now,
            denials,
            bytes: Semaphore::new(bodies.min(Semaphore::MAX_PERMITS)),
            room: Semaphore::new(objects.div_ceil(KIB).min(Semaphore::MAX_PERMITS)),
            turns: Semaphore::new(running),
            places: Semaphore::new(running + waiting),
        })
    }

    /// The rules, and the facts around an object of `kind` in `namespace` at this moment.
    pub(super) async fn facts(
        &self,
        kind: Kind,
        namespace: &str,
        deadline: Instant,
    ) -> (Arc<Rules>, Facts) {
        let now = (self.now)();
        self.knowledge.facts(kind, namespace, now, deadline).await
    }

    /// A turn to run, with the place that was waited in. Who finds no place, or waits too long, is to ask again.
    pub(super) async fn turn(
        &self,
        deadline: Instant,
    ) -> Result<[SemaphorePermit<'_>; 2], Rejection> {
        let place = self.places.try_acquire().map_err(|_| rejection::BUSY)?;
        let Ok(Ok(turn)) = timeout_at(deadline, self.turns.acquire()).await else {
            return Err(rejection::BUSY);
        };
        Ok([place, turn])
    }

    /// Reads both objects of a review once there is room for them; the inner error says why they cannot be read.
    pub(super) async fn objects(
        &self,
        review: &Review<'_>,
        deadline: Instant,
    ) -> Result<Result<Objects<'_>, Unreadable>, Rejection> {
        let weight = match review.weight() {
            Ok(weight) if weight <= self.limits.objects => weight,
            Ok(_) => return Ok(Err("the object has too many parts to be read")),
            Err(sentence) => return Ok(Err(sentence)),
        };
        let permits = u32::try_from(weight.div_ceil(KIB)).unwrap_or(u32::MAX);
        let Ok(Ok(share)) = timeout_at(deadline, self.room.acquire_many(permits)).await else {
            return Err(rejection::BUSY);
        };
        Ok(review.objects().map(|(object, old)| Objects {
            object,
            old,
            _share: share,
        }))
    }
}

/// Both objects of a review. What they take counts against what all may take until this is dropped.
pub(super) struct Objects<'s> {
    pub(super) object: Option<Value>,
    pub(super) old: Option<Value>,
    _share: SemaphorePermit<'s>,
}
