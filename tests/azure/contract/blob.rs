//! The blob service: Azurite behind a guard that knows roles, which Azurite does not.

use std::sync::Mutex;

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::{Value, json};
use thanos_tests::http::Http;

use super::{Asked, OPERATOR, Reply, State, tokens};

const AUDIENCE: &str = "https://storage.azure.com";
const CONTRIBUTOR: &str = "ba92f5b4-2d11-453d-a403-e96b0029c9fe";

/// `/blob/ACCOUNT/CONTAINER?…`: let through with a role on that container.
pub(super) async fn answer(state: &Mutex<State>, asked: &Asked) -> Result<Reply> {
    let claims = tokens::claims(asked);
    let path = asked.path.trim_start_matches("/blob").to_owned();
    let refusal = {
        let mut state = state.lock().unwrap();
        if let Some((status, code)) = state.refuse_blobs {
            return Ok(Reply::new(status, json!({"code": code})).with("x-ms-error-code", code));
        }
        state.seen.push(format!("{} {}", asked.method, asked.path));
        refusal(&mut state, asked, &claims, &path)
    };
    if let Some(code) = refusal {
        let status = if code == "InvalidAuthenticationInfo" {
            401
        } else {
            403
        };
        return Ok(Reply::new(status, json!({"code": code})).with("x-ms-error-code", code));
    }
    let azurite = state.lock().unwrap().azurite.clone();
    let azurite = azurite.context("no Azurite is behind the guard")?;
    let authorization = asked
        .headers
        .get("authorization")
        .map_or("", String::as_str);
    let version = asked.headers.get("x-ms-version").map_or("", String::as_str);
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&asked.query)
        .finish();
    let got = azurite
        .send(
            Method::GET,
            &format!("{path}?{query}"),
            &[("authorization", authorization), ("x-ms-version", version)],
            Vec::new(),
        )
        .await?;
    Ok(Reply::new(got.status.as_u16(), Value::Null))
}

fn refusal(state: &mut State, asked: &Asked, claims: &Value, path: &str) -> Option<&'static str> {
    if asked.query("restype") != Some("container") || !asked.headers.contains_key("x-ms-version") {
        state
            .violations
            .push(format!("blob: {} {:?}", asked.path, asked.query));
    }
    if claims["aud"] != AUDIENCE {
        return Some("InvalidAuthenticationInfo");
    }
    let (account, container) = path
        .trim_start_matches('/')
        .split_once('/')
        .unwrap_or_default();
    let scope = format!("/storageaccounts/{account}/blobservices/default/containers/{container}");
    let has_role = state.resources.values().any(|one| {
        let of = one["properties"]["scope"]
            .as_str()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let role = one["properties"]["roleDefinitionId"]
            .as_str()
            .unwrap_or_default();
        one["properties"]["principalId"] == claims["oid"]
            && of.ends_with(&scope)
            && role.ends_with(CONTRIBUTOR)
    });
    if !has_role {
        return Some("AuthorizationPermissionMismatch");
    }
    if state.role_delay > 0 {
        state.role_delay -= 1;
        return Some("AuthorizationPermissionMismatch");
    }
    None
}

/// What ARM makes is there for the data too.
pub(super) async fn make(azurite: &Http, path: &str) -> Result<()> {
    let account = path
        .split("/storageAccounts/")
        .nth(1)
        .context("an account")?;
    let account = account.split('/').next().unwrap_or_default();
    let container = path.rsplit('/').next().unwrap_or_default();
    let bearer = format!("Bearer {}", tokens::token(AUDIENCE, OPERATOR));
    let made = azurite
        .send(
            Method::PUT,
            &format!("/{account}/{container}?restype=container"),
            &[
                ("authorization", &bearer),
                ("x-ms-version", "2023-11-03"),
                ("content-length", "0"),
            ],
            Vec::new(),
        )
        .await?;
    made.fine().map(drop)
}
