//! The alerts as the chart renders them, before the real promtool. That Thanos shows the metrics they ask for is `flow`'s.

use anyhow::{Context, Result, ensure};
use kubectl_thanos::yaml;
use thanos_tests::{Program, Run, tools};

use super::{named, render};

/// promtool knows a rule file by its place: both files into one folder.
#[tokio::test]
async fn alerts_fire_for_this_hub_alone_and_when_they_should() -> Result<()> {
    let run = Run::new("hub-alerts")?;
    let objects = render(&run, &["prometheusRule.enabled=true"]).await?;
    let rules = &named(&objects, "PrometheusRule", "hub-thanos")?["spec"];
    run.file("alerts.yaml", yaml::to_string(rules))?;
    let cases = tools::root().join("tests/charts/thanos/alerts.yaml");
    let cases = std::fs::read_to_string(cases)?;
    for group in rules["groups"].as_array().context("groups")? {
        for rule in group["rules"].as_array().context("rules")? {
            let name = rule["alert"].as_str().context("a name")?;
            ensure!(cases.contains(name), "no case has {name} fire");
            let asked = rule["expr"].as_str().context("an expression")?;
            let own = "namespace=\"hub\", hub=\"hub-thanos\"";
            let all = asked.matches("job=\"thanos\"").count();
            ensure!(
                all == asked.matches(own).count(),
                "{name} asks for every hub"
            );
        }
    }
    let cases = run.file("cases.yaml", cases)?;
    let promtool = Program::tool("promtool")?.args(["test", "rules"]);
    promtool.arg(cases).output().await?.fine()?;
    Ok(())
}
