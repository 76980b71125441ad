//! `policy native`: the same objects as core's, each behind a comment.

use std::ffi::OsString;

use anyhow::{Context, Result, ensure};
use kubectl_thanos::run;
use serde_json::Value;
use thanos_core::native::{COVERS, LEAVES};
use thanos_tests::install::objects;
use thanos_tests::tools::root;

const POLICY: &str = "\
apiVersion: kubectl-thanos.dev/v1alpha1
kind: ThanosPolicy
metadata: {name: shared}
spec:
  enforcement: Deny
  rules: [{id: evasion, enforcement: Warn}]
  limits: {maxShards: 4}
  exemptions:
  - {namespace: team-a, rules: [limits], reason: long gone, expires: 2020-01-31}
  - {namespace: team-b, name: k8s, rules: [limits], reason: for good}
";

fn native(more: &str) -> Result<(u8, String, String)> {
    let words = format!("kubectl-thanos policy native -f - {more}");
    let args: Vec<OsString> = words.split_whitespace().map(Into::into).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run(args, &mut POLICY.as_bytes(), &mut out, &mut err);
    Ok((code, String::from_utf8(out)?, String::from_utf8(err)?))
}

#[test]
fn the_plugin_writes_what_core_says() -> Result<()> {
    let wiring = root().join("tests/cases/wire-prometheus/wiring.yaml");
    let wiring = format!("--wiring {}", wiring.display());
    let (code, yaml, err) = native(&format!("{wiring} --failure-policy Ignore"))?;
    ensure!(code == 0, "{err}");
    let written = objects("native", yaml.clone())?;
    let names: Vec<&str> = written
        .iter()
        .filter_map(|object| object["metadata"]["name"].as_str())
        .collect();
    let pairs = [
        "policy-shared-deny",
        "policy-shared-deny-scale",
        "policy-shared-warn",
        "wiring-hub",
    ];
    let wanted: Vec<String> = pairs
        .iter()
        .flat_map(|name| vec![format!("kubectl-thanos-{name}"); 2])
        .collect();
    assert_eq!(names, wanted);
    for object in &written {
        let marks = &object["metadata"]["annotations"];
        ensure!(
            marks[COVERS].is_string() || marks[LEAVES].is_string(),
            "{object}"
        );
        ensure!(
            object["spec"]["failurePolicy"]
                .as_str()
                .is_none_or(|what| what == "Ignore"),
            "{object}"
        );
    }
    ensure!(
        yaml.starts_with("# Covers: ") && yaml.contains("\n# Does not cover: "),
        "{yaml}"
    );
    ensure!(
        yaml.contains("team-b") && !yaml.contains("team-a"),
        "an exemption that has ended is left out"
    );
    let (_, json, _) = native(&format!("{wiring} --failure-policy Ignore -o json"))?;
    let list: Value = serde_json::from_str(&json)?;
    assert_eq!(list["items"].as_array().context("no list")?, &written);
    Ok(())
}

#[test]
fn nothing_to_work_on_is_said() -> Result<()> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = ["kubectl-thanos", "policy", "native"].map(OsString::from);
    let code = run(args, &mut &b""[..], &mut out, &mut err);
    assert_eq!((code, out.len()), (2, 0), "{}", String::from_utf8(err)?);
    Ok(())
}
