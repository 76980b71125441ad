//! Every folder under `tests/policies/`: an object before policies, at every door.
//!
//! A story is `given.yaml` [`old.yaml`] `policy.yaml` [`wiring.yaml`] [`facts.yaml`] and `judged.txt`: a line for each
//! charge, or `allow`. `make bless` writes the last one anew: read the difference before you commit it. Its name is
//! `<rule>-refused…`, `-allowed…`, `-evasion…` or `-exempt…`: every rule has at least one of each.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use thanos_core::decide::rules::RULES;
use thanos_core::policy::Enforcement;
use thanos_core::{Charge, Judgement};
use thanos_tests::tools;

use crate::doors::{Story, judged_by_core, judged_by_webhook, shortened};

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
        let _ = writeln!(text, "{word} {} {}", charge.rule, charge.fault());
    }
    if text.is_empty() {
        text.push_str("allow\n");
    }
    text
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
        let ends = |what: &str| story.name().split('-').any(|word| word == what);
        let refused = text.contains("deny ");
        if (ends("refused") || ends("evasion")) != refused {
            let _ = writeln!(
                failed,
                "{} is judged otherwise than its name says\n{text}",
                story.name()
            );
        }
        if ends("exempt") && !text.contains("exempt ") {
            let _ = writeln!(failed, "{} exempts nothing", story.name());
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!("{failed}")
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
