//! Every folder under `tests/policies/`: an object before policies, at every door.
//!
//! A story is `given.yaml` [`old.yaml`] `policy.yaml` [`wiring.yaml`] [`facts.yaml`] and `judged.txt`: a line for each
//! charge, or `allow`. `make bless` writes the last one anew: read the difference before you commit it. Its name is
//! `<rule>-refused…`, `-allowed…`, `-evasion…` or `-exempt…`: every rule has at least one of each.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use thanos_core::decide::rules::RULES;
use thanos_core::policy::Enforcement;
use thanos_core::{Charge, Judgement, Kind, Outcome, Reason};
use thanos_tests::tools;

use crate::cases::object_stories;
use crate::doors::{
    Story, judged_by_core, judged_by_plugin, judged_by_webhook, shortened, through_core,
};

/// All stories, in the order of their names.
pub(crate) fn stories() -> Result<Vec<Story>> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(tools::root().join("tests/policies"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    folders
        .iter()
        .map(|folder| Story::read(folder).with_context(|| folder.display().to_string()))
        .collect()
}

/// A judgement in words, as `judged.txt` keeps it.
pub(crate) fn said(judgement: &Judgement) -> String {
    let mut text = String::new();
    for charge in &judgement.charges {
        let word = match charge.enforcement {
            _ if charge.exempt => "exempt",
            Enforcement::Deny => "deny",
            Enforcement::Warn => "warn",
            Enforcement::Audit => "audit",
        };
        let _ = writeln!(text, "{word} {} {}", charge.code, charge.fault());
    }
    if text.is_empty() {
        text.push_str("allow\n");
    }
    text
}

/// The word behind the rule's id in the name of a story. A rule's id may hold such a word, and begin with another's.
fn what(name: &str) -> String {
    let rests = RULES.iter().filter_map(|rule| name.strip_prefix(rule.id()));
    let rest = rests.min_by_key(|rest| rest.len()).unwrap_or(name);
    let word = rest.trim_start_matches('-').split('-').next();
    word.unwrap_or_default().to_owned()
}

#[test]
fn core_says_what_every_policy_story_keeps() -> Result<()> {
    let mut failed = String::new();
    for story in stories()? {
        let text = said(&judged_by_core(&story).with_context(|| story.name())?);
        let path = story.folder.join("judged.txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &text)?;
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != text {
            let _ = writeln!(failed, "{} is judged\n{text}", story.name());
        }
        let what = what(&story.name());
        let refused = text.contains("deny ");
        if matches!(what.as_str(), "refused" | "evasion") != refused {
            let _ = writeln!(
                failed,
                "{} is judged otherwise than its name says\n{text}",
                story.name()
            );
        }
        if what == "exempt" && !text.contains("exempt ") {
            let _ = writeln!(failed, "{} exempts nothing", story.name());
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!("{failed}")
}

/// What Thanos would refuse is said with a code of its own; policies and exemptions know it by the rule's.
#[test]
fn a_file_that_thanos_would_refuse_is_the_schema_rules_affair() -> Result<()> {
    let mut stories = stories()?.into_iter();
    let story = stories.find(|story| story.name().starts_with("objstore-schema-refused"));
    let judgement = judged_by_core(&story.context("no such story")?)?;
    let codes = |charge: &thanos_core::Charge| (charge.rule.code, charge.code.code);
    let said: Vec<_> = judgement.denied().map(codes).collect();
    assert_eq!(said, [("KTH7034", "KTH3003")]);
    Ok(())
}

/// What is denied is a cause, what is warned of a warning, and each rule is in the audit log once.
#[test]
fn the_webhook_says_what_core_says() -> Result<()> {
    for story in stories()? {
        let core = judged_by_core(&story).with_context(|| story.name())?;
        let denied = core.denied().take(16);
        let line = |charge: &Charge| {
            let fault = charge.fault();
            format!("{} {fault}", fault.code)
        };
        let denied = denied.map(|charge| format!("deny {}", line(charge)));
        let warned: Vec<String> = core
            .warned()
            .map(|charge| shortened(&line(charge)))
            .collect();
        // More are counted and not said.
        let most = if warned.len() > 8 { 7 } else { 8 };
        let warned = warned.iter().take(most).map(|said| format!("warn {said}"));
        let expected: Vec<String> = denied.chain(warned).collect();
        let (mut said, audited) = judged_by_webhook(&story).with_context(|| story.name())?;
        said.retain(|line| !line.contains(" more: kubectl thanos why"));
        ensure!(
            said == expected,
            "{}: core says\n{expected:#?}\nand the webhook\n{said:#?}",
            story.name()
        );
        let mut annotations = BTreeMap::new();
        for charge in &core.charges {
            let word = annotations.entry(charge.rule.id.to_owned());
            word.or_insert(charge.word().to_owned());
        }
        ensure!(annotations == audited, "{}: {audited:?}", story.name());
    }
    Ok(())
}

/// Files have no old object, and no scale.
#[test]
fn the_plugin_says_what_core_says() -> Result<()> {
    let mut failed = String::new();
    for story in stories()? {
        let kind = story.given["kind"].as_str().unwrap_or_default();
        let is_asked = kind == "Secret" || Kind::ALL.iter().any(|known| known.name() == kind);
        if story.old.is_some() || !is_asked {
            continue;
        }
        let core = said(&judged_by_core(&story).with_context(|| story.name())?);
        let plugin = judged_by_plugin(&story).with_context(|| story.name())?;
        if core != plugin {
            let _ = writeln!(failed, "{}: core\n{core}plugin\n{plugin}", story.name());
        }
    }
    ensure!(failed.is_empty(), "{failed}");
    Ok(())
}

#[test]
fn every_rule_has_its_four_stories() -> Result<()> {
    let names: Vec<String> = stories()?.iter().map(Story::name).collect();
    let mut missing = String::new();
    for rule in RULES {
        for what in ["refused", "allowed", "evasion", "exempt"] {
            let prefix = format!("{}-{what}", rule.id());
            if !names.iter().any(|name| name.starts_with(&prefix)) {
                let _ = writeln!(missing, "{prefix}");
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!("no story:\n{missing}")
}

/// Baseline, and nothing else, for everything.
fn baseline() -> Value {
    json!({"apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosPolicy", "metadata": {"name": "baseline"},
        "spec": {"profile": "Baseline", "enforcement": "Deny"}})
}

#[test]
fn baseline_admits_a_default_kube_prometheus_stack() -> Result<()> {
    let folder = tools::root().join("tests/cases/a-default-kube-prometheus-stack");
    let mut story = Story::read(&folder)?;
    story.policies = vec![baseline()];
    for object in [story.given.clone(), then(&story)?] {
        story.given = object;
        let judgement = judged_by_core(&story)?;
        ensure!(judgement.denied().next().is_none(), said(&judgement));
    }
    Ok(())
}

#[test]
fn baseline_admits_what_a_wiring_has_wired() -> Result<()> {
    let mut failed = String::new();
    let mut wired = 0;
    for mut story in object_stories()? {
        story.given = then(&story)?;
        story.old = None;
        story.policies = vec![baseline()];
        let ours = ours(&story)?;
        wired += ours.len();
        let judgement = judged_by_core(&story)?;
        for charge in judgement.denied() {
            let at = |place: &String| {
                let rest = charge.path.strip_prefix(place.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            if ours.iter().any(at) {
                let _ = writeln!(
                    failed,
                    "{}: {} {}",
                    story.name(),
                    charge.rule,
                    charge.fault()
                );
            }
        }
    }
    ensure!(wired > 50, "only {wired} places are a wiring's");
    ensure!(failed.is_empty(), failed);
    Ok(())
}

/// The object as a story has it end up.
fn then(story: &Story) -> Result<Value> {
    Ok(through_core(story)?.0.object)
}

/// The paths of what the wirings of a story have set: their entries, and the labels that they enforce.
fn ours(story: &Story) -> Result<Vec<String>> {
    let (_, decision) = through_core(story)?;
    let rules = story.rules()?;
    let labels = if story.given["kind"] == "ThanosRuler" {
        "labels"
    } else {
        "externalLabels"
    };
    let entries = story.given["spec"]["remoteWrite"].as_array();
    let settled = |(_, outcome): &&(_, Outcome)| *outcome == Outcome::Leave(Reason::AlreadyWired);
    let mut paths = Vec::new();
    for (name, _) in decision.outcomes.iter().filter(settled) {
        let wiring = rules.wiring(name).context("a wiring that is not there")?;
        let own = |entry: &Value| entry["name"] == *wiring.entry.name;
        if let Some(at) = entries.and_then(|entries| entries.iter().position(own)) {
            paths.push(format!("spec.remoteWrite[{at}]"));
        }
        let enforced = wiring.enforced.iter().map(|(label, _)| label);
        paths.extend(enforced.map(|label| format!("spec.{labels}.{label}")));
    }
    Ok(paths)
}
