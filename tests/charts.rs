//! The chart against the programs: one source for every definition, name, path and right.

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
        install::webhook(cluster, &address).await
    })
    .await
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
        let registration = |kind: &str| {
            objects
                .iter()
                .find(|object| object["kind"] == kind)
                .map(|object| object["webhooks"][0].clone())
                .unwrap_or_default()
        };
        let mutating = registration("MutatingWebhookConfiguration");
        assert_eq!(
            mutating["clientConfig"]["service"]["path"],
            names::PATH_MUTATE
        );
        assert_eq!(mutating["failurePolicy"], "Ignore");
        assert_eq!(mutating["reinvocationPolicy"], "IfNeeded");
        assert_eq!(
            mutating["namespaceSelector"]["matchExpressions"][0]["values"],
            json!(["kube-system", "kube-node-lease", names::NAMESPACE, "quiet"])
        );
        assert_eq!(
            registration("ValidatingWebhookConfiguration")["clientConfig"]["service"]["path"],
            names::PATH_VALIDATE
        );
        for role in objects
            .iter()
            .filter(|object| matches!(object["kind"].as_str(), Some("ClusterRole" | "Role")))
        {
            for rule in role["rules"].as_array().into_iter().flatten() {
                let all = |field: &str| {
                    rule[field]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str)
                        .collect::<Vec<_>>()
                };
                assert!(
                    !all("resources")
                        .iter()
                        .any(|resource| ["secrets", "configmaps", "*"].contains(resource)),
                    "{role}"
                );
                assert!(
                    !all("verbs").iter().any(|verb| [
                        "*",
                        "delete",
                        "deletecollection",
                        "escalate",
                        "bind",
                        "impersonate"
                    ]
                    .contains(verb)),
                    "{role}"
                );
            }
        }
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
        Ok(())
    })
    .await
}
