//! A hub's plan is carried out. It stops at the first failure; whoever runs it again does what is still missing.

use std::time::Duration;

use serde_json::{Value, json};
use thanos_core::codes;

use super::member::{self, Member};
use super::plan::{Action, Item, Plan, Step};
use crate::cluster::resource::{At, CERTIFICATES, GATEWAYS, Resource, SECRETS};
use crate::cluster::trouble::{Sort, Trouble};
use crate::cluster::{Cluster, Mode};
use crate::enroll::hidden::Hidden;
use crate::failure::Failure;
use crate::helm::release::Release;
use crate::helm::releases::{self, Installed, Mend};
use crate::helm::{Helm, Talk};
use crate::init::apply::Wait;
use crate::ui::Ui;

/// How long the API server may take to serve definitions that helm has just laid.
const SERVED: Duration = Duration::from_secs(30);

/// Between two looks at a release.
const AGAIN: Duration = Duration::from_secs(1);
/// A shorter line of a credential is a word that any sentence may hold: a user's name.
const SHORTEST: usize = 16;
/// A longer sentence of the API server may hold a part of what was sent.
const LONGEST: usize = 400;

/// What has been done, told as it happens.
pub(crate) struct Doings<'u, 'a> {
    pub(crate) ui: &'u mut Ui<'a>,
    /// Whether each step is a line on standard output; else the document at the end says all.
    pub(crate) aloud: bool,
    pub(crate) results: Vec<Value>,
    pub(crate) changed: bool,
    /// Whether to wait for what a later step cannot do without.
    pub(crate) waits: bool,
}

/// Carries out; gives back every failure of the step at which it stopped.
pub(crate) async fn apply(
    cluster: &Cluster,
    helm: Option<&Helm>,
    plan: &Plan,
    member: &Member<'_>,
    doings: &mut Doings<'_, '_>,
) -> Result<(), Vec<Failure>> {
    let one = |failure: Failure| vec![failure];
    for item in &plan.items {
        match &item.step {
            Step::Member => {
                let changed = member::apply(cluster, member, &plan.credentials, doings).await?;
                doings.changed |= changed;
            }
            Step::Release(release, found) if item.action.is_work() => {
                let helm = helm.ok_or_else(|| {
                    one(Failure::failed("there is no helm").code(codes::HELM_MISSING))
                })?;
                if item.part == "thanos" {
                    before_thanos(cluster, plan, doings).await.map_err(one)?;
                }
                installed(cluster, helm, release, found.as_ref(), doings)
                    .await
                    .map_err(|failure| one(seen(failure, &release.name, &release.namespace)))?;
            }
            step if item.action.is_work() => lay(cluster, item, step).await.map_err(one)?,
            _ => {}
        }
        tell(item, doings).map_err(one)?;
    }
    Ok(())
}

fn tell(item: &Item, doings: &mut Doings<'_, '_>) -> Result<(), Failure> {
    if item.step_is_member() && item.action.is_work() {
        // Its own steps were told one by one.
        return Ok(());
    }
    doings.changed |= item.action.is_work();
    doings.results.push(json!({
        "part": item.part, "namespace": item.namespace, "object": item.title, "result": item.action.done(),
    }));
    if !doings.aloud || item.action == Action::Skip {
        return Ok(());
    }
    let place = item
        .namespace
        .as_ref()
        .map(|namespace| format!(" (namespace {namespace})"))
        .unwrap_or_default();
    doings
        .ui
        .text(&format!("{} {}{place}\n", item.title, item.action.done()))?;
    doings.ui.flush()
}

impl Item {
    fn step_is_member(&self) -> bool {
        matches!(self.step, Step::Member)
    }
}

async fn lay(cluster: &Cluster, item: &Item, step: &Step) -> Result<(), Failure> {
    let Some(at) = &item.at else { return Ok(()) };
    let done = match step {
        Step::Apply(object) => cluster.apply(at, object).await,
        Step::Make(object) => {
            let within = At {
                name: None,
                ..at.clone()
            };
            cluster.create(&within, object, Mode::Real).await
        }
        Step::Merge(members) => cluster.merge(at, members).await,
        Step::Nothing | Step::Release(..) | Step::Member => return Ok(()),
    };
    done.map(drop)
        .map_err(|trouble| without_values(trouble, step))
}

/// An admission plugin may quote what it refuses: then only that it refused is said.
fn without_values(trouble: Trouble, step: &Step) -> Failure {
    let mut failure = trouble.failure;
    if let Step::Make(object) | Step::Merge(object) = step {
        let values = object["data"].as_object().into_iter().flatten();
        let values = values.filter_map(|(_, value)| Hidden::from_base64(value.as_str()?));
        // Of a file of several lines one line is enough.
        let hidden: Vec<Hidden> = values
            .flat_map(|value| {
                let text = String::from_utf8_lossy(value.reveal()).into_owned();
                let lines: Vec<Hidden> = text
                    .lines()
                    .map(|line| Hidden::new(line.trim()))
                    .filter(|line| line.reveal().len() >= SHORTEST)
                    .collect();
                lines.into_iter().chain([value])
            })
            .collect();
        let quotes =
            |cause: &String| cause.len() > LONGEST || hidden.iter().any(|value| value.is_in(cause));
        if failure.causes.iter().any(quotes) {
            failure.causes =
                vec!["its words are not shown, because they may quote the credential".to_owned()];
        }
    }
    if matches!(trouble.sort, Sort::Exists | Sort::Conflict) {
        return failure.hint("somebody was faster: run the same command again");
    }
    failure
}

/// What an interrupted helm has left is mended, and then it is installed; what another helm has finished meanwhile is
/// not done again.
async fn installed(
    cluster: &Cluster,
    helm: &Helm,
    release: &Release,
    found: Option<&Installed>,
    doings: &mut Doings<'_, '_>,
) -> Result<(), Failure> {
    let (name, namespace) = (&release.name, &release.namespace);
    let mut mend = Mend::Nothing;
    if found.is_some_and(Installed::is_pending) {
        let standing = at_rest(cluster, release, doings.ui).await?;
        if standing.as_ref().is_some_and(|it| it.is(release)) {
            return Ok(());
        }
        mend = standing.as_ref().map_or(mend, Installed::mend);
    }
    match mend {
        Mend::Nothing => {}
        Mend::Remove => {
            let mut talk = Talk::new(doings.ui, format!("taken the unfinished {name} away"));
            helm.uninstall(name, namespace, &mut talk).await?;
        }
        Mend::RollBack => {
            let mut talk = Talk::new(doings.ui, format!("rolled {name} back"));
            helm.roll_back(name, namespace, &mut talk).await?;
        }
    }
    let revision = releases::next(&records(cluster, release).await?);
    let mut talk = Talk::new(doings.ui, format!("installed {name}"));
    helm.install(release, revision, &mut talk).await
}

/// helm's own records of a release.
async fn records(cluster: &Cluster, release: &Release) -> Result<Vec<Value>, Failure> {
    let at = SECRETS.within(&release.namespace);
    let own = format!("{},name={}", releases::SELECTOR, release.name);
    Ok(cluster.metadata(&at, &own).await?)
}

/// How a release stands when no helm works on it any more: one that was killed is only known by its silence.
async fn at_rest(
    cluster: &Cluster,
    release: &Release,
    ui: &mut Ui<'_>,
) -> Result<Option<Installed>, Failure> {
    let mut wait = Wait::begin(format!("the helm at work on {} rests", release.name));
    loop {
        let found = releases::newest(&records(cluster, release).await?).pop();
        match &found {
            Some(standing) if standing.is_at_work(jiff::Timestamp::now()) => {
                wait.rest(ui, &standing.status, AGAIN).await;
            }
            _ => return Ok(found),
        }
    }
}

fn seen(failure: Failure, name: &str, namespace: &str) -> Failure {
    if failure.code == Some(codes::HELM_FAILED) {
        failure.hint(format!("helm history {name} -n {namespace}"))
    } else {
        failure
    }
}

/// Its chart holds objects of kinds that others have just brought, and cert-manager judges some of them.
async fn before_thanos(
    cluster: &Cluster,
    plan: &Plan,
    doings: &mut Doings<'_, '_>,
) -> Result<(), Failure> {
    let brought = |part: &str| {
        plan.items
            .iter()
            .any(|item| item.part == part && item.action.is_work())
    };
    if brought("envoy-gateway") {
        served(cluster, &GATEWAYS, doings.ui).await?;
    }
    if brought("cert-manager") {
        served(cluster, &CERTIFICATES, doings.ui).await?;
        if doings.waits {
            super::wait::cert_manager(cluster, doings.ui).await?;
        }
    }
    Ok(())
}

async fn served(
    cluster: &Cluster,
    resource: &'static Resource,
    ui: &mut Ui<'_>,
) -> Result<(), Failure> {
    let mut wait = Wait::begin(format!("{} are served", resource.qualified()));
    loop {
        match cluster.metadata(&resource.all(), "").await {
            Err(trouble) if trouble.sort == Sort::NotServed && wait.began.elapsed() < SERVED => {
                wait.pause(ui, "").await;
            }
            answer => return Ok(answer.map(drop)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_that_quotes_a_credential_is_not_shown() {
        let password = Hidden::new("c4n4ry-c4n4ry-c4n4ry");
        let file = Hidden::new("type: S3\nconfig:\n  secret_key: c4n4ry-key\n");
        let data = json!({"password": password.base64(), "objstore.yml": file.base64()});
        let said = |cause: String| {
            let failure = Failure::failed("refused").because(cause);
            let trouble = Trouble {
                sort: Sort::Other,
                failure,
            };
            let told = without_values(trouble, &Step::Make(json!({"data": data})));
            told.causes.join("\n")
        };
        for quoted in [
            "denied: c4n4ry-c4n4ry-c4n4ry is weak".to_owned(),
            format!("denied: {}", password.base64()),
            "denied: secret_key: c4n4ry-key".to_owned(),
        ] {
            let told = said(quoted);
            assert!(
                !told.contains("c4n4ry") && told.contains("not shown"),
                "{told}"
            );
        }
        assert_eq!(said("no label team".to_owned()), "no label team");
    }
}
