//! Azure Managed Grafana: the workspace for ARM, and through Grafana's own HTTP API what is in it.
//!
//! The read password goes into `secureJsonData` of one request body and nowhere else. Everything of one hub has the
//! hub's name in its uid, so that several hubs share a workspace.

use std::time::Instant;

use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};
use thanos_core::{codes, names};
use url::Url;

use super::apply::Reader;
use super::arm::pause;
use super::http::Reply;
use super::{Azure, ids};
use crate::failure::Failure;

mod content;

use content::is_of;
pub(super) use content::{dashboard, data_source, rules};

/// Three audiences are documented for Grafana's API; a workspace takes one of them. The first is `az grafana`'s.
const AUDIENCES: [&str; 3] = [
    "ce34e7e5-485f-4d76-964f-b3d2b16d1e4f",
    "6f2d169c-08f3-4a4c-a982-bcaf2d038c45",
    "https://dashboard.azure.com",
];
/// The group that our alert rules are in.
const GROUP: &str = "thanos";
/// As long as a uid may be.
const UID: usize = 40;

/// What Grafana holds of a hub.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    /// The data source, without its password.
    pub data_source: Option<Value>,
    /// Whether the data source reaches the hub.
    pub healthy: bool,
    /// The dashboard.
    pub dashboard: Option<Value>,
    /// The group of alert rules.
    pub rules: Option<Value>,
}

/// A new workspace.
pub(super) fn workspace(hub: &str, location: &str) -> Value {
    json!({
        "location": location,
        "tags": {names::AZURE_TAG: hub},
        "sku": {"name": "Standard"},
        "identity": {"type": "SystemAssigned"},
        "properties": {"apiKey": "Disabled", "publicNetworkAccess": "Enabled"},
    })
}

/// The uid of something of a hub's; also of its data source (`""`) and folder.
pub(super) fn uid(hub: &str, what: &str) -> String {
    let base = if hub.contains("thanos") {
        hub.to_owned()
    } else {
        format!("thanos-{hub}")
    };
    let whole = if what.is_empty() {
        base
    } else {
        format!("{base}-{what}")
    };
    if whole.len() <= UID {
        return whole;
    }
    let digits = ids::digits(&whole, 8);
    format!("{}-{digits}", &whole[..UID - 9])
}

/// Whether everything that is wanted is there with the same value; what Grafana adds does not count.
pub(super) fn covers(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => wanted.iter().all(|(key, wanted)| {
            found.get(key).is_some_and(|found| covers(found, wanted)) || wanted.is_null()
        }),
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(a, b)| covers(a, b))
        }
        (Value::Number(found), Value::Number(wanted)) => found.as_f64() == wanted.as_f64(),
        _ => found == wanted,
    }
}

/// What Grafana holds of a hub; `None`: it cannot be asked (yet).
pub(super) async fn look(azure: &Azure, endpoint: &str, hub: &str) -> Option<Board> {
    let grafana = Grafana { azure, endpoint };
    let source = uid(hub, "");
    let data_source = grafana.get(&path_of_source(&source)).await.ok()?;
    let healthy = match &data_source {
        Some(_) => grafana.is_healthy(&source).await,
        None => false,
    };
    let dashboard = grafana.get(&path_of_dashboard(hub)).await.ok()?;
    Some(Board {
        data_source,
        healthy,
        dashboard: dashboard.map(|found| found["dashboard"].clone()),
        rules: grafana.get(&path_of_rules(hub)).await.ok()?,
    })
}

/// A data source that has the uid of the hub's, and is not the hub's.
pub(super) fn foreign(source: &Value, hub: &str) -> Option<Failure> {
    if is_of(source, hub) {
        return None;
    }
    let text = |key: &str| source[key].as_str().unwrap_or_default().to_owned();
    let message = format!(
        "the Grafana data source {} is somebody else's",
        uid(hub, "")
    );
    Some(
        Failure::refused(message)
            .code(codes::AZURE_NOT_OURS)
            .because(format!("{} reads {}", text("name"), text("url")))
            .hint("delete it if nobody needs it, or choose another name for the hub with --name"),
    )
}

/// Makes the data source, with the password, unless it is there, the same, and works.
pub(super) async fn ensure_source(
    azure: &Azure,
    endpoint: &str,
    hub: &str,
    reader: &Reader<'_>,
    waits: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let grafana = Grafana { azure, endpoint };
    let uid = uid(hub, "");
    let mut wanted = data_source(hub, reader.url);
    wanted["basicAuthUser"] = json!(reader.user);
    let found = grafana
        .patient(Method::GET, &path_of_source(&uid), None, waits)
        .await?;
    if let Some(failure) = found.as_ref().and_then(|found| foreign(found, hub)) {
        return Err(failure);
    }
    if let Some(found) = &found
        && covers(found, &wanted)
        && reader.authority.is_none()
        && grafana.is_healthy(&uid).await
    {
        return Ok(());
    }
    let mut secure = json!({"basicAuthPassword": reader.password});
    if let Some(authority) = reader.authority {
        wanted["jsonData"]["tlsAuthWithCACert"] = Value::Bool(true);
        secure["tlsCACert"] = json!(authority);
    }
    wanted["secureJsonData"] = secure;
    let (method, path) = match found {
        Some(_) => (Method::PUT, path_of_source(&uid)),
        None => (Method::POST, "/api/datasources".to_owned()),
    };
    grafana.patient(method, &path, Some(&wanted), waits).await?;
    Ok(())
}

/// Makes the folder and the dashboard in it.
pub(super) async fn ensure_dashboard(
    azure: &Azure,
    endpoint: &str,
    hub: &str,
    waits: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let grafana = Grafana { azure, endpoint };
    grafana.ensure_folder(hub, waits).await?;
    let body = json!({
        "dashboard": dashboard(hub),
        "folderUid": uid(hub, ""),
        "overwrite": true,
        "message": "kubectl thanos",
    });
    grafana
        .patient(Method::POST, "/api/dashboards/db", Some(&body), waits)
        .await?;
    Ok(())
}

/// Makes the alert rules, which stay editable in Grafana.
pub(super) async fn ensure_rules(
    azure: &Azure,
    endpoint: &str,
    hub: &str,
    waits: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let grafana = Grafana { azure, endpoint };
    grafana.ensure_folder(hub, waits).await?;
    grafana
        .patient(Method::PUT, &path_of_rules(hub), Some(&rules(hub)), waits)
        .await?;
    Ok(())
}

fn path_of_source(uid: &str) -> String {
    format!("/api/datasources/uid/{uid}")
}

fn path_of_dashboard(hub: &str) -> String {
    format!("/api/dashboards/uid/{}", uid(hub, "arrival"))
}

fn path_of_rules(hub: &str) -> String {
    format!(
        "/api/v1/provisioning/folder/{}/rule-groups/{GROUP}",
        uid(hub, "")
    )
}

/// One workspace's own API.
struct Grafana<'a> {
    azure: &'a Azure,
    endpoint: &'a str,
}

impl Grafana<'_> {
    async fn ensure_folder(&self, hub: &str, waits: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        let uid = uid(hub, "");
        let path = format!("/api/folders/{uid}");
        if self
            .patient(Method::GET, &path, None, waits)
            .await?
            .is_none()
        {
            let body = json!({"uid": uid, "title": content::title(hub)});
            self.patient(Method::POST, "/api/folders", Some(&body), waits)
                .await?;
        }
        Ok(())
    }

    async fn is_healthy(&self, uid: &str) -> bool {
        let path = format!("/api/datasources/uid/{uid}/health");
        let answer = self.get(&path).await.ok().flatten();
        answer.is_some_and(|answer| answer["status"] == "OK")
    }

    /// What is there; an error where it cannot be asked.
    async fn get(&self, path: &str) -> Result<Option<Value>, ()> {
        match self.send(Method::GET, path, None).await {
            Ok(reply) if reply.status < 300 => Ok(Some(reply.json())),
            Ok(reply) if reply.status == 404 => Ok(None),
            _ => Err(()),
        }
    }

    /// Sends a request again until the role is seen and Grafana is up. `None`: it is not there.
    async fn patient(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        waits: &mut dyn FnMut(&str),
    ) -> Result<Option<Value>, Failure> {
        let deadline = Instant::now() + self.azure.pace.spreading;
        loop {
            let (why, wait) = match self.send(method.clone(), path, body).await {
                Ok(reply) if reply.status < 300 => return Ok(Some(reply.json())),
                Ok(reply) if reply.status == 404 && method == Method::GET => return Ok(None),
                Ok(reply) => match reply.status {
                    401 | 403 => (
                        "the Grafana Admin role to be seen by Grafana".to_owned(),
                        None,
                    ),
                    404 | 429 | 500.. => (
                        format!("Grafana, which answered {}", reply.status),
                        pause(&reply),
                    ),
                    _ => return Err(refused(&method, path, &reply)),
                },
                Err(why) => (format!("Grafana ({why})"), None),
            };
            if Instant::now() >= deadline {
                return Err(Failure::failed("Grafana cannot be set up yet")
                    .code(codes::AZURE_LATE)
                    .because(format!("still waiting for {why}"))
                    .hint("run the same command again in a few minutes"));
            }
            waits(&why);
            tokio::time::sleep(wait.unwrap_or(self.azure.pace.look)).await;
        }
    }

    /// With the first audience that the workspace takes.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Reply, String> {
        let address = format!("{}{path}", self.endpoint.trim_end_matches('/'));
        let url = Url::parse(&address)
            .ok()
            .filter(|url| url.scheme() == "https")
            .ok_or_else(|| format!("{} is no https address", self.endpoint))?;
        let mut last = Err("no token for it".to_owned());
        for audience in AUDIENCES {
            let scope = format!("{audience}/.default");
            let token = match self.azure.identity.try_token(&scope).await {
                Ok(token) => token,
                Err(why) => {
                    if last.is_err() {
                        last = Err(why);
                    }
                    continue;
                }
            };
            if method != Method::GET {
                self.azure.arm.count_write();
            }
            let bytes = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
            let sent = self
                .azure
                .http
                .send(
                    method.clone(),
                    &url,
                    headers(token.secret(), body.is_some()),
                    bytes,
                )
                .await;
            match sent {
                Ok(reply) if reply.status == 401 => last = Ok(reply),
                Ok(reply) => return Ok(reply),
                Err(error) => return Err(error.to_string()),
            }
        }
        last
    }
}

fn headers(token: &str, has_body: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {token}")) {
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if has_body {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        // Alert rules that were provisioned without it cannot be edited in Grafana.
        headers.insert("x-disable-provenance", HeaderValue::from_static("true"));
    }
    headers
}

/// Only the status and Grafana's own sentence: the body that we sent holds the password.
fn refused(method: &Method, path: &str, reply: &Reply) -> Failure {
    let body = reply.json();
    let message = body["message"].as_str().unwrap_or("without a reason");
    Failure::failed(format!("Grafana refuses {method} {path}"))
        .code(codes::AZURE_GRAFANA)
        .because(format!("it answered {}: {message}", reply.status))
        .hint("look at what has that name in the workspace; rename or delete it, and run the same command again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grafana_adds_does_not_count() {
        let wanted = json!({"a": [1, {"b": "c"}], "id": null});
        assert!(covers(
            &json!({"a": [1.0, {"b": "c", "x": 1}], "y": 2}),
            &wanted
        ));
        assert!(!covers(&json!({"a": [1, {"b": "d"}]}), &wanted));
        assert!(!covers(&json!({"a": [1]}), &wanted));
    }

    #[test]
    fn a_data_source_of_somebody_else_is_refused() {
        let ours = data_source("thanos", "https://query.example.com");
        assert!(foreign(&ours, "thanos").is_none());
        let other = json!({"name": "Thanos", "url": "https://other", "jsonData": {}});
        for (source, hub) in [(&other, "thanos"), (&ours, "blue")] {
            let failure = foreign(source, hub).unwrap();
            assert_eq!(failure.kind.exit_code(), 5, "{failure:?}");
        }
    }

    #[test]
    fn uids_are_short_and_tell_hubs_apart() {
        assert_eq!(uid("thanos", ""), "thanos");
        assert_eq!(uid("blue", "arrival"), "thanos-blue-arrival");
        let long = uid(&"h".repeat(53), "arrival");
        assert_eq!(long.len(), UID);
        assert_ne!(long, uid(&"h".repeat(52), "arrival"));
    }
}
