//! What stands in the way, all of it at once.

use thanos_core::codes;

use crate::azure::facts::Facts;
use crate::azure::{Mode, Wish, dns, grafana, ids, roles};
use crate::failure::Failure;

pub(super) fn find(wish: &Wish, facts: &Facts) -> Vec<Failure> {
    let mut faults = Vec::new();
    names(wish, facts, &mut faults);
    cluster(wish, facts, &mut faults);
    identity(wish, facts, &mut faults);
    records(wish, facts, &mut faults);
    let source = facts
        .board
        .as_ref()
        .and_then(|board| board.data_source.as_ref());
    faults.extend(source.and_then(|source| grafana::foreign(source, &wish.hub)));
    faults
}

/// Rules of Azure: "Naming rules and restrictions for Azure resources".
fn names(wish: &Wish, facts: &Facts, faults: &mut Vec<Failure>) {
    let account = &facts.account_name;
    let is_name = (3..=24).contains(&account.len())
        && account
            .bytes()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    if let Some(why) = facts.name_refused.as_deref().filter(|_| is_name) {
        faults.push(
            Failure::failed(format!("the storage account {account} cannot be made"))
                .code(codes::AZURE_NAME_TAKEN)
                .because(why)
                .hint("choose another name: --storage-account NAME"),
        );
    }
    if !is_name {
        faults.push(
            Failure::usage(format!("{account} is no name for a storage account"))
                .hint("--storage-account takes 3 to 24 lower-case letters and digits"),
        );
    }
    let container = &wish.storage_container;
    let is_name = (3..=63).contains(&container.len())
        && !container.contains("--")
        && !container.starts_with('-')
        && !container.ends_with('-')
        && container
            .bytes()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-');
    if !is_name {
        faults.push(
            Failure::usage(format!("{container} is no name for a container")).hint(
                "--storage-container takes 3 to 63 lower-case letters, digits and single dashes",
            ),
        );
    }
    if facts.location.is_empty() {
        faults.push(
            Failure::usage("where new resources are made is not clear").hint("--location REGION"),
        );
    }
}

fn cluster(wish: &Wish, facts: &Facts, faults: &mut Vec<Failure>) {
    let Some(cluster) = &facts.cluster else {
        faults.push(Facts::missing(
            "the AKS cluster is not found",
            "--aks-cluster NAME and --subscription NAME; on any other cluster: --no-azure"
                .to_owned(),
        ));
        return;
    };
    let group = ids::part(&cluster.id, "resourceGroups").unwrap_or("GROUP");
    match wish.mode {
        Mode::Workload if cluster.issuer.is_none() || !cluster.has_workload_identity => {
            let what = if cluster.issuer.is_none() {
                "OIDC issuer"
            } else {
                "workload identity"
            };
            faults.push(
                Failure::failed(format!("the {what} of the AKS cluster {} is switched off", cluster.name))
                    .code(codes::AZURE_NO_ISSUER)
                    .because("without it no pod can be the identity that reaches the storage")
                    .hint(format!(
                        "az aks update --resource-group {group} --name {} --enable-oidc-issuer --enable-workload-identity",
                        cluster.name
                    )),
            );
        }
        Mode::Kubelet if cluster.kubelet.is_none() => faults.push(Facts::missing(
            &format!(
                "the AKS cluster {} has no identity of its nodes",
                cluster.name
            ),
            "it has a service principal: use the workload identity, which is the default"
                .to_owned(),
        )),
        Mode::Kubelet if cluster.restricts_metadata => faults.push(
            Failure::refused(format!(
                "the AKS cluster {} keeps pods from the identity of its nodes",
                cluster.name
            ))
            .code(codes::AZURE_NO_ISSUER)
            .hint("use the workload identity, which is the default"),
        ),
        _ => {}
    }
}

fn identity(wish: &Wish, facts: &Facts, faults: &mut Vec<Failure>) {
    if wish.mode == Mode::Kubelet {
        return;
    }
    // Its name was taken for granted: whatever else it may do, Thanos could do from now on.
    if let Some(identity) = facts.identity.as_ref().filter(|_| wish.identity.is_none())
        && identity.hub.as_deref() != Some(&wish.hub)
    {
        let name = &facts.identity_name;
        faults.push(
            Failure::refused(format!("the identity {name} is somebody else's"))
                .code(codes::AZURE_NOT_OURS)
                .because("it does not carry the name of this hub, and may hold roles that Thanos must not have")
                .hint(format!("--identity {name}, if it is the one that is meant; else --identity with another name")),
        );
    }
    if wish.service_accounts.is_empty() {
        faults.push(Failure::usage(
            "no ServiceAccount is named that the identity is for",
        ));
    }
    let Some(issuer) = facts
        .cluster
        .as_ref()
        .and_then(|cluster| cluster.issuer.as_deref())
    else {
        return;
    };
    let missing = wish
        .service_accounts
        .iter()
        .filter(|account| {
            let subject = roles::subject(account);
            !facts
                .federated
                .iter()
                .any(|found| found.issuer == issuer && found.subject == subject)
        })
        .count();
    if facts.federated.len() + missing > roles::FEDERATED_LIMIT {
        faults.push(
            Failure::failed(format!(
                "the identity {} has no room for {missing} more federated credentials",
                facts.identity_name
            ))
            .code(codes::AZURE_QUOTA)
            .because(format!(
                "it has {}, and Azure takes {}",
                facts.federated.len(),
                roles::FEDERATED_LIMIT
            ))
            .hint("take another identity: --identity NAME"),
        );
    }
    for account in &wish.service_accounts {
        let name = federated_name(facts, account);
        let taken = facts.federated.iter().find(|found| {
            found.name.eq_ignore_ascii_case(&name)
                && (found.issuer != issuer || found.subject != roles::subject(account))
        });
        let is_ours = facts
            .identity
            .as_ref()
            .is_some_and(|identity| identity.hub.as_deref() == Some(&wish.hub));
        if let Some(taken) = taken.filter(|_| !is_ours) {
            faults.push(
                Failure::refused(format!(
                    "the federated credential {name} is for somebody else"
                ))
                .code(codes::AZURE_NOT_OURS)
                .because(format!("it takes {} of {}", taken.subject, taken.issuer))
                .hint("take another identity: --identity NAME"),
            );
        }
    }
}

/// With the cluster's name, because one identity may serve several clusters.
pub(super) fn federated_name(facts: &Facts, account: &crate::azure::Account) -> String {
    let cluster = facts
        .cluster
        .as_ref()
        .map_or("", |cluster| cluster.name.as_str());
    roles::federated_name(cluster, account)
}

fn records(wish: &Wish, facts: &Facts, faults: &mut Vec<Failure>) {
    let Some(wanted) = &wish.dns else { return };
    let Some(zone) = &facts.zone else {
        faults.push(dns::no_zone(wanted, facts));
        return;
    };
    if let Err(why) = dns::records_for(wanted, &zone.name) {
        faults.push(
            Failure::usage(why).hint("--dns-zone names the zone that holds the hub's domain"),
        );
    }
    for record in &zone.records {
        if let Some(failure) = foreign(&wish.hub, &zone.name, record, wanted.address) {
            faults.push(failure);
        }
    }
}

/// A record that is there, leads elsewhere, and is not of this hub.
pub(in crate::azure) fn foreign(
    hub: &str,
    zone: &str,
    record: &crate::azure::facts::Record,
    address: Option<std::net::IpAddr>,
) -> Option<Failure> {
    let is_ours = record.hub.as_deref() == Some(hub);
    let leads_there = address.is_some_and(|address| record.addresses == [address.to_string()]);
    if is_ours || leads_there || (address.is_none() && !record.is_alias && record.hub.is_none()) {
        return None;
    }
    let leads = if record.is_alias {
        "another resource".to_owned()
    } else {
        record.addresses.join(", ")
    };
    Some(
        Failure::refused(format!(
            "the DNS record {}.{zone} is somebody else's",
            record.name
        ))
        .code(codes::AZURE_NOT_OURS)
        .because(format!(
            "it leads to {leads} and does not carry the name of this hub"
        ))
        .hint("choose another --domain, or delete the record if nobody needs it"),
    )
}
