//! What Grafana is given: every query is one that Prometheus' own parser takes.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thanos_tests::tools::root;
use thanos_tests::{Program, Run};

/// Every query of the dashboard and of the alert rules, with Grafana's variables filled in.
fn queries() -> Result<Vec<String>> {
    let read = |name: &str| -> Result<Value> {
        let path = root().join("plugin/src/azure/grafana").join(name);
        Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
    };
    let (dashboard, rules) = (read("dashboard.json")?, read("rules.json")?);
    let panels = dashboard["panels"].as_array().context("panels")?.iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let all = targets.chain(rules.as_array().context("rules")?);
    let all = all.filter_map(|one| one["expr"].as_str());
    Ok(all
        .map(|query| {
            query
                .replace("$cluster", "a|b")
                .replace("$__rate_interval", "5m")
        })
        .collect())
}

#[tokio::test]
async fn prometheus_understands_every_query() -> Result<()> {
    let run = Run::new("azure-queries")?;
    let queries = queries()?;
    ensure!(queries.len() > 20, "only {} queries", queries.len());
    ensure!(
        queries.iter().all(|query| !query.contains('$')),
        "{queries:#?}"
    );
    let rules: Vec<Value> = queries
        .iter()
        .enumerate()
        .map(|(number, query)| json!({"record": format!("query:{number}"), "expr": query}))
        .collect();
    let file = run.file(
        "queries.yaml",
        json!({"groups": [{"name": "all", "rules": rules}]}).to_string(),
    )?;
    let checked = Program::tool("promtool")?
        .args(["check", "rules"])
        .arg(file)
        .output()
        .await?;
    checked.fine()?;
    Ok(())
}
