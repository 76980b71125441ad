//! Samples of Prometheus and PrometheusAgent pods that the real operator makes, from objects that know nothing of Thanos.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use thanos_core::names;
use thanos_tests::eventually;

use super::{CLUSTER, Hub};
use crate::ground::{Ground, SOON};
use crate::monitoring::{self, NAMESPACE};

/// Whom they name as their cluster, wrongly.
const LIAR: &str = "liar";
/// The pod whose samples are counted.
pub(super) const POD: &str = "prometheus-samples-0";

/// A Prometheus and an agent, which scrape each other and put another cluster's name on everything.
pub(super) async fn flow(hub: Hub<'_>) -> Result<()> {
    let role =
        json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "prometheus"});
    let monitor = json!({
        "apiVersion": format!("{}/v1", names::OPERATOR_GROUP), "kind": "PodMonitor",
        "metadata": {"name": "prometheus", "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/managed-by": "prometheus-operator"}},
            "podMetricsEndpoints": [{"port": "web", "relabelings": [{"targetLabel": "cluster", "replacement": LIAR}]}],
        },
    });
    let mut agent = object("agent");
    agent["apiVersion"] = format!("{}/v1alpha1", names::OPERATOR_GROUP).into();
    agent["kind"] = "PrometheusAgent".into();
    let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": "prometheus", "namespace": NAMESPACE},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": "prometheus", "namespace": NAMESPACE}, "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", "name": "prometheus", "namespace": NAMESPACE}],
        },
        monitor, object("samples"), agent,
    ]});
    hub.ground.apply(&objects.to_string()).await?.fine()?;
    eventually("both send", SOON, || async {
        let senders = hub.ask("count by (prometheus) (up)", &[]).await?;
        ensure!(senders.len() == 2, "{senders:?}");
        Ok(())
    })
    .await
}

fn object(name: &str) -> Value {
    let mut object = monitoring::prometheus(name);
    object["spec"]["podMonitorSelector"] = json!({});
    object
}

/// The whole way: operator, pod, gateway, router, three ingesters, query, query-frontend, gateway.
pub(crate) async fn takes_samples_of_the_operators_pods(ground: &Ground) -> Result<()> {
    let Some(hub) = Hub::made(ground).await? else {
        return Ok(());
    };
    flow(hub).await?;
    let by = "prometheus,cluster,exported_cluster,tenant_id,receive_replica";
    let query = format!("count by ({by}) (up)");
    let identities = async |more: &[&str]| -> Result<Vec<BTreeMap<String, String>>> {
        let answered = hub.ask(&query, more).await?;
        Ok(answered.into_iter().map(|sample| sample.labels).collect())
    };
    let found = identities(&[]).await?;
    for name in ["monitoring/agent", "monitoring/samples"] {
        let expected = [
            ("cluster", CLUSTER),
            ("exported_cluster", LIAR),
            ("prometheus", name),
            ("tenant_id", CLUSTER),
        ];
        let expected = expected.map(|(label, value)| (label.to_owned(), value.to_owned()));
        ensure!(
            found.contains(&expected.into()),
            "{name} is none of {found:?}"
        );
    }
    ensure!(found.len() == 2, "{found:?}");
    // Each of the three ingesters holds them.
    let replicas = hub
        .ask("count by (receive_replica) (up)", &["dedup=false"])
        .await?;
    ensure!(replicas.len() >= 3, "{replicas:?}");
    let wired = ground.plugin("get prometheuses -A").await?.fine()?;
    ensure!(!wired.contains("unwired"), "{wired}");
    Ok(())
}
