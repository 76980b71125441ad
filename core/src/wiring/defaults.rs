//! The defaults of a wiring, each by its path in an entry, and what Prometheus would say to them.

use serde_json::{Map, Value, json};

use super::WiringRemoteWrite;

/// Nanoseconds of the units of a Prometheus duration, in their order.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 24 * 3_600_000_000_000),
    ("w", 7 * 24 * 3_600_000_000_000),
    ("d", 24 * 3_600_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
];

/// Two members of which the first must not be above the second, and what Prometheus takes where there is none.
struct Pair {
    low: (&'static str, i64),
    high: (&'static str, i64),
}

/// `QueueConfig.Validate` in Prometheus `config/config.go`, and its `DefaultQueueConfig`.
const PAIRS: [Pair; 2] = [
    Pair {
        low: ("queueConfig/minShards", 1),
        high: ("queueConfig/maxShards", 50),
    },
    Pair {
        low: ("queueConfig/minBackoff", 30_000_000),
        high: ("queueConfig/maxBackoff", 5_000_000_000),
    },
];

/// A default: its path below the entry, and its value.
type Given = (String, Value);
/// What is wrong with one: its path, and a sentence.
type Wrong = (String, String);

/// Every default that is written, and every fault of them.
pub(super) fn resolve(written: &WiringRemoteWrite) -> (Vec<Given>, Vec<Wrong>) {
    let mut defaults = Vec::new();
    let mut metadata = members(written.metadata_config.as_ref());
    if !metadata.is_empty() && !metadata.contains_key("send") {
        // The operator writes `send: false` for an object that does not say it; Prometheus' own default is true.
        metadata.insert("send".to_owned(), Value::Bool(true));
    }
    let groups = [
        ("metadataConfig", metadata),
        ("queueConfig", members(written.queue_config.as_ref())),
    ];
    for (group, members) in groups {
        defaults.extend(
            members
                .into_iter()
                .map(|(member, value)| (format!("{group}/{member}"), value)),
        );
    }
    let single = [
        (
            "remoteTimeout",
            written.remote_timeout.as_ref().map(|value| json!(value)),
        ),
        ("sendExemplars", written.send_exemplars.map(Value::Bool)),
        (
            "sendNativeHistograms",
            written.send_native_histograms.map(Value::Bool),
        ),
    ];
    defaults.extend(
        single
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?))),
    );
    let mut faults: Vec<Wrong> = defaults
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), wrong(name, value)?)))
        .collect();
    if faults.is_empty() {
        let given = |name: &str| {
            defaults
                .iter()
                .find(|(other, _)| other == name)
                .map(|(_, value)| value)
        };
        for pair in &PAIRS {
            let (low, high) = (given(pair.low.0), given(pair.high.0));
            if measure(low, pair.low.1) > measure(high, pair.high.1) {
                let sentence = format!(
                    "would be above {}, and Prometheus refuses that",
                    pair.high.0.replace('/', ".")
                );
                faults.push((
                    if low.is_some() {
                        pair.low.0
                    } else {
                        pair.high.0
                    }
                    .to_owned(),
                    sentence,
                ));
            }
        }
    }
    (defaults, faults)
}

/// Why a default cannot be given to an entry whose counterpart it would cross; `None` where it can.
pub(crate) fn crosses(
    name: &str,
    value: &Value,
    counterpart: impl Fn(&str) -> Option<Value>,
) -> Option<String> {
    let pair = PAIRS
        .iter()
        .find(|pair| pair.low.0 == name || pair.high.0 == name)?;
    let (low, high, other) = if pair.low.0 == name {
        (
            measure(Some(value), pair.low.1),
            measure(counterpart(pair.high.0).as_ref(), pair.high.1),
            pair.high.0,
        )
    } else {
        (
            measure(counterpart(pair.low.0).as_ref(), pair.low.1),
            measure(Some(value), pair.high.1),
            pair.low.0,
        )
    };
    (low > high).then(|| {
        format!(
            "the entry's own {} does not go with it",
            other.replace('/', ".")
        )
    })
}

fn members<T: serde::Serialize>(group: Option<&T>) -> Map<String, Value> {
    match serde_json::to_value(group) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

fn wrong(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::String(text) if nanoseconds(text).is_none() => {
            Some("must be a Prometheus duration such as 30s".to_owned())
        }
        Value::Number(number) => {
            let least = if name == "metadataConfig/maxSamplesPerSend" {
                -1
            } else {
                0
            };
            number
                .as_i64()
                .is_some_and(|number| number < least)
                .then(|| "must not be negative".to_owned())
        }
        _ => None,
    }
}

/// A number or a duration; the operator drops a zero, so that it means what is taken where there is none.
fn measure(value: Option<&Value>, otherwise: i64) -> i64 {
    let measured = match value {
        Some(Value::String(text)) => nanoseconds(text),
        Some(value) => value.as_i64(),
        None => None,
    };
    measured
        .filter(|measured| *measured != 0)
        .unwrap_or(otherwise)
}

/// A duration as Prometheus and the operator's CRDs take it: `1h30m`, `5s`, `0`; each unit at most once, in order, and
/// no more than fits into 64 bits of nanoseconds.
pub(crate) fn nanoseconds(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let (mut rest, mut next, mut total) = (text, 0, 0_i64);
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let amount: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest
            .find(|character: char| character.is_ascii_digit())
            .unwrap_or(rest.len());
        let at = UNITS
            .iter()
            .skip(next)
            .position(|(unit, _)| *unit == &rest[..end])?
            + next;
        total = total.checked_add(amount.checked_mul(UNITS[at].1)?)?;
        next = at + 1;
        rest = &rest[end..];
    }
    (next > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_prometheus_own() {
        for right in ["0", "30s", "1h30m", "5ms", "1d12h", "290y"] {
            assert!(nanoseconds(right).is_some(), "{right}");
        }
        for wrong in [
            "",
            "s",
            "30",
            "1m1h",
            "1.5h",
            "-5s",
            "5 s",
            "5us",
            "1000y",
            "99999999999999999999s",
        ] {
            assert!(nanoseconds(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_low_that_crosses_a_high_is_told() {
        let own = |name: &str| (name == "queueConfig/maxShards").then(|| json!(4));
        assert!(crosses("queueConfig/minShards", &json!(10), own).is_some());
        assert!(crosses("queueConfig/minShards", &json!(3), own).is_none());
        assert!(
            crosses("queueConfig/minShards", &json!(60), |_| None).is_some(),
            "above Prometheus' own 50"
        );
        assert!(
            crosses("queueConfig/maxBackoff", &json!("10ms"), |_| None).is_some(),
            "below Prometheus' own 30ms"
        );
        assert!(crosses("remoteTimeout", &json!("1s"), |_| None).is_none());
    }
}
