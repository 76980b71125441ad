//! What Azure refuses, in words: its own error code becomes ours, with the command that helps.

use std::time::Duration;

use serde_json::Value;
use thanos_core::codes::{self, Code};

use crate::azure::http::{NoReply, Reply};
use crate::azure::ids;
use crate::failure::{Failure, Kind};

/// A request that did not do what it should.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    /// `PUT /subscriptions/…`, or the id that was waited for.
    what: String,
    /// 0: there was no answer.
    status: u16,
    /// Azure's own: `AuthorizationFailed`.
    pub(in crate::azure) code: String,
    message: String,
    correlation: Option<String>,
    login: Option<Box<Failure>>,
}

impl Trouble {
    /// An answer that is not a good one.
    pub(in crate::azure) fn answered(what: &str, reply: &Reply) -> Self {
        let body = reply.json();
        let error = if body["error"].is_object() {
            &body["error"]
        } else {
            &body
        };
        // The outer code often says no more than that the deployment failed.
        let inner = error["details"].get(0).filter(|inner| {
            inner["code"].is_string()
                && matches!(
                    error["code"].as_str(),
                    None | Some("BadRequest" | "Conflict")
                )
        });
        let error = inner.unwrap_or(error);
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        Self {
            what: what.to_owned(),
            status: reply.status,
            code: text("code"),
            message: one_line(&text("message")),
            correlation: reply
                .header("x-ms-correlation-request-id")
                .map(str::to_owned),
            login: None,
        }
    }

    /// No answer.
    pub(in crate::azure) fn silent(what: &str, error: &NoReply) -> Self {
        Self::of(what, 0, "Unreachable", &error.to_string())
    }

    /// No token.
    pub(in crate::azure) fn login(failure: Failure) -> Self {
        let mut trouble = Self::of("a token", 401, "NoToken", &failure.message);
        trouble.login = Some(Box::new(failure));
        trouble
    }

    /// An operation that ended badly: `{status, error: {code, message}}`.
    pub(in crate::azure) fn operation(id: &str, body: &Value) -> Self {
        let text = |name: &str| body["error"][name].as_str().unwrap_or_default();
        let code = Some(text("code")).filter(|code| !code.is_empty());
        Self::of(id, 200, code.unwrap_or("OperationFailed"), text("message"))
    }

    /// It took too long.
    pub(in crate::azure) fn late(id: &str, patience: Duration) -> Self {
        let message = format!("it is not there after {} s", patience.as_secs());
        Self::of(id, 0, "StillRunning", &message)
    }

    /// An address that is not ARM's.
    pub(in crate::azure) fn odd(link: &str) -> Self {
        Self::of(
            link,
            0,
            "ForeignAddress",
            "the address is not one of Azure Resource Manager",
        )
    }

    fn of(what: &str, status: u16, code: &str, message: &str) -> Self {
        Self {
            what: what.to_owned(),
            status,
            code: code.to_owned(),
            message: one_line(message),
            correlation: None,
            login: None,
        }
    }

    /// Whether it says that a resource is not there.
    pub(in crate::azure) fn is_absence(&self) -> bool {
        self.status == 404 && self.code != "SubscriptionNotFound"
    }

    /// Whether what is there is no longer as it was seen.
    pub(in crate::azure) fn is_overtaken(&self) -> bool {
        self.status == 412
    }

    /// Whether the same request may be answered well a little later.
    pub(in crate::azure) fn passes(&self) -> bool {
        matches!(self.status, 429 | 500 | 502 | 503 | 504)
            || (self.status == 409
                && matches!(
                    self.code.as_str(),
                    "AnotherOperationInProgress"
                        | "RetryableErrorDueToAnotherOperation"
                        | "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity"
                        | "StorageAccountOperationInProgress"
                ))
    }

    /// As a failure: what was tried, why it failed, what to type.
    pub(in crate::azure) fn told(self, tried: &str) -> Failure {
        if let Some(failure) = self.login {
            return *failure;
        }
        let row = self.row();
        let mut failure = Failure::new(self.kind(row), tried.to_owned()).code(row);
        let said = match (self.code.as_str(), self.message.as_str()) {
            ("", "") => format!("Azure answered {}", self.status),
            ("", message) => message.to_owned(),
            (code, "") => code.to_owned(),
            (code, message) => format!("{code}: {message}"),
        };
        failure = failure.because(said);
        if let Some(id) = &self.correlation {
            failure = failure.because(format!("correlation id {id}, for Azure's support"));
        }
        for hint in self.hints(row) {
            failure = failure.hint(hint);
        }
        failure
    }

    fn kind(&self, row: &Code) -> Kind {
        if row == codes::AZURE_UNREACHABLE && self.code == "ForeignAddress" {
            Kind::Refused
        } else {
            Kind::Failed
        }
    }

    fn row(&self) -> &'static Code {
        let code = self.code.as_str();
        let has = |word: &str| code.to_ascii_lowercase().contains(word);
        match (self.status, code) {
            (0, "StillRunning") => codes::AZURE_LATE,
            (0, _) => codes::AZURE_UNREACHABLE,
            (401, _) => codes::AZURE_NO_LOGIN,
            (429, _) => codes::AZURE_THROTTLED,
            (_, "RequestDisallowedByPolicy" | "RequestDisallowedByAzure" | "ScopeLocked") => {
                codes::AZURE_POLICY
            }
            (403, _) | (_, "LinkedAuthorizationFailed" | "AuthorizationFailed") => {
                codes::AZURE_NO_RIGHTS
            }
            (_, "StorageAccountAlreadyTaken" | "AccountNameInvalid" | "AlreadyExists") => {
                codes::AZURE_NAME_TAKEN
            }
            (_, "MissingSubscriptionRegistration" | "SubscriptionNotRegistered") => {
                codes::AZURE_NOT_REGISTERED
            }
            (_, "PrincipalNotFound") => codes::AZURE_LATE,
            (404, _) => codes::AZURE_NOT_FOUND,
            _ if has("quota")
                || has("maxstorageaccounts")
                || has("limitexceeded")
                || has("skunotavailable") =>
            {
                codes::AZURE_QUOTA
            }
            (409 | 412, _) => codes::AZURE_CONFLICT,
            _ => codes::AZURE_REFUSED,
        }
    }

    fn hints(&self, row: &Code) -> Vec<String> {
        let path = self
            .what
            .split_once(' ')
            .map_or(self.what.as_str(), |(_, path)| path);
        let subscription = ids::part(path, "subscriptions").unwrap_or("SUBSCRIPTION");
        let hint = if row == codes::AZURE_NO_RIGHTS {
            self.rights(path)
        } else if row == codes::AZURE_NO_LOGIN {
            let tenant = quoted_after(&self.message, "sts.windows.net/");
            tenant.map_or("az login".to_owned(), |tenant| {
                format!("az login --tenant {}", tenant.trim_end_matches('/'))
            })
        } else if row == codes::AZURE_NAME_TAKEN {
            "choose another name: --storage-account NAME".to_owned()
        } else if row == codes::AZURE_QUOTA {
            let location = "--location REGION or --subscription NAME";
            format!(
                "choose another place: {location}; ask for more: https://aka.ms/azquotaincrease"
            )
        } else if row == codes::AZURE_NOT_REGISTERED {
            let provider = ids::part(path, "providers").unwrap_or("NAMESPACE");
            format!(
                "az provider register --wait --namespace {provider} --subscription {subscription}"
            )
        } else if row == codes::AZURE_POLICY {
            format!(
                "az policy assignment list --subscription {subscription} --disable-scope-strict-match"
            )
        } else if row == codes::AZURE_NOT_FOUND && self.code == "SubscriptionNotFound" {
            "az account list --output table".to_owned()
        } else {
            "run the same command again: it goes on where it stopped".to_owned()
        };
        vec![hint]
    }

    /// The least role that holds the action, as an administrator gives it.
    fn rights(&self, path: &str) -> String {
        let action = between(&self.message, "perform action '", "'").unwrap_or_default();
        let scope = between(&self.message, "over scope '", "'").unwrap_or(path);
        let who = between(&self.message, "object id '", "'").unwrap_or("OBJECT-ID");
        let role = ROLES
            .iter()
            .find(|(prefix, _)| {
                let action = action.to_ascii_lowercase();
                action.starts_with(&prefix.to_ascii_lowercase())
            })
            .map_or("Contributor", |(_, role)| role);
        let role = if action.to_ascii_lowercase().ends_with("/read") {
            "Reader"
        } else {
            role
        };
        format!("az role assignment create --assignee {who} --role \"{role}\" --scope {scope}")
    }
}

/// Beginning of an action, role that holds it.
const ROLES: [(&str, &str); 4] = [
    (
        "Microsoft.Authorization/roleAssignments/",
        "Role Based Access Control Administrator",
    ),
    ("Microsoft.Storage/", "Storage Account Contributor"),
    ("Microsoft.ManagedIdentity/", "Managed Identity Contributor"),
    ("Microsoft.Network/dnsZones/", "DNS Zone Contributor"),
];

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(after)?;
    Some(found).filter(|found| !found.is_empty())
}

fn quoted_after<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    // "The access token is from the wrong issuer '…sts.windows.net/A/'. It must match the tenant '…sts.windows.net/B/'"
    let (_, rest) = text.split_once("must match the tenant")?;
    between(rest, before, "'")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str, message: &str) -> Failure {
        let what =
            "PUT /subscriptions/S/resourceGroups/G/providers/Microsoft.Storage/storageAccounts/a";
        Trouble::of(what, status, code, message).told("the storage account cannot be made")
    }

    #[test]
    fn missing_rights_name_the_role_that_holds_them() {
        let message = "The client 'a@b.c' with object id '11-22' does not have authorization to perform action \
                       'Microsoft.Authorization/roleAssignments/write' over scope '/subscriptions/S/x' or the scope is invalid.";
        let failure = refused(403, "AuthorizationFailed", message);
        assert_eq!(failure.code, Some(codes::AZURE_NO_RIGHTS));
        assert_eq!(
            failure.hints,
            [
                "az role assignment create --assignee 11-22 --role \"Role Based Access Control Administrator\" --scope /subscriptions/S/x"
            ]
        );
    }

    #[test]
    fn codes_of_azure_are_codes_of_ours() {
        for (status, code, ours) in [
            (409, "StorageAccountAlreadyTaken", codes::AZURE_NAME_TAKEN),
            (
                409,
                "MissingSubscriptionRegistration",
                codes::AZURE_NOT_REGISTERED,
            ),
            (
                400,
                "MaxStorageAccountsCountPerSubscriptionExceeded",
                codes::AZURE_QUOTA,
            ),
            (403, "RequestDisallowedByPolicy", codes::AZURE_POLICY),
            (404, "SubscriptionNotFound", codes::AZURE_NOT_FOUND),
            (409, "Conflict", codes::AZURE_CONFLICT),
            (429, "TooManyRequests", codes::AZURE_THROTTLED),
            (400, "BadRequest", codes::AZURE_REFUSED),
            (401, "InvalidAuthenticationToken", codes::AZURE_NO_LOGIN),
            (0, "StillRunning", codes::AZURE_LATE),
            (0, "Unreachable", codes::AZURE_UNREACHABLE),
        ] {
            assert_eq!(refused(status, code, "m").code, Some(ours), "{code}");
        }
        let registering = refused(409, "MissingSubscriptionRegistration", "m").hints;
        assert_eq!(
            registering,
            ["az provider register --wait --namespace Microsoft.Storage --subscription S"]
        );
    }

    #[test]
    fn the_wrong_tenant_is_named() {
        let message = "The access token is from the wrong issuer 'https://sts.windows.net/one/'. It must match the tenant \
                       'https://sts.windows.net/two/' associated with this subscription.";
        let failure = refused(401, "InvalidAuthenticationTokenTenant", message);
        assert_eq!(failure.hints, ["az login --tenant two"]);
    }
}
