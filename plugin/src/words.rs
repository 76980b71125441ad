//! Words that people mistype: the nearest known one, and the place that a dotted path names.

use serde_json::Value;

/// The known word that is nearest, where one is near enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let near = |candidate: &str| {
        let distance = distance(&word, &candidate.to_lowercase());
        (distance <= 1 + candidate.chars().count() / 4).then_some(distance)
    };
    known
        .into_iter()
        .filter_map(|candidate| Some((near(candidate)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, taken out or replaced (Levenshtein's distance).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, candidate) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(*candidate != letter);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

/// The JSON pointer that a dotted path such as `spec.list[0].labels.a.b/c` means in this value, as far as it is there.
///
/// Keys may hold dots themselves, so the longest key that fits is taken at each step.
pub(crate) fn pointer_to(value: &Value, path: &str) -> String {
    let mut pointer = String::new();
    let mut at = value;
    let mut rest = path;
    while !rest.is_empty() {
        let Some((token, next, behind)) = step(at, rest) else {
            break;
        };
        pointer.push('/');
        pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
        at = next;
        rest = behind;
    }
    pointer
}

fn step<'v, 'p>(at: &'v Value, rest: &'p str) -> Option<(String, &'v Value, &'p str)> {
    if let Some(index) = rest.strip_prefix('[') {
        let (index, behind) = index.split_once(']')?;
        let item = at.as_array()?.get(index.parse::<usize>().ok()?)?;
        return Some((index.to_owned(), item, behind.trim_start_matches('.')));
    }
    let members = at.as_object()?;
    let ends = |key: &str| {
        let behind = rest.strip_prefix(key)?;
        (behind.is_empty() || behind.starts_with(['.', '[']))
            .then(|| behind.trim_start_matches('.'))
    };
    members
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), value, ends(key)?)))
        .max_by_key(|(key, _, _)| key.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = ["namespaces", "now", "ready", "crds"];
        assert_eq!(nearest("namespacs", known), Some("namespaces"));
        assert_eq!(nearest("Ready", known), Some("ready"));
        assert_eq!(nearest("zzz", known), None);
    }

    #[test]
    fn paths_lead_to_places() {
        let value = serde_json::json!({"spec": {"labels": {"a.b/c": 1, "a": {"b": 2}}, "list": [{"x": 1}]}});
        assert_eq!(
            pointer_to(&value, "spec.labels.a.b/c"),
            "/spec/labels/a.b~1c"
        );
        assert_eq!(pointer_to(&value, "spec.labels.a.b"), "/spec/labels/a/b");
        assert_eq!(pointer_to(&value, "spec.list[0].x"), "/spec/list/0/x");
        assert_eq!(pointer_to(&value, "spec.list[1].x"), "/spec/list");
        assert_eq!(pointer_to(&value, "spec.auth"), "/spec");
    }
}
