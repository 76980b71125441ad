//! AdmissionReview in, decision out: the routes and the two handlers.
//!
//! bounded body → envelope → subject → facts from memory → `decide` → answer → one counter, one log line.

mod answer;
mod body;
mod rejection;
mod review;
mod state;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::FutureExt;
use serde_json::Value;
use thanos_core::{Fault, Kind, Reason, Subject, Unreadable, codes, decide, names, wiring};
use tokio::time::Instant;

use crate::metrics::{PathLabels, ReviewLabels};
use answer::Answer;
use rejection::Rejection;
use review::Review;

pub use state::{Limits, State};

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
    let _turn = state.turn(deadline).await?;
    let review = review::read(&held.bytes).map_err(rejection::unreadable)?;
    let answer = match door {
        Door::Mutate => mutate(state, &review, deadline).await?,
        Door::Validate => validate(state, &review, deadline).await?,
    };
    record(state, door, &review, &answer, begin.elapsed());
    Ok(answer.to_json(&review.uid))
}

/// Wires, un-wires or leaves one of the operator's objects. Refuses nothing.
async fn mutate(
    state: &State,
    review: &Review<'_>,
    deadline: Instant,
) -> Result<Answer, Rejection> {
    let is_ours = review.group == names::OPERATOR_GROUP
        && Kind::ALL.iter().any(|kind| kind.name() == review.kind);
    if !is_ours || !review.operation.writes() {
        return Ok(Answer::allow(None));
    }
    if !review.sub_resource.is_empty() {
        return Ok(Answer::allow(Some(codes::SUBRESOURCE)));
    }
    let read = match state.objects(review, deadline).await? {
        Ok(read) => read,
        Err(sentence) => {
            return Ok(Answer::leave(
                codes::MALFORMED,
                &format!("not wired: {sentence}"),
            ));
        }
    };
    let Some(object) = &read.object else {
        return Ok(Answer::allow(None));
    };
    let subject = match Subject::read(object, read.old.as_ref(), &review.namespace) {
        Ok(subject) => subject,
        Err(Unreadable::OtherKind) => return Ok(Answer::allow(None)),
        Err(Unreadable::Malformed(path, must_be)) => {
            let reason = Reason::Malformed {
                path: path.to_owned(),
                must_be,
            };
            return Ok(Answer::leave(
                reason.code(),
                &format!("not wired: {reason}"),
            ));
        }
    };
    let now = (state.now)();
    let (rules, facts) = state
        .knowledge
        .facts(subject.kind, subject.namespace, now, deadline)
        .await;
    Ok(Answer::mutate(&decide(&subject, &facts, &rules)))
}

/// Judges a wiring as it is to be stored. Whatever else is asked about is allowed.
async fn validate(
    state: &State,
    review: &Review<'_>,
    deadline: Instant,
) -> Result<Answer, Rejection> {
    let is_wiring = review.group == names::GROUP && review.kind == "ThanosWiring";
    if !is_wiring || !review.sub_resource.is_empty() || !review.operation.writes() {
        return Ok(Answer::allow(None));
    }
    let refuse = |sentence: &str| {
        let fault = Fault::new(codes::WIRING_INVALID, "object", sentence);
        Ok(Answer::refuse(review, &[fault]))
    };
    let read = match state.objects(review, deadline).await? {
        Ok(read) => read,
        Err(sentence) => return refuse(sentence),
    };
    let Some(object) = &read.object else {
        return refuse("is required");
    };
    let is_unchanged = read
        .old
        .as_ref()
        .is_some_and(|old| old.get("spec") == object.get("spec"));
    if is_unchanged && is_going(object) {
        return Ok(Answer::allow(Some(codes::DELETING)));
    }
    Ok(match wiring::read(object) {
        Ok(wiring) => Answer::warn(&wiring.warnings()),
        // A label, a finalizer: what was stored before a rule existed must not be wedged by it.
        Err(faults) if is_unchanged => Answer::warn(&faults),
        Err(faults) => Answer::refuse(review, &faults),
    })
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
