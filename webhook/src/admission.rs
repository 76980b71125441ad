//! AdmissionReview in, decision out: the routes and the two handlers.
//!
//! bounded body → envelope → subject → facts from memory → `decide` → answer → one counter, one log line.

mod answer;
mod body;
mod rejection;
mod review;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::FutureExt;
use jiff::Timestamp;
use serde_json::Value;
use thanos_core::{Kind, Reason, Subject, Unreadable, codes, decide, names, wiring};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::facts::Knowledge;
use crate::metrics::{Metrics, PathLabels, ReviewLabels};
use answer::Answer;
use rejection::Rejection;
use review::{Operation, Review};

/// What all reviews together may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one body.
    pub body: usize,
    /// Bytes of all bodies that are held at once.
    pub bodies: usize,
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
            body_timeout: Duration::from_secs(10),
            review_timeout: Duration::from_secs(3),
            running: 2 * cores,
            waiting: 64,
        }
    }
}

/// What the handlers share.
pub struct State {
    knowledge: Arc<Knowledge>,
    limits: Limits,
    metrics: Arc<Metrics>,
    now: fn() -> Timestamp,
    /// Bytes that bodies may still take.
    bytes: Semaphore,
    /// Turns to run, and places to wait for one.
    turns: Semaphore,
    places: Semaphore,
}

impl State {
    /// With the limits and the clock of a real webhook: `router(State::new(knowledge))` answers as `serve` does.
    pub fn new(knowledge: Arc<Knowledge>) -> Arc<Self> {
        Self::with(knowledge, Limits::default(), Arc::default(), Timestamp::now)
    }

    /// With everything given.
    pub fn with(
        knowledge: Arc<Knowledge>,
        limits: Limits,
        metrics: Arc<Metrics>,
        now: fn() -> Timestamp,
    ) -> Arc<Self> {
        let Limits {
            bodies,
            running,
            waiting,
            ..
        } = limits;
        Arc::new(Self {
            knowledge,
            limits,
            metrics,
            now,
            bytes: Semaphore::new(bodies.min(Semaphore::MAX_PERMITS)),
            turns: Semaphore::new(running),
            places: Semaphore::new(running + waiting),
        })
    }
}

/// Which webhook is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Mutate,
    Validate,
}

impl Door {
    fn path(self) -> &'static str {
        match self {
            Door::Mutate => names::PATH_MUTATE,
            Door::Validate => names::PATH_VALIDATE,
        }
    }
}

/// `POST /mutate` and `POST /validate`; everything else is refused in one sentence.
pub fn router(state: Arc<State>) -> Router {
    let rejected = |rejection: Rejection| {
        move |Shared(state): Shared<Arc<State>>| async move { rejection.counted(&state.metrics) }
    };
    Router::new()
        .route(
            names::PATH_MUTATE,
            post(|Shared(state), request| respond(state, Door::Mutate, request)),
        )
        .route(
            names::PATH_VALIDATE,
            post(|Shared(state), request| respond(state, Door::Validate, request)),
        )
        .method_not_allowed_fallback(rejected(rejection::METHOD))
        .fallback(rejected(rejection::PATH))
        .with_state(state)
}

/// A panic in here is a bug in one review and must not end the others.
async fn respond(state: Arc<State>, door: Door, request: Request) -> Response {
    let handled = AssertUnwindSafe(handle(&state, door, request))
        .catch_unwind()
        .await;
    match handled.unwrap_or(Err(rejection::BUG)) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(rejection) => rejection.counted(&state.metrics),
    }
}

async fn handle(state: &State, door: Door, request: Request) -> Result<Vec<u8>, Rejection> {
    let begin = Instant::now();
    let deadline = begin + body::budget(request.uri().query(), state.limits.review_timeout);
    let held = body::read(state, request).await?;
    let _turn = turn(state, deadline).await?;
    let review = review::read(&held.bytes).map_err(rejection::unreadable)?;
    let answer = match door {
        Door::Mutate => mutate(state, &review, deadline).await,
        Door::Validate => validate(&review),
    };
    record(state, door, &review, &answer, begin.elapsed());
    Ok(answer.to_json(&review.uid))
}

/// A turn to run. Who finds no place to wait, or waits too long, is to ask again.
async fn turn(
    state: &State,
    deadline: Instant,
) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), Rejection> {
    let place = state.places.try_acquire().map_err(|_| rejection::BUSY)?;
    match timeout_at(deadline, state.turns.acquire()).await {
        Ok(Ok(turn)) => Ok((place, turn)),
        Ok(Err(_)) | Err(_) => Err(rejection::BUSY),
    }
}

/// Wires, un-wires or leaves one of the operator's objects. Refuses nothing.
async fn mutate(state: &State, review: &Review<'_>, deadline: Instant) -> Answer {
    if !review.sub_resource.is_empty() {
        return Answer::allow(Some(codes::SUBRESOURCE));
    }
    if !matches!(review.operation, Operation::Create | Operation::Update) {
        return Answer::allow(None);
    }
    let (object, old) = match (review.object(), review.old_object()) {
        (Ok(Some(object)), Ok(old)) => (object, old),
        (Ok(None), _) => return Answer::allow(None),
        (Err(sentence), _) | (_, Err(sentence)) => {
            return Answer::leave(codes::MALFORMED, &format!("not wired: {sentence}"));
        }
    };
    let subject = match Subject::read(&object, old.as_ref(), &review.namespace) {
        Ok(subject) => subject,
        Err(Unreadable::OtherKind) => return Answer::allow(None),
        Err(Unreadable::Malformed(path, must_be)) => {
            let reason = Reason::Malformed {
                path: path.to_owned(),
                must_be,
            };
            return Answer::leave(reason.code(), &format!("not wired: {reason}"));
        }
    };
    let (rules, facts) = state
        .knowledge
        .facts(subject.kind, subject.namespace, (state.now)(), deadline)
        .await;
    Answer::mutate(&decide(&subject, &facts, &rules))
}

/// Judges a wiring as it is to be stored. Whatever else is asked about is allowed.
fn validate(review: &Review<'_>) -> Answer {
    let is_wiring = review.group == names::GROUP
        && review.kind == "ThanosWiring"
        && review.sub_resource.is_empty();
    if !is_wiring || !matches!(review.operation, Operation::Create | Operation::Update) {
        return Answer::allow(None);
    }
    let fault = |sentence: &str| {
        [thanos_core::Fault::new(
            codes::WIRING_INVALID,
            "object",
            sentence,
        )]
    };
    let (object, old) = match (review.object(), review.old_object()) {
        (Ok(Some(object)), Ok(old)) => (object, old),
        (Ok(None), _) => return Answer::refuse(review, &fault("is required")),
        (Err(sentence), _) | (_, Err(sentence)) => return Answer::refuse(review, &fault(sentence)),
    };
    let is_unchanged = old.is_some_and(|old| old.get("spec") == object.get("spec"));
    if is_unchanged && is_going(&object) {
        return Answer::allow(Some(codes::DELETING));
    }
    match wiring::read(&object) {
        Ok(wiring) => Answer::warn(&wiring.warnings()),
        // A label, a finalizer: what was stored before a rule existed must not be wedged by it.
        Err(faults) if is_unchanged => Answer::warn(&faults),
        Err(faults) => Answer::refuse(review, &faults),
    }
}

/// Whoever takes a finalizer off must not be stopped, or the object could never go.
fn is_going(object: &Value) -> bool {
    object
        .pointer("/metadata/deletionTimestamp")
        .is_some_and(|at| !at.is_null())
}

fn record(state: &State, door: Door, review: &Review<'_>, answer: &Answer, took: Duration) {
    let path = door.path();
    let kind = Kind::ALL
        .into_iter()
        .map(Kind::name)
        .chain(["ThanosWiring"])
        .find(|kind| *kind == review.kind);
    let labels = ReviewLabels {
        path,
        kind: kind.unwrap_or("other"),
        operation: review.operation.word(),
        decision: answer.decision,
        code: answer.code.map_or("", |code| code.code),
    };
    state.metrics.reviews.get_or_create(&labels).inc();
    state
        .metrics
        .seconds
        .get_or_create(&PathLabels { path })
        .observe(took.as_secs_f64());
    tracing::info!(
        uid = &*review.uid,
        path,
        kind = short(&review.kind),
        namespace = short(&review.namespace),
        name = short(&review.name),
        operation = labels.operation,
        decision = answer.decision,
        code = labels.code,
        wiring = answer.wirings,
        millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "review"
    );
}

/// As much of a name as a name can have: what is longer was made up.
fn short(text: &str) -> &str {
    text.char_indices()
        .nth(253)
        .map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests;
