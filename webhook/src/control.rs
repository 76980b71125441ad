//! Keeps the cluster true: gather (stores) → judge (the same `decide`) → apply (one touch) → report (status, events).
//!
//! One process leads; the others keep their stores warm and wait. The mutator is the only one that edits an object:
//! `control` asks it to look again, and never writes a spec.
//!
//! Rights, all of them (the chart grants exactly these):
//! - get, list, watch, patch: prometheuses, prometheusagents, thanosrulers (monitoring.coreos.com); never update
//! - get, list, watch, patch: thanoswirings; patch: thanoswirings/status; update: thanoswirings/finalizers
//! - get, list, watch: thanospolicies; patch: thanospolicies/status
//! - get, list, watch: namespaces; the three CRDs and the MutatingWebhookConfiguration `thanos-webhook`, by name
//! - get, patch: both webhook configurations `thanos-webhook`, by name, for `caBundle`
//! - create, patch: events (events.k8s.io)
//! - in its own namespace: create leases; get, update the lease `thanos-webhook-control`
//! - in its own namespace: get, patch the Secrets `thanos-webhook-ca` and `thanos-webhook-tls`
//! - other Secrets and ConfigMaps: none, but what the Role beside each credential gives: get, list, watch of that one name

mod apply;
pub mod certificates;
pub mod credentials;
pub mod events;
pub mod judge;
pub mod lease;
pub mod metrics;
pub mod objects;
mod pause;
pub mod policies;
pub mod registration;
pub mod rewire;
pub mod status;
pub mod touch;
pub mod view;
pub mod wiring;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::Timestamp;
use kube::runtime::watcher;
use kube::{Api, Client};
use thanos_core::names;
use tokio::sync::{Notify, mpsc};
use tokio::time::{sleep, timeout};

use crate::admin::Health;
use crate::args::ControlArgs;
use crate::facts::{self, Knowledge};
use crate::shutdown::Shutdown;
use certificates::Certificates;
use credentials::Credentials;
use events::Reports;
use judge::{Memory, Settings, World, judge};
use lease::{Campaign, Leadership};
use metrics::Metrics;
use objects::Objects;
use registration::Registration;

/// Changes within this time are judged together.
const BREATH: Duration = Duration::from_millis(100);
/// As many Events wait to be written; more are dropped.
const EVENTS: usize = 4096;

/// Everything that a leader works with.
struct Controller {
    client: Client,
    args: ControlArgs,
    settings: Settings,
    changed: Arc<Notify>,
    knowledge: Arc<Knowledge>,
    health: Arc<Health>,
    objects: Arc<Objects>,
    registration: Registration,
    leadership: Leadership,
    reports: Reports,
    metrics: Metrics,
}

/// Runs until `shutdown`; gives the lease back then.
pub async fn run(
    args: ControlArgs,
    client: Client,
    health: Arc<Health>,
    metrics: Metrics,
    shutdown: Shutdown,
) -> Result<()> {
    let timing = args.timing();
    let identity = identity(args.identity.as_deref());
    let changed = Arc::new(Notify::new());
    let knowledge = Arc::new(Knowledge::keeping(Arc::clone(&changed)));
    facts::watch(&client, &knowledge, &health, &Arc::default());
    let leases = Api::namespaced(client.clone(), &args.namespace);
    let (campaign, leadership) = Campaign::new(leases, names::LEASE, identity.clone(), timing);
    let controller = Controller {
        settings: args.settings(),
        objects: Objects::watch(&client, &changed, &health),
        registration: Registration::watch(&client, &changed, &health),
        reports: Reports::new(client.clone(), &identity),
        client,
        args,
        changed,
        knowledge,
        health,
        leadership,
        metrics,
    };
    let campaign = tokio::spawn(campaign.run(shutdown.clone()));
    tokio::select! {
        () = controller.lead_again() => {}
        () = shutdown.asked() => {}
    }
    // Whatever was under way is dropped by now, so nothing is written after the lease is given back.
    let campaign = campaign.await.context("the election ended by a bug")?;
    campaign.release().await;
    Ok(())
}

/// A name that no other process has, nor this pod's container before it was restarted.
fn identity(name: Option<&str>) -> String {
    let now = Timestamp::now().as_nanosecond();
    format!(
        "{}_{}-{now:x}",
        name.unwrap_or("control"),
        std::process::id()
    )
}

impl Controller {
    /// Leads whenever it is this process' turn.
    async fn lead_again(&self) {
        loop {
            let mut leadership = self.leadership.clone();
            leadership.gained().await;
            self.metrics.leader.set(1);
            tokio::select! {
                () = self.lead() => {}
                () = leadership.lost() => tracing::warn!("leading no more"),
            }
            self.metrics.leader.set(0);
            self.metrics.count(&BTreeMap::new());
            self.metrics.violated(&BTreeMap::new());
        }
    }

    /// Judges on every change, and at least once a sweep.
    async fn lead(&self) {
        let mut memory = Memory::new(self.settings);
        let credentials = &self.args.credentials;
        let mut credentials = Credentials::new(
            self.client.clone(),
            credentials.credential_watches,
            credentials.credential_interval,
            Arc::clone(&self.changed),
        );
        let (news, told) = mpsc::channel(EVENTS);
        let tell = self.tell(told);
        let work = async {
            loop {
                let began = Instant::now();
                let mut pause = self.args.pace.sweep;
                if let Some(world) = self.gather(&credentials).await {
                    let plan = judge(&world, &mut memory);
                    let took = began.elapsed();
                    credentials.want(&plan.targets);
                    if let Some(next) = plan.next {
                        let until = Duration::try_from(next.duration_since(world.now));
                        pause = pause.min(until.unwrap_or_default());
                    }
                    drop(world);
                    self.carry_out(plan, &news).await;
                    // However busy the cluster is, judging takes no more than a fifth of one core.
                    sleep(BREATH.max(took * 4)).await;
                } else {
                    pause = pause.min(Duration::from_secs(1));
                }
                let _ = timeout(pause, self.changed.notified()).await;
            }
        };
        tokio::join!(work, tell, self.certify());
    }

    /// Keeps the webhook's own certificates, if that is asked for: whatever else is not known yet.
    async fn certify(&self) {
        let settings = self.args.certificates.settings(&self.args.namespace);
        let Some(settings) = settings else {
            return;
        };
        let certificates = Certificates {
            settings,
            namespace: self.args.namespace.clone(),
            client: self.client.clone(),
            leadership: self.leadership.clone(),
            metrics: self.metrics.clone(),
        };
        Box::pin(certificates.keep()).await;
    }

    /// Everything that is known; `None` until everything was read once.
    async fn gather(&self, credentials: &Credentials) -> Option<World> {
        if !self.health.closed().is_empty() {
            return None;
        }
        let now = Timestamp::now();
        let objects = self.objects.all()?;
        let mut facts = BTreeMap::new();
        for object in &objects {
            if let Entry::Vacant(place) = facts.entry((object.kind, object.namespace.clone())) {
                let deadline = tokio::time::Instant::now();
                let known = self
                    .knowledge
                    .facts(object.kind, &object.namespace, now, deadline);
                place.insert(known.await.1);
            }
        }
        Some(World {
            now,
            wirings: self.knowledge.stored(),
            policies: self.knowledge.stored_policies(),
            rules: self.knowledge.rules(),
            objects,
            facts,
            namespaces: self.knowledge.namespaces(),
            looks: credentials.looks(),
            asked: self.registration.asked(),
        })
    }
}

/// What went wrong, without a word of what was read or written.
fn words(error: &kube::Error) -> String {
    match error {
        // Who may not do what. Any other sentence of an API server may quote a field's value.
        kube::Error::Api(status) if status.message.contains("is forbidden: User") => {
            status.message.clone()
        }
        kube::Error::Api(status) => format!("{} {}", status.code, status.reason),
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => {
            "the answer cannot be read".to_owned()
        }
        other => {
            let mut text = other.to_string();
            let mut source = std::error::Error::source(other);
            while let Some(cause) = source {
                let words = cause.to_string();
                if !text.contains(&words) {
                    text = format!("{text}: {words}");
                }
                source = cause.source();
            }
            text
        }
    }
}

fn watch_words(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => words(error),
        watcher::Error::WatchError(status) => format!("{} {}", status.code, status.reason),
        watcher::Error::NoResourceVersion => "the answer has no resourceVersion".to_owned(),
    }
}
