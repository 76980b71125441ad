//! Killed at every request that writes and at every look at what Azure is making: run again, the end is the same.

use anyhow::{Result, ensure};
use serde_json::Value;
use thanos_tests::Run;

use super::contract::Cloud;
use super::{Login, PASSWORD, everything, run, whole_wish};

/// What Azure holds at the end, without what differs from run to run.
fn end(cloud: &Cloud) -> String {
    let state = cloud.state();
    let mut resources: Vec<(String, Value)> = state.resources.clone().into_iter().collect();
    for (_, one) in &mut resources {
        if let Some(fields) = one.as_object_mut() {
            fields.remove("etag");
        }
    }
    let grafana = &state.grafana;
    let text = format!(
        "{resources:#?}{:?}{:?}{:?}{:?}",
        grafana.sources, grafana.folders, grafana.dashboards, grafana.rules
    );
    text.replace(&cloud.address, "https://azure")
}

#[tokio::test]
async fn a_killed_run_goes_on_where_it_stopped() -> Result<()> {
    let folder = Run::new("azure-killed")?;
    let start = async || -> Result<Cloud> {
        let cloud = Cloud::start(&folder).await?;
        cloud.state().grafana.reader = ("grafana".to_owned(), PASSWORD.to_owned());
        Ok(cloud)
    };
    let whole = start().await?;
    run(
        &folder,
        &whole,
        Login::Workload,
        &everything(&whole_wish(&whole)),
    )
    .await?
    .fine()?;
    let (points, wanted) = (whole.state().points, end(&whole));
    ensure!(points > 15, "only {points} points");
    for point in 1..=points {
        let cloud = start().await?;
        cloud.state().kill_at = Some(point);
        let task = everything(&whole_wish(&cloud));
        let killed = run(&folder, &cloud, Login::Workload, &task).await?;
        ensure!(
            killed.code == -1,
            "point {point}: ended with {}",
            killed.code
        );
        // What Azure had begun goes on without anybody.
        let again = run(&folder, &cloud, Login::Workload, &task).await?;
        again.fine()?;
        ensure!(
            end(&cloud) == wanted,
            "point {point}: another end\n{}\n{wanted}",
            end(&cloud)
        );
        let last = run(&folder, &cloud, Login::Workload, &task).await?;
        ensure!(
            last.fine()?["writes"] == 0,
            "point {point}: a third run writes: {:?}",
            last.plan()?
        );
    }
    Ok(())
}
