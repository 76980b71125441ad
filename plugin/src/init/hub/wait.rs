//! Waiting until a hub runs, with a word about what is waited for and how it stands.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use thanos_core::codes::{self, Code};

use super::pods;
use super::wish::Wish;
use crate::cli::HubIngress;
use crate::cluster::Cluster;
use crate::cluster::live::condition;
use crate::cluster::resource::{
    CERTIFICATE_REQUESTS, CERTIFICATES, DEPLOYMENTS, GATEWAYS, INGRESSES, ORDERS, PODS,
    STATEFUL_SETS,
};
use crate::failure::Failure;
use crate::init::apply::Wait;
use crate::ui::Ui;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(700);
/// How long something may take, where `--timeout` says nothing.
const PATIENCE: Duration = Duration::from_secs(300);
/// The same of a certificate.
const ISSUED: Duration = Duration::from_secs(600);

/// How long is waited for one thing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// What `--patience` says.
    pub(crate) given: Option<Duration>,
    /// Whether `--timeout` ends the waiting.
    pub(crate) is_timed: bool,
}

impl Patience {
    /// Whether it has taken too long; `usual` holds where nobody says otherwise.
    pub(crate) fn is_over(self, elapsed: Duration, usual: Duration) -> bool {
        match self.given {
            Some(given) => elapsed > given,
            None => !self.is_timed && elapsed > usual,
        }
    }
}

/// How something stands.
enum Look<T> {
    Done(T),
    /// Not yet, and why.
    State(String),
}

/// Who waits.
#[derive(Clone, Copy)]
pub(crate) struct Waiting<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) wish: &'a Wish,
    pub(crate) patience: Patience,
}

impl Waiting<'_> {
    async fn until<T>(
        &self,
        what: String,
        (patience, code): (Duration, &'static Code),
        ui: &mut Ui<'_>,
        mut look: impl AsyncFnMut() -> Result<Look<T>, Failure>,
    ) -> Result<T, Failure> {
        let mut wait = Wait::begin(what.clone());
        loop {
            let state = match look().await? {
                Look::Done(done) => return Ok(done),
                Look::State(state) => state,
            };
            if self.patience.is_over(wait.began.elapsed(), patience) {
                let failure = Failure::failed(format!("it is not so that {what}")).code(code);
                return Err(failure.because(state));
            }
            wait.rest(ui, &state, LOOK).await;
        }
    }

    /// Until the gateway has an address; the one that was given needs none.
    pub(crate) async fn address(&self, ui: &mut Ui<'_>) -> Result<String, Failure> {
        if let Some(given) = &self.wish.gateway_address {
            return Ok(given.clone());
        }
        let (namespace, name) = (&self.wish.namespace, self.wish.fullname());
        let bound = (PATIENCE, codes::GATEWAY_ADDRESS);
        if self.wish.ingress == HubIngress::IngressNginx {
            let what = format!("an Ingress of {name} has an address");
            let labels = format!("app.kubernetes.io/instance={}", self.wish.name);
            return self
                .until(what, bound, ui, async || {
                    let found = self
                        .cluster
                        .selected(&INGRESSES.within(namespace), &labels)
                        .await?;
                    let address = found.iter().find_map(ingress_address);
                    Ok(address.map_or_else(|| Look::State("none yet".to_owned()), Look::Done))
                })
                .await;
        }
        let at = GATEWAYS.within(namespace).named(&name);
        let what = format!("{at} has an address");
        let failed = self.until(what, bound, ui, async || {
            let Some(gateway) = self.cluster.find(&at).await? else {
                return Ok(Look::State("it is not there".to_owned()));
            };
            Ok(match gateway["status"]["addresses"][0]["value"].as_str() {
                Some(address) => Look::Done(address.to_owned()),
                None => Look::State(conditions(&gateway)),
            })
        });
        failed.await.map_err(|failure| {
            failure.hint(format!("kubectl describe gateway {name} -n {namespace}"))
        })
    }

    /// Until cert-manager has the certificate; its own words otherwise.
    pub(crate) async fn certificate(&self, ui: &mut Ui<'_>) -> Result<(), Failure> {
        if !self.wish.certificate.is_issued() {
            return Ok(());
        }
        let namespace = &self.wish.namespace;
        let secret = self.wish.certificate_secret();
        let what = format!("the certificate for {} is issued", self.wish.write_host);
        let waited = self.until(what, (ISSUED, codes::CERTIFICATE_PENDING), ui, async || {
            let found = self.cluster.list(&CERTIFICATES.within(namespace)).await?;
            let own: Vec<&Value> = found
                .iter()
                .filter(|one| one["spec"]["secretName"] == secret.as_str())
                .collect();
            if own.is_empty() {
                return Ok(Look::State(format!(
                    "no Certificate makes the Secret {secret} yet"
                )));
            }
            let pending = own.iter().find(|one| !is_true(one, "Ready"));
            Ok(pending.map_or(Look::Done(()), |one| Look::State(conditions(one))))
        });
        match waited.await {
            Err(failure) if failure.code == Some(codes::CERTIFICATE_PENDING) => {
                Err(self.with_words_of_cert_manager(failure).await)
            }
            waited => waited,
        }
    }

    async fn with_words_of_cert_manager(&self, failure: Failure) -> Failure {
        let namespace = &self.wish.namespace;
        let mut words = BTreeSet::new();
        for resource in [&CERTIFICATE_REQUESTS, &ORDERS] {
            let listed = self.cluster.list(&resource.within(namespace)).await;
            for object in listed.unwrap_or_default() {
                let reason = object["status"]["reason"].as_str();
                let said = reason.map_or_else(|| conditions(&object), str::to_owned);
                let is_done = object["status"]["state"] == "valid" || is_true(&object, "Ready");
                if !said.is_empty() && !is_done {
                    words.insert(format!("{}: {said}", resource.singular));
                }
            }
        }
        words
            .into_iter()
            .fold(failure, Failure::because)
            .hint(format!(
                "kubectl describe certificate,certificaterequest,order,challenge -n {namespace}"
            ))
    }

    /// Until every Deployment and StatefulSet of a release is ready.
    pub(crate) async fn ready(
        &self,
        release: &str,
        namespace: &str,
        ui: &mut Ui<'_>,
    ) -> Result<(), Failure> {
        let labels = format!("app.kubernetes.io/instance={release}");
        let what = format!("every part of {release} in namespace {namespace} is ready");
        let waited = self.until(what, (PATIENCE, codes::HUB_NOT_READY), ui, async || {
            let mut parts = Vec::new();
            for resource in [&DEPLOYMENTS, &STATEFUL_SETS] {
                let listed = self
                    .cluster
                    .selected(&resource.within(namespace), &labels)
                    .await?;
                parts.extend(listed.iter().map(standing));
            }
            let pending: Vec<&str> = parts.iter().filter_map(Option::as_deref).collect();
            Ok(match pending.as_slice() {
                _ if parts.is_empty() => Look::State("it has no parts".to_owned()),
                [] => Look::Done(()),
                pending => Look::State(pending.join(", ")),
            })
        });
        let Err(failure) = waited.await else {
            return Ok(());
        };
        let pods = PODS.within(namespace);
        let pods = self.cluster.selected(&pods, &labels).await;
        Err(pods::troubles(&pods.unwrap_or_default())
            .into_iter()
            .fold(failure, Failure::because)
            .hint(format!("kubectl get pods -n {namespace}")))
    }
}

/// Until cert-manager judges what it is given: before, the API server refuses Certificates and Issuers.
pub(super) async fn cert_manager(cluster: &Cluster, ui: &mut Ui<'_>) -> Result<(), Failure> {
    let namespace = crate::helm::chart::CERT_MANAGER.namespace;
    let at = DEPLOYMENTS.within(namespace).named("cert-manager-webhook");
    let mut wait = Wait::begin(format!("{at} is available"));
    loop {
        let found = cluster.find(&at).await?;
        let state = match &found {
            None => return Ok(()),
            Some(found) if is_true(found, "Available") => return Ok(()),
            Some(found) => conditions(found),
        };
        if wait.began.elapsed() > PATIENCE {
            let failure = Failure::failed(format!("{at} is not available"));
            return Err(failure
                .code(codes::HUB_NOT_READY)
                .because(state)
                .hint(format!("kubectl get pods -n {namespace}")));
        }
        wait.rest(ui, &state, LOOK).await;
    }
}

/// What a workload still lacks; `None`: it is ready.
fn standing(workload: &Value) -> Option<String> {
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let (spec, status) = (&workload["spec"], &workload["status"]);
    let wanted = spec["replicas"].as_u64().unwrap_or(1);
    let ready = number(&status["readyReplicas"]);
    let updated = number(&status["updatedReplicas"]);
    let seen = number(&status["observedGeneration"]) >= number(&workload["metadata"]["generation"]);
    if seen && ready >= wanted && updated >= wanted {
        return None;
    }
    let name = workload["metadata"]["name"].as_str().unwrap_or_default();
    Some(format!("{name} {}/{wanted}", ready.min(updated)))
}

fn ingress_address(ingress: &Value) -> Option<String> {
    let first = &ingress["status"]["loadBalancer"]["ingress"][0];
    let address = first["ip"].as_str().or(first["hostname"].as_str())?;
    Some(address.to_owned())
}

fn is_true(object: &Value, of: &str) -> bool {
    condition(object, of)["status"] == "True"
}

/// The conditions that are not met, in the object's own words.
fn conditions(object: &Value) -> String {
    let all = object["status"]["conditions"].as_array();
    let said: Vec<String> = all
        .into_iter()
        .flatten()
        .filter(|one| one["status"] != "True")
        .filter_map(|one| {
            let message = one["message"]
                .as_str()
                .filter(|message| !message.is_empty());
            Some(message.or(one["reason"].as_str())?.to_owned())
        })
        .collect();
    if said.is_empty() && all.is_none_or(Vec::is_empty) {
        return "nobody has looked at it yet".to_owned();
    }
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn workloads_are_ready_when_the_new_ones_are() {
        let workload = |ready: u64, updated: u64, observed: u64| {
            json!({
                "metadata": {"name": "q", "generation": 2}, "spec": {"replicas": 2},
                "status": {"readyReplicas": ready, "updatedReplicas": updated, "observedGeneration": observed},
            })
        };
        assert_eq!(standing(&workload(2, 2, 2)), None);
        assert_eq!(standing(&workload(2, 1, 2)).as_deref(), Some("q 1/2"));
        assert!(standing(&workload(2, 2, 1)).is_some());
    }

    #[test]
    fn what_was_given_wins_over_what_is_usual() {
        let second = Duration::from_secs(1);
        let patience = |given, is_timed| Patience { given, is_timed };
        assert!(patience(Some(second), true).is_over(second * 2, second * 9));
        assert!(!patience(None, true).is_over(second * 99, second));
        assert!(patience(None, false).is_over(second * 2, second));
    }

    #[test]
    fn objects_say_why_in_their_own_words() {
        let object = json!({"status": {"conditions": [
            {"type": "Accepted", "status": "True", "message": "fine"},
            {"type": "Programmed", "status": "False", "reason": "AddressNotAssigned", "message": "No addresses have been assigned"},
        ]}});
        assert_eq!(conditions(&object), "No addresses have been assigned");
        assert!(is_true(&object, "Accepted") && !is_true(&object, "Programmed"));
        assert_eq!(conditions(&json!({})), "nobody has looked at it yet");
    }
}
