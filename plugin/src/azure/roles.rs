//! The identity of Thanos, whom it is federated with, and what it may do.

use serde_json::{Value, json};
use thanos_core::{codes, names};

use super::arm::{Only, Trouble};
use super::ids::{self, Role, version};
use super::{Account, Azure};
use crate::failure::Failure;

/// For whom the tokens are that Kubernetes makes for Azure.
pub(super) const AUDIENCE: &str = "api://AzureADTokenExchange";
/// Azure takes no more on one identity.
pub(super) const FEDERATED_LIMIT: usize = 20;

/// A new user-assigned identity.
pub(super) fn identity(hub: &str, location: &str) -> Value {
    json!({"location": location, "tags": {names::AZURE_TAG: hub}})
}

/// `system:serviceaccount:NAMESPACE:NAME`.
pub(super) fn subject(account: &Account) -> String {
    format!(
        "system:serviceaccount:{}:{}",
        account.namespace, account.name
    )
}

/// A name for a federated credential: letters, digits and dashes, at most 120 of them.
pub(super) fn federated_name(cluster: &str, account: &Account) -> String {
    let words = format!("{cluster}-{}-{}", account.namespace, account.name);
    let mut name: String = words
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    if name.len() > 120 {
        let digits = ids::digits(&words, 12);
        name.truncate(107);
        name = format!("{name}-{digits}");
    }
    name
}

/// A new federated credential.
pub(super) fn federated(issuer: &str, account: &Account) -> Value {
    json!({"properties": {
        "issuer": issuer,
        "subject": subject(account),
        "audiences": [AUDIENCE],
    }})
}

/// Who is given a role.
#[derive(Clone, Debug)]
pub(super) struct Principal {
    /// Object id.
    pub(super) id: String,
    /// `User` or `ServicePrincipal`.
    pub(super) kind: &'static str,
}

/// Gives a role. A principal that Azure does not know yet is asked for again; a role that is given already is fine.
pub(super) async fn assign(
    azure: &Azure,
    scope: &str,
    role: Role,
    principal: &Principal,
    waits: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let subscription = ids::part(scope, "subscriptions").unwrap_or_default();
    let id = ids::assignment(scope, &principal.id, role);
    let body = json!({"properties": {
        "roleDefinitionId": ids::role_definition(subscription, role),
        "principalId": principal.id,
        "principalType": principal.kind,
    }});
    let told = |trouble: Trouble| {
        let failure = trouble.told(&format!("the role \"{}\" cannot be given", role.name));
        if failure.code == Some(codes::AZURE_NO_RIGHTS) {
            // Whoever may give roles need not be whoever runs this.
            return failure.hint(format!(
                "or let an administrator give it: az role assignment create --assignee-object-id {} --assignee-principal-type {} --role \"{}\" --scope {scope}; then run the same command again",
                principal.id, principal.kind, role.name
            ));
        }
        failure
    };
    let deadline = std::time::Instant::now() + azure.pace.spreading;
    loop {
        let sent = azure
            .arm
            .put(&id, version::ASSIGNMENTS, &body, Only::Always, waits)
            .await;
        match sent {
            Ok(_) => break,
            Err(trouble) if trouble.code == "RoleAssignmentExists" => return Ok(()),
            Err(trouble) if trouble.code == "PrincipalNotFound" => {
                if std::time::Instant::now() >= deadline {
                    return Err(told(trouble));
                }
                waits("the new identity to be known everywhere");
                tokio::time::sleep(azure.pace.look).await;
            }
            Err(trouble) => return Err(told(trouble)),
        }
    }
    // Written is not yet seen: what reads it next must find it.
    while azure
        .arm
        .get(&id, version::ASSIGNMENTS)
        .await
        .map_err(told)?
        .is_none()
    {
        if std::time::Instant::now() >= deadline {
            return Err(
                Failure::failed(format!("the role \"{}\" is not seen", role.name))
                    .code(codes::AZURE_LATE)
                    .hint("run the same command again in a few minutes"),
            );
        }
        waits("the role to be seen");
        tokio::time::sleep(azure.pace.look).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_federated_credentials_keep_to_azures_rules() {
        let account = |namespace: &str, name: &str| Account {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        assert_eq!(
            federated_name("aks", &account("thanos", "thanos.store")),
            "aks-thanos-thanos-store"
        );
        let long = federated_name("aks", &account(&"n".repeat(63), &"a".repeat(253)));
        assert_eq!(long.len(), 120);
        let other = federated_name("aks", &account(&"n".repeat(63), &"a".repeat(252)));
        assert_ne!(long, other);
    }
}
