//! The storage account and its container; and the proof that the container can be reached by a token alone.

use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Map, Value, json};
use thanos_core::{codes, names};
use url::Url;

use super::facts::StorageAccount;
use super::identity::Identity;
use super::{Azure, Values};
use crate::failure::Failure;

/// For whom tokens of the blob service are.
const SCOPE: &str = "https://storage.azure.com/.default";
/// The version of the blob service's protocol: old enough for every cloud.
const PROTOCOL: &str = "2023-11-03";

/// What a safe account has: no key, no public blob, no old TLS.
fn safe() -> Value {
    json!({
        "allowBlobPublicAccess": false,
        "allowSharedKeyAccess": false,
        "defaultToOAuthAuthentication": true,
        "minimumTlsVersion": "TLS1_2",
        "supportsHttpsTrafficOnly": true,
    })
}

/// A new account.
pub(super) fn account(hub: &str, location: &str) -> Value {
    json!({
        "kind": "StorageV2",
        "sku": {"name": "Standard_ZRS"},
        "location": location,
        "tags": {names::AZURE_TAG: hub},
        "properties": safe(),
    })
}

/// A new container.
pub(super) fn container() -> Value {
    json!({"properties": {"publicAccess": "None"}})
}

/// The safe properties that an account lacks; a property that it does not say has Azure's default, which is not ours.
pub(super) fn unsafe_properties(account: &StorageAccount) -> Map<String, Value> {
    let Value::Object(mut lacking) = safe() else {
        return Map::new();
    };
    lacking.retain(|name, wanted| account.properties[name.as_str()] != *wanted);
    lacking
}

/// `blob.core.windows.net`, as Thanos wants it: `https://ACCOUNT.` stands before it.
pub(super) fn endpoint(account: &StorageAccount) -> String {
    let url = account.blob_endpoint.trim_end_matches('/');
    let host = url.split_once("://").map_or(url, |(_, host)| host);
    host.strip_prefix(&format!("{}.", account.name))
        .unwrap_or(host)
        .to_owned()
}

/// What a look at the container showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It answered.
    Reached,
    /// Whoever asked has no role on its data; or has one that is not seen everywhere yet.
    NoRole,
    /// The account's network rules keep us out; Thanos may still be let in.
    Network,
    /// It is not there.
    Missing,
    /// No token: the federated credential is not seen yet, or is not the one of this ServiceAccount.
    NoToken(String),
}

/// Asks for the container's properties with our own login, as Thanos does at its start. Read only.
///
/// # Errors
/// The blob service does not answer, or answers what it should not.
pub async fn reach(azure: &Azure, blob_endpoint: &str, container: &str) -> Result<Reach, Failure> {
    look(azure, &azure.identity, blob_endpoint, container).await
}

/// The same as the Thanos that will run: `token` is one of its ServiceAccount, for the audience
/// `api://AzureADTokenExchange`. Waits until the credential and the role are seen, and says so through `waits`.
///
/// # Errors
/// It is not reached in time (KTH8112), it is not there, or the network rules keep us out (KTH8115).
pub async fn prove(
    azure: &Azure,
    values: &Values,
    blob_endpoint: &str,
    token: &str,
    waits: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let identity =
        Identity::of_service_account(&azure.http, &values.tenant_id, &values.client_id, token)?;
    let deadline = std::time::Instant::now() + azure.pace.spreading;
    loop {
        let why = match look(azure, &identity, blob_endpoint, &values.container).await? {
            Reach::Reached => return Ok(()),
            Reach::NoRole => "the role to be seen by the storage".to_owned(),
            Reach::NoToken(why) => format!("the federated credential to be seen ({why})"),
            Reach::Missing => {
                return Err(unreached(values)
                    .because("the container is not there")
                    .hint("run the same command again: it makes what is missing"));
            }
            Reach::Network => {
                return Err(unreached(values)
                    .because("the storage account's network rules keep this machine out")
                    .hint(format!(
                        "az storage account show --name {} --query networkRuleSet",
                        values.storage_account
                    )));
            }
        };
        waits(&why);
        if std::time::Instant::now() >= deadline {
            return Err(Failure::failed(format!(
                "Thanos does not reach the container {} yet",
                values.container
            ))
            .code(codes::AZURE_LATE)
            .because(format!("still waiting for {why}"))
            .hint("run the same command again in a few minutes"));
        }
        tokio::time::sleep(azure.pace.look).await;
    }
}

fn unreached(values: &Values) -> Failure {
    Failure::failed(format!(
        "the container {} of {} cannot be reached",
        values.container, values.storage_account
    ))
    .code(codes::AZURE_STORAGE_UNREACHABLE)
}

async fn look(
    azure: &Azure,
    identity: &Identity,
    blob_endpoint: &str,
    container: &str,
) -> Result<Reach, Failure> {
    let failed = |why: String| {
        Failure::failed(format!("the container {container} cannot be looked at"))
            .code(codes::AZURE_STORAGE_UNREACHABLE)
            .because(why)
            .hint("look at the storage account's network rules, and at DNS: a private endpoint answers only inside its network")
    };
    let address = format!(
        "{}/{container}?restype=container",
        blob_endpoint.trim_end_matches('/')
    );
    let url = Url::parse(&address)
        .ok()
        .filter(|url| url.scheme() == "https")
        .ok_or_else(|| failed(format!("{blob_endpoint} is no https address")))?;
    let token = match identity.try_token(SCOPE).await {
        Ok(token) => token,
        Err(why) => return Ok(Reach::NoToken(why)),
    };
    let mut headers = HeaderMap::new();
    if let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {}", token.secret())) {
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
    }
    headers.insert("x-ms-version", HeaderValue::from_static(PROTOCOL));
    let reply = azure
        .http
        .send(Method::GET, &url, headers, Vec::new())
        .await
        .map_err(|error| failed(error.to_string()))?;
    // A HEAD would have no body, so the header says which refusal it is.
    let code = reply.header("x-ms-error-code").unwrap_or_default();
    match (reply.status, code) {
        (200, _) => Ok(Reach::Reached),
        (404, _) => Ok(Reach::Missing),
        (403, "AuthorizationFailure") => Ok(Reach::Network),
        (403, _) => Ok(Reach::NoRole),
        (status, "") => Err(failed(format!("the storage answered {status}"))),
        (status, code) => Err(failed(format!("the storage answered {status} {code}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(properties: Value) -> StorageAccount {
        StorageAccount {
            name: "thanos1".to_owned(),
            blob_endpoint: "https://thanos1.blob.core.windows.net/".to_owned(),
            properties,
            ..StorageAccount::default()
        }
    }

    #[test]
    fn an_account_says_what_it_lacks() {
        assert!(unsafe_properties(&account(safe())).is_empty());
        let mut open = safe();
        open["allowSharedKeyAccess"] = Value::Bool(true);
        let lacking = unsafe_properties(&account(open));
        assert_eq!(lacking.keys().collect::<Vec<_>>(), ["allowSharedKeyAccess"]);
        assert_eq!(unsafe_properties(&account(json!({}))).len(), 5);
    }

    #[test]
    fn the_endpoint_is_what_stands_after_the_accounts_name() {
        assert_eq!(endpoint(&account(json!({}))), "blob.core.windows.net");
        let zoned = StorageAccount {
            blob_endpoint: "https://thanos1.z22.blob.storage.azure.net/".to_owned(),
            ..account(json!({}))
        };
        assert_eq!(endpoint(&zoned), "z22.blob.storage.azure.net");
    }
}
