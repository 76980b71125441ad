//! Durations and sizes as Prometheus reads them, written anew here: the tests ask nobody whom they test.

/// In milliseconds, the longest first: Prometheus wants them in this order.
const UNITS: [(&str, u128); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// `1h30m` in milliseconds (`ParseDuration` in prometheus/common `model/time.go`); `None`: no duration.
pub(in crate::evasion) fn duration(text: &str) -> Option<u128> {
    if text == "0" {
        return Some(0);
    }
    let (mut rest, mut from, mut sum) = (text, 0, 0);
    while !rest.is_empty() {
        let digits = rest.find(|one: char| !one.is_ascii_digit())?;
        let number: u128 = rest[..digits].parse().ok()?;
        let letters = &rest[digits..];
        let end = letters
            .find(|one: char| !one.is_ascii_lowercase())
            .unwrap_or(letters.len());
        let unit = UNITS
            .iter()
            .position(|(unit, _)| *unit == &letters[..end])?;
        if unit < from {
            return None;
        }
        from = unit + 1;
        sum += number.checked_mul(UNITS[unit].1)?;
        rest = &letters[end..];
    }
    (!text.is_empty()).then_some(sum)
}

/// `50MB` in bytes, with and without the `i`; `None`: no size.
pub(in crate::evasion) fn size(text: &str) -> Option<f64> {
    if text == "0" {
        return Some(0.0);
    }
    let number = text.trim_end_matches(|one: char| one.is_ascii_alphabetic());
    let unit = text[number.len()..].strip_suffix('B')?;
    let unit = unit.strip_suffix('i').unwrap_or(unit);
    let power = ["", "K", "M", "G", "T", "P", "E"]
        .iter()
        .position(|known| *known == unit)?;
    Some(number.parse::<f64>().ok()? * 1024_f64.powi(i32::try_from(power).ok()?))
}
