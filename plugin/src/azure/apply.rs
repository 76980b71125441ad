//! Carries a plan out, step by step, and tells what it does. Run again after any end, it goes on where it stopped.

use std::fmt;
use std::net::IpAddr;

use serde_json::{Value, json};
use thanos_core::codes;

use super::arm::{Only, Trouble};
use super::facts::{StorageAccount, UserIdentity, Workspace};
use super::ids::{self, version};
use super::plan::{Action, Context, Doing, Plan, Step, When, Who, foreign, mode};
use super::roles::Principal;
use super::{Azure, Doings, Mode, Values, dns, grafana, roles, storage};
use crate::failure::Failure;

/// Which steps are done, and what they need to know that only now is known.
#[derive(Clone, Copy, Debug)]
pub enum Stage<'a> {
    /// Storage, identity and roles: before the chart.
    Before,
    /// DNS records, at the gateway's address.
    Address(IpAddr),
    /// Managed Grafana, with the read credential.
    Grafana(Reader<'a>),
}

/// As whom Grafana reads the hub.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// `https://query.<domain>`.
    pub url: &'a str,
    /// The read user.
    pub user: &'a str,
    /// Its password: sent once to Grafana, in the part of a data source that can be written and not read.
    pub password: &'a str,
    /// What Grafana must trust, as PEM, where the certificate is of no public authority.
    pub authority: Option<&'a str>,
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Reader({} as {})", self.url, self.user)
    }
}

impl Stage<'_> {
    fn when(&self) -> When {
        match self {
            Self::Before => When::Before,
            Self::Address(_) => When::Address,
            Self::Grafana(_) => When::Grafana,
        }
    }
}

/// Does the steps of one stage; stops at the first failure.
///
/// # Errors
/// What Azure refuses, with its code and what to type. What is done stays done.
pub async fn apply(
    azure: &Azure,
    plan: &Plan,
    stage: &Stage<'_>,
    doings: &mut dyn Doings,
) -> Result<(), Failure> {
    let context = &plan.context;
    for step in plan.steps.iter().filter(|step| step.when == stage.when()) {
        // An address is known only now, and may be another one than the record's.
        let is_open = matches!(step.doing, Doing::Record { .. });
        if matches!(step.action, Action::Unchanged | Action::Adopt) && !is_open {
            continue;
        }
        doings.begins(step);
        act(azure, context, step, stage, doings).await?;
        doings.ends(step);
    }
    Ok(())
}

async fn act(
    azure: &Azure,
    context: &Context,
    step: &Step,
    stage: &Stage<'_>,
    doings: &mut dyn Doings,
) -> Result<(), Failure> {
    let told = |trouble: Trouble| trouble.told(&format!("the {} cannot be made", step.title));
    let mut waits = |what: &str| doings.waits(step, what);
    let arm = &azure.arm;
    match &step.doing {
        Doing::Group { id, body } => {
            arm.put(id, version::GROUPS, body, Only::Always, &mut waits)
                .await
                .map_err(told)?;
        }
        Doing::Account { id, body } | Doing::Container { id, body } => {
            arm.put(id, version::STORAGE, body, Only::Always, &mut waits)
                .await
                .map_err(told)?;
        }
        Doing::ChangeAccount { id, properties } => {
            arm.made(id, version::STORAGE, &mut waits)
                .await
                .map_err(told)?;
            if !properties.is_empty() && step.action == Action::Update {
                let body = json!({"properties": properties});
                arm.patch(id, version::STORAGE, &body, &mut waits)
                    .await
                    .map_err(told)?;
            }
        }
        Doing::Identity { id, body } | Doing::Federated { id, body } => {
            arm.put(id, version::IDENTITIES, body, Only::Always, &mut waits)
                .await
                .map_err(told)?;
        }
        Doing::Assign { scope, role, who } => {
            let principal = principal(azure, who).await?;
            roles::assign(azure, scope, *role, &principal, &mut waits).await?;
        }
        Doing::Record { zone, name } => {
            if let Stage::Address(address) = stage {
                record(azure, context, zone, name, *address, &mut waits).await?;
            }
        }
        Doing::Workspace { id, body } => {
            if step.action == Action::Wait {
                arm.made(id, version::GRAFANA, &mut waits)
                    .await
                    .map_err(told)?;
            } else {
                arm.put(id, version::GRAFANA, body, Only::Always, &mut waits)
                    .await
                    .map_err(told)?;
            }
        }
        Doing::Source | Doing::Dashboard | Doing::Rules => {
            let Stage::Grafana(reader) = stage else {
                return Ok(());
            };
            let endpoint = endpoint(azure, context).await?;
            let hub = &context.hub;
            match &step.doing {
                Doing::Source => {
                    grafana::ensure_source(azure, &endpoint, hub, reader, &mut waits).await?;
                }
                Doing::Dashboard => {
                    grafana::ensure_dashboard(azure, &endpoint, hub, &mut waits).await?;
                }
                _ => grafana::ensure_rules(azure, &endpoint, hub, &mut waits).await?,
            }
        }
    }
    Ok(())
}

async fn principal(azure: &Azure, who: &Who) -> Result<Principal, Failure> {
    match who {
        Who::Known { id, kind } => Ok(Principal {
            id: id.clone(),
            kind,
        }),
        Who::Identity(id) => Ok(Principal {
            id: identity(azure, id).await?.principal_id,
            kind: "ServicePrincipal",
        }),
    }
}

async fn identity(azure: &Azure, id: &str) -> Result<UserIdentity, Failure> {
    let found = azure
        .arm
        .get(id, version::IDENTITIES)
        .await
        .map_err(|trouble| trouble.told("the identity cannot be looked at"))?;
    found
        .as_ref()
        .and_then(UserIdentity::read)
        .ok_or_else(|| gone("identity", id))
}

async fn endpoint(azure: &Azure, context: &Context) -> Result<String, Failure> {
    let id = context.workspace.as_deref().unwrap_or_default();
    let found = azure
        .arm
        .get(id, version::GRAFANA)
        .await
        .map_err(|trouble| trouble.told("the Grafana workspace cannot be looked at"))?;
    found
        .as_ref()
        .and_then(Workspace::read)
        .map(|workspace| workspace.endpoint)
        .filter(|endpoint| !endpoint.is_empty())
        .ok_or_else(|| gone("Managed Grafana", id))
}

fn gone(what: &str, id: &str) -> Failure {
    Failure::failed(format!("the {what} {} is gone again", ids::last(id)))
        .code(codes::AZURE_NOT_FOUND)
        .hint("run the same command again: it makes what is missing")
}

/// Makes a record, or points ours at the address. Never overwrites what somebody has written in between.
async fn record(
    azure: &Azure,
    context: &Context,
    zone: &str,
    name: &str,
    address: IpAddr,
    waits: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let told = |trouble: Trouble| trouble.told(&format!("the DNS record {name} cannot be written"));
    let id = dns::path_of(zone, dns::kind(Some(address)), name);
    let wanted = dns::record(&context.hub, address);
    // Twice: what was written in between is looked at once more.
    for is_last in [false, true] {
        let found = azure.arm.get(&id, version::DNS).await.map_err(told)?;
        let found = found.map(|found| dns::read(name, &found));
        let only = match &found {
            None => Only::New,
            Some(found) => {
                if found.addresses == [address.to_string()] && !found.is_alias {
                    return Ok(());
                }
                if let Some(failure) = foreign(&context.hub, ids::last(zone), found, Some(address))
                {
                    return Err(failure);
                }
                Only::Etag(&found.etag)
            }
        };
        match azure.arm.put(&id, version::DNS, &wanted, only, waits).await {
            Ok(_) => return Ok(()),
            Err(trouble) if trouble.is_overtaken() && !is_last => {}
            Err(trouble) => return Err(told(trouble)),
        }
    }
    Ok(())
}

/// What the chart must be told, read from what is there after [`Stage::Before`].
///
/// # Errors
/// Something that was made is gone again (KTH8106), or Azure cannot be asked.
pub async fn values(azure: &Azure, plan: &Plan) -> Result<(Values, String), Failure> {
    let context = &plan.context;
    let found = azure
        .arm
        .get(&context.account, version::STORAGE)
        .await
        .map_err(|trouble| trouble.told("the storage account cannot be looked at"))?;
    let account = found
        .as_ref()
        .and_then(StorageAccount::read)
        .ok_or_else(|| gone("storage account", &context.account))?;
    let (client_id, tenant_id) = match context.mode {
        Mode::Workload => {
            let identity = identity(azure, &context.identity).await?;
            (identity.client_id, identity.tenant_id)
        }
        Mode::Kubelet => (context.kubelet_client.clone(), context.tenant.clone()),
    };
    let grafana = match &context.workspace {
        Some(id) => azure
            .arm
            .get(id, version::GRAFANA)
            .await
            .map_err(|trouble| trouble.told("the Grafana workspace cannot be looked at"))?
            .and_then(|found: Value| Workspace::read(&found))
            .map(|workspace| workspace.endpoint),
        None => None,
    };
    let values = Values {
        mode: mode(context.mode),
        client_id,
        tenant_id,
        endpoint: storage::endpoint(&account),
        storage_account: account.name.clone(),
        container: ids::last(&context.container).to_owned(),
        subscription: context.subscription.clone(),
        resource_group: ids::last(&context.group).to_owned(),
        grafana,
    };
    Ok((values, account.blob_endpoint))
}
