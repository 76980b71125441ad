//! AdmissionReview in, decision out: the routes, and the handler that mutates; the one that judges is in `validate`.
//!
//! bounded body → envelope → subject → facts from memory → `decide` → answer → one counter, one log line.

mod answer;
mod body;
mod denials;
mod rejection;
mod review;
mod state;
mod validate;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::FutureExt;
use thanos_core::{Kind, Reason, Subject, Unreadable, codes, decide, names};
use tokio::time::Instant;

use crate::metrics::{PathLabels, ReviewLabels};
use answer::Answer;
use rejection::Rejection;
use review::Review;

pub use denials::Denials;
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
        Door::Validate => validate::validate(state, &review, deadline).await?,
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
    let (rules, facts) = state.facts(subject.kind, subject.namespace, deadline).await;
    Ok(Answer::mutate(&decide(&subject, &facts, &rules)))
}

fn record(state: &State, door: Door, review: &Review<'_>, answer: &Answer, took: Duration) {
    let path = door.path();
    let kind = Kind::ALL
        .into_iter()
        .map(Kind::name)
        .chain(["ThanosWiring", "ThanosPolicy", "Scale", "Secret"])
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
        rules = answer.rules,
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
