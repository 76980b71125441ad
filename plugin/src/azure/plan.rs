//! Wish and facts in, steps out: nothing is asked, and nothing is left to choose. Pure.

use serde::Serialize;
use serde_json::{Map, Value};
use thanos_core::codes::{self, Code};

use super::facts::Facts;
use super::ids::Role;
use super::wish::{Mode, Wish};
use super::{Values, ids, storage};
use crate::failure::Failure;

mod faults;
mod steps;

pub(super) use faults::foreign;

#[cfg(test)]
mod tests;

/// What is to be done with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is not there.
    Create,
    /// It is ours and differs.
    Update,
    /// It is ours, or equal.
    Unchanged,
    /// It is somebody else's, is used, and stays as it is.
    Adopt,
    /// It is being made; it is waited for.
    Wait,
}

impl Action {
    /// What is said while it is done.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Create => "Making",
            Self::Update => "Changing",
            Self::Unchanged => "Keeping",
            Self::Adopt => "Using",
            Self::Wait => "Waiting for",
        }
    }

    /// Whether it sends a request that writes.
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update)
    }
}

/// When a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Before the chart.
    Before,
    /// When the gateway has its address.
    Address,
    /// When the hub can be read.
    Grafana,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Stable: `storage-account`, `federated-credential/thanos/thanos-store`, `dns-record/*`.
    pub id: String,
    /// When it is done.
    pub when: When,
    /// What it is, for people: `storage account thanos0123456789`.
    pub title: String,
    /// What is done with it.
    pub action: Action,
    /// What it becomes, or what it is.
    pub detail: String,
    #[serde(skip)]
    pub(super) doing: Doing,
}

/// How a step is done.
#[derive(Clone, Debug)]
pub(super) enum Doing {
    Group {
        id: String,
        body: Value,
    },
    Account {
        id: String,
        body: Value,
    },
    ChangeAccount {
        id: String,
        properties: Map<String, Value>,
    },
    Container {
        id: String,
        body: Value,
    },
    Identity {
        id: String,
        body: Value,
    },
    Federated {
        id: String,
        body: Value,
    },
    Assign {
        scope: String,
        role: Role,
        who: Who,
    },
    Record {
        zone: String,
        name: String,
    },
    Workspace {
        id: String,
        body: Value,
    },
    Source,
    Dashboard,
    Rules,
}

/// Who is given a role.
#[derive(Clone, Debug)]
pub(super) enum Who {
    /// The user-assigned identity at this id, which may not be there yet.
    Identity(String),
    /// Somebody whose object id is known.
    Known { id: String, kind: &'static str },
}

/// What whoever confirms should know.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notice {
    /// Its row in the registry.
    #[serde(skip)]
    pub code: &'static Code,
    /// One sentence.
    pub sentence: String,
}

/// All that is to be done in Azure.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// In the order in which they are done.
    pub steps: Vec<Step>,
    /// What whoever confirms should know.
    pub notices: Vec<Notice>,
    #[serde(skip)]
    pub(super) context: Context,
}

/// What every step may need.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) hub: String,
    pub(super) mode: Mode,
    pub(super) subscription: String,
    pub(super) tenant: String,
    pub(super) group: String,
    pub(super) account: String,
    pub(super) container: String,
    pub(super) identity: String,
    pub(super) kubelet_client: String,
    pub(super) workspace: Option<String>,
}

impl Plan {
    /// Whether anything would be written before the gateway has its address.
    pub fn changes(&self) -> bool {
        self.steps.iter().any(|step| step.action.writes())
    }
}

/// Plans everything.
///
/// # Errors
/// Everything that stands in the way, each with its code and what to type.
pub fn plan(wish: &Wish, facts: &Facts) -> Result<Plan, Vec<Failure>> {
    let faults = faults::find(wish, facts);
    if !faults.is_empty() {
        return Err(faults);
    }
    let account = facts.account.as_ref().map_or_else(
        || {
            ids::resource(
                &facts.group,
                "Microsoft.Storage/storageAccounts",
                &facts.account_name,
            )
        },
        |account| account.id.clone(),
    );
    let context = Context {
        hub: wish.hub.clone(),
        mode: wish.mode,
        subscription: facts.subscription.clone(),
        tenant: facts.tenant.clone(),
        group: facts.group.clone(),
        container: ids::container(&account, &wish.storage_container),
        account,
        identity: ids::resource(
            &facts.group,
            "Microsoft.ManagedIdentity/userAssignedIdentities",
            &facts.identity_name,
        ),
        kubelet_client: facts
            .cluster
            .as_ref()
            .and_then(|cluster| cluster.kubelet.as_ref())
            .map(|kubelet| kubelet.client_id.clone())
            .unwrap_or_default(),
        workspace: wish.grafana.as_ref().map(|wanted| {
            facts.workspace.as_ref().map_or_else(
                || ids::resource(&facts.group, "Microsoft.Dashboard/grafana", &wanted.name),
                |workspace| workspace.id.clone(),
            )
        }),
    };
    let mut steps = Vec::new();
    steps::group(facts, &context, &mut steps);
    steps::storage(wish, facts, &context, &mut steps);
    steps::identity(wish, facts, &context, &mut steps);
    steps::roles(wish, facts, &context, &mut steps);
    steps::dns(wish, facts, &mut steps);
    steps::grafana(wish, facts, &context, &mut steps);
    Ok(Plan {
        steps,
        notices: notices(wish, facts),
        context,
    })
}

/// What the chart would be told if nothing were to be made; `None` where something is still missing.
pub fn values(wish: &Wish, facts: &Facts) -> Option<Values> {
    let account = facts.account.as_ref()?;
    facts.container.as_ref()?;
    let (client_id, tenant_id) = match wish.mode {
        Mode::Workload => {
            let identity = facts.identity.as_ref()?;
            (identity.client_id.clone(), identity.tenant_id.clone())
        }
        Mode::Kubelet => {
            let kubelet = facts.cluster.as_ref()?.kubelet.as_ref()?;
            (kubelet.client_id.clone(), facts.tenant.clone())
        }
    };
    Some(Values {
        mode: mode(wish.mode),
        client_id,
        tenant_id,
        storage_account: account.name.clone(),
        container: wish.storage_container.clone(),
        endpoint: storage::endpoint(account),
        subscription: facts.subscription.clone(),
        resource_group: ids::last(&facts.group).to_owned(),
        grafana: facts
            .workspace
            .as_ref()
            .map(|workspace| workspace.endpoint.clone()),
    })
}

/// The word of `identity.mode`.
pub(super) fn mode(mode: Mode) -> String {
    match mode {
        Mode::Workload => "workload",
        Mode::Kubelet => "kubelet",
    }
    .to_owned()
}

fn notices(wish: &Wish, facts: &Facts) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut say = |code, sentence: String| notices.push(Notice { code, sentence });
    if wish.article_roles {
        say(
            codes::AZURE_ARTICLE_ROLES,
            format!(
                "\"Reader and Data Access\" on {} hands out the account's keys: whoever has it reads and writes every container",
                facts.account_name
            ),
        );
    }
    if let (Some(name), Some(server), Some(cluster)) =
        (&wish.aks_cluster, &wish.server, &facts.cluster)
        && !cluster.hosts.is_empty()
        && !cluster.is_at(server)
    {
        say(
            codes::AZURE_OTHER_CLUSTER,
            format!(
                "the kubeconfig leads to {server}, and the AKS cluster {name} answers at {}",
                cluster.hosts.join(", ")
            ),
        );
    }
    if wish.mode == Mode::Kubelet {
        say(
            codes::AZURE_EVERY_POD,
            "every pod of the cluster can take the nodes' identity, and with it the hub's blocks"
                .to_owned(),
        );
    }
    if let Some(account) = &facts.account
        && account.hub.as_deref() != Some(wish.hub.as_str())
    {
        let lacking = storage::unsafe_properties(account);
        let words: Vec<String> = lacking
            .iter()
            .map(|(name, wanted)| format!("{name} is not {wanted}"))
            .collect();
        if !words.is_empty() {
            say(
                codes::AZURE_UNSAFE,
                format!(
                    "the storage account {} stays as it is: {}",
                    account.name,
                    words.join(", ")
                ),
            );
        }
    }
    if facts
        .container
        .as_ref()
        .is_some_and(|container| container.public)
    {
        say(
            codes::AZURE_UNSAFE,
            format!(
                "the container {} can be read by anybody",
                wish.storage_container
            ),
        );
    }
    notices
}
