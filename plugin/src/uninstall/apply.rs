//! What goes is taken away, row by row; it stops at the first failure.

use serde_json::{Value, json};

use super::plan::{Plan, Row, Step};
use super::unwire::{self, Unwired};
use crate::cluster::Cluster;
use crate::cluster::trouble::Sort;
use crate::failure::Failure;
use crate::helm::{Helm, Talk};
use crate::ui::Ui;

/// What has been done, told as it happens.
pub(crate) struct Doings<'u, 'a> {
    pub(crate) ui: &'u mut Ui<'a>,
    /// Whether each step is a line on standard output; else the document at the end says all.
    pub(crate) aloud: bool,
    pub(crate) results: Vec<Value>,
    /// Whether `--timeout` ends the waiting.
    pub(crate) is_timed: bool,
}

impl Doings<'_, '_> {
    pub(super) fn tell(&mut self, row: &Row, word: &str) -> Result<(), Failure> {
        self.results
            .push(json!({"namespace": row.namespace, "object": row.title, "result": word}));
        if !self.aloud {
            return Ok(());
        }
        let place = row
            .namespace
            .as_ref()
            .map(|namespace| format!(" (namespace {namespace})"))
            .unwrap_or_default();
        self.ui.text(&format!("{} {word}{place}\n", row.title))?;
        self.ui.flush()
    }
}

/// Carries out; gives back every failure of the step at which it stopped.
pub(crate) async fn apply(
    cluster: &Cluster,
    helm: Option<&Helm>,
    plan: &Plan,
    doings: &mut Doings<'_, '_>,
) -> Result<(), Vec<Failure>> {
    let one = |failure: Failure| vec![failure];
    let Unwired { registrations_gone } = unwire::unwire(cluster, plan, doings).await?;
    for row in &plan.rows {
        match &row.step {
            // Done by now.
            Step::Stay | Step::Unwire | Step::Wiring => {}
            Step::Delete(at, object) => {
                let gone = registrations_gone && unwire::is_registration(at);
                if !gone {
                    delete(cluster, at, object).await.map_err(one)?;
                    doings.tell(row, "deleted").map_err(one)?;
                }
            }
            Step::Release { name, namespace } => {
                if let Some(helm) = helm {
                    let mut talk = Talk::new(doings.ui, format!("uninstalled {name}"));
                    helm.uninstall(name, namespace, &mut talk)
                        .await
                        .map_err(one)?;
                }
                doings.tell(row, "uninstalled").map_err(one)?;
            }
        }
    }
    Ok(())
}

/// Deletes what was seen. What is gone by now is gone, and what is another by now is not ours to delete.
pub(super) async fn delete(
    cluster: &Cluster,
    at: &crate::cluster::resource::At,
    object: &Value,
) -> Result<(), Failure> {
    // Helm and controllers may have changed it meanwhile: it is the same one as long as it has its uid.
    let seen = json!({"metadata": {"uid": object["metadata"]["uid"]}});
    match cluster.delete(at, &seen).await {
        Err(trouble) if matches!(trouble.sort, Sort::Absent | Sort::NotServed) => Ok(()),
        deleted => Ok(deleted?),
    }
}
