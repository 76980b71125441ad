//! Whether a list of relabel rules surely lets nothing pass.
//!
//! Each label is a set of the values that it may have. External labels are known; of any other label a handful of unlike
//! values stands for all. A rule that drops every one of them drops everything. What depends on the names of a cluster's
//! own metrics is not known here: `keep` of a metric that nobody has is not found, and lists of wanted metrics are not
//! taken for it.

use std::collections::BTreeMap;

use regex::bytes::Regex;

use super::label_values::{ALWAYS, Values};
use super::relabelling::Rule;

/// More rules of one entry are not judged.
pub(super) const MOST_RULES: usize = 64;
/// The most values that a label is known to have.
const MOST_VALUES: u64 = 64;
/// How many neighbours a value is paired with.
const SHIFTS: usize = 3;
/// The labels as far as the rules have come.
struct State<'r> {
    labels: BTreeMap<String, Values>,
    /// What has removed labels by name: a label that is not in the map may be gone.
    removed: Vec<&'r Rule<'r>>,
    /// Conditions that hold for whatever is left: sources, separator and expression, and whether it matches.
    held: Vec<(&'r Rule<'r>, bool)>,
}

/// The index of the first rule after which surely nothing is left.
pub(super) fn emptied(rules: &[Rule<'_>], known: &[(String, String)]) -> Option<usize> {
    let known = known
        .iter()
        .map(|(label, value)| (label.clone(), Values::one(value)));
    let mut state = State {
        labels: known.collect(),
        removed: Vec::new(),
        held: Vec::new(),
    };
    rules.iter().position(|rule| state.run(rule))
}

impl<'r> State<'r> {
    /// Runs one rule; true: nothing is left.
    fn run(&mut self, rule: &'r Rule<'r>) -> bool {
        match rule.action.as_str() {
            "drop" => return self.filter(rule, false),
            "keep" => return self.filter(rule, true),
            "dropequal" | "keepequal" => return self.compare(rule, rule.action == "keepequal"),
            "replace" => self.replace(rule),
            "lowercase" => self.derive(rule, str::to_lowercase),
            "uppercase" => self.derive(rule, str::to_uppercase),
            "hashmod" => {
                let values = (1..=MOST_VALUES).contains(&rule.modulus).then(|| Values {
                    some: (0..rule.modulus).map(|hash| hash.to_string()).collect(),
                    open: false,
                });
                self.set(rule.target, values);
            }
            "labelmap" => {
                self.held.clear();
                for (label, values) in &mut self.labels {
                    if rule.touches(label) {
                        *values = Values::any(label);
                    }
                }
            }
            "labeldrop" | "labelkeep" => {
                self.held.clear();
                self.removed.push(rule);
                for (label, values) in &mut self.labels {
                    if rule.touches(label) {
                        *values = Values::one("");
                    }
                }
            }
            _ => {}
        }
        false
    }

    fn values(&self, label: &str) -> Values {
        let gone = || self.removed.iter().any(|rule| rule.touches(label));
        match self.labels.get(label) {
            Some(values) => values.clone(),
            None if gone() => Values::one(""),
            None => Values::any(label),
        }
    }

    /// Writes a label; `None`: nothing is known of it any more.
    fn set(&mut self, label: &str, values: Option<Values>) {
        self.held.retain(|(rule, _)| !rule.sources.contains(&label));
        let mut any = Values::any("");
        any.some.extend(self.values(label).some);
        self.labels.insert(label.to_owned(), values.unwrap_or(any));
    }

    /// Every text that the sources may be joined to, and whether there may be others.
    fn joined(&self, rule: &Rule<'_>) -> (Vec<String>, bool) {
        let parts: Vec<Values> = rule
            .sources
            .iter()
            .map(|label| self.values(label))
            .collect();
        let open = parts.iter().any(|values| values.open);
        let most = parts
            .iter()
            .map(|values| values.some.len())
            .max()
            .unwrap_or(1);
        // Two sets of values have more pairs than these: neighbours stand for all.
        let sets = parts.iter().filter(|values| values.some.len() > 1).count();
        let shifts = if sets > 1 { SHIFTS } else { 1 };
        let join = |at: usize| {
            let texts = parts.iter().enumerate().map(|(part, values)| {
                let at = at / shifts + part * (at % shifts);
                values.some[at % values.some.len()].as_str()
            });
            texts.collect::<Vec<_>>().join(rule.separator)
        };
        ((0..most * shifts).map(join).collect(), open || sets > 1)
    }

    fn filter(&mut self, rule: &'r Rule<'r>, keep: bool) -> bool {
        let opposite = self.held.iter().any(|(other, matched)| {
            *matched != keep
                && other.sources == rule.sources
                && other.separator == rule.separator
                && other.regex == rule.regex
        });
        let Some(regex) = rule.compiled() else {
            return false;
        };
        let (texts, open) = self.joined(rule);
        let passes = |text: &str| regex.is_match(text.as_bytes()) == keep;
        let some_pass = texts.iter().any(|text| passes(text));
        let nothing = !some_pass && (!keep || !open || never_matches(rule, regex));
        if opposite || nothing {
            return true;
        }
        self.held.push((rule, keep));
        if let [label] = rule.sources.as_slice()
            && some_pass
        {
            let mut values = self.values(label);
            // What else may pass a `keep` is not known: all that there was may.
            if !(keep && values.open) {
                values.some.retain(|value| passes(value));
                self.labels.insert((*label).to_owned(), values);
            }
        }
        false
    }

    fn compare(&self, rule: &Rule<'_>, keep: bool) -> bool {
        if rule.sources == [rule.target] {
            return !keep;
        }
        let (texts, open) = self.joined(rule);
        let target = self.values(rule.target);
        let (Some(text), Some(value)) = (texts.first(), target.some.first()) else {
            return false;
        };
        let known = !open && !target.open && texts.len() == 1 && target.some.len() == 1;
        known && (text == value) != keep
    }

    fn replace(&mut self, rule: &Rule<'_>) {
        if let Some((label, value)) = rule.sets() {
            self.set(label, Some(Values::one(value)));
            return;
        }
        let (texts, open) = self.joined(rule);
        let exact = (!open && texts.len() == 1)
            .then(|| rule.compiled())
            .flatten();
        let Some(regex) = exact else {
            self.forget(rule);
            return;
        };
        let text = texts.first().map(String::as_bytes).unwrap_or_default();
        if let Some(found) = regex.captures(text) {
            let (mut label, mut value) = (Vec::new(), Vec::new());
            found.expand(rule.target.as_bytes(), &mut label);
            found.expand(rule.replacement.as_bytes(), &mut value);
            let (label, value) = (
                String::from_utf8_lossy(&label),
                String::from_utf8_lossy(&value),
            );
            self.set(&label, Some(Values::one(&value)));
        }
    }

    fn derive(&mut self, rule: &Rule<'_>, change: impl Fn(&str) -> String) {
        let (texts, open) = self.joined(rule);
        let some = texts.iter().map(|text| change(text)).collect();
        self.set(rule.target, Some(Values { some, open }));
    }

    /// Whatever the rule may write is not known any more.
    fn forget(&mut self, rule: &Rule<'_>) {
        let touched: Vec<String> = self
            .labels
            .keys()
            .filter(|label| rule.touches(label))
            .cloned()
            .collect();
        for label in touched {
            self.set(&label, None);
        }
        if !rule.target.contains('$') {
            self.set(rule.target, None);
        }
    }
}

/// Whether an expression matches no text at all, or none that these labels can have.
fn never_matches(rule: &Rule<'_>, regex: &Regex) -> bool {
    let mut parser = regex_syntax::ParserBuilder::new();
    let Ok(tree) = parser
        .unicode(false)
        .utf8(false)
        .build()
        .parse(regex.as_str())
    else {
        return false;
    };
    let properties = tree.properties();
    let always = rule.sources.iter().any(|label| ALWAYS.contains(label));
    properties.minimum_len().is_none() || (always && properties.maximum_len() == Some(0))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(rules: &Value) -> Option<usize> {
        let rules: Vec<Rule<'_>> = rules.as_array().unwrap().iter().map(Rule::read).collect();
        let known = [("cluster", "edge"), ("prometheus", "monitoring/k8s")];
        emptied(
            &rules,
            &known.map(|(label, value)| (label.to_owned(), value.to_owned())),
        )
    }

    #[test]
    fn finds_what_lets_nothing_pass() {
        for rules in [
            json!([{"action": "drop"}]),
            json!([{"action": "Drop", "sourceLabels": ["__name__"], "regex": ".+"}]),
            json!([{"action": "drop", "sourceLabels": ["x"], "regex": "[\\s\\S]*|a"}]),
            json!([{"action": "drop", "sourceLabels": ["cluster"], "regex": "edge"}]),
            json!([{"action": "drop", "sourceLabels": ["prometheus"], "regex": ".+"}]),
            json!([{"action": "keep", "regex": "x"}]),
            json!([{"action": "keep", "sourceLabels": ["cluster"], "regex": "other"}]),
            json!([{"action": "keep", "sourceLabels": ["__name__"], "regex": "^$"}]),
            json!([{"action": "keep", "sourceLabels": ["a"], "regex": "[^\\s\\S]"}]),
            json!([{"action": "dropequal", "sourceLabels": ["a"], "targetLabel": "a"}]),
        ] {
            assert_eq!(at(&rules), Some(0), "{rules}");
        }
        for rules in [
            json!([{"targetLabel": "t", "replacement": "x"}, {"action": "drop", "sourceLabels": ["t"], "regex": "x"}]),
            json!([{"sourceLabels": ["cluster"], "targetLabel": "t"}, {"action": "drop", "sourceLabels": ["t"], "regex": "edge"}]),
            json!([{"action": "hashmod", "sourceLabels": ["a"], "targetLabel": "t", "modulus": 4}, {"action": "drop", "sourceLabels": ["t"], "regex": "[0-3]"}]),
            json!([{"action": "keep", "sourceLabels": ["a"], "regex": "x.*"}, {"action": "drop", "sourceLabels": ["a"], "regex": "x.*"}]),
            json!([{"action": "drop", "sourceLabels": ["a"], "regex": "[a-m].*"}, {"action": "drop", "sourceLabels": ["a"], "regex": "[^a-m](.|\\n)*|"}]),
            json!([{"action": "labeldrop", "regex": "a"}, {"action": "keep", "sourceLabels": ["a"], "regex": ".+"}]),
            json!([{"action": "uppercase", "sourceLabels": ["cluster"], "targetLabel": "t"}, {"action": "drop", "sourceLabels": ["t"], "regex": "EDGE"}]),
        ] {
            assert_eq!(at(&rules), Some(1), "{rules}");
        }
    }

    #[test]
    fn takes_no_choice_of_series_for_it() {
        for rules in [
            json!([{"action": "drop", "sourceLabels": ["__name__"], "regex": "go_.*|process_.*"}]),
            json!([{"action": "keep", "sourceLabels": ["__name__"], "regex": "up|apiserver_.*"}]),
            json!([{"action": "keep", "sourceLabels": ["__name__"], "regex": "job:.*"}, {"action": "keep", "sourceLabels": ["__name__"], "regex": ".*:rate5m"}]),
            json!([{"action": "keep", "sourceLabels": ["prometheus_replica"], "regex": ".*-0"}]),
            json!([{"action": "keep", "sourceLabels": ["cluster"], "regex": "edge"}]),
            json!([{"action": "drop", "sourceLabels": ["job"], "regex": "^$"}]),
            json!([{"action": "keep", "sourceLabels": ["namespace", "job"], "regex": "a;b"}]),
            json!([{"action": "hashmod", "sourceLabels": ["a"], "targetLabel": "t", "modulus": 4}, {"action": "keep", "sourceLabels": ["t"], "regex": "2"}]),
            json!([{"action": "drop", "sourceLabels": ["a", "b"], "regex": "(.+);(.+)"}]),
            json!([{"action": "labeldrop", "regex": "pod_.*"}]),
            json!([{"action": "labelmap", "regex": "k8s_(.+)"}, {"action": "drop", "sourceLabels": ["cluster"], "regex": "edge"}]),
            json!([{"sourceLabels": ["a"], "targetLabel": "cluster"}, {"action": "drop", "sourceLabels": ["cluster"], "regex": "edge"}]),
        ] {
            assert_eq!(at(&rules), None, "{rules}");
        }
    }
}
