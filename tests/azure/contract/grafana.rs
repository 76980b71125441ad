//! A Managed Grafana: its own API, for whoever has the Grafana Admin role and a token for it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::documents::{GRAFANA, fault};
use super::{Asked, Reply, State, tokens};

const ADMIN: &str = "22926164-76b3-42b3-bc55-97df8dab3e41";

/// What the workspace holds, by uid.
#[derive(Default)]
pub(crate) struct Grafana {
    pub(crate) sources: BTreeMap<String, Value>,
    pub(crate) folders: BTreeMap<String, Value>,
    pub(crate) dashboards: BTreeMap<String, Value>,
    pub(crate) rules: BTreeMap<String, Value>,
    /// User and password that the hub takes: a data source with others is not healthy.
    pub(crate) reader: (String, String),
}

pub(super) fn answer(state: &mut State, asked: &Asked) -> Reply {
    let path = asked.path.trim_start_matches("/grafana/g1");
    if let Some(fault) = fault(GRAFANA, &asked.method, path, &asked.query, &asked.body) {
        state.violations.push(fault.clone());
        return Reply::new(400, json!({"message": fault}));
    }
    let claims = tokens::claims(asked);
    if claims["aud"] != state.audience.as_str() {
        return Reply::new(401, json!({"message": "Unauthorized"}));
    }
    let is_admin = state.resources.values().any(|one| {
        one["properties"]["principalId"] == claims["oid"]
            && one["properties"]["roleDefinitionId"]
                .as_str()
                .is_some_and(|role| role.ends_with(ADMIN))
    });
    if !is_admin || state.grafana_delay > 0 {
        state.grafana_delay = state.grafana_delay.saturating_sub(1);
        return Reply::new(
            403,
            json!({"message": "You'll need additional permissions to perform this action."}),
        );
    }
    act(&mut state.grafana, asked, path)
}

fn act(grafana: &mut Grafana, asked: &Asked, path: &str) -> Reply {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let body = asked.json();
    let found = |value: Option<Value>| match value {
        Some(value) => Reply::new(200, value),
        None => Reply::new(404, json!({"message": "not found"})),
    };
    match (asked.method.as_str(), parts.as_slice()) {
        ("GET", ["api", "datasources", "uid", uid]) => found(grafana.sources.get(*uid).map(public)),
        ("GET", ["api", "datasources", "uid", uid, "health"]) => {
            let source = &grafana.sources[*uid];
            let (user, password) = &grafana.reader;
            let works = source["basicAuthUser"] == user.as_str()
                && source["secureJsonData"]["basicAuthPassword"] == password.as_str();
            if works {
                Reply::new(
                    200,
                    json!({"status": "OK", "message": "Successfully queried the Prometheus API."}),
                )
            } else {
                Reply::new(
                    400,
                    json!({"status": "ERROR", "message": "401 Unauthorized"}),
                )
            }
        }
        ("POST", ["api", "datasources"]) => {
            let taken = grafana
                .sources
                .values()
                .any(|one| one["name"] == body["name"] || one["uid"] == body["uid"]);
            if taken {
                return Reply::new(
                    409,
                    json!({"message": "data source with the same name already exists"}),
                );
            }
            let uid = body["uid"].as_str().unwrap_or_default().to_owned();
            grafana.sources.insert(uid, body.clone());
            Reply::new(
                200,
                json!({"datasource": public(&body), "message": "Datasource added"}),
            )
        }
        ("PUT", ["api", "datasources", "uid", uid]) => {
            grafana.sources.insert((*uid).to_owned(), body.clone());
            Reply::new(
                200,
                json!({"datasource": public(&body), "message": "Datasource updated"}),
            )
        }
        ("GET", ["api", "folders", uid]) => found(grafana.folders.get(*uid).cloned()),
        ("POST", ["api", "folders"]) => {
            let uid = body["uid"].as_str().unwrap_or_default().to_owned();
            grafana.folders.insert(uid, body.clone());
            Reply::new(200, body)
        }
        ("GET", ["api", "dashboards", "uid", uid]) => found(
            grafana
                .dashboards
                .get(*uid)
                .map(|one| json!({"dashboard": one, "meta": {"slug": "x"}})),
        ),
        ("POST", ["api", "dashboards", "db"]) => {
            let mut dashboard = body["dashboard"].clone();
            let uid = dashboard["uid"].as_str().unwrap_or_default().to_owned();
            if !grafana
                .folders
                .contains_key(body["folderUid"].as_str().unwrap_or_default())
            {
                return Reply::new(400, json!({"message": "folder not found"}));
            }
            dashboard["id"] = json!(7);
            dashboard["version"] = json!(1);
            grafana.dashboards.insert(uid, dashboard);
            Reply::new(200, json!({"status": "success"}))
        }
        (
            "GET",
            [
                "api",
                "v1",
                "provisioning",
                "folder",
                folder,
                "rule-groups",
                _,
            ],
        ) => found(grafana.rules.get(*folder).cloned()),
        (
            "PUT",
            [
                "api",
                "v1",
                "provisioning",
                "folder",
                folder,
                "rule-groups",
                _,
            ],
        ) => {
            if asked
                .headers
                .get("x-disable-provenance")
                .map(String::as_str)
                != Some("true")
            {
                return Reply::new(400, json!({"message": "rules that nobody could edit"}));
            }
            let mut group = body;
            for rule in group["rules"].as_array_mut().into_iter().flatten() {
                rule["id"] = json!(1);
                rule["updated"] = json!("2026-01-01T00:00:00Z");
            }
            grafana.rules.insert((*folder).to_owned(), group.clone());
            Reply::new(200, group)
        }
        _ => Reply::new(404, json!({"message": "no such path"})),
    }
}

/// As Grafana gives a data source back: never its secrets.
fn public(source: &Value) -> Value {
    let mut source = source.clone();
    source["secureJsonData"] = Value::Null;
    source["secureJsonFields"] = json!({"basicAuthPassword": true});
    source["readOnly"] = json!(false);
    source["version"] = json!(1);
    source
}
