//! `identity`: the object takes a service account, a cloud identity or a role that the policy does not allow.
//!
//! Where no service account is named, the namespace's `default` is used. Its token is mounted unless
//! `automountServiceAccountToken` says no.

use serde_json::Value;

use super::case::{Case, Findings};
use super::places::{Place, Spot};
use super::shape::{self, is_empty, text};
use crate::fields::sensitive::Sort;

/// The account of a pod that names none.
pub(crate) const DEFAULT: &str = "default";

/// Labels and annotations of a pod by which a cloud, a mesh or a vault gives it an identity.
pub(crate) const GIVEN: &[&str] = &[
    "aadpodidbinding",
    "azure.workload.identity/",
    "eks.amazonaws.com/",
    "iam.amazonaws.com/",
    "iam.cloud.google.com/",
    "iam.gke.io/",
    "spiffe.io/",
    "spire-workload",
    "vault.hashicorp.com/",
];

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    account(case, findings);
    for place in case.places("identity", Sort::Identity) {
        match place.at.names().as_slice() {
            ["podMetadata", _, key] if shape::has_prefix(key, GIVEN) => {
                findings.place(place, "gives the pod an identity");
            }
            [.., "azureAd", _] if !case.set_by_wiring(place) => {
                findings.place(place, "takes an Azure identity that no wiring gives");
            }
            [.., "sigv4"] => aws(place, findings),
            _ => {}
        }
    }
}

fn account(case: &Case<'_>, findings: &mut Findings) {
    let allowed = |account: &str| {
        let accounts = &case.policy.allow.service_accounts;
        accounts.iter().any(|one| one == account)
    };
    let named = case.subject.spec("serviceAccountName");
    let named = named.filter(|name| !is_empty(name) && name.as_str() != Some(DEFAULT));
    if let Some(name) = named {
        if !name.as_str().is_some_and(allowed) {
            findings.at(
                &Spot::default().member("serviceAccountName"),
                name,
                "is a service account that allow.serviceAccounts does not name",
            );
        }
        return;
    }
    let automount = case.subject.spec("automountServiceAccountToken");
    if automount != Some(&Value::Bool(false)) && !allowed(DEFAULT) {
        findings.at(
            &Spot::default().member("automountServiceAccountToken"),
            automount.unwrap_or(&Value::Null),
            "must be false: it would mount the token of the account default, which allow.serviceAccounts does not name",
        );
    }
}

/// With both keys in Secrets the identity is theirs; otherwise it is the pod's or the node's, or of a role.
fn aws(place: &Place<'_>, findings: &mut Findings) {
    let sigv4 = place.value;
    for member in ["roleArn", "profile", "externalId"] {
        if let Some(value) = sigv4.get(member).filter(|value| !is_empty(value)) {
            findings.at(
                &place.at.member(member),
                value,
                "takes an AWS role or profile",
            );
        }
    }
    let keys = ["accessKey", "secretKey"];
    let held = |key: &&str| {
        let reference = sigv4.get(*key);
        reference.is_some_and(|reference| !text(reference, "key").is_empty())
    };
    if !keys.iter().all(held) {
        findings.place(place, "takes the AWS identity of the pod or its node");
    }
}
