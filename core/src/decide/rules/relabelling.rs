//! Relabel rules as Prometheus runs them: what a rule may do to a label of a given name.
//!
//! Follows `relabel` in Prometheus `model/relabel/relabel.go`, and what the operator makes of a rule before: it writes
//! actions in lower case and leaves an empty regex out.

use std::cell::OnceCell;

use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value;

use crate::relabel;

/// The largest compiled expression, in bytes; the longest of a person's lists of metrics takes less.
const MOST_BYTES: usize = 512 * 1024;
/// The longest expression, in bytes.
const MOST_TEXT: usize = 64 * 1024;

/// One rule.
#[derive(Debug)]
pub(super) struct Rule<'a> {
    pub(super) action: String,
    pub(super) sources: Vec<&'a str>,
    pub(super) separator: &'a str,
    /// `None`: the default, which matches everything.
    pub(super) regex: Option<&'a str>,
    pub(super) modulus: u64,
    pub(super) target: &'a str,
    pub(super) replacement: &'a str,
    compiled: OnceCell<Option<Regex>>,
}

impl<'a> Rule<'a> {
    pub(super) fn read(rule: &'a Value) -> Self {
        let text = |field: &str| rule.get(field).and_then(Value::as_str);
        let written = |field: &str| text(field).filter(|text| !text.is_empty());
        let sources = rule.get("sourceLabels").and_then(Value::as_array);
        Self {
            action: written("action").unwrap_or("replace").to_ascii_lowercase(),
            sources: sources
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect(),
            separator: text("separator").unwrap_or(";"),
            regex: written("regex").filter(|regex| *regex != "(.*)"),
            modulus: rule
                .get("modulus")
                .and_then(Value::as_u64)
                .unwrap_or_default(),
            target: text("targetLabel").unwrap_or_default(),
            replacement: text("replacement").unwrap_or("$1"),
            compiled: OnceCell::new(),
        }
    }

    /// Whether the rule may write or remove the label: a rule that cannot be judged may.
    pub(super) fn touches(&self, label: &str) -> bool {
        match self.action.as_str() {
            "replace" => may_become(self.target, label),
            "hashmod" | "lowercase" | "uppercase" => self.target == label,
            "labelmap" => may_become(self.replacement, label),
            "labeldrop" => self.matches(label).unwrap_or(true),
            "labelkeep" => !self.matches(label).unwrap_or(false),
            _ => false,
        }
    }

    /// Whether the rule may take the label away or give many series one value of it.
    pub(super) fn may_remove(&self, label: &str) -> bool {
        let keeps_apart = matches!(self.action.as_str(), "lowercase" | "uppercase");
        self.touches(label) && !(keeps_apart && self.sources == [label])
    }

    /// Whether it removes labels by their names.
    pub(super) fn removes_names(&self) -> bool {
        matches!(self.action.as_str(), "labeldrop" | "labelkeep")
    }

    /// The label that it gives one value, whatever the series, and the value.
    pub(super) fn sets(&self) -> Option<(&'a str, &'a str)> {
        let any = self.regex.is_none_or(|regex| regex == ".*");
        let constant = !self.target.contains('$') && !self.replacement.contains('$');
        (self.action == "replace" && any && constant).then_some((self.target, self.replacement))
    }

    /// Whether the whole of a text matches; `None`: the expression cannot be judged.
    pub(super) fn matches(&self, text: &str) -> Option<bool> {
        match self.regex {
            None => Some(true),
            // Most expressions of `labeldrop` are a name.
            Some(regex) if is_plain(regex) => Some(regex == text),
            Some(_) => Some(self.compiled()?.is_match(text.as_bytes())),
        }
    }

    /// Why Prometheus would not load the rule, whatever names it allows (`Config.Validate` there).
    pub(super) fn refused(&self) -> Option<&'static str> {
        let alone = self.sources.is_empty()
            && self.target.is_empty()
            && self.modulus == 0
            && self.replacement == "$1"
            && self.separator == ";";
        let equal = self.regex.is_none()
            && self.modulus == 0
            && self.replacement == "$1"
            && self.separator == ";";
        match self.action.as_str() {
            _ if self.regex.is_some_and(|regex| !relabel::compiles(regex)) => {
                Some("has a regex that does not compile")
            }
            "hashmod" if self.modulus == 0 => Some("needs a modulus"),
            "labeldrop" | "labelkeep" if !alone => Some("takes a regex and nothing else"),
            "keepequal" | "dropequal" if !equal => {
                Some("takes sourceLabels, targetLabel and nothing else")
            }
            "lowercase" | "uppercase" if self.replacement != "$1" => Some("takes no replacement"),
            "replace" | "hashmod" | "lowercase" | "uppercase" | "keepequal" | "dropequal" => {
                self.target.is_empty().then_some("needs a targetLabel")
            }
            "keep" | "drop" | "labelmap" | "labeldrop" | "labelkeep" => None,
            _ => Some("has an action that Prometheus does not know"),
        }
    }

    /// The expression, anchored as Prometheus anchors it; `None`: it cannot be judged.
    pub(super) fn compiled(&self) -> Option<&Regex> {
        let compile = || {
            let regex = self.regex.unwrap_or("(.*)");
            let fits = regex.len() <= MOST_TEXT;
            fits.then(|| compile(&format!("^(?s:{regex})$"))).flatten()
        };
        self.compiled.get_or_init(compile).as_ref()
    }
}

/// Compiles within bounds: whoever writes the object writes the expression. Without Unicode's classes, which take long
/// to compile and which names of labels and metrics have no need of.
fn compile(regex: &str) -> Option<Regex> {
    let mut builder = RegexBuilder::new(regex);
    builder.unicode(false).size_limit(MOST_BYTES).build().ok()
}

fn is_plain(regex: &str) -> bool {
    regex
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
}

/// Whether a template can stand for the label once its variables are put in.
fn may_become(template: &str, label: &str) -> bool {
    match template.split_once('$') {
        None => template == label,
        Some((before, _)) => label.starts_with(before),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_may_touch_a_label_is_known_by_the_rule_alone() {
        for rule in [
            json!({"action": "labeldrop"}),
            json!({"action": "LabelDrop", "regex": "clus.*"}),
            json!({"action": "labeldrop", "regex": "a|(?i)CLUSTER"}),
            json!({"action": "labeldrop", "regex": "a)|(cluster"}),
            json!({"action": "labeldrop", "regex": "(unclosed"}),
            json!({"action": "labelkeep", "regex": "__name__|job"}),
            json!({"action": "labelmap", "regex": "x_(.+)"}),
            json!({"action": "labelmap", "regex": "x_(.+)", "replacement": "clus$1"}),
            json!({"targetLabel": "cluster", "replacement": "x"}),
            json!({"targetLabel": "${1}", "sourceLabels": ["a"]}),
            json!({"action": "HashMod", "targetLabel": "cluster", "modulus": 2}),
            json!({"action": "uppercase", "sourceLabels": ["cluster"], "targetLabel": "cluster"}),
        ] {
            assert!(Rule::read(&rule).touches("cluster"), "{rule}");
        }
        for rule in [
            json!({"action": "labeldrop", "regex": "cluster_.*"}),
            json!({"action": "labelkeep", "regex": "cluster|__name__"}),
            json!({"action": "labelkeep"}),
            json!({"action": "labelmap", "regex": "(.+)", "replacement": "exported_$1"}),
            json!({"action": "drop", "sourceLabels": ["cluster"], "regex": "edge"}),
            json!({"targetLabel": "exported_cluster", "sourceLabels": ["cluster"]}),
        ] {
            assert!(!Rule::read(&rule).touches("cluster"), "{rule}");
        }
    }
}
