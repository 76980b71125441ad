//! The authority: tokens for workload identities and managed identities, as azure_identity asks for them.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Asked, OPERATOR, OPERATOR_CLIENT, Reply, State, TENANT};

/// No output may hold it: the end of every token.
pub(crate) const MARK: &str = "never-show-this-signature";
/// What the platform gives a program that may ask for managed identities.
pub(crate) const HEADER: &str = "never-show-this-header";

/// An unsigned token, as Azurite takes it.
pub(crate) fn token(audience: &str, object_id: &str) -> String {
    let now = Timestamp::now().as_second();
    assertion(&json!({
        "aud": audience,
        "iss": format!("https://sts.windows.net/{TENANT}/"),
        "oid": object_id,
        "tid": TENANT,
        "idtyp": "app",
        "iat": now - 60,
        "nbf": now - 60,
        "exp": now + 3600,
    }))
}

/// Any claims.
pub(crate) fn assertion(claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.{MARK}",
        part(&json!({"alg": "none", "typ": "JWT"})),
        part(claims)
    )
}

/// What a bearer token says; nothing if there is none.
pub(crate) fn claims(asked: &Asked) -> Value {
    asked
        .headers
        .get("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(read)
        .unwrap_or_default()
}

fn read(token: &str) -> Value {
    token
        .split('.')
        .nth(1)
        .and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok())
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

pub(super) fn answer(state: &mut State, asked: &Asked) -> Reply {
    if asked.path == "/msi/token" {
        return managed(state, asked);
    }
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&asked.body)
        .into_owned()
        .collect();
    let field = |name: &str| {
        let found = form.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let mut names: Vec<&str> = form.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let is_documented = asked.method == "POST"
        && asked.path == format!("/{TENANT}/oauth2/v2.0/token")
        && names
            == [
                "client_assertion",
                "client_assertion_type",
                "client_id",
                "grant_type",
                "scope",
            ]
        && field("grant_type") == "client_credentials"
        && field("client_assertion_type")
            == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    if !is_documented {
        state
            .violations
            .push(format!("token: {} {names:?}", asked.path));
        return Reply::new(400, json!({"error": "invalid_request"}));
    }
    let unknown = |number: u32, why: &str| {
        Reply::new(
            400,
            json!({"error": "invalid_request", "error_codes": [number],
                   "error_description": format!("AADSTS{number}: {why}")}),
        )
    };
    let shown = read(field("client_assertion"));
    let object_id = if field("client_id") == OPERATOR_CLIENT {
        OPERATOR.to_owned()
    } else {
        let Some((path, identity)) = state.resources.iter().find(|(path, one)| {
            path.contains("/userassignedidentities/")
                && one["properties"]["clientId"] == field("client_id")
        }) else {
            return unknown(700_016, "Application was not found in the directory");
        };
        let is_federated = state.resources.iter().any(|(other, one)| {
            other.starts_with(&format!("{path}/federatedidentitycredentials/"))
                && one["properties"]["issuer"] == shown["iss"]
                && one["properties"]["subject"] == shown["sub"]
                && one["properties"]["audiences"][0] == shown["aud"]
        });
        let object_id = identity["properties"]["principalId"]
            .as_str()
            .unwrap_or_default();
        let object_id = object_id.to_owned();
        if !is_federated || state.credential_delay > 0 {
            state.credential_delay = state.credential_delay.saturating_sub(1);
            return unknown(
                70_021,
                "No matching federated identity record found for presented assertion.",
            );
        }
        object_id
    };
    let audience = field("scope").trim_end_matches("/.default");
    Reply::new(
        200,
        json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
               "access_token": token(audience, &object_id)}),
    )
}

/// The App Service form, which is the one that loopback can serve.
fn managed(state: &mut State, asked: &Asked) -> Reply {
    let is_documented = asked.method == "GET"
        && asked.query("api-version") == Some("2019-08-01")
        && asked.query("resource").is_some()
        && asked.headers.get("metadata").map(String::as_str) == Some("true")
        && asked.headers.get("x-identity-header").map(String::as_str) == Some(HEADER);
    if !is_documented {
        state
            .violations
            .push(format!("managed token: {:?}", asked.query));
        return Reply::new(400, json!({"error": "invalid_request"}));
    }
    if asked
        .query("client_id")
        .is_some_and(|client| client != OPERATOR_CLIENT)
    {
        return Reply::new(
            400,
            json!({"error": "invalid_request", "error_description": "Identity not found"}),
        );
    }
    let resource = asked.query("resource").unwrap_or_default();
    let expires = (Timestamp::now().as_second() + 3600).to_string();
    Reply::new(
        200,
        json!({"access_token": token(resource, OPERATOR), "expires_on": expires,
               "resource": resource, "token_type": "Bearer"}),
    )
}
