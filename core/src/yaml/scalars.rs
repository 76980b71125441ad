//! What a plain scalar means, by the rules of goyaml.v2 (`resolve.go`), which are those of kubectl.
//!
//! Booleans are y, yes, on, true and their opposites in three spellings each; 017, 0o17, 0b1 and 0x1F are numbers and
//! underscores do not count; 1:20 and dates are strings; .inf and .nan are numbers that JSON does not have.

use serde_json::Number;

/// A scalar with its type found out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar {
    /// Nothing, `~` or `null`.
    Null,
    /// Also `yes`, `off`, `y`, …
    Bool(bool),
    /// In any of four bases.
    Int(i64),
    /// Only what does not fit into the above.
    Uint(u64),
    /// Also `.inf` and `.nan`.
    Float(f64),
    /// The text as it stands.
    Text,
}

/// Finds out the type of a plain scalar.
pub fn resolve(text: &str) -> Scalar {
    let Some(first) = text.bytes().next() else {
        return Scalar::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'.' => match text {
            ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" => Scalar::Float(f64::INFINITY),
            _ if underscores_separate_digits(text) => float(&text.replace('_', "")),
            _ => Scalar::Text,
        },
        b'+' | b'-' | b'0'..=b'9' => match text {
            "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
            _ if text.contains('_') => number(&text.replace('_', "")),
            _ => number(text),
        },
        _ => Scalar::Text,
    }
}

fn word(text: &str) -> Scalar {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        _ => Scalar::Text,
    }
}

fn number(text: &str) -> Scalar {
    let (sign, digits) = match text.as_bytes() {
        [b'-', ..] => ("-", &text[1..]),
        [b'+', ..] => ("+", &text[1..]),
        _ => ("", text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // goyaml.v2 tries base 2 by hand as well, where a sign may stand behind the prefix.
    let late_sign = sign.is_empty() && radix == 2 && text.starts_with("0b");
    if !late_sign && !digits.starts_with(|first: char| first.is_digit(radix)) {
        return float(text);
    }
    let signed = if radix == 10 {
        text.parse()
    } else {
        i64::from_str_radix(&format!("{sign}{digits}"), radix)
    };
    if let Ok(value) = signed {
        return Scalar::Int(value);
    }
    if sign.is_empty()
        && let Ok(value) = u64::from_str_radix(digits, radix)
    {
        return Scalar::Uint(value);
    }
    float(text)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, as long as it is finite.
fn float(text: &str) -> Scalar {
    let digits_end =
        |from: &str| from.len() - from.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole = digits_end(unsigned);
    let mut rest = &unsigned[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = digits_end(fraction);
        if whole + length == 0 {
            return Scalar::Text;
        }
        rest = &fraction[length..];
    } else if whole == 0 {
        return Scalar::Text;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if exponent.is_empty() || digits_end(exponent) < exponent.len() {
            return Scalar::Text;
        }
    } else if !rest.is_empty() {
        return Scalar::Text;
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Scalar::Float(value),
        _ => Scalar::Text,
    }
}

fn underscores_separate_digits(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    (0..bytes.len()).all(|at| bytes[at] != b'_' || digit(at.checked_sub(1)) && digit(Some(at + 1)))
}

/// The JSON number that Go writes for a float: whole numbers lose their point.
pub fn json_number(value: f64) -> Option<Number> {
    // Display writes every digit and no exponent.
    let whole = (value.fract() == 0.0).then(|| value.to_string());
    whole
        .and_then(|digits| {
            digits
                .parse::<i64>()
                .map(Number::from)
                .or_else(|_| digits.parse::<u64>().map(Number::from))
                .ok()
        })
        .or_else(|| Number::from_f64(value))
}

/// A float as a key: Go's shortest `%g` of 32 bits, which is what `sigs.k8s.io/yaml` makes of it.
pub fn float_key(value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "kubectl's keys are that narrow"
    )]
    let narrow = value as f32;
    if narrow.is_nan() {
        return ".nan".to_owned();
    }
    if narrow.is_infinite() {
        return if narrow > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    general(&format!("{narrow:e}"), narrow)
}

/// A float as goyaml.v2 writes it: Go's shortest `%g` of 64 bits.
pub fn float_text(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    general(&format!("{value:e}"), value)
}

/// Go's `%g`: an exponent only where the number would be long, and then with a sign and two digits.
fn general(scientific: &str, plain: impl std::fmt::Display) -> String {
    match scientific
        .split_once('e')
        .and_then(|(digits, exponent)| Some((digits, exponent.parse::<i32>().ok()?)))
    {
        Some((digits, exponent)) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => plain.to_string(),
    }
}
