//! The third door: files, through `kubectl thanos inject`.

use std::ffi::OsString;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use thanos_tests::install::objects;

use super::{Answer, Story};

/// What `inject` prints and reports.
pub(crate) fn through_plugin(story: &Story) -> Result<Answer> {
    let folder = tempfile::tempdir()?;
    let report = folder.path().join("report.json");
    let mut arguments = arguments(&[
        "inject",
        "-f",
        &file(story, "given.yaml"),
        "--facts",
        &file(story, "facts.yaml"),
    ]);
    arguments.extend(["--report-file".into(), report.clone().into_os_string()]);
    if !story.wirings.is_empty() {
        arguments.extend([
            "--wiring".into(),
            story.folder.join("wiring.yaml").into_os_string(),
        ]);
    }
    let (code, stdout, stderr) = run(arguments);
    ensure!(code == 0, "exit {code}\n{stderr}");
    let object = objects("standard output", stdout)?
        .into_iter()
        .next()
        .context("nothing was printed")?;
    let report: Value = serde_json::from_slice(&std::fs::read(report)?)?;
    let warnings = report["objects"][0]["warnings"]
        .as_array()
        .into_iter()
        .flatten();
    let words = |warning: &Value| {
        format!(
            "{} {}",
            warning["code"].as_str().unwrap_or_default(),
            warning["sentence"].as_str().unwrap_or_default()
        )
    };
    Ok(Answer {
        object,
        warnings: warnings.map(words).collect(),
    })
}

/// Exit code and standard error of `inject` with a wiring that is wrong.
pub(crate) fn refused_by_plugin(story: &Story) -> Result<(u8, String)> {
    let any = story.folder.join("../wire-prometheus/given.yaml");
    let any = any.to_str().context("a path that is no text")?;
    let (code, stdout, stderr) = run(arguments(&[
        "inject",
        "-f",
        any,
        "--wiring",
        &file(story, "given.yaml"),
    ]));
    ensure!(stdout.is_empty(), "printed {stdout}");
    Ok((code, stderr))
}

fn file(story: &Story, name: &str) -> String {
    story.folder.join(name).to_string_lossy().into_owned()
}

fn arguments(words: &[&str]) -> Vec<OsString> {
    std::iter::once("kubectl-thanos")
        .chain(words.iter().copied())
        .map(OsString::from)
        .collect()
}

/// Runs the plugin in this process.
fn run(arguments: Vec<OsString>) -> (u8, String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let code = kubectl_thanos::run(arguments, &mut std::io::empty(), &mut stdout, &mut stderr);
    (
        code,
        String::from_utf8_lossy(&stdout).into_owned(),
        String::from_utf8_lossy(&stderr).into_owned(),
    )
}
