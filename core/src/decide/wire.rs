//! Wires one object by one wiring: everything that could stand in the way first, then labels and entry together.

use serde_json::Value;

use super::adopt::{self, Target};
use super::claims::{self, Claims};
use super::draft::Draft;
use super::versions::Gate;
use super::{entry, labels, revert};
use crate::decision::{Reason, Warning};
use crate::facts::{Credential, Facts};
use crate::subject::{Kind, Subject};
use crate::wiring::{Rules, Template, Variables, Wiring};

/// What came of it.
pub(super) struct Done {
    pub(super) changed: bool,
    pub(super) warnings: Vec<Warning>,
}

/// The wiring's templates, rendered for one object.
pub(super) struct Values {
    pub(super) enforced: Vec<(String, String)>,
    pub(super) defaults: Vec<(String, String)>,
    pub(super) tenant: Option<(String, String)>,
}

/// Wires the draft, or says why not and leaves the draft as it was.
pub(super) fn wire(
    draft: &mut Draft<'_>,
    wiring: &Wiring,
    facts: &Facts,
    rules: &Rules,
    taken: &mut Claims,
) -> Result<Done, Reason> {
    let subject = draft.subject;
    credential(subject, wiring, facts)?;
    let mut values = render(subject, wiring).ok_or(Reason::NameUnknown)?;
    // What any wiring enforces, no wiring gives as a default.
    let selecting = || {
        rules
            .wirings()
            .iter()
            .filter(|other| super::unselected(subject, facts, other).is_none())
    };
    values.defaults.retain(|(label, _)| {
        !selecting().any(|other| other.enforced.iter().any(|(enforced, _)| enforced == label))
    });
    let gate = Gate::of(subject, facts);
    let labels_field = (!values.enforced.is_empty() || !values.defaults.is_empty())
        .then(|| subject.kind.labels_field());
    if let Some(reason) = wiring
        .entry
        .needs
        .iter()
        .copied()
        .chain(labels_field)
        .find_map(|path| gate.refuses(path))
    {
        return Err(reason);
    }
    let names = labels::taken(subject);
    if let Some((label, path)) = names
        .iter()
        .find(|(name, _)| values.enforced.iter().any(|(label, _)| label == name))
    {
        return Err(Reason::LabelNameTaken {
            label: (*label).to_owned(),
            path,
        });
    }
    taken.allow(draft, wiring, &values, rules)?;
    let mut trial = draft.clone();
    // One by one: an entry that gets its old name back may be another's that makes way, too.
    while let Some(other) = claims::overtaken(&trial, wiring, &values, rules) {
        // What it would have taken out of its own entry is not the user's to be given back.
        if let Some(other) = rules.wiring(&other) {
            let _ = wire(&mut trial, other, facts, rules, &mut Claims::default());
        }
        revert::revert(&mut trial, &other);
    }
    let before = (
        trial.labels.clone(),
        trial.record.wired(&wiring.name).cloned(),
    );
    let wanted = entry::wanted(wiring, &values);
    let target = adopt::find(&trial, wiring, &wanted)?;
    if let Target::Adopt(at) | Target::Replace(at) = target {
        claims::leave_to_earlier(&trial.entries[at], wiring, subject, facts, rules)?;
    }
    let mut done = Done {
        changed: false,
        warnings: Vec::new(),
    };
    let mut wired = entry::put(
        &mut trial, wiring, &values, &wanted, target, &gate, &mut done,
    )?;
    labels::put(
        &mut trial,
        wiring,
        &mut wired,
        before.1.as_ref(),
        &values,
        rules,
        &names,
    );
    warn(subject, &gate, trial.labels != before.0, &mut done);
    wired.made = before
        .1
        .as_ref()
        .map(|wired| wired.made.clone())
        .unwrap_or_default();
    done.changed |= trial.labels != before.0 || before.1.as_ref() != Some(&wired);
    trial.record.insert(&wiring.name, wired);
    taken.take(wiring, &values);
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
        Some(Credential::Missing(why)) => Err(Reason::CredentialMissing {
            namespace,
            why: why.clone(),
        }),
        Some(Credential::NotEnrolled) | None => Err(Reason::NotEnrolled { namespace }),
    }
}

pub(super) fn render(subject: &Subject<'_>, wiring: &Wiring) -> Option<Values> {
    let name = (!subject.name.is_empty()).then_some(subject.name);
    let variables = Variables {
        cluster: &wiring.cluster,
        namespace: subject.namespace,
        name,
    };
    values(wiring, &variables)
}

pub(super) fn values(wiring: &Wiring, variables: &Variables<'_>) -> Option<Values> {
    let all = |templates: &[(String, Template)]| {
        templates
            .iter()
            .map(|(label, template)| Some((label.clone(), template.render(variables)?)))
            .collect::<Option<Vec<_>>>()
    };
    let tenant = match &wiring.entry.tenant {
        Some((header, template)) => Some((header.clone(), template.render(variables)?)),
        None => None,
    };
    Some(Values {
        enforced: all(&wiring.enforced)?,
        defaults: all(&wiring.defaults)?,
        tenant,
    })
}

fn warn(subject: &Subject<'_>, gate: &Gate<'_>, labels_change: bool, done: &mut Done) {
    if gate.version.is_none() {
        done.warnings.push(Warning::VersionUnknown);
    }
    match subject.kind {
        Kind::Prometheus => {
            let selectors = [
                "serviceMonitorSelector",
                "podMonitorSelector",
                "probeSelector",
                "scrapeConfigSelector",
            ];
            if selectors
                .iter()
                .all(|selector| subject.spec(selector).is_none())
            {
                done.warnings.push(Warning::ConfigurationUnmanaged);
            }
        }
        Kind::ThanosRuler => {
            let entries = subject.spec("remoteWrite").and_then(Value::as_array);
            let first = entries.is_none_or(Vec::is_empty);
            if first {
                done.warnings.push(Warning::RulerStateless);
            }
            if (labels_change || first) && subject.old.is_some() {
                done.warnings.push(Warning::RulerRolls);
            }
        }
        Kind::PrometheusAgent => {}
    }
}
