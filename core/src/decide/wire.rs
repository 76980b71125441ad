//! Wires one object by one wiring: everything that could stand in the way first, then labels and entry together.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::adopt::{self, Target};
use super::draft::{Draft, DraftEntry};
use super::record::Wired;
use super::versions::Gate;
use super::{identity, revert};
use crate::decision::{Reason, Warning};
use crate::facts::{Credential, Facts};
use crate::fields;
use crate::subject::{Kind, Subject};
use crate::wiring::{Rules, Variables, Wiring};

/// What earlier wirings have taken: entry names, and label keys with their value.
#[derive(Default)]
pub(super) struct Claims {
    entries: BTreeMap<String, Arc<str>>,
    labels: BTreeMap<String, (String, Arc<str>)>,
}

/// What came of it.
pub(super) struct Done {
    pub(super) changed: bool,
    pub(super) warnings: Vec<Warning>,
}

/// The wiring's templates, rendered for one object.
struct Values {
    enforced: Vec<(String, String)>,
    defaults: Vec<(String, String)>,
    tenant: Option<(String, String)>,
}

/// Wires the draft, or says why not and leaves the draft as it was.
pub(super) fn wire(draft: &mut Draft<'_>, wiring: &Wiring, facts: &Facts, rules: &Rules, claims: &mut Claims) -> Result<Done, Reason> {
    let subject = draft.subject;
    credential(subject, wiring, facts)?;
    let mut values = render(subject, wiring).ok_or(Reason::NameUnknown)?;
    // What any wiring enforces, no wiring gives as a default.
    let selecting = || rules.wirings().iter().filter(|other| super::unselected(subject, facts, other).is_none());
    values.defaults.retain(|(label, _)| !selecting().any(|other| other.enforced.iter().any(|(enforced, _)| enforced == label)));
    let gate = Gate::of(subject, facts);
    let labels_field = (!values.enforced.is_empty() || !values.defaults.is_empty()).then(|| subject.kind.labels_field());
    if let Some(reason) = wiring.entry.needs.iter().copied().chain(labels_field).find_map(|path| gate.refuses(path)) {
        return Err(reason);
    }
    let names = label_names(subject);
    if let Some((label, path)) = names.iter().find(|(name, _)| values.enforced.iter().any(|(label, _)| label == name)) {
        return Err(Reason::LabelNameTaken { label: (*label).to_owned(), path });
    }
    claims.allow(draft, wiring, &values, rules)?;
    let mut trial = draft.clone();
    for other in overtaken(&trial, wiring, &values, rules) {
        revert::revert(&mut trial, &other);
    }
    let before = (trial.labels.clone(), trial.record.wired(&wiring.name).cloned());
    let wanted = wanted(wiring, &values);
    let target = adopt::find(&trial, wiring, &wanted)?;
    if let Target::Adopt(at) | Target::Replace(at) = target {
        leave_to_earlier(&trial.entries[at], wiring, subject, facts, rules)?;
    }
    let mut done = Done { changed: false, warnings: Vec::new() };
    let mut wired = entry(&mut trial, wiring, &values, wanted, target, &gate, &mut done)?;
    labels(&mut trial, wiring, &mut wired, before.1.as_ref(), &values, rules, &names);
    warn(subject, &gate, trial.labels != before.0, &mut done);
    wired.made = before.1.as_ref().map(|wired| wired.made.clone()).unwrap_or_default();
    done.changed |= trial.labels != before.0 || before.1.as_ref() != Some(&wired);
    trial.record.insert(&wiring.name, wired);
    claims.take(wiring, &values);
    *draft = trial;
    Ok(done)
}

/// The ninth law: no edit names a Secret that is not known to be there.
fn credential(subject: &Subject<'_>, wiring: &Wiring, facts: &Facts) -> Result<(), Reason> {
    if wiring.references.is_empty() {
        return Ok(());
    }
    let namespace = subject.namespace.to_owned();
    match facts.credentials.get(&wiring.name) {
        Some(Credential::Ready) => Ok(()),
        Some(Credential::Missing(why)) => Err(Reason::CredentialMissing { namespace, why: why.clone() }),
        Some(Credential::NotEnrolled) | None => Err(Reason::NotEnrolled { namespace }),
    }
}

fn render(subject: &Subject<'_>, wiring: &Wiring) -> Option<Values> {
    let name = (!subject.name.is_empty()).then_some(subject.name);
    let variables = Variables { cluster: &wiring.cluster, namespace: subject.namespace, name };
    let all = |templates: &[(String, crate::wiring::Template)]| {
        templates.iter().map(|(label, template)| Some((label.clone(), template.render(&variables)?))).collect::<Option<Vec<_>>>()
    };
    let tenant = match &wiring.entry.tenant {
        Some((header, template)) => Some((header.clone(), template.render(&variables)?)),
        None => None,
    };
    Some(Values { enforced: all(&wiring.enforced)?, defaults: all(&wiring.defaults)?, tenant })
}

/// The labels that the operator itself puts on every sample of this object, and the field that says so.
///
/// It skips an external label of such a name with no more than a log line (`buildExternalLabels` in
/// prometheus-operator `pkg/prometheus/promcfg.go`; `pkg/thanos/statefulset.go` for rulers).
fn label_names<'a>(subject: &Subject<'a>) -> Vec<(&'a str, &'static str)> {
    if subject.kind == Kind::ThanosRuler {
        return vec![("thanos_ruler_replica", "labels")];
    }
    let topology = || {
        let strategy = subject.spec("shardingStrategy")?;
        (strategy.get("mode")? == "Topology").then_some(())?;
        let named = strategy.get("topology")?.get("externalLabelName").and_then(Value::as_str);
        Some((named.unwrap_or("zone"), "shardingStrategy.topology.externalLabelName"))
    };
    let mut names = vec![
        (subject.spec_text("prometheusExternalLabelName").unwrap_or("prometheus"), "prometheusExternalLabelName"),
        (subject.spec_text("replicaExternalLabelName").unwrap_or("prometheus_replica"), "replicaExternalLabelName"),
    ];
    names.extend(topology());
    names.retain(|(name, _)| !name.is_empty());
    names
}

impl Claims {
    /// The lowest wiring name wins per entry name and per label key.
    fn allow(&self, draft: &Draft<'_>, wiring: &Wiring, values: &Values, rules: &Rules) -> Result<(), Reason> {
        let entry = &wiring.entry.name;
        let earlier = |(name, _): &(&String, &Wired)| name.as_str() < &*wiring.name && rules.wiring(name).is_some();
        let holds = || draft.record.iter().filter(earlier);
        let held = |by: &str| Reason::EntryTaken { entry: entry.clone(), by: by.into() };
        if let Some(by) = self.entries.get(entry) {
            return Err(held(by));
        }
        if let Some((by, _)) = holds().find(|(_, wired)| wired.entry == *entry) {
            return Err(held(by));
        }
        for (label, value) in &values.enforced {
            let taken = |by: &str| Reason::LabelTaken { label: label.clone(), by: by.into() };
            if let Some((_, by)) = self.labels.get(label).filter(|(claimed, _)| claimed != value) {
                return Err(taken(by));
            }
            let differs = |(_, wired): &(&String, &Wired)| wired.labels.get(label).and_then(|values| values.first()).is_some_and(|held| held != value);
            if let Some((by, _)) = holds().find(differs) {
                return Err(taken(by));
            }
        }
        Ok(())
    }

    fn take(&mut self, wiring: &Wiring, values: &Values) {
        self.entries.insert(wiring.entry.name.clone(), Arc::clone(&wiring.name));
        for (label, value) in &values.enforced {
            self.labels.entry(label.clone()).or_insert_with(|| (value.clone(), Arc::clone(&wiring.name)));
        }
    }
}

/// Whether the holder of a record makes way for a wiring: a later one does, and one that is gone.
fn yields(holder: &str, wiring: &Wiring, rules: &Rules) -> bool {
    *holder != *wiring.name && (rules.wiring(holder).is_none() || holder > &*wiring.name)
}

/// The records that make way: of later wirings, and of wirings that are gone, where they hold our entry or label.
fn overtaken(draft: &Draft<'_>, wiring: &Wiring, values: &Values, rules: &Rules) -> Vec<String> {
    let holds = |(name, wired): &(&String, &Wired)| {
        if !yields(name, wiring, rules) {
            return false;
        }
        let gone = rules.wiring(name).is_none();
        let url = draft.entries.iter().find(|entry| entry.text("name") == wired.entry).map(|entry| entry.text("url"));
        let label = values.enforced.iter().any(|(label, value)| wired.labels.get(label).and_then(|held| held.first()).is_some_and(|held| held != value));
        wired.entry == wiring.entry.name || label || (gone && url == Some(wiring.entry.url.as_str()))
    };
    draft.record.iter().filter(holds).map(|(name, _)| name.clone()).collect()
}

/// An entry of the user's that an earlier wiring could adopt is that wiring's affair, also while it is left: adopted by
/// a later one under another name, it would be gone when the earlier one looks again.
fn leave_to_earlier(entry: &DraftEntry<'_>, wiring: &Wiring, subject: &Subject<'_>, facts: &Facts, rules: &Rules) -> Result<(), Reason> {
    let (name, url) = (entry.text("name"), entry.text("url"));
    let earlier = rules.wirings().iter().take_while(|other| other.name < wiring.name);
    let claims = |other: &&Arc<Wiring>| {
        (other.entry.name == name || other.entry.url == url) && super::unselected(subject, facts, other).is_none()
    };
    match earlier.into_iter().find(claims) {
        Some(other) => Err(Reason::EntryTaken { entry: other.entry.name.clone(), by: Arc::clone(&other.name) }),
        None => Ok(()),
    }
}

/// Every enforced field of the entry but its relabel rules, in the order in which it is written.
fn wanted(wiring: &Wiring, values: &Values) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("name".to_owned(), Value::String(wiring.entry.name.clone()));
    members.insert("url".to_owned(), Value::String(wiring.entry.url.clone()));
    if let Some((header, value)) = &values.tenant {
        members.insert("headers".to_owned(), serde_json::json!({header: value}));
    }
    members.extend(wiring.entry.enforced.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    members
}

/// Puts the entry in its place and says what of it is ours.
fn entry(
    draft: &mut Draft<'_>,
    wiring: &Wiring,
    values: &Values,
    wanted: Map<String, Value>,
    target: Target,
    gate: &Gate<'_>,
    done: &mut Done,
) -> Result<Wired, Reason> {
    let (at, old) = match target {
        Target::Ours(at) => (Some(at), draft.record.wired(&wiring.name).cloned()),
        Target::Adopt(at) | Target::Replace(at) => (Some(at), None),
        Target::Append => (None, None),
    };
    let existing = at.and_then(|at| draft.entries[at].value.as_object()).cloned().unwrap_or_default();
    let was = match target {
        Target::Ours(_) => old.as_ref().and_then(|old| old.was.clone()),
        Target::Adopt(at) => Some(draft.entries[at].text("name").to_owned()),
        Target::Replace(_) | Target::Append => None,
    };
    let old = old.unwrap_or_default();
    let mut wired = Wired { entry: wiring.entry.name.clone(), was, ..Wired::default() };
    let mut members = enforced(&existing, &wanted, &old, &mut wired);
    let place = at.unwrap_or(draft.entries.len());
    relabel(&mut members, wiring, values, &old, &mut wired, place)?;
    defaults(&mut members, wiring, &old, &mut wired, gate, done);
    match at {
        Some(at) if members == existing => draft.entries[at].value = draft.entries[at].value.clone(),
        Some(at) => {
            draft.entries[at].value = Cow::Owned(Value::Object(members));
            done.changed = true;
        }
        None => {
            draft.entries.push(DraftEntry { from: None, value: Cow::Owned(Value::Object(members)) });
            done.changed = true;
        }
    }
    Ok(wired)
}

/// Sets what we enforce, removes what is neither enforced nor the user's; notes what an adopted entry did not have.
fn enforced(existing: &Map<String, Value>, wanted: &Map<String, Value>, old: &Wired, wired: &mut Wired) -> Map<String, Value> {
    let mut members = existing.clone();
    members.retain(|name, _| wanted.contains_key(name) || fields::kept(name));
    for (name, value) in wanted {
        if wired.was.is_some() && name != "name" {
            let added = |path: &str, there: bool| (!there || old.set.get(path).is_some_and(Value::is_null)).then(|| path.to_owned());
            let before = existing.get(name).filter(|value| !value.is_null());
            let path = format!("/{name}");
            wired.set.extend(added(&path, before.is_some()).map(|path| (path, Value::Null)));
            if let (Some(headers), Some(had), false) = (value.as_object().filter(|_| name == "headers"), before.and_then(Value::as_object), wired.set.contains_key(&path)) {
                for header in headers.keys() {
                    let path = format!("/headers/{header}");
                    wired.set.extend(added(&path, had.contains_key(header)).map(|path| (path, Value::Null)));
                }
            }
        }
        members.insert(name.clone(), value.clone());
    }
    members
}

/// The user's own rules first, then the wiring's, then the enforced tail.
fn relabel(members: &mut Map<String, Value>, wiring: &Wiring, values: &Values, old: &Wired, wired: &mut Wired, place: usize) -> Result<(), Reason> {
    const FIELD: &str = "writeRelabelConfigs";
    const MADE: &str = "/writeRelabelConfigs";
    let path = || format!("spec.remoteWrite[{place}].{FIELD}");
    let there = match members.get(FIELD) {
        None | Some(Value::Null) => None,
        Some(Value::Array(rules)) => Some(rules.as_slice()),
        Some(_) => return Err(Reason::Malformed { path: path(), must_be: "a list" }),
    };
    let mut rules = identity::without_ours(there.unwrap_or_default(), old.rules.as_ref());
    let ours: Vec<Value> = wiring.entry.rules.iter().cloned()
        .chain(values.enforced.iter().flat_map(|(label, value)| identity::tail(label, value)))
        .collect();
    let has_ours = !ours.is_empty() && rules.ends_with(&ours);
    // A tail of the user's own with another value would stamp `exported_` labels on every series.
    let foreign = (0..rules.len()).find(|at| {
        identity::recognise(&rules[*at..]).is_some_and(|(label, value)| values.enforced.iter().any(|(own, wanted)| own == label && wanted != value))
    });
    if let Some(at) = foreign {
        return Err(Reason::EntryConflicts { path: format!("{}[{at}]", path()) });
    }
    if wired.was.is_some() && (there.is_none() || old.set.contains_key(MADE)) {
        wired.set.insert(MADE.to_owned(), Value::Array(Vec::new()));
    }
    if !has_ours && !ours.is_empty() {
        wired.rules = Some((ours.len(), identity::digest(&ours)));
        rules.extend(ours);
    }
    let keep_empty = wired.was.is_some() && !wired.set.contains_key(MADE) && there.is_some();
    if rules.is_empty() && !keep_empty {
        members.shift_remove(FIELD);
        wired.set.remove(MADE);
    } else {
        members.insert(FIELD.to_owned(), Value::Array(rules));
    }
    Ok(())
}

/// Gives each default where the entry has none, follows a default that the wiring changed, takes back one that it dropped.
fn defaults(members: &mut Map<String, Value>, wiring: &Wiring, old: &Wired, wired: &mut Wired, gate: &Gate<'_>, done: &mut Done) {
    for (name, value) in &wiring.entry.defaults {
        let path = format!("/{name}");
        let (container, member) = name.split_once('/').map_or((None, name.as_str()), |(container, member)| (Some(container), member));
        let holder = match container {
            None => Some(&*members),
            Some(container) => members.get(container).and_then(Value::as_object),
        };
        let current = holder.and_then(|holder| holder.get(member)).filter(|value| !value.is_null());
        let given = old.set.get(&path).is_some_and(|given| Some(given) == current);
        if current.is_some() && !given {
            continue;
        }
        if let Some(needs) = gate.withholds(&format!("{}{}", fields::ENTRY, name.replace('/', "."))) {
            done.warnings.push(Warning::DefaultNotGiven { wiring: Arc::clone(&wiring.name), field: name.replace('/', "."), needs });
            continue;
        }
        match container {
            None => {
                members.insert(member.to_owned(), value.clone());
            }
            Some(container) => {
                if !members.get(container).is_some_and(Value::is_object) {
                    members.insert(container.to_owned(), Value::Object(Map::new()));
                    wired.set.insert(format!("/{container}"), Value::Object(Map::new()));
                }
                if let Some(holder) = members.get_mut(container).and_then(Value::as_object_mut) {
                    holder.insert(member.to_owned(), value.clone());
                }
            }
        }
        wired.set.insert(path, value.clone());
    }
    // What we gave before and give no more: members first, then containers that we made and that are empty.
    for (path, value) in old.set.iter().rev().filter(|(_, value)| !value.is_null() && !value.is_array()) {
        if value.is_object() {
            let container = members.get(path.trim_start_matches('/'));
            if container.is_some_and(|container| container.as_object().is_some_and(|members| !members.is_empty())) {
                wired.set.insert(path.clone(), value.clone());
                continue;
            }
        }
        if !wired.set.contains_key(path) {
            revert::take_out(members, path, value);
        }
    }
}

/// Sets the enforced labels, gives the defaults, and gives back what the wiring no longer asks for.
fn labels(draft: &mut Draft<'_>, wiring: &Wiring, wired: &mut Wired, old: Option<&Wired>, values: &Values, rules: &Rules, names: &[(&str, &'static str)]) {
    let held: BTreeMap<String, Vec<String>> = old.map(|old| old.labels.clone()).unwrap_or_default();
    // First the object's labels as they would be without this wiring: whatever differs from ours is the user's.
    for (label, ours) in &held {
        if draft.labels.get(label).and_then(Value::as_str) != ours.first().map(String::as_str) {
            continue;
        }
        match ours.get(1) {
            Some(was) => draft.labels.insert(label.clone(), Value::String(was.clone())),
            None if values.enforced.iter().chain(&values.defaults).any(|(wanted, _)| wanted == label) => draft.labels.insert(label.clone(), Value::Null),
            None => draft.labels.shift_remove(label),
        };
    }
    let own = |labels: &Map<String, Value>, label: &str| labels.get(label).and_then(Value::as_str).map(str::to_owned);
    for (label, value) in &values.enforced {
        let user = own(&draft.labels, label);
        if let Some(held) = draft.record.hand_over_label(label, value, |holder| yields(holder, wiring, rules)) {
            wired.labels.insert(label.clone(), held);
        } else if user.as_deref() != Some(value) {
            wired.labels.insert(label.clone(), std::iter::once(value.clone()).chain(user).collect());
        }
        draft.labels.insert(label.clone(), Value::String(value.clone()));
    }
    for (label, value) in &values.defaults {
        if names.iter().any(|(name, _)| name == label) {
            continue;
        }
        let current = own(&draft.labels, label);
        let handed = current.as_ref().and_then(|current| draft.record.hand_over_label(label, current, |holder| yields(holder, wiring, rules)));
        if handed.is_none() && current.is_some() {
            continue;
        }
        if let Some(users) = handed.and_then(|held| held.into_iter().nth(1)) {
            draft.labels.insert(label.clone(), Value::String(users));
            continue;
        }
        wired.labels.insert(label.clone(), vec![value.clone()]);
        draft.labels.insert(label.clone(), Value::String(value.clone()));
    }
    draft.labels.retain(|_, value| !value.is_null());
}

fn warn(subject: &Subject<'_>, gate: &Gate<'_>, labels_change: bool, done: &mut Done) {
    if gate.version.is_none() {
        done.warnings.push(Warning::VersionUnknown);
    }
    match subject.kind {
        Kind::Prometheus => {
            let selectors = ["serviceMonitorSelector", "podMonitorSelector", "probeSelector", "scrapeConfigSelector"];
            if selectors.iter().all(|selector| subject.spec(selector).is_none()) {
                done.warnings.push(Warning::ConfigurationUnmanaged);
            }
        }
        Kind::ThanosRuler => {
            if subject.spec("remoteWrite").and_then(Value::as_array).is_none_or(Vec::is_empty) {
                done.warnings.push(Warning::RulerStateless);
            }
            if labels_change && subject.old.is_some() {
                done.warnings.push(Warning::RulerRolls);
            }
        }
        Kind::PrometheusAgent => {}
    }
}
