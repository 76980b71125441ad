//! The chart against the programs: one source for every definition, name, path and right.

mod installable;
mod thanos;

use std::collections::BTreeSet;

use anyhow::Result;
use kubectl_thanos::yaml;
use serde_json::{Value, json};
use thanos_core::{names, policy, wiring};
use thanos_tests::{Cluster, Options, install, tools};

/// `BLESS=1` writes what core says into the chart.
#[test]
fn definitions_come_from_core() {
    for (plural, source, crd) in [
        ("thanoswirings", "wiring", wiring::crd()),
        ("thanospolicies", "policy", policy::crd()),
    ] {
        let path = tools::root().join(format!("charts/thanos-webhook/crds/{plural}.yaml"));
        let mut crd = serde_json::to_value(crd).unwrap();
        crd.as_object_mut()
            .unwrap()
            .retain(|key, _| key != "status");
        let text = format!(
            "# Generated from core by `make bless`: change core/src/{source}.rs.\n{}",
            yaml::to_string(&crd)
        );
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let shipped = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            shipped == text,
            "{} is not what core says: run `make bless`",
            path.display()
        );
    }
}

#[tokio::test]
async fn the_api_server_takes_every_object_of_the_chart() -> Result<()> {
    Cluster::with(Options::new("chart"), async |cluster| {
        let address = install::Address {
            url: "https://127.0.0.1:1".into(),
            authority: thanos_tests::certificates::Authority::new("test")?
                .pem()
                .to_owned(),
        };
        install::webhook(cluster, &address).await?;
        // What NOTES.txt tells to type next, without the waiting.
        let next = cluster
            .kubectl()?
            .args(["rollout", "status", "--watch=false", "-n"]);
        let next = next.args([
            install::NAMESPACE,
            "deployment/thanos-webhook-control",
            "deployment/thanos-webhook-serve",
        ]);
        next.output().await?.fine()?;
        Ok(())
    })
    .await
}

/// All rights that the chart grants: the programs' own documents say the same.
const RIGHTS: [&str; 18] = [
    "thanos-webhook-serve get,list,watch kubectl-thanos.dev/thanoswirings,thanospolicies",
    "thanos-webhook-serve get monitoring.coreos.com/prometheuses,prometheusagents,thanosrulers",
    "thanos-webhook-serve get,list,watch /namespaces",
    "thanos-webhook-serve get,list,watch apiextensions.k8s.io/customresourcedefinitions named 3",
    "default/thanos-webhook-serve create events.k8s.io/events",
    "thanos-webhook-control get,list,watch,patch monitoring.coreos.com/prometheuses,prometheusagents,thanosrulers",
    "thanos-webhook-control get,list,watch,patch kubectl-thanos.dev/thanoswirings",
    "thanos-webhook-control get,list,watch kubectl-thanos.dev/thanospolicies",
    "thanos-webhook-control patch kubectl-thanos.dev/thanoswirings/status,thanospolicies/status",
    "thanos-webhook-control update kubectl-thanos.dev/thanoswirings/finalizers",
    "thanos-webhook-control get,list,watch /namespaces",
    "thanos-webhook-control get,list,watch apiextensions.k8s.io/customresourcedefinitions named 3",
    "thanos-webhook-control get,list,watch admissionregistration.k8s.io/mutatingwebhookconfigurations named 1",
    "thanos-webhook-control get,patch admissionregistration.k8s.io/mutatingwebhookconfigurations,validatingwebhookconfigurations named 1",
    "thanos-webhook-control create,patch events.k8s.io/events",
    "thanos-system/thanos-webhook-control create coordination.k8s.io/leases",
    "thanos-system/thanos-webhook-control get,update coordination.k8s.io/leases named 1",
    "thanos-system/thanos-webhook-control get,patch /secrets named 2",
];

/// Every rule of every role in one line: no Secret but two by name, no ConfigMap, nothing that deletes or gives rights away.
fn rights(objects: &[Value]) -> Vec<String> {
    let is_role = |object: &&Value| matches!(object["kind"].as_str(), Some("ClusterRole" | "Role"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = |list: &Value| {
        let items = list.as_array().into_iter().flatten();
        items.map(text).collect::<Vec<_>>().join(",")
    };
    let mut lines = Vec::new();
    for role in objects.iter().filter(is_role) {
        let metadata = &role["metadata"];
        let namespace = metadata["namespace"].as_str();
        let place = namespace.map_or_else(String::new, |namespace| format!("{namespace}/"));
        for rule in role["rules"].as_array().into_iter().flatten() {
            let named = rule["resourceNames"].as_array().map_or(0, Vec::len);
            let named = if named == 0 {
                String::new()
            } else {
                format!(" named {named}")
            };
            lines.push(format!(
                "{place}{} {} {}/{}{named}",
                text(&metadata["name"]),
                all(&rule["verbs"]),
                all(&rule["apiGroups"]),
                all(&rule["resources"])
            ));
        }
    }
    lines
}

/// The webhook of that name, in whichever registration.
fn webhook(objects: &[Value], name: &str) -> Value {
    let webhooks = objects
        .iter()
        .filter_map(|object| object["webhooks"].as_array());
    let full = format!("{name}.{}", names::GROUP);
    let found = webhooks.flatten().find(|webhook| webhook["name"] == *full);
    found.cloned().unwrap_or_default()
}

#[tokio::test]
async fn names_paths_and_rights_are_the_programs_own() -> Result<()> {
    Cluster::with(Options::new("chart-names").crds(&[]), async |cluster| {
        let objects =
            install::render(cluster, &["registration.excludedNamespaces={quiet}"]).await?;
        let named = |kind: &str| {
            objects
                .iter()
                .filter(|object| object["kind"] == kind)
                .map(|object| object["metadata"]["name"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            named("ServiceAccount"),
            [names::ACCOUNT_SERVE, names::ACCOUNT_CONTROL]
                .map(Value::from)
                .to_vec()
        );
        assert_eq!(
            named("MutatingWebhookConfiguration"),
            [json!(names::REGISTRATION)]
        );
        assert_eq!(
            named("ValidatingWebhookConfiguration"),
            [json!(names::REGISTRATION)]
        );
        let mutating = webhook(&objects, "wire");
        assert_eq!(
            mutating["clientConfig"]["service"]["path"],
            names::PATH_MUTATE
        );
        assert_eq!(mutating["failurePolicy"], "Ignore");
        assert_eq!(mutating["reinvocationPolicy"], "IfNeeded");
        for name in ["wirings", "policies", "objects", "secrets"] {
            let validating = webhook(&objects, name);
            let path = &validating["clientConfig"]["service"]["path"];
            assert_eq!(path, names::PATH_VALIDATE, "{name}");
            assert_eq!(validating["failurePolicy"], "Ignore", "{name}");
        }
        for name in ["wire", "objects", "secrets"] {
            let excluded = &webhook(&objects, name)["namespaceSelector"]["matchExpressions"];
            let ours = ["kube-system", "kube-node-lease", names::NAMESPACE, "quiet"];
            assert_eq!(excluded[0]["values"], json!(ours), "{name}");
            assert_eq!(excluded[1]["key"], "control-plane", "{name}");
            assert_eq!(
                excluded[2]["key"], "kubernetes.azure.com/managedby",
                "{name}"
            );
        }
        let condition = &webhook(&objects, "secrets")["matchConditions"][0]["expression"];
        let condition = condition.as_str().unwrap();
        assert!(condition.contains(names::OBJSTORE), "{condition}");
        let keys = serde_json::to_string(&names::OBJSTORE_KEYS).unwrap();
        assert!(condition.contains(&keys), "{condition}");
        let granted: BTreeSet<String> = rights(&objects).into_iter().collect();
        assert_eq!(granted, RIGHTS.map(str::to_owned).into());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn values_that_are_not_known_are_refused() -> Result<()> {
    Cluster::with(Options::new("chart-values").crds(&[]), async |cluster| {
        let refused = install::render(cluster, &["registration.failurepolicy=Fail"]).await;
        assert!(
            format!("{refused:?}").contains("failurepolicy"),
            "{refused:?}"
        );
        // An object may name any of the known keys: one that the API server does not send would be a way around.
        let fewer = "registration.objectStoreKeys={objstore.yml}";
        let refused = install::render(cluster, &[fewer]).await;
        assert!(
            format!("{refused:?}").contains("objectStoreKeys"),
            "{refused:?}"
        );
        Ok(())
    })
    .await
}
