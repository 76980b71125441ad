//! `get policies`: each policy, and the objects that break it, as the controller has found them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{Row, Table, UNKNOWN, age_of, created};
use crate::cluster::Cluster;
use crate::cluster::live;
use crate::cluster::resource::POLICIES;
use crate::failure::Failure;

/// One policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Policy {
    name: String,
    profile: String,
    profile_version: String,
    enforcement: String,
    /// Rules that are enforced otherwise: `pod-containers=Warn`.
    overrides: Vec<String>,
    exemptions: usize,
    /// `None`: no controller has looked yet.
    violations: Option<i64>,
    /// The condition's own word.
    ready: String,
    created: Option<Timestamp>,
    objects: Vec<Violating>,
}

/// One object that breaks it.
#[derive(Debug, Serialize)]
struct Violating {
    kind: String,
    namespace: String,
    name: String,
    rules: Vec<String>,
}

impl Row for Policy {
    const LIST: &'static str = "PolicyReportList";

    fn title(&self) -> String {
        POLICIES.named(&self.name).title()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// Asks for them. Unlike the verbs that judge, this one fails where the CRD is not served.
pub(super) async fn rows(cluster: &Cluster) -> Result<Vec<Policy>, Failure> {
    Ok(cluster
        .list(&POLICIES.all())
        .await?
        .iter()
        .map(row)
        .collect())
}

fn row(stored: &Value) -> Policy {
    let spec = &stored["spec"];
    let status = &stored["status"];
    let or = |value: &Value, default: &str| value.as_str().unwrap_or(default).to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let changed =
        |rule: &Value| format!("{}={}", or(&rule["id"], ""), or(&rule["enforcement"], ""));
    Policy {
        name: or(&stored["metadata"]["name"], ""),
        profile: or(&spec["profile"], "Baseline"),
        profile_version: or(&spec["profileVersion"], "v1"),
        enforcement: or(&spec["enforcement"], "Warn"),
        overrides: list(&spec["rules"]).iter().map(changed).collect(),
        exemptions: list(&spec["exemptions"]).len(),
        violations: status["observedGeneration"]
            .is_i64()
            .then(|| status["violations"].as_i64().unwrap_or_default()),
        ready: or(&live::condition(stored, "Ready")["status"], "Unknown"),
        created: created(stored),
        objects: list(&status["objects"]).iter().map(violating).collect(),
    }
}

fn violating(object: &Value) -> Violating {
    let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    let rules = object["rules"].as_array().into_iter().flatten();
    Violating {
        kind: text("kind"),
        namespace: text("namespace"),
        name: text("name"),
        rules: rules.filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

/// The policies.
pub(super) fn table(rows: &[Policy], wide: bool, now: Timestamp) -> Table {
    let mut headers = vec![
        "NAME",
        "PROFILE",
        "ENFORCEMENT",
        "VIOLATIONS",
        "READY",
        "AGE",
    ];
    if wide {
        headers.extend(["VERSION", "OVERRIDES", "EXEMPTIONS"]);
    }
    let cells = |row: &Policy| {
        let violations = row.violations;
        let violations = violations.map_or_else(|| UNKNOWN.to_owned(), |count| count.to_string());
        let mut cells = vec![
            row.name.clone(),
            row.profile.clone(),
            row.enforcement.clone(),
        ];
        cells.extend([violations, row.ready.clone(), age_of(row.created, now)]);
        if wide {
            cells.extend([
                row.profile_version.clone(),
                row.overrides.join(","),
                row.exemptions.to_string(),
            ]);
        }
        cells
    };
    Table {
        headers,
        rows: rows.iter().map(cells).collect(),
    }
}

/// What breaks them.
pub(super) fn objects(rows: &[Policy]) -> Table {
    let cells = |row: &Policy, object: &Violating| {
        let title = format!(
            "{}/{}/{}",
            object.kind.to_lowercase(),
            object.namespace,
            object.name
        );
        vec![row.name.clone(), title, object.rules.join(",")]
    };
    let rows = rows
        .iter()
        .flat_map(|row| row.objects.iter().map(move |object| cells(row, object)));
    Table {
        headers: vec!["POLICY", "OBJECT", "BREAKS"],
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_object_that_breaks_a_policy_is_listed() {
        let stored = json!({
            "metadata": {"name": "shared", "creationTimestamp": "2026-11-24T00:00:00Z"},
            "spec": {"profile": "Baseline", "enforcement": "Deny", "rules": [{"id": "limits", "enforcement": "Warn"}]},
            "status": {"observedGeneration": 1, "violations": 1, "conditions": [{"type": "Ready", "status": "True"}],
                "objects": [{"kind": "Prometheus", "namespace": "a", "name": "k8s", "rules": ["egress-url", "limits"]}]},
        });
        let rows = [
            row(&stored),
            row(&json!({"metadata": {"name": "new"}, "spec": {}})),
        ];
        let now = "2026-11-24T00:01:30Z".parse().unwrap();
        assert_eq!(
            table(&rows, false, now).text(true),
            "shared   Baseline   Deny   1   True      90s\nnew      Baseline   Warn   -   Unknown   -\n"
        );
        assert_eq!(
            objects(&rows).text(true),
            "shared   prometheus/a/k8s   egress-url,limits\n"
        );
    }
}
