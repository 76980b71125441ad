//! Where a hub meets Azure: `plugin/src/azure` makes storage, identity, records and Grafana; this says when, and what
//! the hub's charts are told of it.

use std::net::IpAddr;

use serde_json::{Value, json};
use thanos_core::codes::Code;

use super::apply::Doings;
use super::plan::{Action, Item, Step};
use super::wish::usage;
use crate::azure::apply::{Reader, Stage};
use crate::azure::plan::{Action as Doing, Plan, When};
use crate::azure::{self as room, Account, Azure, DnsWish, GrafanaWish, Pace};
pub(crate) use crate::azure::{Values as Made, Wish};
use crate::cli::HubArgs;
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::ui::Ui;

/// The word of its rows.
const PART: &str = "azure";

/// What a wish for Azure is made of beside its flags.
pub(crate) struct Around<'a> {
    pub(crate) hub: &'a str,
    pub(crate) namespace: &'a str,
    /// The ServiceAccount that Thanos runs as.
    pub(crate) account: &'a str,
    pub(crate) hosts: &'a [String; 2],
    pub(crate) domain: Option<&'a str>,
    pub(crate) address: Option<&'a str>,
}

/// Reads it off the flags; `None` under `--no-azure`, and where the object store is elsewhere and no flag names Azure.
pub(crate) fn wish(args: &HubArgs, around: &Around<'_>) -> Result<Option<Wish>, Vec<Failure>> {
    let flags = &args.azure;
    let names_azure = flags.subscription.is_some()
        || flags.resource_group.is_some()
        || flags.aks_cluster.is_some()
        || flags.storage_account.is_some()
        || flags.storage_container.is_some()
        || flags.dns_zone.is_some()
        || flags.grafana.is_some()
        || flags.identity.is_some()
        || flags.article_roles;
    if args.no_azure || (args.objstore_file.is_some() && !names_azure) {
        return Ok(None);
    }
    let mut wish = Wish::of(around.hub);
    wish.subscription.clone_from(&flags.subscription);
    wish.resource_group.clone_from(&flags.resource_group);
    wish.aks_cluster.clone_from(&flags.aks_cluster);
    wish.location.clone_from(&flags.location);
    wish.storage_account.clone_from(&flags.storage_account);
    // Of each hub its own: two compactors on one container destroy each other's blocks.
    wish.storage_container = match &flags.storage_container {
        Some(container) => container.clone(),
        None => around.account.to_owned(),
    };
    wish.identity.clone_from(&flags.identity);
    wish.article_roles = flags.article_roles;
    wish.service_accounts = vec![Account {
        namespace: around.namespace.to_owned(),
        name: around.account.to_owned(),
    }];
    if let Some(zone) = &flags.dns_zone {
        let Some(domain) = around.domain else {
            return Err(vec![usage(
                "--dns-zone needs --domain: the record is *.DOMAIN",
            )]);
        };
        wish.dns = Some(DnsWish {
            zone: zone.clone(),
            domain: domain.to_owned(),
            hosts: around.hosts.to_vec(),
            address: around.address.and_then(|address| address.parse().ok()),
        });
    }
    wish.grafana = flags.grafana.as_ref().map(|name| GrafanaWish {
        name: name.clone(),
        url: format!("https://{}", around.hosts[1]),
    });
    Ok(Some(wish))
}

/// A login, and what is to be done there.
pub(crate) struct Room {
    azure: Azure,
    plan: Plan,
    /// What the charts are told, where all of it is there already.
    pub(crate) made: Option<Made>,
}

impl Room {
    /// Logs in and looks; read only.
    pub(crate) async fn look(
        wish: &Wish,
        cluster: &Cluster,
        ui: &Ui<'_>,
    ) -> Result<Self, Vec<Failure>> {
        let one = |failure: Failure| vec![failure];
        let mut wish = wish.clone();
        let server = url::Url::parse(cluster.server()).ok();
        wish.server = server.and_then(|server| Some(server.host_str()?.to_owned()));
        let azure = Azure::log_in(ui.surroundings(), &wish, Pace::default())
            .await
            .map_err(one)?;
        let facts = room::facts::gather(&azure, &wish).await.map_err(one)?;
        let plan = room::plan::plan(&wish, &facts)?;
        let made = room::plan::values(&wish, &facts);
        Ok(Self { azure, plan, made })
    }

    /// As rows of the hub's plan: what comes before the charts, and what comes behind.
    pub(crate) fn items(&self, behind: bool) -> Vec<Item> {
        let steps = self.plan.steps.iter();
        let steps = steps.filter(|step| (step.when == When::Before) != behind);
        steps
            .map(|step| Item {
                part: PART,
                title: step.title.clone(),
                namespace: None,
                action: action(step.action),
                detail: step.detail.clone(),
                step: Step::Nothing,
                at: None,
            })
            .collect()
    }

    /// What whoever confirms should know.
    pub(crate) fn warnings(&self) -> Vec<(&'static Code, String)> {
        let notices = self.plan.notices.iter();
        notices
            .map(|notice| (notice.code, notice.sentence.clone()))
            .collect()
    }

    /// Storage, identity and roles; gives what the charts are told.
    pub(crate) async fn before(&self, doings: &mut Doings<'_, '_>) -> Result<Made, Failure> {
        let mut noted = Noted(doings);
        room::apply::apply(&self.azure, &self.plan, &Stage::Before, &mut noted).await?;
        let (made, _) = room::apply::values(&self.azure, &self.plan).await?;
        Ok(made)
    }

    /// The records, at the gateway's address.
    pub(crate) async fn address(&self, address: IpAddr, ui: &mut Ui<'_>) -> Result<(), Failure> {
        room::apply::apply(&self.azure, &self.plan, &Stage::Address(address), ui).await
    }

    /// Grafana, which reads as this user.
    pub(crate) async fn grafana(&self, reader: Reader<'_>, ui: &mut Ui<'_>) -> Result<(), Failure> {
        room::apply::apply(&self.azure, &self.plan, &Stage::Grafana(reader), ui).await
    }
}

/// What is done in Azure is done, whatever fails behind it.
struct Noted<'d, 'u, 'a>(&'d mut Doings<'u, 'a>);

impl room::Doings for Noted<'_, '_, '_> {
    fn begins(&mut self, step: &room::plan::Step) {
        self.0.ui.begins(step);
    }

    fn waits(&mut self, step: &room::plan::Step, what: &str) {
        self.0.ui.waits(step, what);
    }

    fn ends(&mut self, step: &room::plan::Step) {
        self.0.changed |= step.action.writes();
        let word = action(step.action).done();
        self.0.results.push(json!({
            "part": PART, "namespace": null, "object": step.title, "result": word,
        }));
        self.0.ui.ends(step);
    }
}

fn action(doing: Doing) -> Action {
    match doing {
        Doing::Create => Action::Create,
        Doing::Update | Doing::Wait => Action::Update,
        Doing::Unchanged => Action::Unchanged,
        Doing::Adopt => Action::Keep,
    }
}

/// What charts/thanos is told.
pub(crate) fn values(made: &Made, into: &mut Value, has_file: bool) {
    into["identity"] =
        json!({"mode": made.mode, "clientId": made.client_id, "tenantId": made.tenant_id});
    if !has_file {
        into["objectStorage"] = json!({"azure": {
            "storageAccount": made.storage_account, "container": made.container, "endpoint": made.endpoint,
        }});
    }
}
