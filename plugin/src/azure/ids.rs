//! Ids of Azure's resources, api-versions and built-in roles: each once.
//!
//! Api-versions are the oldest stable ones that hold what is used, so that sovereign clouds serve them.

use std::fmt::Write;

use uuid::Uuid;

/// `api-version` of each kind of request.
pub(super) mod version {
    pub(in crate::azure) const SUBSCRIPTIONS: &str = "2022-12-01";
    pub(in crate::azure) const GROUPS: &str = "2021-04-01";
    pub(in crate::azure) const CLUSTERS: &str = "2025-10-01";
    pub(in crate::azure) const STORAGE: &str = "2023-05-01";
    pub(in crate::azure) const ASSIGNMENTS: &str = "2022-04-01";
    pub(in crate::azure) const IDENTITIES: &str = "2023-01-31";
    pub(in crate::azure) const DNS: &str = "2018-05-01";
    pub(in crate::azure) const GRAFANA: &str = "2023-09-01";
}

/// A built-in role; its id is the same in every cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) name: &'static str,
    pub(super) id: &'static str,
}

/// Blobs of a container, read and written: all that Thanos needs.
pub(super) const BLOB_CONTRIBUTOR: Role = Role {
    name: "Storage Blob Data Contributor",
    id: "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
};
/// The article's: it hands out the account's keys.
pub(super) const READER_AND_DATA_ACCESS: Role = Role {
    name: "Reader and Data Access",
    id: "c12c1c16-33a1-487b-954d-41c89c60f349",
};
/// Data sources, dashboards and alert rules of a workspace.
pub(super) const GRAFANA_ADMIN: Role = Role {
    name: "Grafana Admin",
    id: "22926164-76b3-42b3-bc55-97df8dab3e41",
};

/// `/subscriptions/S/resourceGroups/G`.
pub(super) fn group(subscription: &str, name: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{name}")
}

/// A resource in a group.
pub(super) fn resource(group: &str, kind: &str, name: &str) -> String {
    format!("{group}/providers/{kind}/{name}")
}

/// A blob container of an account.
pub(super) fn container(account: &str, name: &str) -> String {
    format!("{account}/blobServices/default/containers/{name}")
}

/// A role as ARM names it.
pub(super) fn role_definition(subscription: &str, role: Role) -> String {
    format!(
        "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}",
        role.id
    )
}

/// The role assignment of this triple: always the same name, so that a second run makes no second one. Names are
/// unique in all of Azure, and an assignment cannot be pointed elsewhere: the principal is part of the name.
pub(super) fn assignment(scope: &str, principal: &str, role: Role) -> String {
    let named = format!("{}|{principal}|{}", scope.to_ascii_lowercase(), role.id);
    let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, named.as_bytes());
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}")
}

/// Azure writes ids in any case.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/')
        .eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// Whether a scope holds another one, or is it.
pub(super) fn holds(scope: &str, inner: &str) -> bool {
    let scope = scope.trim_end_matches('/').to_ascii_lowercase();
    let inner = inner.to_ascii_lowercase();
    inner
        .strip_prefix(&scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A part of an id by the word before it: `part(id, "resourceGroups")`.
pub(super) fn part<'a>(id: &'a str, word: &str) -> Option<&'a str> {
    let mut parts = id.split('/');
    parts.find(|part| part.eq_ignore_ascii_case(word))?;
    parts.next().filter(|part| !part.is_empty())
}

/// The last part of an id.
pub(super) fn last(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// Letters and digits that follow from some words, for names that must be unique in all of Azure.
pub(super) fn digits(words: &str, length: usize) -> String {
    let mut text = String::new();
    for byte in Uuid::new_v5(&Uuid::NAMESPACE_URL, words.as_bytes()).as_bytes() {
        let _ = write!(text, "{byte:02x}");
    }
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str =
        "/subscriptions/S/resourceGroups/G/providers/Microsoft.Storage/storageAccounts/a";

    #[test]
    fn an_assignment_has_one_name_whatever_the_case_of_its_scope() {
        let name = |scope: &str| last(&assignment(scope, "p", BLOB_CONTRIBUTOR)).to_owned();
        assert_eq!(name(ACCOUNT), name(&ACCOUNT.to_lowercase()));
        assert_ne!(
            name(ACCOUNT),
            last(&assignment(ACCOUNT, "q", BLOB_CONTRIBUTOR))
        );
        assert_eq!(name(ACCOUNT).len(), 36);
    }

    #[test]
    fn scopes_hold_what_lies_below_them() {
        let below = container(ACCOUNT, "thanos");
        assert!(holds("/subscriptions/s", &below) && holds(&below, &below));
        assert!(holds("/", &below));
        assert!(!holds(&container(ACCOUNT, "than"), &below));
        assert_eq!(part(&below, "resourcegroups"), Some("G"));
        assert_eq!(last(&below), "thanos");
        assert!(same(ACCOUNT, &ACCOUNT.to_uppercase()));
    }
}
