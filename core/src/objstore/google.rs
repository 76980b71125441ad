//! A Google credentials file's content, as `golang.org/x/oauth2/google` reads it.
//!
//! `google.CredentialsFromJSON` in <https://github.com/golang/oauth2/blob/v0.36.0/google/default.go>; keys inside are
//! parsed only when a token is asked for, so they are no part of the verdict.

use serde_json::{Map, Value};

const TEXTS: [&str; 20] = [
    "type",
    "client_email",
    "private_key_id",
    "private_key",
    "auth_uri",
    "token_uri",
    "project_id",
    "universe_domain",
    "client_secret",
    "client_id",
    "refresh_token",
    "audience",
    "subject_token_type",
    "token_url",
    "token_info_url",
    "service_account_impersonation_url",
    "quota_project_id",
    "workforce_pool_user_project",
    "revoke_url",
    "cred_type",
];

/// What such a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    /// Whether it holds a key or a token that does not change by itself.
    pub(super) is_static: bool,
    /// Whether it is an OAuth client of the developers' console, which no program can use without a person.
    pub(super) is_client: bool,
}

/// Reads it, or says what is wrong.
pub(super) fn read(text: &str) -> Result<Credentials, &'static str> {
    const NOT_JSON: &str = "must be the content of the key file, which is JSON, written as a block (service_account: |); a path goes into the variable GOOGLE_APPLICATION_CREDENTIALS, and with workload identity the field is left out";
    let value: Value = serde_json::from_str(text).map_err(|_| NOT_JSON)?;
    let Value::Object(file) = value else {
        return Err(NOT_JSON);
    };
    if is_client(&file) {
        return Ok(Credentials {
            is_static: true,
            is_client: true,
        });
    }
    check(&file)?;
    Ok(Credentials {
        is_static: holds_secret(&file),
        is_client: false,
    })
}

/// `client_credentials.json` of the developers' console, which is looked for first.
fn is_client(file: &Map<String, Value>) -> bool {
    let client = get(file, "web").or_else(|| get(file, "installed"));
    client
        .and_then(Value::as_object)
        .and_then(|client| get(client, "redirect_uris")?.as_array())
        .is_some_and(|uris| !uris.is_empty() && uris.iter().all(Value::is_string))
}

fn check(file: &Map<String, Value>) -> Result<(), &'static str> {
    let is_text = |name: &&str| get(file, name).is_none_or(Value::is_string);
    if !TEXTS[..19].iter().all(is_text) {
        return Err("holds JSON with a field that must be a text and is none");
    }
    let text = |name: &str| get(file, name).and_then(Value::as_str).unwrap_or_default();
    let source = get(file, "source_credentials").and_then(Value::as_object);
    match text("type") {
        "service_account" | "gdch_service_account" | "authorized_user" => Ok(()),
        "external_account" => {
            if text("audience").is_empty() || text("subject_token_type").is_empty() {
                return Err(
                    "holds JSON of type external_account without audience or subject_token_type",
                );
            }
            Ok(())
        }
        "external_account_authorized_user" => {
            let needed = ["refresh_token", "token_url", "client_id", "client_secret"];
            if needed.iter().any(|name| text(name).is_empty()) {
                return Err(
                    "holds JSON of type external_account_authorized_user without refresh_token, token_url, client_id or client_secret",
                );
            }
            Ok(())
        }
        "impersonated_service_account" => match source {
            Some(source) if !text("service_account_impersonation_url").is_empty() => check(source),
            _ => Err(
                "holds JSON of type impersonated_service_account without source_credentials or service_account_impersonation_url",
            ),
        },
        "" => Err("holds JSON without a type: is it a key file?"),
        _ => Err("holds JSON of a type that is no Google credential"),
    }
}

fn holds_secret(file: &Map<String, Value>) -> bool {
    let is_set = |name| {
        get(file, name)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    is_set("private_key")
        || is_set("refresh_token")
        || get(file, "source_credentials")
            .and_then(Value::as_object)
            .is_some_and(holds_secret)
}

/// Go takes a key in any case, the last of them wins, and null is nothing.
fn get<'a>(file: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    file.iter()
        .filter(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_null())
        .map(|(_, value)| value)
        .next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_static_and_federation_is_not() {
        let key = r#"{"type": "service_account", "private_key": "x"}"#;
        assert_eq!(read(key).map(|file| file.is_static), Ok(true));
        let federation =
            r#"{"type": "external_account", "audience": "a", "subject_token_type": "t"}"#;
        assert_eq!(read(federation).map(|file| file.is_static), Ok(false));
        for wrong in [
            "/etc/key.json",
            "[]",
            "{}",
            r#"{"type": "x"}"#,
            r#"{"type": 1}"#,
            r#"{"type": "external_account"}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
