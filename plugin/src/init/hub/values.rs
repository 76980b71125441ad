//! What the charts of a hub are told: pure functions of the wish. No value is a secret.

use serde_json::{Value, json};
use thanos_core::names;

use super::azure::Made;
use super::wish::{Certificate, Wish};
use crate::cli::HubIngress;

/// Of `charts/thanos`. `revision` is another text with every change of the object-store Secret.
pub(crate) fn thanos(
    wish: &Wish,
    made: Option<&Made>,
    revision: Option<&str>,
    monitored: bool,
) -> Value {
    let mut values = json!({
        "gateway": {
            "kind": wish.ingress.word(),
            "hosts": {"write": wish.write_host, "read": wish.read_host},
            "certificate": certificate(wish),
            "users": {
                "write": {"secretName": wish.named("write-users")},
                "read": {"secretName": wish.named("read-users")},
            },
        },
        "serviceMonitor": {"enabled": monitored},
        "prometheusRule": {"enabled": monitored},
        // By it uninstall knows them when everything else of the hub is gone.
        "volumeLabels": {names::HUB: wish.name},
    });
    if let Some(revision) = revision {
        values["objectStorage"] = json!({"existingSecret": {
            "name": wish.named("objstore"), "key": super::credentials::OBJSTORE_KEY, "revision": revision,
        }});
    }
    if let Some(made) = made {
        super::azure::values(made, &mut values, revision.is_some());
    }
    values
}

fn certificate(wish: &Wish) -> Value {
    match &wish.certificate {
        Certificate::Secret(name) => json!({"secretName": name}),
        Certificate::Issuer { kind, name } => json!({"issuer": {"kind": kind, "name": name}}),
        Certificate::LetsEncrypt => {
            json!({"acme": {"enabled": true, "email": wish.acme_email.as_deref().unwrap_or_default()}})
        }
    }
}

/// Envoy's pods of this hub's Gateway, where Envoy Gateway is not in its usual namespace.
pub(crate) fn envoy_from(wish: &Wish, namespace: &str) -> Value {
    json!([{
        "namespaceSelector": {"matchExpressions": [{
            "key": "kubernetes.io/metadata.name", "operator": "In", "values": [namespace, wish.namespace],
        }]},
        "podSelector": {"matchLabels": {
            "gateway.envoyproxy.io/owning-gateway-name": wish.fullname(),
            "gateway.envoyproxy.io/owning-gateway-namespace": wish.namespace,
        }},
    }])
}

/// Every pod of these namespaces.
pub(crate) fn from_namespaces<'n>(namespaces: impl IntoIterator<Item = &'n str>) -> Value {
    let peer = |name: &str| json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}});
    namespaces.into_iter().map(peer).collect()
}

/// Of `charts/thanos-webhook`: the same for every hub of a cluster.
pub(crate) fn webhook(monitored: bool) -> Value {
    json!({
        "serviceMonitor": {"enabled": monitored},
        "prometheusRule": {"enabled": monitored},
    })
}

/// Of cert-manager: definitions that outlive it, and Gateway API where that is what stands in front.
pub(crate) fn cert_manager(wish: &Wish) -> Value {
    let mut values = json!({"crds": {"enabled": true, "keep": true}});
    if wish.ingress != HubIngress::IngressNginx {
        values["config"] = json!({
            "apiVersion": "controller.config.cert-manager.io/v1alpha1", "kind": "ControllerConfiguration",
            "gatewayAPI": {"enabled": true},
        });
    }
    values
}

/// Of Envoy Gateway: its own defaults.
pub(crate) fn envoy_gateway() -> Value {
    json!({})
}

/// Of kube-prometheus-stack: its Prometheus takes every monitor of the cluster, as one for a whole cluster should, and
/// the labels that dashboard 15757 groups by are there.
pub(crate) fn kube_prometheus_stack(wish: &Wish) -> Value {
    let labels: Vec<String> = ["namespaces", "deployments", "statefulsets", "daemonsets"]
        .iter()
        .map(|resource| format!("{resource}=[app.kubernetes.io/name,kubernetes.io/metadata.name]"))
        .collect();
    json!({
        "grafana": {"enabled": wish.azure.as_ref().is_none_or(|azure| azure.grafana.is_none())},
        "prometheus": {"prometheusSpec": {
            "serviceMonitorSelectorNilUsesHelmValues": false,
            "podMonitorSelectorNilUsesHelmValues": false,
            "probeSelectorNilUsesHelmValues": false,
            "scrapeConfigSelectorNilUsesHelmValues": false,
            "ruleSelectorNilUsesHelmValues": false,
        }},
        "kube-state-metrics": {"metricLabelsAllowlist": labels},
    })
}
