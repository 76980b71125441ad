//! The fourth law: an enforced label closes the relabelling, and no two series become one.
//!
//! External labels lose to a series' own label of that name, and overwriting alone would merge series that differ
//! only in it. So the series' own value moves to `exported_<label>`, and what was there to `exported_exported_<label>`.

use std::fmt::Write;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::hash;
use crate::relabel::quote_meta;

/// The four rules that enforce one label.
pub(super) fn tail(label: &str, value: &str) -> [Value; 4] {
    let exported = format!("exported_{label}");
    let twice = format!("exported_{exported}");
    [
        json!({"action": "replace", "sourceLabels": [label], "regex": quote_meta(value), "targetLabel": label, "replacement": ""}),
        json!({"action": "replace", "sourceLabels": [label, exported], "separator": ";", "regex": "[^;]+;(.+)", "targetLabel": twice, "replacement": "$1"}),
        json!({"action": "replace", "sourceLabels": [label], "regex": "(.+)", "targetLabel": exported, "replacement": "$1"}),
        json!({"action": "replace", "targetLabel": label, "replacement": value}),
    ]
}

/// Label and value of a tail that starts `rules`; `None` where none does.
pub(super) fn recognise(rules: &[Value]) -> Option<(&str, &str)> {
    let (first, last) = (rules.first()?, rules.get(3)?);
    let label = last.get("targetLabel")?.as_str()?;
    let value = last.get("replacement")?.as_str()?;
    // A look at the first rule spares most lists the making of a tail to compare with.
    let starts = first.get("replacement").is_some_and(|empty| empty == "")
        && first
            .get("targetLabel")
            .is_some_and(|target| target == label);
    (starts && rules[..4] == tail(label, value)).then_some((label, value))
}

/// As many rules as one wiring can have: its own, and a tail per enforced label. A record that says more is not ours.
const MOST_RULES: usize = 32 + 4 * 16;

/// The user's own rules of an entry's list: all but the run that the record names.
///
/// Where the last rules do not have the recorded digest, the run that has it goes; where none has it, only what can
/// be recognised as a tail.
pub(super) fn without_ours(rules: &[Value], recorded: Option<&(usize, String)>) -> Vec<Value> {
    let Some((count, wanted)) = recorded.filter(|(count, _)| *count > 0) else {
        return rules.to_vec();
    };
    if *count <= rules.len().min(MOST_RULES) {
        // Each rule is hashed once, so that a run can be looked for in a long list.
        let hashes: Vec<[u8; 8]> = rules.iter().map(hash::of).collect();
        let run = (0..=rules.len() - count)
            .rev()
            .find(|start| digest_of(&hashes[*start..start + count]) == *wanted);
        if let Some(start) = run {
            return [&rules[..start], &rules[start + count..]].concat();
        }
    }
    let mut own = Vec::new();
    let mut at = 0;
    while at < rules.len() {
        if recognise(&rules[at..]).is_some() {
            at += 4;
        } else {
            own.push(rules[at].clone());
            at += 1;
        }
    }
    own
}

/// Eight hexadecimal digits of SHA-256 over the rules, whatever the order of their keys.
pub(super) fn digest(rules: &[Value]) -> String {
    digest_of(&rules.iter().map(hash::of).collect::<Vec<_>>())
}

fn digest_of(hashes: &[[u8; 8]]) -> String {
    let mut whole = Sha256::new();
    for hash in hashes {
        whole.update(hash);
    }
    whole
        .finalize()
        .iter()
        .take(4)
        .fold(String::new(), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_designs_own() {
        let tail = tail("cluster", "edge.01");
        assert_eq!(tail[0]["regex"], r"edge\.01");
        assert_eq!(tail[1]["targetLabel"], "exported_exported_cluster");
        assert_eq!(
            tail[3],
            json!({"action": "replace", "targetLabel": "cluster", "replacement": "edge.01"})
        );
        assert_eq!(recognise(&tail), Some(("cluster", "edge.01")));
    }

    #[test]
    fn finds_its_rules_wherever_the_user_has_put_others() {
        let own = json!({"action": "drop", "sourceLabels": ["a"], "regex": "b"});
        let ours = tail("cluster", "edge").to_vec();
        let recorded = (4, digest(&ours));
        for rules in [
            [vec![own.clone()], ours.clone()].concat(),
            [ours.clone(), vec![own.clone()]].concat(),
        ] {
            assert_eq!(
                without_ours(&rules, Some(&recorded)),
                std::slice::from_ref(&own)
            );
        }
        let mut edited = ours.clone();
        edited.remove(0);
        assert_eq!(
            without_ours(&edited, Some(&recorded)),
            edited,
            "three of four are the user's now"
        );
        assert_eq!(
            without_ours(&ours, Some(&(9, "00000000".into()))),
            Vec::<Value>::new(),
            "a tail is recognised"
        );
        assert_eq!(
            without_ours(&ours, None),
            ours,
            "nothing recorded, nothing ours"
        );
    }

    #[test]
    fn the_digest_does_not_see_the_order_of_keys() {
        let one = json!([{"a": 1, "b": ["x"]}]);
        let other: Value = serde_json::from_str(r#"[{"b":["x"],"a":1}]"#).unwrap();
        assert_eq!(
            digest(one.as_array().unwrap()),
            digest(other.as_array().unwrap())
        );
    }
}
