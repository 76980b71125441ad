//! What stays in Azure, each with the command that deletes it: blocks, dashboards and roles are whoever's hub it was.

use thanos_core::codes;

use super::facts::Facts;
use super::plan::{Plan, Row, Step};
use crate::azure::removal::{self, Ours};
use crate::azure::{self as room, Azure, Pace};
use crate::cli::UninstallArgs;
use crate::cluster::Cluster;
use crate::cluster::resource::SERVICE_ACCOUNTS;
use crate::failure::Failure;
use crate::init::hub::{fullname, of_node};
use crate::ui::Ui;

/// What Azure's webhook reads off a ServiceAccount.
const CLIENT: &str = "azure.workload.identity/client-id";

/// Lists it, behind everything else. Whoever cannot log in is told so, and takes the rest away all the same.
pub(super) async fn list(
    args: &UninstallArgs,
    cluster: &Cluster,
    facts: &Facts,
    plan: &mut Plan,
    ui: &Ui<'_>,
) {
    if args.subscription.is_none() && !is_in_azure(args, cluster, facts).await {
        return;
    }
    match ours(args, cluster, ui).await {
        Ok(found) => plan.rows.extend(found.iter().map(row)),
        Err(failure) => {
            let why = failure.causes.first().unwrap_or(&failure.message);
            let sentence = format!(
                "what is in Azure cannot be listed: {why}; az resource list --tag kubectl-thanos={} -o table",
                args.name
            );
            plan.warnings.push((codes::AZURE_NOT_LISTED, sentence));
        }
    }
}

/// Whether its Thanos runs as an identity of Azure.
async fn is_in_azure(args: &UninstallArgs, cluster: &Cluster, facts: &Facts) -> bool {
    let Some(release) = facts.releases.iter().find(|one| one.name == args.name) else {
        return false;
    };
    let account = SERVICE_ACCOUNTS.within(&release.namespace);
    let account = cluster.find(&account.named(&fullname(&args.name))).await;
    account.is_ok_and(|found| {
        found.is_some_and(|found| found["metadata"]["annotations"][CLIENT].is_string())
    })
}

async fn ours(args: &UninstallArgs, cluster: &Cluster, ui: &Ui<'_>) -> Result<Vec<Ours>, Failure> {
    let mut wish = room::Wish::of(&args.name);
    wish.subscription.clone_from(&args.subscription);
    wish.arm_endpoint.clone_from(&args.arm_endpoint);
    wish.provider_id = of_node(cluster).await;
    let azure = Azure::log_in(ui.surroundings(), &wish, Pace::default()).await?;
    let subscription = room::facts::subscription(&azure, &wish).await?;
    removal::ours(&azure, &subscription, &args.name).await
}

fn row(ours: &Ours) -> Row {
    let data = if ours.holds_data { "holds data: " } else { "" };
    Row {
        title: format!("{} {}", ours.kind, ours.name),
        namespace: None,
        detail: format!("{data}{}", ours.command),
        step: Step::Stay,
    }
}
