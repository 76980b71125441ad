//! What we put into Grafana: the data source, the dashboard and the alert rules, as data.

use serde_json::{Value, json};

use super::uid;

/// The dashboard; panels name the data source by the variable `datasource`.
const DASHBOARD: &str = include_str!("dashboard.json");
/// Alert rules: title, expression, how long, severity, summary.
const RULES: &str = include_str!("rules.json");
/// In a data source's own settings: the hub that it is of.
const OWNER: &str = "kubectlThanosHub";
/// Between two looks at the rules, in seconds.
const INTERVAL: u32 = 60;
/// Each rule looks back this far, in seconds.
const BACK: u32 = 600;

/// What people read: `Thanos` or `Thanos (blue)`.
pub(super) fn title(hub: &str) -> String {
    if hub == "thanos" {
        "Thanos".to_owned()
    } else {
        format!("Thanos ({hub})")
    }
}

/// Whether a data source is of that hub.
pub(in crate::azure) fn is_of(source: &Value, hub: &str) -> bool {
    source["jsonData"][OWNER] == hub
}

/// The hub as a data source, without user and password.
pub(in crate::azure) fn data_source(hub: &str, url: &str) -> Value {
    json!({
        "name": title(hub),
        "uid": uid(hub, ""),
        "type": "prometheus",
        "access": "proxy",
        "url": url,
        "basicAuth": true,
        "jsonData": {
            "httpMethod": "POST",
            "prometheusType": "Thanos",
            "prometheusVersion": "0.31.0",
            "timeInterval": "30s",
            "manageAlerts": false,
            // Grafana keeps it, and nobody else writes it: a data source without it is somebody else's.
            OWNER: hub,
        },
    })
}

/// The dashboard of a hub.
pub(in crate::azure) fn dashboard(hub: &str) -> Value {
    let mut dashboard: Value = serde_json::from_str(DASHBOARD).unwrap_or_default();
    dashboard["id"] = Value::Null;
    dashboard["uid"] = json!(uid(hub, "arrival"));
    dashboard["title"] = json!(format!("{}: clusters and arrival", title(hub)));
    let source = json!({"text": title(hub), "value": uid(hub, "")});
    if let Some(variable) = dashboard.pointer_mut("/templating/list/0") {
        variable["current"] = source;
    }
    dashboard
}

/// The group of alert rules of a hub.
pub(in crate::azure) fn rules(hub: &str) -> Value {
    let rows: Vec<Value> = serde_json::from_str(RULES).unwrap_or_default();
    let folder = uid(hub, "");
    let rules: Vec<Value> = rows.iter().map(|row| rule(hub, &folder, row)).collect();
    json!({
        "title": super::GROUP,
        "folderUid": folder,
        "interval": INTERVAL,
        "rules": rules,
    })
}

/// A query, and that it answers with anything above zero.
fn rule(hub: &str, folder: &str, row: &Value) -> Value {
    let query = json!({
        "refId": "A",
        "datasourceUid": folder,
        "relativeTimeRange": {"from": BACK, "to": 0},
        "model": {
            "refId": "A",
            "expr": row["expr"],
            "instant": true,
            "range": false,
            "intervalMs": 1000,
            "maxDataPoints": 43200,
        },
    });
    let threshold = json!({
        "refId": "C",
        "datasourceUid": "__expr__",
        "relativeTimeRange": {"from": 0, "to": 0},
        "model": {
            "refId": "C",
            "type": "threshold",
            "expression": "A",
            "conditions": [{
                "type": "query",
                "evaluator": {"type": "gt", "params": [0]},
                "operator": {"type": "and"},
                "query": {"params": ["C"]},
                "reducer": {"type": "last", "params": []},
            }],
            "intervalMs": 1000,
            "maxDataPoints": 43200,
        },
    });
    json!({
        "uid": uid(hub, row["name"].as_str().unwrap_or_default()),
        "title": row["title"],
        "ruleGroup": super::GROUP,
        "folderUID": folder,
        "orgID": 1,
        "condition": "C",
        "data": [query, threshold],
        "for": row["for"],
        "noDataState": "OK",
        "execErrState": "Error",
        "labels": {"severity": row["severity"], "hub": hub},
        "annotations": {"summary": row["summary"]},
        "isPaused": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dashboard_asks_the_hub_and_every_query_heeds_the_cluster() {
        let dashboard = dashboard("blue");
        assert_eq!(
            dashboard["templating"]["list"][0]["current"]["value"],
            "thanos-blue"
        );
        let cluster = &dashboard["templating"]["list"][1];
        assert_eq!(cluster["name"], "cluster");
        assert_eq!(cluster["query"]["query"], "label_values(up, cluster)");
        let panels = dashboard["panels"].as_array().unwrap();
        assert!(panels.len() > 10);
        for panel in panels.iter().filter(|panel| panel["type"] != "row") {
            for target in panel["targets"].as_array().unwrap() {
                let expr = target["expr"].as_str().unwrap();
                let of_hub =
                    expr.contains("thanos_receive") || expr.contains("handler=\"receive\"");
                assert!(expr.contains("cluster=~\"$cluster\"") || of_hub, "{expr}");
            }
        }
    }

    #[test]
    fn every_rule_has_all_it_needs() {
        let rules = rules("thanos");
        let rules = rules["rules"].as_array().unwrap().clone();
        assert!(rules.len() >= 4);
        for rule in rules {
            assert!(rule["data"][0]["model"]["expr"].is_string(), "{rule}");
            assert!(rule["title"].is_string() && rule["annotations"]["summary"].is_string());
            assert!(rule["uid"].as_str().unwrap().len() <= 40);
        }
    }
}
