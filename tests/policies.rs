//! Every folder under `tests/policies/`: an object before policies, at every door.
//!
//! A story is `given.yaml` [`old.yaml`] `policy.yaml` [`wiring.yaml`] [`facts.yaml`] and `judged.txt`: a line for each
//! charge, or `allow`. `make bless` writes the last one anew: read the difference before you commit it. Its name is
//! `<rule>-refused…`, `-allowed…`, `-evasion…` or `-exempt…`: every rule has at least one of each.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use thanos_core::Judgement;
use thanos_core::decide::rules::RULES;
use thanos_core::policy::Enforcement;
use thanos_tests::tools;

use crate::doors::{Story, judged_by_core};

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
