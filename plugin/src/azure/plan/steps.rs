//! The steps, each from what is wished and what is there.

use serde_json::Value;

use super::faults::federated_name;
use super::{Action, Context, Doing, Step, When, Who};
use crate::azure::facts::Facts;
use crate::azure::ids::{self, Role};
use crate::azure::{Mode, Wish, dns, grafana, roles, storage};

fn step(id: &str, title: String, action: Action, detail: String, doing: Doing) -> Step {
    Step {
        id: id.to_owned(),
        when: When::Before,
        title,
        action,
        detail,
        doing,
    }
}

/// Ours by its tag, or somebody else's that is used.
fn kept(hub: Option<&str>, context: &Context) -> Action {
    if hub == Some(context.hub.as_str()) {
        Action::Unchanged
    } else {
        Action::Adopt
    }
}

pub(super) fn group(facts: &Facts, context: &Context, steps: &mut Vec<Step>) {
    let action = if facts.group_exists {
        Action::Adopt
    } else {
        Action::Create
    };
    steps.push(step(
        "resource-group",
        format!("resource group {}", ids::last(&context.group)),
        action,
        format!("in {}", facts.location),
        Doing::Group {
            id: context.group.clone(),
            body: roles::identity(&context.hub, &facts.location),
        },
    ));
}

pub(super) fn storage(wish: &Wish, facts: &Facts, context: &Context, steps: &mut Vec<Step>) {
    let id = context.account.clone();
    let title = format!("storage account {}", facts.account_name);
    let (action, detail, doing) = match &facts.account {
        None => (
            Action::Create,
            "zone-redundant; no shared keys, no public blobs, TLS 1.2".to_owned(),
            Doing::Account {
                id,
                body: storage::account(&context.hub, &facts.location),
            },
        ),
        Some(account) => {
            let properties = storage::unsafe_properties(account);
            let kept = kept(account.hub.as_deref(), context);
            let names: Vec<&str> = properties.keys().map(String::as_str).collect();
            let detail = match (kept, names.is_empty()) {
                (Action::Unchanged, false) => format!("sets {}", names.join(", ")),
                (Action::Adopt, _) => "not ours: its settings stay as they are".to_owned(),
                _ => "no shared keys, no public blobs, TLS 1.2".to_owned(),
            };
            let action = match kept {
                _ if !account.is_ready => Action::Wait,
                Action::Unchanged if !properties.is_empty() => Action::Update,
                kept => kept,
            };
            (action, detail, Doing::ChangeAccount { id, properties })
        }
    };
    steps.push(step("storage-account", title, action, detail, doing));
    let action = match (&facts.container, &facts.account) {
        (None, _) => Action::Create,
        (Some(_), Some(account)) => kept(account.hub.as_deref(), context),
        (Some(_), None) => Action::Unchanged,
    };
    steps.push(step(
        "storage-container",
        format!("container {}", wish.storage_container),
        action,
        "private".to_owned(),
        Doing::Container {
            id: context.container.clone(),
            body: storage::container(),
        },
    ));
}

pub(super) fn identity(wish: &Wish, facts: &Facts, context: &Context, steps: &mut Vec<Step>) {
    if wish.mode == Mode::Kubelet {
        return;
    }
    let action = match &facts.identity {
        None => Action::Create,
        Some(identity) => kept(identity.hub.as_deref(), context),
    };
    steps.push(step(
        "identity",
        format!("identity {}", facts.identity_name),
        action,
        "user-assigned, without any secret".to_owned(),
        Doing::Identity {
            id: context.identity.clone(),
            body: roles::identity(&context.hub, &facts.location),
        },
    ));
    let issuer = facts
        .cluster
        .as_ref()
        .and_then(|cluster| cluster.issuer.as_deref())
        .unwrap_or_default();
    for account in &wish.service_accounts {
        let subject = roles::subject(account);
        let is_this = |found: &&crate::azure::facts::Federated| {
            found.issuer == issuer
                && found.subject == subject
                && found
                    .audiences
                    .iter()
                    .any(|audience| audience == roles::AUDIENCE)
        };
        let ours = federated_name(facts, account);
        let same = facts.federated.iter().find(is_this);
        let stale = facts.federated.iter().find(|found| {
            found.name.eq_ignore_ascii_case(&ours)
                || (found.issuer == issuer && found.subject == subject)
        });
        let (action, name) = match (same, stale) {
            (Some(same), _) if same.name.eq_ignore_ascii_case(&ours) => (Action::Unchanged, ours),
            (Some(same), _) => (Action::Adopt, same.name.clone()),
            (None, Some(stale)) => (Action::Update, stale.name.clone()),
            (None, None) => (Action::Create, ours),
        };
        steps.push(step(
            &format!(
                "federated-credential/{}/{}",
                account.namespace, account.name
            ),
            format!("federated credential {name}"),
            action,
            format!("ServiceAccount {}/{}", account.namespace, account.name),
            Doing::Federated {
                id: format!("{}/federatedIdentityCredentials/{name}", context.identity),
                body: roles::federated(issuer, account),
            },
        ));
    }
}

pub(super) fn roles(wish: &Wish, facts: &Facts, context: &Context, steps: &mut Vec<Step>) {
    let (who, name) = match wish.mode {
        Mode::Workload => (
            Who::Identity(context.identity.clone()),
            facts.identity_name.clone(),
        ),
        Mode::Kubelet => (
            Who::Known {
                id: facts.principal(wish).unwrap_or_default().to_owned(),
                kind: "ServicePrincipal",
            },
            "the nodes".to_owned(),
        ),
    };
    let mut give = |id: &str, role: Role, scope: &str, place: String| {
        let given = facts
            .assignments
            .iter()
            .find(|one| one.role == role.id && ids::holds(&one.scope, scope));
        let action = match given {
            None => Action::Create,
            Some(given) if ids::same(&given.scope, scope) => Action::Unchanged,
            Some(_) => Action::Adopt,
        };
        let detail = match given {
            Some(given) if action == Action::Adopt => format!("given on {}", given.scope),
            _ => format!("to {name} on {place}"),
        };
        steps.push(step(
            id,
            format!("role \"{}\"", role.name),
            action,
            detail,
            Doing::Assign {
                scope: scope.to_owned(),
                role,
                who: who.clone(),
            },
        ));
    };
    give(
        "role/blob-contributor",
        ids::BLOB_CONTRIBUTOR,
        &context.container,
        format!("the container {} alone", wish.storage_container),
    );
    if wish.article_roles {
        give(
            "role/reader-and-data-access",
            ids::READER_AND_DATA_ACCESS,
            &context.account,
            format!("the whole account {}", facts.account_name),
        );
    }
}

pub(super) fn dns(wish: &Wish, facts: &Facts, steps: &mut Vec<Step>) {
    let (Some(wanted), Some(zone)) = (&wish.dns, &facts.zone) else {
        return;
    };
    for name in dns::records_for(wanted, &zone.name).unwrap_or_default() {
        let found = zone.records.iter().find(|record| record.name == name);
        let address = wanted.address.map(|address| address.to_string());
        let is_ours = found.is_some_and(|found| found.hub.as_deref() == Some(wish.hub.as_str()));
        let (action, detail) = match (found, &address) {
            (None, Some(address)) => (Action::Create, format!("leads to {address}")),
            (None, None) => (
                Action::Create,
                "leads to the gateway, once it has an address".to_owned(),
            ),
            (Some(found), Some(address)) if found.addresses == [address.clone()] => (
                if is_ours {
                    Action::Unchanged
                } else {
                    Action::Adopt
                },
                format!("leads to {address}"),
            ),
            (Some(_), Some(address)) => (Action::Update, format!("will lead to {address}")),
            (Some(found), None) => (
                if is_ours {
                    Action::Unchanged
                } else {
                    Action::Adopt
                },
                format!(
                    "leads to {}, compared with the gateway later",
                    found.addresses.join(", ")
                ),
            ),
        };
        let mut made = step(
            &format!("dns-record/{name}"),
            format!("DNS record {name}.{}", zone.name),
            action,
            detail,
            Doing::Record {
                zone: zone.id.clone(),
                name,
            },
        );
        made.when = When::Address;
        steps.push(made);
    }
}

pub(super) fn grafana(wish: &Wish, facts: &Facts, context: &Context, steps: &mut Vec<Step>) {
    let (Some(wanted), Some(id)) = (&wish.grafana, &context.workspace) else {
        return;
    };
    let hub = &context.hub;
    let mut add = |id: &str, title: String, action, detail: &str, doing| {
        let mut made = step(id, title, action, detail.to_owned(), doing);
        made.when = When::Grafana;
        steps.push(made);
    };
    let action = match &facts.workspace {
        None => Action::Create,
        Some(workspace) if !workspace.is_ready => Action::Wait,
        Some(workspace) => kept(workspace.hub.as_deref(), context),
    };
    add(
        "grafana",
        format!("Managed Grafana {}", wanted.name),
        action,
        "Standard; takes Azure some minutes",
        Doing::Workspace {
            id: id.clone(),
            body: grafana::workspace(hub, &facts.location),
        },
    );
    let has_role = facts
        .caller_assignments
        .iter()
        .any(|one| one.role == ids::GRAFANA_ADMIN.id && ids::holds(&one.scope, id));
    add(
        "role/grafana-admin",
        "role \"Grafana Admin\"".to_owned(),
        if has_role {
            Action::Unchanged
        } else {
            Action::Create
        },
        "to whoever is logged in, on the workspace: it is what may set up Grafana",
        Doing::Assign {
            scope: id.clone(),
            role: ids::GRAFANA_ADMIN,
            who: Who::Known {
                id: facts.caller.clone(),
                kind: facts.caller_kind,
            },
        },
    );
    let board = facts.board.clone().unwrap_or_default();
    let compare = |found: &Option<Value>, wanted: &Value, good: bool| match found {
        None => Action::Create,
        Some(found) if good && grafana::covers(found, wanted) => Action::Unchanged,
        Some(_) => Action::Update,
    };
    add(
        "grafana/data-source",
        "Grafana data source".to_owned(),
        compare(
            &board.data_source,
            &grafana::data_source(hub, &wanted.url),
            board.healthy,
        ),
        &format!("{} with the read credential", wanted.url),
        Doing::Source,
    );
    add(
        "grafana/dashboard",
        "Grafana dashboard".to_owned(),
        compare(&board.dashboard, &grafana::dashboard(hub), true),
        "clusters, arrival, lag and limits",
        Doing::Dashboard,
    );
    add(
        "grafana/alerts",
        "Grafana alert rules".to_owned(),
        compare(&board.rules, &grafana::rules(hub), true),
        "silent clusters, lag, lost samples, limits",
        Doing::Rules,
    );
}
