//! The third door: files, through `kubectl thanos inject` and `validate`.

use std::ffi::OsString;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
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

/// The charges that `validate` reports of a story without an old object, as `judged.txt` keeps them.
pub(crate) fn judged_by_plugin(story: &Story) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let facts = folder.path().join("facts.json");
    std::fs::write(&facts, known(story)?.to_string())?;
    // Judged as it stands: the story is the object as it is to be stored.
    let mut arguments = arguments(&[
        "validate",
        "--as-is",
        "-o",
        "json",
        "-f",
        &file(story, "given.yaml"),
        "--policy",
        &file(story, "policy.yaml"),
    ]);
    arguments.extend(["--facts".into(), facts.into_os_string()]);
    if !story.wirings.is_empty() {
        arguments.extend(["--wiring".into(), file(story, "wiring.yaml").into()]);
    }
    let (code, stdout, stderr) = run(arguments);
    ensure!(matches!(code, 0 | 3), "exit {code}\n{stderr}");
    let report: Value = serde_json::from_str(&stdout)?;
    let findings = report["findings"].as_array().context("no findings")?;
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let line = |finding: &Value| {
        let policies: Vec<&str> = finding["policies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let word = match finding["severity"].as_str() {
            // What no policy asks for is an error here, and a warning at admission.
            _ if policies.is_empty() => "warn",
            Some("error") => "deny",
            Some("warning") => "warn",
            Some("info") => "audit",
            _ => "exempt",
        };
        let of = match policies.as_slice() {
            [] => String::new(),
            [one] => format!(" (policy {one})"),
            several => format!(" (policies {})", several.join(", ")),
        };
        let (code, path) = (text(finding, "code"), text(finding, "path"));
        format!("{word} {code} {path}: {}{of}\n", text(finding, "sentence"))
    };
    let charged = findings.iter().filter(|finding| !finding["rule"].is_null());
    let lines: String = charged.map(line).collect();
    Ok(if lines.is_empty() {
        "allow\n".to_owned()
    } else {
        lines
    })
}

/// What the story knows, with everything that it leaves out said to be not there, so that nothing is assumed.
fn known(story: &Story) -> Result<Value> {
    let path = story.folder.join("facts.yaml");
    let mut facts = if path.exists() {
        objects("facts.yaml", std::fs::read_to_string(path)?)?.swap_remove(0)
    } else {
        json!({"apiVersion": thanos_core::names::API_VERSION, "kind": "Facts"})
    };
    facts["now"] = "2026-11-24T00:00:00Z".into();
    for key in ["namespaces", "ready"] {
        if facts[key].is_null() {
            facts[key] = json!({});
        }
    }
    if let Some(crds) = facts["crds"].as_object_mut() {
        for path in crds.values_mut() {
            *path = file(story, path.as_str().context("no path")?).into();
        }
    }
    Ok(facts)
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
