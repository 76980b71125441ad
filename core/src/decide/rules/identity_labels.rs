//! `identity-labels`: a label that identifies the cluster is changed, removed or missing.
//!
//! Looked at where the object sends to a wiring's hub: the external labels, the fields that name labels of the
//! operator's own, a ruler's `alertDropLabels`, and the relabel rules of each entry that leads there. The wiring's own
//! rules and tail are the admin's word. A rule before the tail cannot undo it, but it can let nothing pass.

use serde_json::Value;

use super::case::{Case, Findings};
use super::emptied::{MOST_RULES, emptied};
use super::places::Spot;
use super::relabelling::Rule;
use crate::decide::wire::Values;
use crate::decide::{identity, labels};
use crate::facts::Credential;
use crate::wiring::Wiring;

const FIELD: &str = "writeRelabelConfigs";
const NAME: &str = "__name__";

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    required(case, findings);
    let found = case.places.toward_hubs.get_or_init(|| toward_hubs(case));
    findings.extend(found.clone());
}

fn toward_hubs(case: &Case<'_>) -> Findings {
    let mut findings = Findings::default();
    for wiring in case.selecting() {
        let found = hub(case, wiring);
        let previous = case.facts.lately.wirings.get(&wiring.name);
        // What was right until a moment ago is not refused.
        let was_right = || previous.is_some_and(|previous| hub(case, previous).is_empty());
        if !found.is_empty() && !was_right() {
            findings.extend(found);
        }
    }
    findings
}

/// What is wrong with an object toward one wiring's hub.
fn hub(case: &Case<'_>, wiring: &Wiring) -> Findings {
    let mut findings = Findings::default();
    let Some(values) = case.values(wiring) else {
        return findings;
    };
    let is_own = |entry: &Value| {
        entry
            .get("name")
            .is_some_and(|name| *name == wiring.entry.name)
    };
    let leading: Vec<Leading<'_>> = case
        .entries()
        .filter(|(_, entry)| {
            let url = entry.get("url").and_then(Value::as_str);
            url.is_some_and(|url| wiring.entry.leads_to(url))
        })
        .map(|(at, entry)| {
            let (rules, closed) = users(entry, wiring, &values);
            let own = is_own(entry);
            // The entry of another wiring is the other's affair.
            let others = !own && case.wiring_of(entry).is_some();
            Leading {
                at: at.member(FIELD),
                rules,
                closed,
                own,
                others,
            }
        })
        .collect();
    if !leading.is_empty() || is_ready(case, wiring) {
        names(case, &values, &mut findings);
    }
    if leading.is_empty() {
        return findings;
    }
    let wired = leading.iter().any(|entry| entry.own && entry.closed);
    external(case, &values, wired, &mut findings);
    for entry in leading.iter().filter(|entry| !entry.others) {
        if !entry.closed {
            touched(&entry.at, entry.rules, &values, &mut findings);
        }
        if entry.own {
            nameless(&entry.at, entry.rules, &mut findings);
            nothing_left(case, &entry.at, entry.rules, &mut findings);
        }
    }
    findings
}

/// An entry that leads to the hub.
struct Leading<'a> {
    /// Its relabel rules.
    at: Spot<'a>,
    /// Those of the user.
    rules: &'a [Value],
    /// Whether the wiring's close the list.
    closed: bool,
    /// Whether it is the wiring's own.
    own: bool,
    /// Whether it is another wiring's own.
    others: bool,
}

/// The labels that the policy wants, on every object.
fn required(case: &Case<'_>, findings: &mut Findings) {
    let field = case.subject.kind.labels_field();
    let given = labels::taken(case.subject);
    for label in &case.policy.required_labels {
        let value = external_label(case, label);
        let by_operator = given.iter().any(|(name, _)| name == label);
        let text = value.and_then(Value::as_str).unwrap_or_default().trim();
        let path = format!("spec.{field}.{label}");
        let value = value.unwrap_or(&Value::Null);
        if by_operator {
            continue;
        }
        if text.is_empty() {
            findings.path(&path, value, "must be given: labels.required names it");
        } else if text.contains('$') {
            let sentence = "must be plain: what a variable stands for is not known here";
            findings.path(&path, value, sentence);
        }
    }
}

fn external_label<'a>(case: &Case<'a>, label: &str) -> Option<&'a Value> {
    let labels = case.subject.spec(case.subject.kind.labels_field())?;
    labels.get(label).filter(|value| !value.is_null())
}

/// Whether nothing of the world stands between the wiring and the object.
fn is_ready(case: &Case<'_>, wiring: &Wiring) -> bool {
    wiring.references.is_empty()
        || case.facts.credentials.get(&wiring.name) == Some(&Credential::Ready)
}

/// The fields by which the operator gives a label of its own, and what a ruler drops from its alerts.
fn names(case: &Case<'_>, values: &Values, findings: &mut Findings) {
    let enforced = |label: &str| values.enforced.iter().any(|(name, _)| name == label);
    for (label, path) in labels::taken(case.subject) {
        if enforced(label) {
            let path = format!("spec.{path}");
            let value = Value::from(label);
            findings.path(&path, &value, "gives a label that the wiring enforces");
        }
    }
    let dropped = case.subject.spec("alertDropLabels");
    let dropped = dropped.and_then(Value::as_array).into_iter().flatten();
    for (index, label) in dropped.enumerate() {
        if label.as_str().is_some_and(enforced) {
            let at = Spot::default().member("alertDropLabels").item(index, label);
            findings.at(&at, label, "drops a label that the wiring enforces");
        }
    }
}

/// The external labels; `wired`: they were once as the wiring has them.
fn external(case: &Case<'_>, values: &Values, wired: bool, findings: &mut Findings) {
    let field = case.subject.kind.labels_field();
    for (label, wanted) in &values.enforced {
        let path = || format!("spec.{field}.{label}");
        match external_label(case, label) {
            Some(value) if value == wanted => {}
            Some(value) => {
                findings.path(&path(), value, "differs from what the wiring enforces");
            }
            None if wired => {
                findings.path(&path(), &Value::Null, "must be what the wiring enforces");
            }
            None => {}
        }
    }
}

/// The user's own rules of an entry, and whether the wiring's close the list.
pub(super) fn users<'a>(entry: &'a Value, wiring: &Wiring, values: &Values) -> (&'a [Value], bool) {
    let rules = entry.get(FIELD).and_then(Value::as_array);
    let rules = rules.map(Vec::as_slice).unwrap_or_default();
    let tails = values
        .enforced
        .iter()
        .map(|(label, value)| identity::tail(label, value));
    let ours: Vec<Value> = wiring
        .entry
        .rules
        .iter()
        .cloned()
        .chain(tails.flatten())
        .collect();
    match rules.strip_suffix(ours.as_slice()) {
        Some(own) => (own, true),
        None => (rules, false),
    }
}

/// Rules that may change an enforced label after the last one that sets it, or where none does.
fn touched(at: &Spot<'_>, rules: &[Value], values: &Values, findings: &mut Findings) {
    // Read once: a rule keeps its compiled expression.
    let read: Vec<Rule<'_>> = rules.iter().map(Rule::read).collect();
    for (label, wanted) in &values.enforced {
        let sets = |rule: &Rule<'_>| rule.sets() == Some((label, wanted));
        let closed = read.iter().rposition(sets).map_or(0, |last| last + 1);
        for (index, rule) in read.iter().enumerate().skip(closed) {
            if rule.touches(label) {
                let sentence = "may change or remove a label that the wiring enforces";
                findings.at(&at.item(index, &rules[index]), &rules[index], sentence);
            }
        }
    }
}

/// Rules that take the metric's name away: all series of one set of labels become one.
fn nameless(at: &Spot<'_>, rules: &[Value], findings: &mut Findings) {
    for (index, rule) in rules.iter().enumerate() {
        let read = Rule::read(rule);
        let emptied = read.sets() == Some((NAME, ""));
        if emptied || (read.removes_names() && read.touches(NAME)) {
            findings.at(&at.item(index, rule), rule, "takes the metric's name away");
        }
    }
}

fn nothing_left(case: &Case<'_>, at: &Spot<'_>, rules: &[Value], findings: &mut Findings) {
    if rules.len() > MOST_RULES {
        let whole = Value::from(rules);
        findings.at(
            at,
            &whole,
            format!("must be at most {MOST_RULES} rules: more are not judged"),
        );
        return;
    }
    let read: Vec<Rule<'_>> = rules.iter().map(Rule::read).collect();
    for (index, rule) in read.iter().enumerate() {
        if rule.compiled().is_none() {
            let spot = at.item(index, &rules[index]);
            let sentence = "has a regex that is too large, or cannot be judged";
            findings.at(&spot, &rules[index], sentence);
        }
    }
    if let Some(index) = emptied(&read, &known(case)) {
        let spot = at.item(index, &rules[index]);
        findings.at(
            &spot,
            &rules[index],
            "lets nothing pass: the wiring's entry would be empty",
        );
    }
}

/// The external labels as the operator writes them, but the replica's, which differs from pod to pod.
fn known(case: &Case<'_>) -> Vec<(String, String)> {
    let subject = case.subject;
    let labels = subject.spec(subject.kind.labels_field());
    let given = labels.and_then(Value::as_object).into_iter().flatten();
    let mut known: Vec<(String, String)> = given
        .filter_map(|(label, value)| Some((label.clone(), value.as_str()?.to_owned())))
        .filter(|(_, value)| !value.contains('$') && !value.is_empty())
        .collect();
    let taken = labels::taken(subject);
    known.retain(|(label, _)| !taken.iter().any(|(name, _)| name == label));
    let name = taken
        .iter()
        .find(|(_, path)| *path == "prometheusExternalLabelName");
    if let Some((name, _)) = name {
        let value = format!("{}/{}", subject.namespace, subject.name);
        known.push(((*name).to_owned(), value));
    }
    known
}
