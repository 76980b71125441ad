//! Versions as the operator reads them, and what an operator runs by default when an object names none.

use semver::Version;

/// Reads `v3.5.0`, `3.5` or `3.5.0-rc.1`; `None` for what is no version.
///
/// The operator reads an object's version with the same leniency (`semver.ParseTolerant`,
/// prometheus-operator `pkg/prometheus/promcfg.go`).
pub fn parse(text: &str) -> Option<Version> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let mut parts = numbers.split('.').map(|part| part.parse::<u64>().ok());
    let major = parts.next()??;
    let minor = parts.next().unwrap_or(Some(0))?;
    let patch = parts.next().unwrap_or(Some(0))?;
    if parts.next().is_some() {
        return None;
    }
    Version::parse(&format!("{major}.{minor}.{patch}{rest}")).ok()
}

/// Operator version, the Prometheus and the Thanos it runs where an object names no version.
///
/// Read from `pkg/operator/defaults.go` of each of these releases. A release between two rows runs at least what
/// the row below it ran, and a newer one at least what the last row ran: defaults only grow.
const DEFAULTS: &[(&str, &str, &str)] = &[
    ("0.82.0", "3.2.1", "0.38.0"),
    ("0.83.0", "3.4.0", "0.38.0"),
    ("0.84.0", "3.4.2", "0.39.1"),
    ("0.85.0", "3.5.0", "0.39.2"),
    ("0.88.0", "3.9.1", "0.40.1"),
    ("0.91.0", "3.11.3", "0.41.0"),
    ("0.92.0", "3.12.0", "0.41.0"),
    ("0.93.0", "3.13.1", "0.42.2"),
];

/// The Prometheus that operator `operator` runs for an object without `spec.version`; `None`: not known.
pub fn default_prometheus(operator: &Version) -> Option<Version> {
    defaults(operator).and_then(|(prometheus, _)| parse(prometheus))
}

/// The Thanos that operator `operator` runs for a ThanosRuler without `spec.version`; `None`: not known.
pub fn default_thanos(operator: &Version) -> Option<Version> {
    defaults(operator).and_then(|(_, thanos)| parse(thanos))
}

fn defaults(operator: &Version) -> Option<(&'static str, &'static str)> {
    DEFAULTS
        .iter()
        .rev()
        .find(|(version, _, _)| parse(version).is_some_and(|version| version <= *operator))
        .map(|(_, prometheus, thanos)| (*prometheus, *thanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_operator_reads() {
        for (text, expected) in [
            ("v3.5.0", Some("3.5.0")),
            ("3.5", Some("3.5.0")),
            ("v2", Some("2.0.0")),
            ("v3.5.0-rc.1", Some("3.5.0-rc.1")),
            ("", None),
            ("latest", None),
            ("1.2.3.4", None),
            ("v3.x", None),
        ] {
            let read = parse(text).map(|version| version.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn defaults_only_grow() {
        let versions: Vec<_> = DEFAULTS
            .iter()
            .map(|(o, p, t)| (parse(o).unwrap(), parse(p).unwrap(), parse(t).unwrap()))
            .collect();
        for pair in versions.windows(2) {
            assert!(pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1 && pair[0].2 <= pair[1].2);
        }
    }

    #[test]
    fn a_release_between_two_rows_runs_what_the_lower_one_ran() {
        let between = parse("0.86.2").unwrap();
        assert_eq!(default_prometheus(&between), parse("3.5.0"));
        assert_eq!(default_thanos(&parse("0.99.0").unwrap()), parse("0.42.2"));
        assert_eq!(default_prometheus(&parse("0.50.0").unwrap()), None);
    }
}
