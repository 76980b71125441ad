//! What goes is taken away, row by row; it stops at the first failure.

use std::time::Duration;

use serde_json::{Value, json};

use super::plan::{Plan, Row, Step};
use super::unwire::{self, Unwired};
use crate::cluster::Cluster;
use crate::cluster::resource::{DEPLOYMENTS, GATEWAY_CLASSES, GATEWAYS, LEASES};
use crate::cluster::trouble::Sort;
use crate::failure::Failure;
use crate::helm::chart::ENVOY_GATEWAY;
use crate::helm::{Helm, Talk};
use crate::init::apply::Wait;
use crate::ui::Ui;

/// How long Envoy Gateway may take to tidy up; one that does not run never does.
const PROXIES: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(300);
/// Envoy as Envoy Gateway deploys it.
const PROXY: &str = "app.kubernetes.io/component=proxy,app.kubernetes.io/managed-by=envoy-gateway";
/// The beginning of the labels that name its Gateway, as a JSON pointer has it.
const OWNER: &str = "gateway.envoyproxy.io~1owning-gateway";

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
                if *name == ENVOY_GATEWAY.release {
                    without_proxies(cluster, namespace, doings)
                        .await
                        .map_err(one)?;
                }
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

/// Envoy Gateway takes Envoy and its Service away when their Gateway is gone, and lets go of the GatewayClass. If it went
/// before, a load balancer would stay for ever.
async fn without_proxies(
    cluster: &Cluster,
    namespace: &str,
    doings: &mut Doings<'_, '_>,
) -> Result<(), Failure> {
    let mut wait = Wait::begin("Envoy Gateway has taken its proxies away".to_owned());
    loop {
        let left = left(cluster, namespace).await?;
        if left.is_empty() || wait.began.elapsed() > PROXIES {
            return Ok(());
        }
        wait.rest(doings.ui, &left.join(", "), LOOK).await;
    }
}

/// What Envoy Gateway has still to tidy up.
async fn left(cluster: &Cluster, namespace: &str) -> Result<Vec<String>, Failure> {
    let mut left = Vec::new();
    let name = |object: &Value| text(object, "/metadata/name");
    match cluster
        .metadata(&GATEWAY_CLASSES.all(), "app.kubernetes.io/name=thanos")
        .await
    {
        Err(trouble) if trouble.sort == Sort::NotServed => return Ok(left),
        classes => left.extend(
            classes?
                .iter()
                .filter(|class| class["metadata"]["deletionTimestamp"].is_string())
                .map(|class| format!("gatewayclass/{}", name(class))),
        ),
    }
    let proxies = cluster
        .metadata(&DEPLOYMENTS.within(namespace), PROXY)
        .await?;
    for proxy in &proxies {
        let label = |end: &str| text(proxy, &format!("/metadata/labels/{OWNER}-{end}"));
        let (of, gateway) = (label("namespace"), label("name"));
        let owner = GATEWAYS.within(&of).named(&gateway);
        if !of.is_empty() && !gateway.is_empty() && cluster.find(&owner).await?.is_none() {
            left.push(format!("deployment/{}", name(proxy)));
        }
    }
    Ok(left)
}

fn text(object: &Value, pointer: &str) -> String {
    let text = object.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
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
        // It runs out by itself.
        Err(trouble) if trouble.sort == Sort::Forbidden && *at.resource == LEASES => Ok(()),
        Err(trouble) if matches!(trouble.sort, Sort::Absent | Sort::NotServed) => Ok(()),
        deleted => Ok(deleted?),
    }
}
