//! Every folder under `tests/cases/`, at every door, twice.
//!
//! A story is `given.yaml` [`old.yaml`] [`wiring.yaml`] [`facts.yaml`] and what comes of it: `then.yaml` where the object
//! changes, `said.txt` for the decision in words; or `refused.txt` for a wiring that is refused. `make bless` writes
//! the last three anew: read the difference before you commit it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use kubectl_thanos::yaml;
use thanos_core::{Decision, Outcome, Verdict, wiring};
use thanos_tests::install::objects;
use thanos_tests::tools;

use crate::doors::{self, Story, through_core};

/// All stories, in the order of their names.
pub(crate) fn stories() -> Result<Vec<Story>> {
    let folder = tools::root().join("tests/cases");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    folders
        .iter()
        .map(|folder| Story::read(folder).with_context(|| folder.display().to_string()))
        .collect()
}

/// The stories about an object.
pub(crate) fn object_stories() -> Result<Vec<Story>> {
    Ok(stories()?
        .into_iter()
        .filter(|story| !story.is_about_a_wiring())
        .collect())
}

/// A decision in words, as `said.txt` keeps it.
fn said(decision: &Decision) -> String {
    let mut text = String::new();
    let _ = match &decision.verdict {
        Verdict::Change(edits) => {
            writeln!(text, "change {} ({} edits)", decision.code(), edits.len())
        }
        Verdict::Leave(reason) => writeln!(text, "leave {} {reason}", decision.code()),
        Verdict::Refuse(faults) => {
            writeln!(text, "refuse {} {} faults", decision.code(), faults.len())
        }
    };
    for (wiring, outcome) in &decision.outcomes {
        let _ = match outcome {
            Outcome::Wire => writeln!(text, "{wiring}: wire"),
            Outcome::Unwire(reason) => {
                writeln!(text, "{wiring}: un-wire {} {reason}", reason.code())
            }
            Outcome::Leave(reason) => writeln!(text, "{wiring}: leave {} {reason}", reason.code()),
        };
    }
    for warning in &decision.warnings {
        let _ = writeln!(text, "warning {} {warning}", warning.code());
    }
    for effect in &decision.effects {
        let _ = writeln!(text, "effect {effect}");
    }
    text
}

/// Compares a file of a story with what it should be, or writes it under `BLESS`.
fn expect(path: &Path, wanted: Option<&str>) -> Result<()> {
    if std::env::var_os("BLESS").is_some() {
        match wanted {
            Some(text) => std::fs::write(path, text)?,
            None if path.exists() => std::fs::remove_file(path)?,
            None => {}
        }
    }
    let kept = std::fs::read_to_string(path).ok();
    if kept.as_deref() == wanted {
        return Ok(());
    }
    bail!(
        "{} differs; it says\n{}\nand it is\n{}",
        path.display(),
        kept.unwrap_or_default(),
        wanted.unwrap_or_default()
    )
}

#[test]
fn core_says_what_every_story_keeps() -> Result<()> {
    let mut failed = String::new();
    for story in object_stories()? {
        let checked = through_core(&story).and_then(|(answer, decision)| {
            expect(&story.folder.join("said.txt"), Some(&said(&decision)))?;
            let changed = (answer.object != story.given).then(|| yaml::to_string(&answer.object));
            expect(&story.folder.join("then.yaml"), changed.as_deref())
        });
        if let Err(error) = checked {
            let _ = writeln!(failed, "{error:#}");
        }
    }
    assert!(failed.is_empty(), "{failed}");
    Ok(())
}

#[test]
fn core_refuses_every_wrong_wiring() -> Result<()> {
    let mut failed = String::new();
    for story in stories()?.into_iter().filter(Story::is_about_a_wiring) {
        let faults = wiring::read(&story.given).err().unwrap_or_default();
        let text: String = faults
            .iter()
            .map(|fault| format!("{} {fault}\n", fault.code))
            .collect();
        if let Err(error) = expect(&story.folder.join("refused.txt"), Some(&text)) {
            let _ = writeln!(failed, "{error:#}");
        }
        if faults.is_empty() {
            let _ = writeln!(failed, "{} is not refused", story.name());
        }
    }
    assert!(failed.is_empty(), "{failed}");
    Ok(())
}

/// What a story keeps as the object that comes of it.
pub(crate) fn kept(story: &Story) -> Result<serde_json::Value> {
    let path = story.folder.join("then.yaml");
    if !path.exists() {
        return Ok(story.given.clone());
    }
    objects("then.yaml", std::fs::read_to_string(path)?)?
        .into_iter()
        .next()
        .context("an empty then.yaml")
}

#[test]
fn the_webhook_says_the_same_as_core() -> Result<()> {
    let mut failed = String::new();
    for story in object_stories()? {
        let (expected, _) = through_core(&story)?;
        let answer = doors::through_webhook(&story).with_context(|| story.name())?;
        let told: Vec<String> = expected
            .warnings
            .iter()
            .map(|warning| doors::shortened(warning))
            .collect();
        if answer.object != kept(&story)? || answer.warnings != told {
            let _ = writeln!(failed, "{}: {answer:#?}", story.name());
        }
    }
    for story in stories()?.into_iter().filter(Story::is_about_a_wiring) {
        let refused = std::fs::read_to_string(story.folder.join("refused.txt"))?;
        let causes = doors::refused_by_webhook(&story).with_context(|| story.name())?;
        if causes != refused {
            let _ = writeln!(failed, "{}: {causes}", story.name());
        }
    }
    assert!(failed.is_empty(), "{failed}");
    Ok(())
}

#[test]
fn the_plugin_says_the_same_as_core() -> Result<()> {
    let mut failed = String::new();
    // An update's old object is a fact that no file states, and no wiring at all is a mistake of usage here.
    for story in object_stories()?
        .into_iter()
        .filter(|story| story.old.is_none() && !story.wirings.is_empty())
    {
        let (expected, _) = through_core(&story)?;
        let answer = doors::through_plugin(&story).with_context(|| story.name())?;
        if answer.object != kept(&story)? || answer.warnings != expected.warnings {
            let _ = writeln!(failed, "{}: {answer:#?}", story.name());
        }
    }
    for story in stories()?.into_iter().filter(Story::is_about_a_wiring) {
        let refused = std::fs::read_to_string(story.folder.join("refused.txt"))?;
        let (code, stderr) = doors::refused_by_plugin(&story)?;
        if code != 1
            || !refused.lines().all(|line| {
                line.split_once(' ').is_some_and(|(code, sentence)| {
                    stderr.contains(code) && stderr.contains(sentence)
                })
            })
        {
            let _ = writeln!(failed, "{}: exit {code}\n{stderr}", story.name());
        }
    }
    assert!(failed.is_empty(), "{failed}");
    Ok(())
}
