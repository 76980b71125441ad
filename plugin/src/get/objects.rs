//! `get prometheuses`: each object of the three kinds, and how things stand with it by the same decision as everywhere.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use thanos_core::codes::Code;
use thanos_core::{Kind, names};

use super::{Row, Table, UNKNOWN, age_of, created};
use crate::cli::WorldArgs;
use crate::cluster::Cluster;
use crate::cluster::resource::Resource;
use crate::facts::Known;
use crate::failure::Failure;
use crate::judge::{Judge, Judged};
use crate::ui::Ui;
use crate::why::State;

/// One object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object {
    namespace: String,
    name: String,
    kind: &'static str,
    #[serde(skip)]
    resource: &'static Resource,
    /// The wirings that its annotation names.
    wired_by: Vec<String>,
    state: State,
    /// The code of the reason, where there is one.
    code: Option<&'static str>,
    reason: Option<String>,
    version: Option<String>,
    created: Option<Timestamp>,
}

impl Row for Object {
    const LIST: &'static str = "PrometheusReportList";

    fn title(&self) -> String {
        self.resource
            .within(&self.namespace)
            .named(&self.name)
            .title()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// Asks for them and judges each.
pub(super) async fn rows(
    cluster: &Cluster,
    namespace: Option<&str>,
    ui: &mut Ui<'_>,
) -> Result<Vec<Object>, Failure> {
    let mut objects = Vec::new();
    for kind in Kind::ALL {
        objects.extend(
            cluster
                .objects(kind, namespace)
                .await?
                .into_iter()
                .map(|object| (kind, object)),
        );
    }
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let namespaces: BTreeSet<String> = objects
        .iter()
        .map(|(_, object)| text(object, "/metadata/namespace"))
        .collect();
    let known = Known::of_cluster(&WorldArgs::default(), cluster, &namespaces, ui).await?;
    let judge = Judge::new(&known);
    let mut rows: Vec<Object> = objects
        .iter()
        .filter_map(|(kind, object)| Some(row(*kind, object, &judge.judge(object)?)))
        .collect();
    rows.sort_by(|a, b| (&a.namespace, &a.name, a.kind).cmp(&(&b.namespace, &b.name, b.kind)));
    Ok(rows)
}

fn row(kind: Kind, object: &Value, judged: &Judged) -> Object {
    let state = State::of(judged);
    let (code, reason) = reason(state, judged).unzip();
    let version = text(object, "/spec/version");
    Object {
        namespace: text(object, "/metadata/namespace"),
        name: text(object, "/metadata/name"),
        kind: kind.name(),
        resource: Resource::of(kind),
        wired_by: wired_by(object),
        state,
        code: code.map(|code| code.code),
        reason,
        version: (!version.is_empty()).then_some(version),
        created: created(object),
    }
}

/// What stands in the way; where nothing does, what people should know besides.
fn reason(state: State, judged: &Judged) -> Option<(&'static Code, String)> {
    let warning = || {
        judged
            .decision
            .warnings
            .first()
            .map(|warning| (warning.code(), warning.to_string()))
    };
    match state {
        State::Left => judged
            .reason()
            .map(|reason| (reason.code(), reason.to_string())),
        State::WouldBeWired => Some((
            judged.decision.code(),
            "the next look at it has it wired".to_owned(),
        )),
        State::WouldBeUnwired => Some((
            judged.decision.code(),
            "the next look at it takes the wiring out".to_owned(),
        )),
        State::Wired => warning(),
    }
}

fn wired_by(object: &Value) -> Vec<String> {
    let annotation = object["metadata"]["annotations"][names::WIRED]
        .as_str()
        .unwrap_or_default();
    let record: Value = serde_json::from_str(annotation).unwrap_or_default();
    let members = record.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| *name != "v")
        .map(|(name, _)| name.clone())
        .collect()
}

fn text(object: &Value, pointer: &str) -> String {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The objects.
pub(super) fn table(rows: &[Object], wide: bool, now: Timestamp) -> Table {
    let mut headers = vec!["NAMESPACE", "NAME", "KIND", "WIRED-BY", "STATE", "REASON"];
    if wide {
        headers.extend(["VERSION", "AGE"]);
    }
    let cells = |row: &Object| {
        let by = if row.wired_by.is_empty() {
            UNKNOWN.to_owned()
        } else {
            row.wired_by.join(",")
        };
        let reason = match (row.code, &row.reason) {
            (Some(code), Some(reason)) => format!("{code} {reason}"),
            _ => String::new(),
        };
        let mut cells = vec![
            row.namespace.clone(),
            row.name.clone(),
            row.kind.to_owned(),
            by,
        ];
        cells.extend([row.state.words().to_owned(), reason]);
        if wide {
            cells.extend([
                row.version.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
                age_of(row.created, now),
            ]);
        }
        cells
    };
    Table {
        headers,
        rows: rows.iter().map(cells).collect(),
    }
}
