//! Everything of Azure: what a hub needs there is looked at, planned, made and proven, by nothing but tokens.
//!
//! ```text
//! Wish ─► Azure::log_in ─► facts::gather (reads) ─► plan::plan (pure) ─► apply::apply (stage by stage) ─► storage::prove
//!           identity          arm ◄───────────────────────────────────────┘ storage · roles · dns · grafana
//! ```
//!
//! `identity` alone knows azure_identity, `arm` alone speaks to Azure Resource Manager, `http` is the way out. Every
//! resource that is made carries the tag `kubectl-thanos: <hub>`; [`removal::ours`] finds them by it.

use std::sync::Arc;
use std::time::Duration;

pub mod apply;
mod arm;
mod cloud;
mod dns;
pub mod facts;
mod grafana;
mod http;
mod identity;
mod ids;
pub mod plan;
pub mod removal;
mod roles;
pub mod storage;
mod values;
mod wish;

pub use values::Values;
pub use wish::{Account, DnsWish, GrafanaWish, Mode, Wish};

use crate::failure::Failure;
use crate::surroundings::Surroundings;
use arm::Arm;
use cloud::Cloud;
use http::Http;
use identity::Identity;

/// How long is waited, and how often is looked. Tests shrink it.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Between two looks at what Azure is doing, where it does not say (`Retry-After`) itself.
    pub look: Duration,
    /// Before a request that failed in passing is sent again; doubled each time.
    pub again: Duration,
    /// As long as the making of one resource may take.
    pub making: Duration,
    /// As long as a new identity or a new role may need to be seen everywhere.
    pub spreading: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(5),
            again: Duration::from_secs(1),
            making: Duration::from_secs(20 * 60),
            spreading: Duration::from_secs(10 * 60),
        }
    }
}

/// A login that works, and the way to Azure Resource Manager.
pub struct Azure {
    pub(crate) arm: Arm,
    identity: Arc<Identity>,
    http: Arc<Http>,
    pace: Pace,
}

impl Azure {
    /// Finds a login: the workload identity of a pod, a managed identity, the Azure CLI.
    ///
    /// The cloud is the one that `AZURE_AUTHORITY_HOST` names; [`Wish::arm_endpoint`] wins.
    ///
    /// # Errors
    /// None of them gets a token (KTH8101); every one says why.
    pub async fn log_in(around: &Surroundings, wish: &Wish, pace: Pace) -> Result<Self, Failure> {
        let cloud = Cloud::new(around, wish.arm_endpoint.as_deref())?;
        let http = Http::new(around);
        let identity = Identity::find(
            &http,
            around,
            wish.subscription.as_deref(),
            &cloud.arm_scope,
        )
        .await?;
        let identity = Arc::new(identity);
        Ok(Self {
            arm: Arm::new(http.clone(), identity.clone(), cloud, pace.clone()),
            identity,
            http,
            pace,
        })
    }

    /// The way that was found: `workload identity`, `managed identity` or `Azure CLI`.
    pub fn logged_in_by(&self) -> &'static str {
        self.identity.way()
    }

    /// How many writing requests were sent; a run that changes nothing sends none.
    pub fn writes(&self) -> u32 {
        self.arm.writes()
    }
}

/// Told what is being done while it is done. [`crate::Ui`] is one.
pub trait Doings {
    /// A step begins.
    fn begins(&mut self, step: &plan::Step);
    /// It waits for something, in words: `the role to be seen`.
    fn waits(&mut self, step: &plan::Step, what: &str);
    /// It is done.
    fn ends(&mut self, step: &plan::Step);
}

impl Doings for crate::Ui<'_> {
    fn begins(&mut self, step: &plan::Step) {
        self.say(format!("{} {}", step.action.doing(), step.title));
    }

    fn waits(&mut self, step: &plan::Step, what: &str) {
        self.say(format!("  {}: waiting for {what}", step.title));
    }

    fn ends(&mut self, step: &plan::Step) {
        self.detail(format!("  {}: done", step.title));
    }
}
