//! `limits`, exactly: numbers, sizes and durations are read as `Size::read` and `nanoseconds` read them.

use crate::decide::rules::shared::{INTERVAL, RETENTION};
use crate::native::cel::{self, Here};
use crate::native::{Check, Cover};
use crate::policy::{Policy, Size};
use crate::subject::Kind;
use crate::wiring::nanoseconds;

use super::{each, is_kind};
use crate::fields::sensitive::Sort;

pub(super) fn limits(policy: &Policy) -> Vec<Cover> {
    let limits = &policy.limits;
    let ruler = format!("!({})", is_kind(Kind::ThanosRuler));
    let mut checks = Vec::new();
    for (field, most) in limits.enforced() {
        checks.extend(most.map(|most| number(field, (1, most), None, &ruler)));
    }
    checks.extend(
        limits
            .max_shards
            .map(|most| number("shards", (0, most), Some(1), &ruler)),
    );
    checks.extend(
        limits
            .max_replicas
            .map(|most| number("replicas", (0, most), Some(1), "true")),
    );
    checks.extend(limits.max_replicas.map(|_| {
        let sentence = "must not be DaemonSet, which runs as many as there are nodes";
        check("mode", sentence, &|spec| {
            format!("{}.orValue('') == 'DaemonSet'", field(spec, "mode"))
        })
    }));
    checks.extend(
        policy
            .body_size
            .map(|most| size("enforcedBodySizeLimit", most, &ruler)),
    );
    checks.extend(policy.scrape_interval.map(|least| interval(least, &ruler)));
    let prometheus = is_kind(Kind::Prometheus);
    checks.extend(
        policy
            .retention_size
            .map(|most| size("retentionSize", most, &prometheus)),
    );
    checks.extend(policy.retention.map(retention));
    if policy.retention.is_some() || policy.retention_size.is_some() {
        let sentence = "must not be passed: the policy limits it";
        checks.extend(each("limits", Sort::Container, sentence, &|_,
                                                                  here: &Here<
            '_,
        >| {
            format!(
                "has({0}.name) && {0}.name.matches('(?s)^[^=]*tsdb[.]retention')",
                here.value
            )
        }));
    }
    checks.extend(queues(policy));
    if checks.is_empty() {
        Vec::new()
    } else {
        vec![Cover::Exact(checks)]
    }
}

/// The bound of the scale subresource, which counts shards.
pub(super) fn scale(policy: &Policy) -> Option<Check> {
    let most = policy.limits.max_shards?;
    let value = |object: &str| format!("dyn({object}).?spec.?replicas");
    let wrong = format!("{}.orValue(0) > {most}", value("object"));
    let had = format!(
        "oldObject != null && {} == {}",
        value("oldObject"),
        value("object")
    );
    let message = format!("spec.replicas must be at most {most}: it counts shards");
    Some(Check::new(format!("!({wrong}) || ({had})"), message))
}

/// A field below `spec` that may be missing.
fn field(spec: &str, field: &str) -> String {
    format!("dyn({spec}).?{field}")
}

fn check(name: &str, sentence: &str, wrong: &dyn Fn(&str) -> String) -> Check {
    Check::new(
        cel::spec(wrong, &|spec| field(spec, name)),
        format!("spec.{name} {sentence}"),
    )
}

fn number(name: &str, (least, most): (i64, i64), absent: Option<i64>, kind: &str) -> Check {
    let sentence = match absent {
        Some(_) => format!("must be at most {most}"),
        None => format!("must be set, from {least} to {most}"),
    };
    check(name, &sentence, &|spec| {
        let value = format!("{}.orValue({})", field(spec, name), absent.unwrap_or(0));
        format!("{kind} && !({value} >= {least} && {value} <= {most})")
    })
}

/// As `Size::read`: a number with a unit, a kilobyte being 1024 bytes.
fn size(name: &str, most: Size, kind: &str) -> Check {
    let sentence = format!("must be set, to at most {} bytes", most.0);
    check(name, &sentence, &|spec| {
        let text = format!("string({}.orValue(''))", field(spec, name));
        let units = ["", "K", "M", "G", "T", "P", "E"].iter().zip(0..);
        let units = units.map(|(unit, power)| format!("'{unit}': {:?}", 1024_f64.powi(power)));
        let bytes = format!(
            "double({text}.find('^[0-9.]+')) * {{{}}}[{text}.find('[KMGTPE]')]",
            units.collect::<Vec<_>>().join(", ")
        );
        format!(
            "{kind} && !({text}.matches('^([0-9]+[.]?[0-9]*|[.][0-9]+)([KMGTPE]i?)?B$') && \
             {bytes} >= 1.0 && {bytes} < {:?})",
            as_double(most.0) + 1.0
        )
    })
}

#[expect(clippy::cast_precision_loss, reason = "as CEL has it")]
fn as_double(bytes: u64) -> f64 {
    bytes as f64
}

const MILLISECOND: i64 = 1_000_000;

/// The most digits of each unit that fit into 64 bits of nanoseconds, and its milliseconds. `u` stands for `ms`.
const UNITS: [(char, usize, i64); 7] = [
    ('y', 3, 31_536_000_000),
    ('w', 5, 604_800_000),
    ('d', 6, 86_400_000),
    ('h', 7, 3_600_000),
    ('m', 9, 60_000),
    ('s', 10, 1_000),
    ('u', 13, 1),
];

/// Milliseconds of a Prometheus duration, and whether the text is one, as `nanoseconds` reads it.
fn duration(text: &str) -> (String, String) {
    let written = text;
    let text = format!("{text}.replace('ms', 'u')");
    let expression: Vec<String> = UNITS
        .iter()
        .map(|(unit, digits, _)| format!("(0*[0-9]{{1,{digits}}}{unit})?"))
        .collect();
    let expression = expression.concat();
    let amount = |(unit, _, milliseconds): &(char, usize, i64)| {
        format!("int('0' + {text}.find('[0-9]+{unit}').replace('{unit}', '')) * {milliseconds}")
    };
    let sum = UNITS.iter().map(amount).collect::<Vec<_>>().join(" + ");
    let sum = format!("({sum})");
    let is_one = format!(
        "{written} == '0' || ({written} != '' && !{written}.contains('u') && {text}.matches('^{expression}$') && {sum} <= {})",
        i64::MAX / MILLISECOND
    );
    (sum, is_one)
}

fn interval(least: i64, kind: &str) -> Check {
    let name = "scrapeInterval";
    let sentence = "must be at least limits.minScrapeInterval";
    check(name, sentence, &|spec| {
        let value = format!("{}.orValue('')", field(spec, name));
        let text = format!(
            "({value} == '' ? {} : string({value}))",
            cel::text(INTERVAL)
        );
        let (sum, is_one) = duration(&text);
        format!(
            "{kind} && !(({is_one}) && {sum} >= {})",
            least / MILLISECOND
        )
    })
}

fn retention(most: i64) -> Check {
    let name = "retention";
    let default = nanoseconds(RETENTION).unwrap_or_default() / MILLISECOND;
    let most = most / MILLISECOND;
    check(
        name,
        "must be set, to at most limits.maxRetention",
        &|spec| {
            let value = format!("{}.orValue('')", field(spec, name));
            let (sum, is_one) = duration(&format!("string({value})"));
            let unlimited = format!(
                "{} && ({}.orValue('') != '' || has({spec}.retentionPercentage))",
                is_kind(Kind::Prometheus),
                field(spec, "retentionSize")
            );
            let absent = if default <= most {
                format!("!({unlimited})")
            } else {
                "false".to_owned()
            };
            format!(
                "!({}) && !({value} == '' ? {absent} : ({is_one}) && {sum} > 0 && {sum} <= {most})",
                is_kind(Kind::PrometheusAgent)
            )
        },
    )
}

/// What Prometheus takes where there is none (`DefaultQueueConfig` in prometheus `config/config.go`).
const QUEUE: [(&str, i64); 3] = [
    ("maxShards", 50),
    ("capacity", 10_000),
    ("maxSamplesPerSend", 2_000),
];

fn queues(policy: &Policy) -> Vec<Check> {
    let limits = policy.limits.queue.clone().unwrap_or_default();
    let most = [
        limits.max_shards,
        limits.capacity,
        limits.max_samples_per_send,
    ];
    let bounded = QUEUE
        .iter()
        .zip(most)
        .filter_map(|(row, most)| Some((row, most?)));
    let check = |((name, default), most): (&(&str, i64), i64)| {
        let value = |entry: &str| format!("{entry}.?queueConfig.?{name}");
        let wrong = |entry: &str| {
            let number = format!("{}.orValue(0)", value(entry));
            let number = format!("({number} == 0 ? {default} : {number})");
            format!("!({number} >= 1 && {number} <= {most})")
        };
        Check::new(
            cel::items("remoteWrite", &wrong, &value),
            format!(
                "spec.remoteWrite[].queueConfig.{name} must be at most {most}; where it is absent, {default} counts"
            ),
        )
    };
    bounded.map(check).collect()
}
