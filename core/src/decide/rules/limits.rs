//! `limits`: a limit is missing or larger than the policy's.
//!
//! Each is asked for only where the policy sets it. Zero means no limit to Prometheus, and is refused like none.

use serde_json::Value;

use super::case::{Case, Findings};
use super::places::Spot;
use super::shape::{Argument, is_empty};
use crate::policy::Size;
use crate::subject::Kind;
use crate::wiring::nanoseconds;

/// What the operator takes for `scrapeInterval` and `retention` (prometheus-operator `api-reference`).
pub(crate) const INTERVAL: &str = "30s";
pub(crate) const RETENTION: &str = "24h";

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    let limits = &case.policy.limits;
    if case.subject.kind != Kind::ThanosRuler {
        for (field, most) in limits.enforced() {
            number(case, field, most, None, findings);
        }
        size(
            case,
            "enforcedBodySizeLimit",
            case.policy.body_size.zip(limits.body_size_limit.as_deref()),
            findings,
        );
        interval(case, findings);
        number(case, "shards", limits.max_shards, Some(1), findings);
    }
    number(case, "replicas", limits.max_replicas, Some(1), findings);
    let mode = case.subject.spec("mode");
    if limits.max_replicas.is_some() && mode.is_some_and(|mode| mode == "DaemonSet") {
        let sentence = "must not be DaemonSet, which runs as many as there are nodes";
        found("mode", mode, sentence.to_owned(), findings);
    }
    retention(case, findings);
    if case.subject.kind == Kind::Prometheus {
        size(
            case,
            "retentionSize",
            case.policy
                .retention_size
                .zip(limits.max_retention_size.as_deref()),
            findings,
        );
    }
    queues(case, findings);
}

/// A number that must be there and at most `most`. `absent` is what is taken where there is none, and allows zero.
fn number(
    case: &Case<'_>,
    field: &'static str,
    most: Option<i64>,
    absent: Option<i64>,
    findings: &mut Findings,
) {
    let Some(most) = most else { return };
    let value = case.subject.spec(field);
    let least = i64::from(absent.is_none());
    let number = value.map_or(absent, Value::as_i64);
    if !number.is_some_and(|number| (least..=most).contains(&number)) {
        let sentence = if absent.is_some() {
            format!("must be at most {most}")
        } else {
            format!("must be set, from 1 to {most}")
        };
        found(field, value, sentence, findings);
    }
}

/// A size that must be there and at most `most`, which is written beside it.
fn size(case: &Case<'_>, field: &'static str, most: Option<(Size, &str)>, findings: &mut Findings) {
    let Some((most, written)) = most else { return };
    let value = case.subject.spec(field);
    let size = value.and_then(Value::as_str).and_then(Size::read);
    if !size.is_some_and(|size| size > Size(0) && size <= most) {
        let sentence = format!("must be set, to at most {written}");
        found(field, value, sentence, findings);
    }
}

fn interval(case: &Case<'_>, findings: &mut Findings) {
    let Some(least) = case.policy.scrape_interval else {
        return;
    };
    let value = case.subject.spec("scrapeInterval");
    let interval = duration(value, nanoseconds(INTERVAL));
    if interval.is_none_or(|interval| interval < least) {
        let least = case.policy.limits.min_scrape_interval.as_deref();
        let sentence = format!("must be at least {}", least.unwrap_or_default());
        found("scrapeInterval", value, sentence, findings);
    }
}

/// Time is unlimited where another retention alone is given (`RetentionTimeOrDefault` in prometheus-operator
/// `pkg/prometheus/common.go`).
fn retention(case: &Case<'_>, findings: &mut Findings) {
    let bounded = case.policy.retention.is_some() || case.policy.retention_size.is_some();
    for argument in Argument::all(case, "limits").filter(|_| bounded) {
        if argument.name.contains("tsdb.retention") {
            findings.place(argument.place, "must not be passed: the policy limits it");
        }
    }
    let Some(most) = case.policy.retention else {
        return;
    };
    let value = case.subject.spec("retention");
    let other = |field: &str| case.subject.spec(field).is_some_and(|size| !is_empty(size));
    let absent = match case.subject.kind {
        Kind::PrometheusAgent => return,
        Kind::Prometheus if other("retentionSize") || other("retentionPercentage") => None,
        Kind::Prometheus | Kind::ThanosRuler => nanoseconds(RETENTION),
    };
    let time = duration(value, absent);
    if !time.is_some_and(|time| time > 0 && time <= most) {
        let most = case.policy.limits.max_retention.as_deref();
        let sentence = format!("must be set, to at most {}", most.unwrap_or_default());
        found("retention", value, sentence, findings);
    }
}

/// Of each entry. Where a number is absent or zero, what Prometheus takes counts (`DefaultQueueConfig` in prometheus
/// `config/config.go`; the operator leaves zeros out).
fn queues(case: &Case<'_>, findings: &mut Findings) {
    let limits = case.policy.limits.queue.clone().unwrap_or_default();
    for (spot, entry) in case.entries() {
        for (field, most, default) in [
            ("maxShards", limits.max_shards, 50),
            ("capacity", limits.capacity, 10_000),
            ("maxSamplesPerSend", limits.max_samples_per_send, 2_000),
        ] {
            let Some(most) = most else { continue };
            let value = entry
                .get("queueConfig")
                .and_then(|queue| queue.get(field))
                .filter(|value| !value.is_null());
            let number = value.map_or(Some(0), Value::as_i64);
            let number = number.map(|number| if number == 0 { default } else { number });
            if !number.is_some_and(|number| (1..=most).contains(&number)) {
                findings.at(
                    &spot.member("queueConfig").member(field),
                    value.unwrap_or(&Value::Null),
                    format!("must be from 1 to {most}; where it is absent, {default} counts"),
                );
            }
        }
    }
}

/// A duration in nanoseconds: `absent` where nothing is said, `None` where it is none.
fn duration(value: Option<&Value>, absent: Option<i64>) -> Option<i64> {
    match value.filter(|value| value.as_str() != Some("")) {
        None => absent,
        Some(value) => value.as_str().and_then(nanoseconds),
    }
}

fn found(field: &'static str, value: Option<&Value>, sentence: String, findings: &mut Findings) {
    findings.at(
        &Spot::default().member(field),
        value.unwrap_or(&Value::Null),
        sentence,
    );
}
