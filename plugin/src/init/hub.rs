//! `kubectl thanos init --domain …`: a hub from nothing, or what is missing of one.
//!
//! ```text
//! wish ─> facts (read only) ─> plan (pure) ─> show ─> ask ─> apply (helm, objects, member) ─> wait ─> prove
//! ```
//!
//! What is installed is read off the cluster each time, so that a second run changes nothing, and one that was stopped
//! anywhere goes on where it stopped.

use std::time::Duration;

use thanos_core::codes;

use super::prove::Proof;
use super::{claim, facts as member_facts};
use crate::azure::apply::Reader;
use crate::cli::{Global, HubPart, InitArgs, ReportFormat};
use crate::cluster::Cluster;
use crate::enroll::hidden::Hidden;
use crate::enroll::told;
use crate::failure::{Ending, Failure};
use crate::helm::chart::KUBE_PROMETHEUS_STACK;
use crate::helm::{Helm, Talk};
use crate::ui::Ui;
use apply::Doings;
use azure::Room;
use facts::Facts;
use member::Member;
use plan::{Action, Item, Membership, Plan, Step};
use prove::Route;
use report::Report;
use wait::{Patience, Waiting};
use wish::Wish;

pub(super) mod answers;
mod apply;
mod azure;
pub(crate) mod credentials;
mod export;
pub(crate) mod facts;
mod member;
mod plan;
mod pods;
mod prove;
mod report;
mod sample;
mod values;
mod wait;
mod wish;
mod writers;

pub(crate) use azure::of_node;
pub(crate) use wish::{fullname, named};

/// Makes a hub.
pub(crate) async fn run(
    args: &InitArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let now = ui.surroundings().now;
    let wish = wish::wish(args, global, now, ui).map_err(|faults| told(faults, ui))?;
    if let Some(folder) = &args.export {
        export::vacant(folder)?;
    }
    let cluster = Cluster::connect(global, ui.journal()).await?;
    cluster.expect_context(args.expect_context.as_deref())?;
    let helm = Helm::find(global, &cluster, ui.surroundings()).await?;
    let room = enter(&wish, &cluster, ui).await?;
    let Seen {
        facts,
        plan,
        member,
        membership,
    } = look(args, &wish, &cluster, room.as_ref(), ui).await?;
    if let Some(folder) = &args.export {
        room.as_ref().map_or(Ok(()), Room::is_furnished)?;
        return export::export(folder, &wish, &facts, &plan, &member, &helm, ui).await;
    }
    let is_furnished = room.as_ref().is_none_or(|room| room.made.is_some());
    rendered(&helm, &plan, &facts.version, is_furnished)
        .await
        .map_err(|faults| told(faults, ui))?;
    let said = format!("{}", helm.version);
    let mut report = Report::new(&wish, &facts, &plan, &said, args.dry_run);
    super::report::show(&report.text(), &report.as_json(), &plan.warnings, args, ui)?;
    if args.dry_run {
        return Ok(Ending::Fine);
    }
    let context = facts.context.as_deref().unwrap_or("none");
    let server = &facts.server;
    let question = format!("Make hub {} on {server} (context {context})?", wish.name);
    if !plan.is_settled() && !args.yes {
        ui.confirm(&question).await?;
    }
    let aloud = args.output == ReportFormat::Text;
    let mut doings = Doings {
        ui,
        aloud,
        results: Vec::new(),
        changed: false,
        waits: args.wait,
    };
    let making = Making {
        cluster: &cluster,
        helm: &helm,
        wish: &wish,
        facts: &facts,
        member: &member,
        room: room.as_ref(),
    };
    let mut told_charts = None;
    let applied = making
        .all(&plan, membership, &mut told_charts, &mut doings)
        .await;
    let Doings {
        results, changed, ..
    } = doings;
    report.results = results;
    if let Err(failures) = applied {
        return stopped(failures, changed, &plan, &report, aloud, ui);
    }
    if !args.wait {
        if !aloud {
            ui.json(&report.as_json())?;
        }
        let left: Vec<String> = left(&plan, &report)
            .filter(|item| item.part == azure::PART)
            .map(|item| item.title.clone())
            .collect();
        if !left.is_empty() {
            ui.say(format!("Not done without waiting: {}", left.join(", ")));
        }
        ui.tell(codes::NOT_PROVEN, codes::NOT_PROVEN.title);
        return Ok(Ending::Partly);
    }
    let plan = told_charts.unwrap_or(plan);
    let proofs = Proving {
        cluster: &cluster,
        global,
        wish: &wish,
        plan: &plan,
        member: &member,
        room: room.as_ref(),
        patience: args.patience,
    };
    report.proofs = proofs.all(ui).await;
    conclude(report, &wish, aloud, ui)
}

/// Charts that are at hand take their values, which is known before anything is done; what a registry holds is not
/// fetched for that, and where Azure is not furnished yet, the hub's own values are not whole.
async fn rendered(
    helm: &Helm,
    plan: &Plan,
    server: &str,
    is_furnished: bool,
) -> Result<(), Vec<Failure>> {
    let looks = plan.items.iter().filter_map(|item| match &item.step {
        Step::Release(release, _) if item.action.is_work() && release.chart.is_at_hand() => {
            (is_furnished || item.part != HubPart::Thanos.word()).then_some(release)
        }
        _ => None,
    });
    let looks = looks.map(async |release| {
        let what = format!("release/{} cannot be rendered", release.name);
        let mut talk = Talk::silent();
        let rendered = helm.template(release, server, &mut talk).await;
        rendered.err().map(|failure| Failure {
            message: what,
            ..failure
        })
    });
    let faults = futures::future::join_all(looks).await;
    let faults: Vec<Failure> = faults.into_iter().flatten().collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// Logs in to Azure, where it is wished, and looks.
async fn enter(wish: &Wish, cluster: &Cluster, ui: &mut Ui<'_>) -> Result<Option<Room>, Failure> {
    let Some(azure) = &wish.azure else {
        return Ok(None);
    };
    let looked = Room::look(azure, cluster, ui).await;
    let room = looked.map_err(|faults| told(faults, ui))?;
    ui.say(format!("Logged in to Azure by {}.", room.way()));
    Ok(Some(room))
}

/// Who makes a hub.
struct Making<'a> {
    cluster: &'a Cluster,
    helm: &'a Helm,
    wish: &'a Wish,
    facts: &'a Facts,
    member: &'a Member<'a>,
    room: Option<&'a Room>,
}

impl Making<'_> {
    /// What is made in Azure comes first; the charts are told of it, so that everything in the cluster is planned anew.
    async fn all(
        &self,
        plan: &Plan,
        membership: Membership,
        anew: &mut Option<Plan>,
        doings: &mut Doings<'_, '_>,
    ) -> Result<(), Vec<Failure>> {
        let one = |failure: Failure| vec![failure];
        let Some(room) = self.room else {
            return self.cluster(plan, doings).await;
        };
        let made = room.before(doings).await.map_err(one)?;
        let plan = anew.insert(plan::plan(self.wish, self.facts, Some(&made), membership)?);
        self.cluster(plan, doings).await?;
        // Else the record waits until the gateway says its address.
        let address = self.wish.gateway_address.as_deref();
        if let Some(address) = address.and_then(azure::address) {
            room.address(address, doings).await.map_err(one)?;
        }
        Ok(())
    }

    async fn cluster(&self, plan: &Plan, doings: &mut Doings<'_, '_>) -> Result<(), Vec<Failure>> {
        apply::apply(self.cluster, Some(self.helm), plan, self.member, doings).await
    }
}

/// What is known before anything is done.
struct Seen<'a> {
    facts: Facts,
    plan: Plan,
    member: Member<'a>,
    membership: Membership,
}

async fn look<'a>(
    args: &InitArgs,
    wish: &'a Wish,
    cluster: &Cluster,
    room: Option<&Room>,
    ui: &mut Ui<'_>,
) -> Result<Seen<'a>, Failure> {
    let mut namespaces = vec![wish.namespace.as_str(), KUBE_PROMETHEUS_STACK.namespace];
    namespaces.extend(wish.namespaces.iter().map(String::as_str));
    let mut facts = facts::gather(cluster, wish, &namespaces).await?;
    // A namespace that holds an object is there.
    facts
        .namespaces
        .extend(facts.objects.iter().map(|object| object.namespace.clone()));
    let enrolled = plan::enrolled(wish, &facts);
    let member = member::member(args, wish, enrolled).map_err(|faults| told(faults, ui))?;
    let membership = if wish.skips(HubPart::Member) {
        Membership::None
    } else {
        let kept = credentials::plan(wish, &facts.kept).map_err(|faults| told(faults, ui))?;
        member.look(cluster, &facts, &kept).await?
    };
    let made = room.and_then(|room| room.made.as_ref());
    let planned = plan::plan(wish, &facts, made, membership);
    let mut plan = planned.map_err(|faults| told(faults, ui))?;
    if let Some(room) = room {
        plan.items.splice(0..0, room.items(false));
        plan.items.extend(room.items(true));
        plan.warnings.extend(room.warnings());
    }
    Ok(Seen {
        facts,
        plan,
        member,
        membership,
    })
}

/// Says what is done and what is not, and why; the same command again does the rest.
fn stopped(
    failures: Vec<Failure>,
    changed: bool,
    plan: &Plan,
    report: &Report,
    aloud: bool,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let failure = told(failures, ui);
    let left: Vec<String> = left(plan, report).map(|item| item.title.clone()).collect();
    if !aloud {
        ui.json(&report.stopped_at(&failure))?;
    }
    let standing = format!("Not done: {}", left.join(", "));
    super::report::ended(failure, changed, &standing, ui)
}

/// What was planned and is not done.
fn left<'a>(plan: &'a Plan, report: &'a Report) -> impl Iterator<Item = &'a Item> {
    let done = |item: &Item| {
        report
            .results
            .iter()
            .any(|result| result["object"] == item.title.as_str())
    };
    plan.items
        .iter()
        .filter(move |item| item.action.is_work() && !done(item))
}

/// Who proves a hub.
struct Proving<'a> {
    cluster: &'a Cluster,
    global: &'a Global,
    wish: &'a Wish,
    plan: &'a Plan,
    member: &'a Member<'a>,
    room: Option<&'a Room>,
    /// For one thing that is waited for.
    patience: Option<Duration>,
}

const ADDRESS: &str = "the gateway has an address";
const RECORDS: &str = "the hosts have their records";
const GRAFANA: &str = "Grafana reads the hub";
const NAMES: &str = "the hosts lead to the gateway";
const CERTIFICATE: &str = "the certificate is issued";
const PODS: &str = "the hub runs";
const CLOSED: &str = "a wrong password is refused";
const SAMPLE: &str = "a sample arrives";

impl Proving<'_> {
    /// Every proof, as far as one can be had without another.
    async fn all(&self, ui: &mut Ui<'_>) -> Vec<Proof> {
        let timeout = self.global.timeout;
        let patience = Patience {
            given: self.patience,
            is_timed: timeout.is_some_and(|timeout| !timeout.is_zero()),
        };
        let waiting = Waiting {
            cluster: self.cluster,
            wish: self.wish,
            patience,
        };
        let mut proofs = Vec::new();
        let address = match waiting.address(ui).await {
            Ok(address) => {
                proofs.push(Proof::ok(ADDRESS, format!("the gateway is at {address}")));
                Some(address)
            }
            Err(failure) => {
                proofs.push(Proof::failed(ADDRESS, failure));
                None
            }
        };
        let route = address.as_deref().map(|address| Route {
            wish: self.wish,
            credentials: &self.plan.credentials,
            address,
            patience,
        });
        proofs.extend(self.records(address.as_deref(), ui).await);
        if let Some(route) = route.as_ref().filter(|_| !self.wish.skips(HubPart::Dns)) {
            let names = route.names().await;
            if let Err(failure) = &names {
                // A certificate that is waited for next may need them.
                for hint in &failure.hints {
                    ui.hint(hint);
                }
            }
            proofs.push(proof(NAMES, names));
        }
        let issued = waiting.certificate(ui).await;
        let is_issued = issued.is_ok();
        if self.wish.certificate.is_issued() {
            let sentence = format!("{} gave it", self.wish.certificate);
            proofs.push(proof(CERTIFICATE, issued.map(|()| sentence)));
        }
        let ready = self.ready(&waiting, ui).await;
        let is_ready = ready.is_ok();
        proofs.push(proof(PODS, ready));
        if !self.wish.skips(HubPart::Member) {
            proofs.extend(self.member(ui).await);
        }
        if let Some(route) = route.filter(|_| is_issued && is_ready) {
            let sample = route.sample(ui).await;
            let arrived = sample.is_ok();
            proofs.push(proof(SAMPLE, sample));
            if arrived {
                proofs.push(proof(CLOSED, route.closed().await));
                proofs.extend(self.grafana(ui).await);
            }
        }
        proofs
    }

    async fn ready(&self, waiting: &Waiting<'_>, ui: &mut Ui<'_>) -> Result<String, Failure> {
        let ours = |part: &HubPart| {
            self.plan.items.iter().any(|item| {
                item.part == part.word() && !matches!(item.action, Action::Keep | Action::Skip)
            })
        };
        let mut named = Vec::new();
        for part in [HubPart::Thanos, HubPart::Webhook]
            .iter()
            .filter(|part| ours(part))
        {
            let release = self.plan.releases().find(|release| {
                (*part == HubPart::Thanos) == (release.name == self.wish.name)
                    && (*part == HubPart::Thanos
                        || release.name == thanos_core::names::REGISTRATION)
            });
            if let Some(release) = release {
                waiting.ready(&release.name, &release.namespace, ui).await?;
                named.push(release.name.clone());
            }
        }
        Ok(format!("every part of {} is ready", named.join(" and ")))
    }

    /// In a zone of Azure, the hosts' names lead to the gateway.
    async fn records(&self, address: Option<&str>, ui: &mut Ui<'_>) -> Option<Proof> {
        let room = self.room?;
        let records = room.records();
        if records.is_empty() {
            return None;
        }
        let text = address?;
        let Some(address) = azure::address(text) else {
            let failure = Failure::failed(format!("{text} is no address that a record leads to"));
            let hint = "make CNAME records for both hosts, and leave the DNS zone out";
            return Some(Proof::failed(RECORDS, failure.hint(hint)));
        };
        let made = room.address(address, ui).await;
        let sentence = format!("{} leads to {address}", records.join(" and "));
        Some(proof(RECORDS, made.map(|()| sentence)))
    }

    /// Managed Grafana comes last: it asks the hub whether it can be read.
    async fn grafana(&self, ui: &mut Ui<'_>) -> Option<Proof> {
        let room = self.room?;
        let wished = self.wish.azure.as_ref()?.grafana.as_ref();
        let wished = wished.filter(|_| !self.wish.skips(HubPart::Grafana))?;
        let read = &self.plan.credentials.read;
        let text = |hidden: &Hidden| String::from_utf8_lossy(hidden.reveal()).into_owned();
        let password = text(&read.password);
        let authority = self.wish.authority.as_ref().map(text);
        let reader = Reader {
            url: &wished.url,
            user: &read.user,
            password: &password,
            authority: authority.as_deref(),
        };
        let sentence = format!("{} reads {} as {}", wished.name, wished.url, read.user);
        let made = room.grafana(reader, ui).await;
        Some(proof(GRAFANA, made.map(|()| sentence)))
    }

    async fn member(&self, ui: &mut Ui<'_>) -> Vec<Proof> {
        let Member { wish, terms, .. } = self.member;
        match member_facts::gather(self.cluster, wish, terms).await {
            Ok(facts) => {
                let mut claim = claim(self.cluster, wish, &facts, self.global);
                claim.patience = self.patience.or(claim.patience);
                claim.prove(ui).await
            }
            Err(failure) => vec![Proof::failed("objects are wired", failure)],
        }
    }
}

fn proof(of: &'static str, of_it: Result<String, Failure>) -> Proof {
    match of_it {
        Ok(sentence) => Proof::ok(of, sentence),
        Err(failure) => Proof::failed(of, failure),
    }
}

fn conclude(report: Report, wish: &Wish, aloud: bool, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    if aloud {
        for proof in report.proofs.iter().filter(|proof| proof.ok) {
            ui.text(&format!("proof: {}: {}\n", proof.of, proof.sentence))?;
        }
        ui.flush()?;
    } else {
        ui.json(&report.as_json())?;
    }
    let mut failures: Vec<Failure> = report
        .proofs
        .into_iter()
        .filter_map(|proof| proof.failure)
        .collect();
    let Some(last) = failures.pop() else {
        ui.say(format!(
            "Hub {} takes samples at {} and answers at https://{}.",
            wish.name,
            wish.write_url(),
            wish.read_host
        ));
        ui.say(format!(
            "The readers' password is in secret/{} of namespace {}.",
            wish.named("read-credential"),
            wish.namespace
        ));
        return Ok(Ending::Fine);
    };
    for failure in &failures {
        ui.fail(failure);
    }
    Err(last)
}
