//! Relabel rules as prometheus-operator writes them, and whether Prometheus would load them.
//!
//! The operator copies `writeRelabelConfigs` without a look, and a rule that Prometheus cannot load stops every
//! later configuration of that object. So a rule of ours is refused unless it is surely loaded.

mod expression;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One rule (prometheus-operator's `RelabelConfig`).
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RelabelConfig {
    /// Labels whose values are joined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub source_labels: Vec<String>,
    /// What joins them; `;` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub separator: Option<String>,
    /// The label that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub target_label: Option<String>,
    /// Matched against the joined values, anchored; `(.*)` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub regex: Option<String>,
    /// For `hashmod`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub modulus: Option<i64>,
    /// The value that is written; `$1` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub replacement: Option<String>,
    /// What is done; `replace` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
}

/// What a rule does (Prometheus `model/relabel`).
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the names are Prometheus' own and documented there"
)]
pub enum Action {
    #[default]
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}

impl RelabelConfig {
    /// The rule as it is put into an object: `action` written out, as the CRD would default it.
    pub fn to_value(&self) -> Value {
        let mut rule = Map::new();
        rule.insert(
            "action".into(),
            serde_json::to_value(self.action.unwrap_or_default()).unwrap_or_default(),
        );
        if let Ok(Value::Object(fields)) = serde_json::to_value(self) {
            rule.extend(fields.into_iter().filter(|(name, _)| name != "action"));
        }
        Value::Object(rule)
    }

    /// Every reason why Prometheus would not load the rule, as (field, sentence).
    ///
    /// Follows `Config.Validate` in Prometheus `model/relabel/relabel.go` under its legacy naming scheme: Prometheus 2
    /// has no other, and an object may ask for it.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        use Action::{DropEqual, HashMod, KeepEqual, LabelMap, Lowercase, Replace, Uppercase};
        let mut faults: Vec<(&'static str, String)> = Vec::new();
        let action = self.action.unwrap_or_default();
        let target = self.target_label.as_deref().unwrap_or_default();
        let plain = matches!(
            action,
            HashMod | Lowercase | Uppercase | KeepEqual | DropEqual
        );
        if let Some(regex) = &self.regex
            && let Err(sentence) = expression::check(regex)
        {
            faults.push(("regex", sentence));
        }
        let mut fault = |field, sentence: &str| faults.push((field, sentence.to_owned()));
        if self.source_labels.iter().any(|label| !is_label_name(label)) {
            fault("sourceLabels", "must be Prometheus label names");
        }
        if action == HashMod && self.modulus.unwrap_or_default() == 0 {
            fault("modulus", "must not be zero with action hashmod");
        }
        if self.modulus.is_some_and(i64::is_negative) {
            fault("modulus", "must not be negative");
        }
        if (action == Replace || plain) && target.is_empty() {
            fault("targetLabel", "must be set with this action");
        } else if plain && !is_label_name(target) {
            fault(
                "targetLabel",
                "must be a Prometheus label name with this action",
            );
        } else if action == Replace && !is_label_template(target) {
            fault(
                "targetLabel",
                "must be a Prometheus label name, or one with $variables",
            );
        }
        if action == LabelMap && !is_label_template(self.replacement.as_deref().unwrap_or("$1")) {
            fault(
                "replacement",
                "must be a Prometheus label name, or one with $variables",
            );
        }
        if let Some(sentence) = self.takes_nothing_else(action) {
            fault("action", sentence);
        }
        faults
    }

    /// What an action does not take besides its own fields. `(.*)` written out is not the default to Prometheus.
    fn takes_nothing_else(&self, action: Action) -> Option<&'static str> {
        let replaces = self
            .replacement
            .as_deref()
            .is_some_and(|replacement| replacement != "$1");
        let separates = self
            .separator
            .as_deref()
            .is_some_and(|separator| separator != ";");
        let counts = self.modulus.unwrap_or_default() != 0;
        let other = counts || separates || replaces;
        let targets = self
            .target_label
            .as_deref()
            .is_some_and(|target| !target.is_empty());
        match action {
            Action::LabelDrop | Action::LabelKeep
                if other || targets || !self.source_labels.is_empty() =>
            {
                Some("labeldrop and labelkeep take a regex and nothing else")
            }
            Action::KeepEqual | Action::DropEqual if other || self.regex.is_some() => {
                Some("keepequal and dropequal take sourceLabels, targetLabel and nothing else")
            }
            Action::Lowercase | Action::Uppercase if replaces => {
                Some("lowercase and uppercase take no replacement")
            }
            _ => None,
        }
    }
}

/// Whether Go compiles the expression.
pub(crate) fn compiles(regex: &str) -> bool {
    expression::check(regex).is_ok()
}

/// Whether Prometheus takes the text as a label name under its legacy scheme, which every version reads.
pub(crate) fn is_label_name(name: &str) -> bool {
    let letter = |character: char| character == '_' || character.is_ascii_alphabetic();
    name.starts_with(letter)
        && name
            .chars()
            .all(|character| letter(character) || character.is_ascii_digit())
}

/// Whether the text is a label name in which `$1`, `$name` and `${name}` may stand (`relabelTargetLegacy`).
fn is_label_template(text: &str) -> bool {
    let word = |character: char| character == '_' || character.is_ascii_alphanumeric();
    let mut rest = text;
    let mut name = String::new();
    while let Some(at) = rest.find('$') {
        name.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (variable, after) = match rest.strip_prefix('{') {
            Some(braced) => match braced.split_once('}') {
                Some(parts) => parts,
                None => return false,
            },
            None => rest.split_at(
                rest.find(|character| !word(character))
                    .unwrap_or(rest.len()),
            ),
        };
        if variable.is_empty() || !variable.chars().all(word) {
            return false;
        }
        name.push('v');
        rest = after;
    }
    name.push_str(rest);
    is_label_name(&name)
}

/// Quotes a text for a regular expression exactly as Go's `regexp.QuoteMeta` does.
pub fn quote_meta(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 4);
    for character in text.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go_does() {
        assert_eq!(
            quote_meta("a.b+c*d?e(f)g|h[i]j{k}l^m$n\\o-p/q"),
            r"a\.b\+c\*d\?e\(f\)g\|h\[i\]j\{k\}l\^m\$n\\o-p/q"
        );
    }

    #[test]
    fn follows_prometheus_own_validation() {
        let rule = |json: Value| {
            let faults = serde_json::from_value::<RelabelConfig>(json)
                .unwrap()
                .faults();
            faults
                .into_iter()
                .map(|(field, _)| field)
                .collect::<Vec<_>>()
        };
        for (json, faults) in [
            (
                serde_json::json!({"action": "replace"}),
                vec!["targetLabel"],
            ),
            (
                serde_json::json!({"action": "hashmod", "targetLabel": "x"}),
                vec!["modulus"],
            ),
            (
                serde_json::json!({"action": "labeldrop", "regex": "a", "sourceLabels": ["b"]}),
                vec!["action"],
            ),
            (
                serde_json::json!({"action": "drop", "sourceLabels": ["a"], "regex": "b("}),
                vec!["regex"],
            ),
            (
                serde_json::json!({"action": "keepequal", "sourceLabels": ["a"], "targetLabel": "b", "regex": "(.*)"}),
                vec!["action"],
            ),
            (
                serde_json::json!({"action": "lowercase", "sourceLabels": ["a"], "targetLabel": "b", "replacement": "c"}),
                vec!["action"],
            ),
            (
                serde_json::json!({"action": "drop", "sourceLabels": [""]}),
                vec!["sourceLabels"],
            ),
            (
                serde_json::json!({"targetLabel": "a-b"}),
                vec!["targetLabel"],
            ),
            (
                serde_json::json!({"action": "labelmap", "regex": "a(.*)", "replacement": "b-$1"}),
                vec!["replacement"],
            ),
            (
                serde_json::json!({"action": "labelmap", "regex": "a(.*)", "replacement": ""}),
                vec!["replacement"],
            ),
            (
                serde_json::json!({"action": "keep", "sourceLabels": ["a"], "regex": "b.*"}),
                vec![],
            ),
            (
                serde_json::json!({"sourceLabels": ["a"], "regex": "(.*)", "targetLabel": "b_${1}_c"}),
                vec![],
            ),
            (
                serde_json::json!({"action": "labelmap", "regex": "a(.*)"}),
                vec![],
            ),
        ] {
            assert_eq!(rule(json.clone()), faults, "{json}");
        }
    }
}
