//! Who we are to Azure: a login that is found, and tokens from it. The only user of azure_identity.
//!
//! Tried in this order: the workload identity of a pod, a managed identity, the Azure CLI. Each that fails says so in
//! one sentence. Tokens are kept in memory until shortly before they expire, and never shown.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use azure_core::credentials::{AccessToken, Secret, TokenCredential};
use azure_core::http::{ClientMethodOptions, ClientOptions, HttpClient, Transport};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertion, ClientAssertionCredential,
    ClientAssertionCredentialOptions, Executor, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use thanos_core::codes;

use super::http::Http;
use crate::failure::Failure;
use crate::surroundings::Surroundings;

/// A machine of Azure answers at once; anywhere else nobody does, and azure_identity would ask for 72 s.
const PROBE: Duration = Duration::from_secs(1);
/// As long as one way to log in may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// A token is fetched anew when it has less than this left.
const MARGIN: u64 = 300;
const METADATA: &str = "http://169.254.169.254/metadata/instance?api-version=2021-02-01";

/// A login that works.
pub(super) struct Identity {
    credential: Arc<dyn TokenCredential>,
    way: &'static str,
    tokens: Mutex<BTreeMap<String, AccessToken>>,
}

/// Who a token is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Caller {
    /// Object id of the user or the service principal.
    pub(super) object_id: String,
    /// `User` or `ServicePrincipal`, as role assignments want it.
    pub(super) kind: &'static str,
}

impl Identity {
    /// Finds the first login that gets a token for `scope`.
    pub(super) async fn find(
        http: &Arc<Http>,
        around: &Surroundings,
        subscription: Option<&str>,
        scope: &str,
    ) -> Result<Self, Failure> {
        let mut sentences = Vec::new();
        for way in [Way::Workload, Way::Managed, Way::CommandLine] {
            let found = match way.credential(http, around, subscription).await {
                Ok(credential) => Self::with(credential, way.name()),
                Err(sentence) => {
                    sentences.push(format!("{}: {sentence}", way.name()));
                    continue;
                }
            };
            match found.fetch(scope).await {
                Ok(_) => return Ok(found),
                Err(sentence) => sentences.push(format!("{}: {sentence}", way.name())),
            }
        }
        let mut failure = Failure::failed("no login to Azure was found")
            .code(codes::AZURE_NO_LOGIN)
            .hint("az login");
        failure.causes = sentences;
        Err(failure)
    }

    /// The identity that a Kubernetes ServiceAccount is federated with, by a token of that ServiceAccount.
    pub(super) fn of_service_account(
        http: &Arc<Http>,
        tenant: &str,
        client: &str,
        token: &str,
    ) -> Result<Self, Failure> {
        let options = ClientAssertionCredentialOptions {
            client_options: options(http),
        };
        let assertion = Assertion(Secret::new(token.to_owned()));
        let credential = ClientAssertionCredential::new(
            tenant.to_owned(),
            client.to_owned(),
            assertion,
            Some(options),
        )
        .map_err(|error| no_token("the federated identity", &sentence(&error)))?;
        Ok(Self::with(credential, "the federated identity"))
    }

    /// Which way it was found.
    pub(super) fn way(&self) -> &'static str {
        self.way
    }

    /// A token for a scope, from memory where it is fresh.
    pub(super) async fn token(&self, scope: &str) -> Result<Secret, Failure> {
        self.try_token(scope)
            .await
            .map_err(|why| no_token(self.way, &why))
    }

    /// As [`Identity::token`], with the reason alone.
    pub(super) async fn try_token(&self, scope: &str) -> Result<Secret, String> {
        let kept = {
            let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.get(scope).filter(|token| is_fresh(token)).cloned()
        };
        match kept {
            Some(token) => Ok(token.token),
            None => self.fetch(scope).await,
        }
    }

    /// Forgets what it holds: a server has refused it.
    pub(super) fn forget(&self) {
        self.tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Who the token for a scope is for, by what it says of itself.
    pub(super) async fn caller(&self, scope: &str) -> Result<Caller, Failure> {
        let token = self.token(scope).await?;
        let claims = token
            .secret()
            .split('.')
            .nth(1)
            .and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok())
            .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
            .unwrap_or_default();
        let names_a_user = claims["upn"].is_string() || claims["unique_name"].is_string();
        let is_user = claims["idtyp"]
            .as_str()
            .map_or(names_a_user, |kind| kind == "user");
        let kind = if is_user { "User" } else { "ServicePrincipal" };
        Ok(Caller {
            object_id: claims["oid"].as_str().unwrap_or_default().to_owned(),
            kind,
        })
    }

    fn with(credential: Arc<dyn TokenCredential>, way: &'static str) -> Self {
        Self {
            credential,
            way,
            tokens: Mutex::default(),
        }
    }

    async fn fetch(&self, scope: &str) -> Result<Secret, String> {
        let scopes = [scope];
        let asked = self.credential.get_token(&scopes, None);
        let token = tokio::time::timeout(PATIENCE, asked)
            .await
            .map_err(|_| format!("no token came within {} s", PATIENCE.as_secs()))?
            .map_err(|error| sentence(&error))?;
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(scope.to_owned(), token.clone());
        Ok(token.token)
    }
}

/// One way to log in.
#[derive(Clone, Copy)]
enum Way {
    Workload,
    Managed,
    CommandLine,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Workload => "workload identity",
            Self::Managed => "managed identity",
            Self::CommandLine => "Azure CLI",
        }
    }

    async fn credential(
        self,
        http: &Arc<Http>,
        around: &Surroundings,
        subscription: Option<&str>,
    ) -> Result<Arc<dyn TokenCredential>, String> {
        match self {
            Self::Workload => {
                let Some(file) = around.variable("AZURE_FEDERATED_TOKEN_FILE") else {
                    return Err("AZURE_FEDERATED_TOKEN_FILE is not set".to_owned());
                };
                let variable = |name| around.variable(name).map(str::to_owned);
                let mut asked = WorkloadIdentityCredentialOptions {
                    token_file_path: Some(file.into()),
                    client_id: variable("AZURE_CLIENT_ID"),
                    tenant_id: variable("AZURE_TENANT_ID"),
                    ..WorkloadIdentityCredentialOptions::default()
                };
                asked.credential_options.client_options = options(http);
                let made = WorkloadIdentityCredential::new(Some(asked));
                Ok(made.map_err(|error| sentence(&error))?)
            }
            Self::Managed => {
                if around.variable("IDENTITY_ENDPOINT").is_none() && !is_in_azure(http).await {
                    return Err("this machine has none".to_owned());
                }
                let client = around.variable("AZURE_CLIENT_ID");
                let made = ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                    user_assigned_id: client.map(|id| UserAssignedId::ClientId(id.to_owned())),
                    client_options: options(http),
                }));
                Ok(made.map_err(|error| sentence(&error))?)
            }
            Self::CommandLine => {
                let made = AzureCliCredential::new(Some(AzureCliCredentialOptions {
                    subscription: subscription.map(str::to_owned),
                    tenant_id: None,
                    executor: Some(Arc::new(Shell)),
                }));
                Ok(made.map_err(|error| sentence(&error))?)
            }
        }
    }
}

/// Whether the metadata service of a machine of Azure answers; any answer will do.
async fn is_in_azure(http: &Http) -> bool {
    let Ok(url) = METADATA.parse() else {
        return false;
    };
    let headers = [(
        http::HeaderName::from_static("metadata"),
        http::HeaderValue::from_static("true"),
    )];
    let asked = http.send(
        http::Method::GET,
        &url,
        headers.into_iter().collect(),
        Vec::new(),
    );
    matches!(tokio::time::timeout(PROBE, asked).await, Ok(Ok(reply)) if reply.status != 404)
}

/// Runs `az`, and ends it with us.
#[derive(Debug)]
struct Shell;

#[async_trait::async_trait]
impl Executor for Shell {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> std::io::Result<std::process::Output> {
        tokio::process::Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
    }
}

/// A ServiceAccount's token, shown to the authority.
#[derive(Debug)]
struct Assertion(Secret);

#[async_trait::async_trait]
impl ClientAssertion for Assertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok(self.0.secret().to_owned())
    }
}

fn options(http: &Arc<Http>) -> ClientOptions {
    let client: Arc<dyn HttpClient> = http.clone();
    ClientOptions {
        transport: Some(Transport::new(client)),
        ..ClientOptions::default()
    }
}

fn is_fresh(token: &AccessToken) -> bool {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    u64::try_from(token.expires_on.unix_timestamp()).is_ok_and(|expires| expires > now + MARGIN)
}

fn no_token(way: &str, why: &str) -> Failure {
    Failure::failed(format!("{way} gets no token"))
        .code(codes::AZURE_NO_LOGIN)
        .because(why)
        .hint("az login")
}

/// What azure_identity says, as one line: without the type's name, links, and anything long enough to be a token.
fn sentence(error: &azure_core::Error) -> String {
    let text = error.to_string();
    let text = text
        .split_once("authentication failed.")
        .map_or(text.as_str(), |(_, rest)| rest);
    let line = text
        .lines()
        .map(|line| line.trim().trim_start_matches("ERROR:").trim())
        .find(|line| !line.is_empty() && !line.starts_with("To troubleshoot"))
        .unwrap_or("it failed without a reason");
    let words: Vec<&str> = line
        .split_whitespace()
        .map(|word| if word.len() > 80 { "…" } else { word })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use azure_core::error::ErrorKind;

    fn said(text: &str) -> String {
        sentence(&azure_core::Error::with_message(
            ErrorKind::Credential,
            text.to_owned(),
        ))
    }

    #[test]
    fn an_error_becomes_one_line() {
        assert_eq!(
            said(
                "AzureCliCredential authentication failed. ERROR: Please run 'az login' to setup account.\n\nTo troubleshoot, visit https://aka.ms/x"
            ),
            "Please run 'az login' to setup account."
        );
        assert_eq!(said(""), "it failed without a reason");
    }

    #[test]
    fn what_could_be_a_token_is_not_said() {
        let token = "e".repeat(200);
        assert_eq!(said(&format!("bad answer: {token}")), "bad answer: …");
    }
}
