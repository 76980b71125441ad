//! Where a hub meets Azure: `plugin/src/azure` makes storage, identity, records and Grafana; this says when, and what
//! the hub's charts are told of it.

use std::net::{IpAddr, SocketAddr};

use serde_json::{Value, json};
use thanos_core::codes::{self, Code};

use super::apply::Doings;
use super::plan::{Action, Item, Step};
use super::wish::usage;
use crate::azure::apply::{Reader, Stage};
use crate::azure::plan::{Action as Doing, Plan, When};
use crate::azure::{self as room, Account, Azure, DnsWish, GrafanaWish, Pace};
pub(crate) use crate::azure::{Values as Made, Wish};
use crate::cli::{HubArgs, HubPart};
use crate::cluster::Cluster;
use crate::cluster::resource::NODES;
use crate::failure::Failure;
use crate::ui::Ui;

/// As rows of the plan name it.
pub(crate) const PART: &str = "azure";

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
        || flags.location.is_some()
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
    // Two hubs may share an account, but never a container: each has a compactor.
    let container = flags.storage_container.as_deref();
    let container = container.unwrap_or(around.account);
    container.clone_into(&mut wish.storage_container);
    wish.arm_endpoint.clone_from(&flags.arm_endpoint);
    wish.identity.clone_from(&flags.identity);
    wish.article_roles = flags.article_roles;
    wish.service_accounts = vec![Account {
        namespace: around.namespace.to_owned(),
        name: around.account.to_owned(),
    }];
    let skips = |part: HubPart| args.skip.contains(&part);
    if let Some(zone) = flags.dns_zone.as_ref().filter(|_| !skips(HubPart::Dns)) {
        let Some(domain) = around.domain else {
            return Err(vec![usage(
                "--dns-zone needs --domain: the record is *.DOMAIN",
            )]);
        };
        wish.dns = Some(DnsWish {
            zone: zone.clone(),
            domain: domain.to_owned(),
            hosts: around.hosts.to_vec(),
            address: around.address.and_then(address),
        });
    }
    let grafana = flags.grafana.as_ref();
    let grafana = grafana.filter(|_| !skips(HubPart::Grafana));
    wish.grafana = grafana.map(|name| GrafanaWish {
        name: name.clone(),
        url: format!("https://{}", around.hosts[1]),
    });
    Ok(Some(wish))
}

/// What a record can lead to; a port beside it is for whoever asks, not for names.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    let alone = text.parse().ok();
    alone.or_else(|| text.parse().ok().map(|both: SocketAddr| both.ip()))
}

/// `spec.providerID` of a node says which subscription, and which cluster. Whoever may not list nodes names them.
pub(crate) async fn of_node(cluster: &Cluster) -> Option<String> {
    let nodes = cluster.list(&NODES.all()).await.ok()?;
    let ids = nodes
        .iter()
        .filter_map(|node| node["spec"]["providerID"].as_str());
    let mut ids = ids.filter(|id| id.starts_with("azure://"));
    ids.next().map(str::to_owned)
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
        wish.provider_id = of_node(cluster).await;
        let azure = Azure::log_in(ui.surroundings(), &wish, Pace::default())
            .await
            .map_err(one)?;
        let facts = room::facts::gather(&azure, &wish).await.map_err(one)?;
        let plan = room::plan::plan(&wish, &facts)?;
        let made = room::plan::values(&wish, &facts);
        Ok(Self { azure, plan, made })
    }

    /// Fails where the charts cannot be told everything yet (KTH8106).
    pub(crate) fn is_furnished(&self) -> Result<(), Failure> {
        if self.made.is_some() {
            return Ok(());
        }
        Err(Failure::failed("the charts cannot be told of what Azure does not hold yet")
            .code(codes::AZURE_NOT_FOUND)
            .because("the identity's client id is known when the identity is made")
            .hint("run the same command without --export first, or name the identity and the storage account that are there"))
    }

    /// How it is logged in.
    pub(crate) fn way(&self) -> &'static str {
        self.azure.logged_in_by()
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
        room::apply::apply(&self.azure, &self.plan, &Stage::Before, doings).await?;
        let (made, _) = room::apply::values(&self.azure, &self.plan).await?;
        Ok(made)
    }

    /// The records, at the gateway's address.
    pub(crate) async fn address(
        &self,
        address: IpAddr,
        doings: &mut dyn room::Doings,
    ) -> Result<(), Failure> {
        room::apply::apply(&self.azure, &self.plan, &Stage::Address(address), doings).await
    }

    /// The records, as people know them.
    pub(crate) fn records(&self) -> Vec<&str> {
        let steps = self.plan.steps.iter();
        let records = steps.filter(|step| step.when == When::Address);
        records.map(|step| step.title.as_str()).collect()
    }

    /// Grafana, which reads as this user.
    pub(crate) async fn grafana(&self, reader: Reader<'_>, ui: &mut Ui<'_>) -> Result<(), Failure> {
        room::apply::apply(&self.azure, &self.plan, &Stage::Grafana(reader), ui).await
    }
}

/// In the words of a hub's plan.
fn action(of: Doing) -> Action {
    match of {
        Doing::Create => Action::Create,
        Doing::Update | Doing::Wait => Action::Update,
        Doing::Unchanged => Action::Unchanged,
        Doing::Adopt => Action::Keep,
    }
}

/// A step in Azure is told, and counted, like one in the cluster.
impl room::Doings for Doings<'_, '_> {
    fn begins(&mut self, step: &room::plan::Step) {
        self.ui.begins(step);
    }

    fn waits(&mut self, step: &room::plan::Step, what: &str) {
        self.ui.waits(step, what);
    }

    fn ends(&mut self, step: &room::plan::Step) {
        let action = action(step.action);
        self.changed |= action.is_work();
        let result = action.done();
        self.results
            .push(json!({"part": PART, "namespace": null, "object": step.title, "result": result}));
        if self.aloud {
            // Where nobody reads any more, the next step of the cluster says so.
            let _ = self.ui.text(&format!("{} {result}\n", step.title));
        }
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
