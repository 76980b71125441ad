use super::*;
use crate::azure::facts::{
    Assignment, Cluster, Container, Federated, Kubelet, Record, StorageAccount, UserIdentity, Zone,
};
use crate::azure::{Account, DnsWish, roles};

const GROUP: &str = "/subscriptions/S/resourceGroups/rg";

fn wish() -> Wish {
    Wish {
        service_accounts: vec![Account {
            namespace: "thanos".to_owned(),
            name: "thanos".to_owned(),
        }],
        ..Wish::of("thanos")
    }
}

/// Nothing but a cluster.
fn empty() -> Facts {
    Facts {
        subscription: "S".to_owned(),
        group: GROUP.to_owned(),
        group_exists: true,
        location: "westeurope".to_owned(),
        account_name: "thanosblocks".to_owned(),
        identity_name: "thanos".to_owned(),
        cluster: Some(Cluster {
            id: format!("{GROUP}/providers/Microsoft.ContainerService/managedClusters/aks"),
            name: "aks".to_owned(),
            issuer: Some("https://issuer/".to_owned()),
            has_workload_identity: true,
            kubelet: Some(Kubelet {
                client_id: "kubelet-client".to_owned(),
                object_id: "kubelet-object".to_owned(),
            }),
            ..Cluster::default()
        }),
        ..Facts::default()
    }
}

/// Everything that the wish makes.
fn full() -> Facts {
    let account = format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/thanosblocks");
    let container = ids::container(&account, "thanos");
    Facts {
        account: Some(StorageAccount {
            id: account,
            name: "thanosblocks".to_owned(),
            hub: Some("thanos".to_owned()),
            blob_endpoint: "https://thanosblocks.blob.core.windows.net/".to_owned(),
            is_ready: true,
            properties: storage::account("thanos", "westeurope")["properties"].clone(),
        }),
        container: Some(Container {
            id: container.clone(),
            public: false,
        }),
        identity: Some(UserIdentity {
            id: "i".to_owned(),
            client_id: "client".to_owned(),
            principal_id: "object".to_owned(),
            tenant_id: "tenant".to_owned(),
            hub: Some("thanos".to_owned()),
        }),
        federated: vec![Federated {
            name: "aks-thanos-thanos".to_owned(),
            issuer: "https://issuer/".to_owned(),
            subject: "system:serviceaccount:thanos:thanos".to_owned(),
            audiences: vec![roles::AUDIENCE.to_owned()],
        }],
        assignments: vec![Assignment {
            id: "a".to_owned(),
            // Azure gives ids back in other cases.
            scope: container.to_uppercase(),
            principal: "object".to_owned(),
            role: ids::BLOB_CONTRIBUTOR.id.to_owned(),
        }],
        ..empty()
    }
}

fn actions(wish: &Wish, facts: &Facts) -> Vec<Action> {
    let plan = plan(wish, facts).unwrap();
    plan.steps.iter().map(|step| step.action).collect()
}

#[test]
fn from_nothing_everything_is_made_and_with_everything_nothing() {
    use Action::{Adopt, Create, Unchanged};
    assert_eq!(
        actions(&wish(), &empty()),
        [Adopt, Create, Create, Create, Create, Create]
    );
    assert_eq!(
        actions(&wish(), &full()),
        [Adopt, Unchanged, Unchanged, Unchanged, Unchanged, Unchanged]
    );
    assert!(!plan(&wish(), &full()).unwrap().changes());
    assert_eq!(values(&wish(), &empty()), None);
    let values = values(&wish(), &full()).unwrap();
    assert_eq!(values.client_id, "client");
    assert_eq!(values.endpoint, "blob.core.windows.net");
}

#[test]
fn a_half_made_account_is_waited_for() {
    let mut facts = full();
    facts.account.as_mut().unwrap().is_ready = false;
    assert_eq!(actions(&wish(), &facts)[1], Action::Wait);
}

#[test]
fn another_issuer_is_another_credential() {
    let mut facts = full();
    // Without its last slash it is another one: Azure compares byte by byte.
    facts.federated[0].issuer = "https://issuer".to_owned();
    assert_eq!(actions(&wish(), &facts)[4], Action::Update);
}

#[test]
fn a_role_on_another_container_does_not_count() {
    let mut facts = full();
    let other = facts.assignments[0].scope.clone() + "2";
    facts.assignments[0].scope = other;
    assert_eq!(actions(&wish(), &facts)[5], Action::Create);
}

#[test]
fn every_fault_is_told_at_once() {
    let mut facts = empty();
    facts.account_name = "NO".to_owned();
    facts.cluster.as_mut().unwrap().issuer = None;
    let wanted = Wish {
        storage_container: "-".to_owned(),
        dns: Some(DnsWish {
            zone: "example.com".to_owned(),
            domain: "example.com".to_owned(),
            hosts: Vec::new(),
            address: None,
        }),
        ..wish()
    };
    let faults = plan(&wanted, &facts).unwrap_err();
    let codes: Vec<Option<&Code>> = faults.iter().map(|fault| fault.code).collect();
    assert_eq!(
        codes,
        [
            Some(codes::USAGE),
            Some(codes::USAGE),
            Some(codes::AZURE_NO_ISSUER),
            Some(codes::AZURE_NOT_FOUND),
        ]
    );
}

#[test]
fn another_hubs_record_is_not_ours() {
    let wanted = Wish {
        dns: Some(DnsWish {
            zone: "example.com".to_owned(),
            domain: "example.com".to_owned(),
            hosts: vec!["query.example.com".to_owned()],
            address: None,
        }),
        ..wish()
    };
    let mut facts = full();
    facts.zone = Some(Zone {
        id: "z".to_owned(),
        name: "example.com".to_owned(),
        records: vec![Record {
            name: "*".to_owned(),
            addresses: vec!["1.2.3.4".to_owned()],
            hub: Some("blue".to_owned()),
            ..Record::default()
        }],
    });
    let faults = plan(&wanted, &facts).unwrap_err();
    assert_eq!(faults[0].code, Some(codes::AZURE_NOT_OURS));
    assert_eq!(faults[0].kind.exit_code(), 5);
    facts.zone.as_mut().unwrap().records[0].hub = Some("thanos".to_owned());
    assert_eq!(actions(&wanted, &facts)[6], Action::Unchanged);
}

/// KTH8120.
#[test]
fn another_cluster_than_the_kubeconfigs_is_warned_of() {
    let mut wish = wish();
    let mut facts = empty();
    let cluster = facts.cluster.as_mut().unwrap();
    cluster.hosts = vec!["prod.hcp.westeurope.azmk8s.io".to_owned()];
    wish.server = Some("dev.hcp.westeurope.azmk8s.io".to_owned());
    let warned = |wish: &Wish| {
        let notices = plan(wish, &facts).unwrap().notices;
        notices
            .iter()
            .any(|notice| notice.code == codes::AZURE_OTHER_CLUSTER)
    };
    assert!(!warned(&wish));
    wish.aks_cluster = Some("aks".to_owned());
    assert!(warned(&wish));
    wish.server = Some("PROD.hcp.westeurope.azmk8s.io".to_owned());
    assert!(!warned(&wish));
}

#[test]
fn somebody_elses_identity_is_taken_only_by_name() {
    let mut facts = full();
    facts.identity.as_mut().unwrap().hub = None;
    let mut wish = wish();
    let faults = plan(&wish, &facts).unwrap_err();
    assert_eq!(faults[0].code, Some(codes::AZURE_NOT_OURS));
    wish.identity = Some("thanos".to_owned());
    assert!(plan(&wish, &facts).is_ok());
}
