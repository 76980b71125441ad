//! How much an object takes: what Prometheus makes of a number, zero and nothing included.

use serde_json::Value;

use super::super::server::units;
use super::{Seen, says};

pub(super) fn look(seen: &mut Seen<'_>) {
    let limits = &seen.law.policy["limits"];
    for (limit, field) in [("maxReplicas", "replicas"), ("maxShards", "shards")] {
        // One where none is written.
        let number = seen.spec(field).as_i64().unwrap_or(1);
        over(seen, limits[limit].as_i64(), number, field);
    }
    if seen.is("ThanosRuler") {
        return;
    }
    for (limit, field) in [
        ("sampleLimit", "enforcedSampleLimit"),
        ("targetLimit", "enforcedTargetLimit"),
        ("labelLimit", "enforcedLabelLimit"),
        ("labelNameLengthLimit", "enforcedLabelNameLengthLimit"),
        ("labelValueLengthLimit", "enforcedLabelValueLengthLimit"),
        ("keepDroppedTargets", "enforcedKeepDroppedTargets"),
    ] {
        // Zero is no limit.
        let number = seen
            .spec(field)
            .as_i64()
            .filter(|number| *number > 0)
            .unwrap_or(i64::MAX);
        over(seen, limits[limit].as_i64(), number, field);
    }
    let body = seen
        .spec("enforcedBodySizeLimit")
        .as_str()
        .and_then(units::size)
        .filter(|size| *size > 0.0);
    if let Some(most) = limits["bodySizeLimit"].as_str().and_then(units::size)
        && body.is_none_or(|size| size > most)
    {
        seen.add("limits", "enforcedBodySizeLimit", &Value::Null);
    }
    let interval = seen.spec("scrapeInterval").as_str().unwrap_or("30s");
    if let (Some(least), Some(interval)) = (
        limits["minScrapeInterval"]
            .as_str()
            .and_then(units::duration),
        units::duration(interval),
    ) && interval < least
        && interval > 0
    {
        seen.add("limits", "scrapeInterval", seen.spec("scrapeInterval"));
    }
    queues(seen);
    if seen.is("Prometheus") {
        retention(seen);
    }
}

fn over(seen: &mut Seen<'_>, most: Option<i64>, number: i64, field: &str) {
    if most.is_some_and(|most| number > most) {
        seen.add("limits", field, seen.spec(field));
    }
}

/// `queueConfig`: the operator leaves a zero out, and Prometheus has its own then.
fn queues(seen: &mut Seen<'_>) {
    for (place, entry) in seen.items("remoteWrite") {
        for (field, standard) in [
            ("maxShards", 50),
            ("capacity", 10_000),
            ("maxSamplesPerSend", 2_000),
        ] {
            let number = entry["queueConfig"][field]
                .as_i64()
                .filter(|number| *number != 0)
                .unwrap_or(standard);
            if seen.law.policy["limits"]["queue"][field]
                .as_i64()
                .is_some_and(|most| number > most)
            {
                seen.add(
                    "limits",
                    format!("{place}.queueConfig.{field}"),
                    &entry["queueConfig"][field],
                );
            }
        }
    }
}

/// By time and by size: what is not said is without end where the other is said, and a day where neither is.
fn retention(seen: &mut Seen<'_>) {
    let limits = &seen.law.policy["limits"];
    let (time, size) = (seen.spec("retention"), seen.spec("retentionSize"));
    let kept = match time.as_str().filter(|text| !text.is_empty()) {
        Some(text) => units::duration(text)
            .filter(|time| *time > 0)
            .unwrap_or(u128::MAX),
        None if says(size) => u128::MAX,
        None => 86_400_000,
    };
    if limits["maxRetention"]
        .as_str()
        .and_then(units::duration)
        .is_some_and(|most| kept > most)
    {
        seen.add("limits", "retention", time);
    }
    let bytes = size
        .as_str()
        .filter(|text| !text.is_empty())
        .and_then(units::size);
    if let (Some(most), Some(bytes)) = (
        limits["maxRetentionSize"].as_str().and_then(units::size),
        bytes,
    ) && (bytes > most || bytes == 0.0)
    {
        seen.add("limits", "retentionSize", size);
    }
}
