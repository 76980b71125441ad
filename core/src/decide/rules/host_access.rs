//! `host-access`: the object reaches for its node, the network or the scheduler.
//!
//! What is root, privileged or unconfined follows the Pod Security Standards
//! (kubernetes.io/docs/concepts/security/pod-security-standards).

use serde_json::Value;

use super::case::{Case, Findings};
use super::places::{Place, Spot};
use super::shape::{self, is_empty, is_on, text};
use crate::fields::sensitive::Sort;

const NODE: &str = "chooses a node";

/// Labels and annotations of a pod that attach networks and loosen confinement.
pub(crate) const NETWORKS: &[&str] = &[
    "container.apparmor.security.beta.kubernetes.io/",
    "k8s.v1.cni.cncf.io/",
    "seccomp.security.alpha.kubernetes.io/",
];

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for place in case.places("host-access", Sort::Host) {
        let value = place.value;
        match place.at.names().as_slice() {
            ["securityContext"] => security(&place.at, value, findings),
            ["containers" | "initContainers"] => containers(place, findings),
            ["volumes"] => volumes(case, place, findings),
            ["affinity"] => affinity(place, findings),
            ["podMetadata", _, key] if shape::has_prefix(key, NETWORKS) => {
                findings.place(place, "attaches a network or loosens confinement");
            }
            ["hostNetwork" | "hostUsers"] if is_on(value) => {
                findings.place(place, "shares what is its node's");
            }
            ["dnsPolicy"] if value != "ClusterFirst" => {
                findings.place(place, "must be ClusterFirst");
            }
            ["schedulerName"] if !is_empty(value) && value != "default-scheduler" => {
                findings.place(place, "must be the default scheduler");
            }
            ["nodeSelector"] if chooses(value) => findings.place(place, NODE),
            ["tolerations" | "priorityClassName"] if !is_empty(value) => {
                findings.place(place, NODE);
            }
            ["hostAliases" | "dnsConfig"] if !is_empty(value) => {
                findings.place(place, "changes where names lead");
            }
            _ => {}
        }
    }
}

/// Whether a node selector asks for more than the system that any node of a kind has.
fn chooses(selector: &Value) -> bool {
    let common = |key: &String| matches!(key.as_str(), "kubernetes.io/os" | "kubernetes.io/arch");
    match selector.as_object() {
        Some(members) => !members.keys().all(common),
        None => true,
    }
}

/// A pod's or a container's.
fn security(spot: &Spot<'_>, context: &Value, findings: &mut Findings) {
    let Some(members) = context.as_object() else {
        findings.at(spot, context, "must be a security context");
        return;
    };
    for (name, value) in members {
        let wrong = match name.as_str() {
            _ if value.is_null() => false,
            "runAsUser" | "runAsGroup" | "fsGroup" => value.as_i64().is_none_or(|id| id == 0),
            "supplementalGroups" => {
                let groups = value.as_array();
                groups.is_none_or(|groups| {
                    groups.iter().any(|id| id.as_i64().is_none_or(|id| id == 0))
                })
            }
            "runAsNonRoot" => *value != Value::Bool(true),
            "privileged" | "allowPrivilegeEscalation" => is_on(value),
            "capabilities" => value.get("add").is_some_and(|added| !is_empty(added)),
            "procMount" => value != "Default",
            "seccompProfile" | "appArmorProfile" => {
                !matches!(text(value, "type"), "RuntimeDefault" | "Localhost")
            }
            "seLinuxOptions" => ["user", "role", "type"]
                .iter()
                .any(|member| value.get(member).is_some_and(|value| !is_empty(value))),
            "sysctls" | "windowsOptions" => !is_empty(value),
            _ => false,
        };
        if wrong {
            findings.at(
                &spot.member(name),
                value,
                "is root, privileged or unconfined",
            );
        }
    }
}

fn containers(place: &Place<'_>, findings: &mut Findings) {
    for (at, entry) in place.value.as_array().into_iter().flatten().enumerate() {
        let spot = place.at.item(at, entry);
        if let Some(context) = entry.get("securityContext").filter(|one| !one.is_null()) {
            security(&spot.member("securityContext"), context, findings);
        }
        let ports = entry.get("ports").and_then(Value::as_array);
        for (at, port) in ports.into_iter().flatten().enumerate() {
            if port
                .get("hostPort")
                .is_some_and(|port| !port.is_null() && *port != 0)
            {
                let spot = spot.member("ports").item(at, port);
                findings.at(&spot.member("hostPort"), port, "opens a port of its node");
            }
        }
    }
}

fn volumes(case: &Case<'_>, place: &Place<'_>, findings: &mut Findings) {
    let types = &case.policy.allow.volume_types;
    if types.iter().any(|one| one == "hostPath") {
        return;
    }
    for (at, volume) in place.value.as_array().into_iter().flatten().enumerate() {
        if let Some(host) = volume.get("hostPath").filter(|host| !host.is_null()) {
            let spot = place.at.item(at, volume);
            findings.at(&spot.member("hostPath"), host, "mounts a path of its node");
        }
    }
}

/// Pods may keep off each other. Affinity chooses a node as a node selector does, and a term that looks into other
/// namespaces follows other tenants' pods or keeps them away.
fn affinity(place: &Place<'_>, findings: &mut Findings) {
    for member in ["nodeAffinity", "podAffinity"] {
        if let Some(value) = place.value.get(member).filter(|value| !is_empty(value)) {
            findings.at(&place.at.member(member), value, NODE);
        }
    }
    let Some(apart) = place.value.get("podAntiAffinity") else {
        return;
    };
    for list in [
        "requiredDuringSchedulingIgnoredDuringExecution",
        "preferredDuringSchedulingIgnoredDuringExecution",
    ] {
        let terms = apart.get(list).and_then(Value::as_array);
        for (at, item) in terms.into_iter().flatten().enumerate() {
            let term = item.get("podAffinityTerm").unwrap_or(item);
            let names = term.get("namespaces").is_some_and(|names| !is_empty(names));
            let selects = term
                .get("namespaceSelector")
                .is_some_and(|one| !one.is_null());
            if names || selects {
                let spot = place.at.member("podAntiAffinity").member(list);
                findings.at(
                    &spot.item(at, item),
                    term,
                    "looks at pods of other namespaces",
                );
            }
        }
    }
}
