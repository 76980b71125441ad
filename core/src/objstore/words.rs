//! Names in paths and sentences: which may be shown, and which was meant.

/// A name that may stand in a path. A key of a broken file may be anything, a credential too, so only what looks like
/// a field's name is shown.
pub(super) fn shown(name: &str) -> Option<&str> {
    let fits = name.len() <= 40
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        && name.bytes().filter(u8::is_ascii_digit).count() <= 2;
    fits.then_some(name)
}

/// A path and a name below it.
pub(super) fn joined(path: &str, name: &str) -> String {
    let name = shown(name).unwrap_or("?");
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The known name that is at most two typing errors away.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    known
        .map(|candidate| (distance(&name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 2 && *distance < candidate.len() / 2)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's.
fn distance(one: &str, other: &str) -> usize {
    if one.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, left) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, right) in other.bytes().enumerate() {
            let changed = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_seen_and_a_credential_is_not_shown() {
        let known = || ["bucket", "endpoint", "access_key"].into_iter();
        assert_eq!(nearest("buckets", known()), Some("bucket"));
        assert_eq!(nearest("Access-Key", known()), Some("access_key"));
        assert_eq!(nearest("region", known()), None);
        assert_eq!(joined("config", "AKIA0123456789"), "config.?");
        assert_eq!(joined("", "signature_version2"), "signature_version2");
    }
}
