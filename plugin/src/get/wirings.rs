//! `get wirings`: each wiring, and each enrolled namespace with its state.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use thanos_core::{Credential, codes};

use super::{Row, Table, UNKNOWN, age_of, created};
use crate::cluster::Cluster;
use crate::cluster::live;
use crate::cluster::resource::WIRINGS;
use crate::failure::Failure;

/// One wiring.
#[derive(Debug, Serialize)]
pub(super) struct Wiring {
    name: String,
    cluster: String,
    url: String,
    auth: String,
    kinds: Vec<String>,
    /// `None`: no controller has looked yet.
    wired: Option<i64>,
    unwired: Option<i64>,
    /// The condition's own word.
    ready: String,
    created: Option<Timestamp>,
    namespaces: Vec<Enrolled>,
}

/// One enrolled namespace.
#[derive(Debug, Serialize)]
struct Enrolled {
    name: String,
    state: &'static str,
    /// With its code.
    reason: Option<String>,
}

impl Row for Wiring {
    const LIST: &'static str = "WiringReportList";

    fn title(&self) -> String {
        WIRINGS.named(&self.name).title()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// Asks for them.
pub(super) async fn rows(cluster: &Cluster) -> Result<Vec<Wiring>, Failure> {
    Ok(cluster.wirings().await?.iter().map(row).collect())
}

fn row(stored: &Value) -> Wiring {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let spec = &stored["spec"];
    let status = &stored["status"];
    let looked_at = status["observedGeneration"].is_number();
    let count = |field: &str| looked_at.then(|| status[field].as_i64().unwrap_or_default());
    let ready = live::condition(stored, "Ready")["status"].as_str();
    let auth = spec["remoteWrite"]["auth"]
        .as_object()
        .and_then(|auth| auth.keys().next());
    Wiring {
        name: text(&stored["metadata"]["name"]),
        cluster: text(&spec["cluster"]),
        url: text(&spec["remoteWrite"]["url"]),
        auth: auth.cloned().unwrap_or_default(),
        kinds: spec["kinds"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect(),
        wired: count("wired"),
        unwired: count("unwired"),
        ready: ready.unwrap_or("Unknown").to_owned(),
        created: created(stored),
        namespaces: enrolled(stored),
    }
}

fn enrolled(stored: &Value) -> Vec<Enrolled> {
    let row = |(name, credential): (String, Credential)| {
        let (state, reason) = match credential {
            Credential::Ready => ("ready", None),
            Credential::Missing(why) if why == live::UNCHECKED => {
                ("unknown", Some("no controller has looked yet".to_owned()))
            }
            Credential::Missing(why) => (
                "not ready",
                Some(format!("{} {why}", codes::CREDENTIAL_MISSING)),
            ),
            Credential::NotEnrolled => ("not enrolled", None),
        };
        Enrolled {
            name,
            state,
            reason,
        }
    };
    live::credentials(stored).into_iter().map(row).collect()
}

/// The wirings.
pub(super) fn table(rows: &[Wiring], wide: bool, now: Timestamp) -> Table {
    let mut headers = vec!["NAME", "CLUSTER", "URL", "WIRED", "UNWIRED", "READY", "AGE"];
    if wide {
        headers.extend(["AUTH", "KINDS"]);
    }
    let count =
        |count: Option<i64>| count.map_or_else(|| UNKNOWN.to_owned(), |count| count.to_string());
    let cells = |row: &Wiring| {
        let mut cells = vec![row.name.clone(), row.cluster.clone(), row.url.clone()];
        cells.extend([
            count(row.wired),
            count(row.unwired),
            row.ready.clone(),
            age_of(row.created, now),
        ]);
        if wide {
            cells.extend([row.auth.clone(), row.kinds.join(",")]);
        }
        cells
    };
    Table {
        headers,
        rows: rows.iter().map(cells).collect(),
    }
}

/// Their namespaces.
pub(super) fn namespaces(rows: &[Wiring]) -> Table {
    let cells = |row: &Wiring, enrolled: &Enrolled| {
        vec![
            row.name.clone(),
            enrolled.name.clone(),
            enrolled.state.to_owned(),
            enrolled.reason.clone().unwrap_or_default(),
        ]
    };
    let rows = rows.iter().flat_map(|row| {
        row.namespaces
            .iter()
            .map(move |enrolled| cells(row, enrolled))
    });
    Table {
        headers: vec!["WIRING", "NAMESPACE", "STATE", "REASON"],
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_namespace_has_its_state_and_reason() {
        let stored = json!({
            "metadata": {"name": "hub", "creationTimestamp": "2026-11-24T00:00:00Z"},
            "spec": {"cluster": "edge", "kinds": ["Prometheus"], "remoteWrite": {"url": "https://x/", "auth": {"basicAuth": {}}},
                "credentials": {"namespaces": ["c", "a", "b"]}},
            "status": {"observedGeneration": 1, "wired": 2, "namespaces": [
                {"name": "a", "ready": true}, {"name": "b", "ready": false, "reason": "KeyMissing"}, {"name": "gone", "ready": true}],
                "conditions": [{"type": "Ready", "status": "False"}]},
        });
        let rows = [row(&stored)];
        let now = "2026-11-24T00:01:30Z".parse().unwrap();
        assert_eq!(
            table(&rows, false, now).text(false),
            "NAME   CLUSTER   URL          WIRED   UNWIRED   READY   AGE\nhub    edge      https://x/   2       0         False   90s\n"
        );
        assert_eq!(
            namespaces(&rows).text(true),
            "hub   a   ready\nhub   b   not ready   KTH2010 KeyMissing\nhub   c   unknown     no controller has looked yet\n"
        );
    }
}
