//! A plan is carried out. It stops at the first failure; whoever runs it again does what is still missing.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thanos_core::codes;

use super::plan::Plan;
use crate::cluster::Cluster;
use crate::cluster::live::condition;
use crate::cluster::resource::{CRDS, WIRINGS, wiring_crd_name};
use crate::cluster::trouble::{Sort, Trouble, not_ours};
use crate::enroll::apply::{Done, enroll};
use crate::enroll::plan::{self, Action, Row, Step, Terms};
use crate::enroll::{line, warn};
use crate::failure::Failure;
use crate::ui::Ui;

/// How long the API server may take to serve a new CRD.
const SERVED: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// Between two words about waiting.
const WORD: Duration = Duration::from_secs(2);

/// What has been done, told as it happens.
pub(crate) struct Doings<'u, 'a> {
    pub(crate) ui: &'u mut Ui<'a>,
    /// Whether each step is a line on standard output; else the document at the end says all.
    pub(crate) aloud: bool,
    /// Each step that is done.
    pub(crate) results: Vec<Value>,
    /// Whether anything was made or changed.
    pub(crate) changed: bool,
    /// What each enrolment came to.
    pub(crate) enrolled: Vec<plan::Plan>,
}

impl Doings<'_, '_> {
    fn tell(&mut self, namespace: Option<&str>, done: &Done) -> Result<(), Failure> {
        self.changed |= done.action != Action::Unchanged;
        let result = json!({"namespace": namespace, "object": done.at.title(), "result": done.action.done()});
        self.results.push(result);
        match namespace {
            _ if !self.aloud => Ok(()),
            None => line(done, done.action.done(), self.ui),
            Some(namespace) => {
                let text = format!(
                    "{} {} (namespace {namespace})\n",
                    done.at.title(),
                    done.action.done()
                );
                self.ui.text(&text)?;
                self.ui.flush()
            }
        }
    }
}

/// Carries out; gives back every failure of the step at which it stopped.
pub(crate) async fn apply(
    cluster: &Cluster,
    plan: &Plan,
    terms: &Terms,
    credential: &plan::Wish,
    doings: &mut Doings<'_, '_>,
) -> Result<(), Vec<Failure>> {
    let one = |failure: Failure| vec![failure];
    for row in &plan.cluster {
        let done = lay(cluster, row, doings).await.map_err(one)?;
        doings.tell(None, &done).map_err(one)?;
    }
    for (namespace, _) in &plan.namespaces {
        let mut tell = |done: &Done| doings.tell(Some(namespace), done);
        let enrolment = enroll(cluster, terms, namespace, credential, &mut tell).await?;
        warn(&enrolment.warnings, doings.ui);
        doings.enrolled.push(enrolment);
    }
    Ok(())
}

/// The CRD or the wiring.
async fn lay(cluster: &Cluster, row: &Row, doings: &mut Doings<'_, '_>) -> Result<Done, Failure> {
    let done = Done {
        at: row.at.clone(),
        action: row.action,
        detail: row.detail.clone(),
    };
    if row.action != Action::Unchanged
        && let Step::Apply(object) = &row.step
    {
        cluster.apply(&row.at, object).await.map_err(owned)?;
    }
    if *row.at.resource == CRDS {
        served(cluster, doings.ui).await?;
    }
    Ok(done)
}

/// A field that another manager owns is not taken away from it.
fn owned(trouble: Trouble) -> Failure {
    let Trouble { sort, failure } = trouble;
    if sort != Sort::Conflict {
        return failure;
    }
    let mut refused = not_ours(failure.message.replace(
        "the API server refused to patch",
        "another manager owns a part of",
    ));
    refused.causes = failure.causes;
    refused.hint("change it where it is managed, or let that manager give it up")
}

/// Waits until our kind can be asked for.
async fn served(cluster: &Cluster, ui: &mut Ui<'_>) -> Result<(), Failure> {
    let mut wait = Wait::begin(format!("{} is served", wiring_crd_name()));
    let at = CRDS.named(&wiring_crd_name());
    loop {
        let crd = cluster.get(&at).await?;
        let established = condition(&crd, "Established");
        if established["status"] == "True" {
            match cluster.list(&WIRINGS.all()).await {
                Err(trouble) if trouble.sort == Sort::NotServed => {}
                listed => return Ok(listed.map(drop)?),
            }
        }
        if wait.began.elapsed() > SERVED {
            let names = condition(&crd, "NamesAccepted");
            let failure = Failure::failed(format!("{} is not served", wiring_crd_name()))
                .code(codes::CRD_MISSING);
            return Err(failure.because(
                names["message"]
                    .as_str()
                    .unwrap_or("the API server does not say why"),
            ));
        }
        wait.pause(ui, "").await;
    }
}

/// Waiting, with a word about it now and then.
pub(crate) struct Wait {
    what: String,
    pub(crate) began: Instant,
    said: Instant,
}

impl Wait {
    /// Begins to wait until this is so.
    pub(crate) fn begin(what: String) -> Self {
        let now = Instant::now();
        Self {
            what,
            began: now,
            said: now,
        }
    }

    /// Waits a little, and says so where it takes long; `state` is what was seen last.
    pub(crate) async fn pause(&mut self, ui: &mut Ui<'_>, state: &str) {
        self.rest(ui, state, LOOK).await;
    }

    /// The same for as long as this.
    pub(crate) async fn rest(&mut self, ui: &mut Ui<'_>, state: &str, time: Duration) {
        if self.said.elapsed() >= WORD {
            self.said = Instant::now();
            let state = if state.is_empty() {
                String::new()
            } else {
                format!(": {state}")
            };
            ui.say(format!(
                "waiting until {} ({} s){state}",
                self.what,
                self.began.elapsed().as_secs()
            ));
        }
        tokio::time::sleep(time).await;
    }
}
