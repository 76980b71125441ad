//! Whether Go takes a text for a duration: Prometheus' kind and Go's own.

/// Prometheus' units in the order that they must stand in, each in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 1000 * 60 * 60 * 24 * 365),
    ("w", 1000 * 60 * 60 * 24 * 7),
    ("d", 1000 * 60 * 60 * 24),
    ("h", 1000 * 60 * 60),
    ("m", 1000 * 60),
    ("s", 1000),
    ("ms", 1),
];

const NANOSECONDS: u64 = 1_000_000;
const LONGEST: u64 = i64::MAX.unsigned_abs();

/// `1h30m`, as `model.ParseDuration` reads it.
///
/// <https://github.com/prometheus/common/blob/v0.67.5/model/time.go>
pub(super) fn is_prometheus(text: &str) -> bool {
    if text == "0" {
        return true;
    }
    let (mut rest, mut units, mut total) = (text, UNITS.as_slice(), 0_u64);
    while !rest.is_empty() {
        let (digits, behind) = cut(rest, |letter| letter.is_ascii_digit());
        let (unit, behind) = cut(behind, |letter| !letter.is_ascii_digit());
        let Ok(count) = digits.parse::<u64>() else {
            return false;
        };
        let Some(at) = units.iter().position(|(name, _)| *name == unit) else {
            return false;
        };
        let size = units[at].1 * NANOSECONDS;
        let Some(sum) = count
            .checked_mul(size)
            .and_then(|part| total.checked_add(part))
        else {
            return false;
        };
        if sum > LONGEST {
            return false;
        }
        (rest, units, total) = (behind, &units[at + 1..], sum);
    }
    !text.is_empty()
}

/// `-1.5h20s`, as `time.ParseDuration` reads it.
///
/// <https://pkg.go.dev/time#ParseDuration>
pub(super) fn is_go(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "0" {
        return true;
    }
    let (mut rest, mut total) = (unsigned, 0_u64);
    while !rest.is_empty() {
        let (whole, behind) = cut(rest, |letter| letter.is_ascii_digit());
        let (fraction, behind) = match behind.strip_prefix('.') {
            Some(behind) => cut(behind, |letter| letter.is_ascii_digit()),
            None => ("", behind),
        };
        let (unit, behind) = cut(behind, |letter| letter != '.' && !letter.is_ascii_digit());
        let size = match unit {
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1000,
            "ms" => NANOSECONDS,
            "s" => 1000 * NANOSECONDS,
            "m" => 60_000 * NANOSECONDS,
            "h" => 3_600_000 * NANOSECONDS,
            _ => return false,
        };
        if whole.is_empty() && fraction.is_empty() {
            return false;
        }
        let count = if whole.is_empty() {
            Ok(0)
        } else {
            whole.parse::<u64>()
        };
        let sum = count
            .ok()
            .and_then(|count| count.checked_mul(size))
            .and_then(|part| total.checked_add(part));
        match sum {
            Some(sum) if sum <= LONGEST => (rest, total) = (behind, sum),
            _ => return false,
        }
    }
    !unsigned.is_empty()
}

fn cut(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.len() - text.trim_start_matches(belongs).len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        for text in ["0", "1s", "1h30m", "2w", "1y2w3d4h5m6s7ms", "0s", "292y"] {
            assert!(is_prometheus(text), "{text}");
        }
        for text in [
            "", "1", "s", "1m1h", "1s1s", "-1s", "1.5h", "1 s", "00", "300y", "1us",
        ] {
            assert!(!is_prometheus(text), "{text}");
        }
        for text in ["0", "-1.5h", ".5s", "1.s", "1h1h", "+3us", "5\u{b5}s"] {
            assert!(is_go(text), "{text}");
        }
        for text in ["", "1", "-", ".s", "1d", "1 s", "9999999h"] {
            assert!(!is_go(text), "{text}");
        }
    }
}
