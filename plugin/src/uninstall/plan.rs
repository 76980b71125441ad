//! What goes and what stays, in the order in which it goes: a pure function of wish and facts.

use serde_json::Value;
use thanos_core::codes::{self, Code};
use thanos_core::names;

use super::facts::{Facts, wirings_of};
use crate::cluster::resource::{At, WIRINGS};
use crate::helm::chart;
use crate::helm::releases::{Installed, of_another};
use crate::judge::kind_of;

/// What whoever asks wants.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) hub: String,
    pub(crate) third_party: bool,
    pub(crate) crds: bool,
    pub(crate) data: bool,
}

/// The rows in their order.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) rows: Vec<Row>,
    pub(crate) warnings: Vec<(&'static Code, String)>,
    /// The wirings that go.
    pub(crate) wirings: Vec<String>,
    /// Whether the webhook goes, too: only then may objects be un-wired past it.
    pub(crate) webhook_goes: bool,
}

/// One thing of ours.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) title: String,
    pub(crate) namespace: Option<String>,
    pub(crate) detail: String,
    pub(crate) step: Step,
}

/// What is done with it.
#[derive(Clone)]
pub(crate) enum Step {
    /// It stays.
    Stay,
    /// It holds entries of wirings that go. Un-wired before anything else.
    Unwire,
    /// A wiring: goes when nothing is wired by it.
    Wiring,
    /// One object, exactly as it was seen.
    Delete(At, Value),
    /// A release of helm's.
    Release { name: String, namespace: String },
}

impl std::fmt::Debug for Step {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Stay => "Stay",
            Self::Unwire => "Unwire",
            Self::Wiring => "Wiring",
            Self::Delete(..) => "Delete",
            Self::Release { .. } => "Release",
        })
    }
}

impl Row {
    /// Before it is done.
    pub(crate) fn intent(&self) -> &'static str {
        match self.step {
            Step::Stay => "keep",
            Step::Unwire => "un-wire",
            Step::Wiring | Step::Delete(..) => "delete",
            Step::Release { .. } => "uninstall",
        }
    }
}

impl Plan {
    /// Whether nothing is to be done.
    pub(crate) fn is_settled(&self) -> bool {
        self.rows.iter().all(|row| matches!(row.step, Step::Stay))
    }

    /// Whether a release goes.
    pub(crate) fn needs_helm(&self) -> bool {
        self.rows
            .iter()
            .any(|row| matches!(row.step, Step::Release { .. }))
    }

    /// Whether this is a hub, and no mere member.
    pub(crate) fn removes_a_hub(&self) -> bool {
        self.rows.iter().any(
            |row| matches!(&row.step, Step::Release { name, .. } if name != names::REGISTRATION),
        )
    }
}

/// Plans.
pub(crate) fn plan(wish: &Wish, facts: &Facts) -> Plan {
    let other = other_hub(wish, facts);
    let (wirings, stay): (Vec<&Value>, Vec<&Value>) = facts
        .wirings
        .iter()
        .partition(|wiring| goes(wiring, wish, other.is_some()));
    let going: Vec<String> = wirings.iter().map(|wiring| name(wiring)).collect();
    let needed = match (&other, stay.first()) {
        (Some(hub), _) => Some(format!("hub {hub} needs it")),
        (None, Some(wiring)) => Some(format!(
            "wiring {} needs it, and was not made here",
            name(wiring)
        )),
        (None, None) => None,
    };
    let mut plan = Plan {
        rows: Vec::new(),
        warnings: Vec::new(),
        webhook_goes: needed.is_none() && webhook(facts).is_some(),
        wirings: going.clone(),
    };
    for object in &facts.wired {
        let by: Vec<String> = wirings_of(object);
        let by: Vec<&str> = by
            .iter()
            .filter(|wiring| {
                going.contains(wiring) || !facts.wirings.iter().any(|known| name(known) == **wiring)
            })
            .map(String::as_str)
            .collect();
        if !by.is_empty() {
            let kind = kind_of(object).map_or("object", |kind| kind.singular());
            plan.push(
                format!("{kind}/{}", name(object)),
                object["metadata"]["namespace"].as_str(),
                format!("takes out {}", by.join(", ")),
                Step::Unwire,
            );
        }
    }
    for wiring in &wirings {
        let title = WIRINGS.named(&name(wiring)).title();
        plan.push(title, None, String::new(), Step::Wiring);
    }
    plan.webhook(facts, needed.as_deref());
    plan.releases(wish, facts, other.as_deref());
    plan.rest(wish, facts, other.as_deref(), &going);
    plan
}

/// Another hub of this cluster.
fn other_hub(wish: &Wish, facts: &Facts) -> Option<String> {
    let mut hubs = facts.releases.iter().filter(|release| release.is_a_hub());
    let other = hubs.find(|release| release.name != wish.hub);
    other.map(|release| release.name.clone())
}

/// Whether a wiring is this hub's, or was made by us where there is no other hub.
fn goes(wiring: &Value, wish: &Wish, beside_others: bool) -> bool {
    let label = |key: &str| wiring["metadata"]["labels"][key].as_str();
    let is_ours = label(names::MANAGED_BY) == Some(names::MANAGER_PLUGIN);
    is_ours && (!beside_others || label(names::HUB) == Some(&wish.hub))
}

/// The webhook's release, where we installed it.
fn webhook(facts: &Facts) -> Option<&Installed> {
    facts.releases.iter().find(|release| {
        release.name == names::REGISTRATION
            && release.namespace == names::NAMESPACE
            && release.is_ours()
    })
}

fn name(object: &Value) -> String {
    object["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

impl Plan {
    fn push(&mut self, title: String, namespace: Option<&str>, detail: String, step: Step) {
        self.rows.push(Row {
            title,
            namespace: namespace.map(str::to_owned),
            detail,
            step,
        });
    }

    fn webhook(&mut self, facts: &Facts, needed: Option<&str>) {
        let release = webhook(facts);
        let own = |of: &Option<(String, String)>| {
            release.is_some_and(|release| {
                of.as_ref().is_some_and(|(name, namespace)| {
                    *name == release.name && *namespace == release.namespace
                })
            })
        };
        for (at, object, of) in &facts.registrations {
            let step = match needed {
                None if own(of) => Step::Delete(at.clone(), object.clone()),
                _ => Step::Stay,
            };
            let detail = match (&step, of) {
                (Step::Stay, _) if own(of) => needed.unwrap_or_default().to_owned(),
                (Step::Stay, Some((name, namespace))) => {
                    format!("not installed by init: helm uninstall {name} -n {namespace}")
                }
                (Step::Stay, None) => "not installed by init".to_owned(),
                _ => String::new(),
            };
            self.push(at.title(), None, detail, step);
        }
        if let Some(release) = release {
            let title = format!("release/{}", release.name);
            let step = if needed.is_none() {
                of_release(release)
            } else {
                Step::Stay
            };
            if let Some(needed) = needed {
                self.warnings
                    .push((codes::SHARED_PART, format!("the webhook stays: {needed}")));
            }
            let detail = needed.unwrap_or_default().to_owned();
            self.push(title, Some(&release.namespace), detail, step);
        }
        if let Some((at, lease)) = &facts.lease
            && needed.is_none()
            && release.is_some()
        {
            self.push(
                at.title(),
                at.namespace.as_deref(),
                String::new(),
                Step::Delete(at.clone(), lease.clone()),
            );
        }
    }

    fn releases(&mut self, wish: &Wish, facts: &Facts, other: Option<&str>) {
        let own: Vec<&Installed> = facts
            .releases
            .iter()
            .filter(|release| release.is_ours())
            .filter(|release| of_another(release, &wish.hub, &facts.releases).is_none())
            .collect();
        if let Some(thanos) = own
            .iter()
            .find(|release| release.name == wish.hub && release.is_a_hub())
        {
            let title = format!("release/{}", thanos.name);
            self.push(
                title,
                Some(&thanos.namespace),
                String::new(),
                of_release(thanos),
            );
        }
        // Those that others need last.
        let pinned = [
            &chart::KUBE_PROMETHEUS_STACK,
            &chart::CERT_MANAGER,
            &chart::ENVOY_GATEWAY,
        ];
        for pinned in pinned {
            let found = own.iter().find(|release| {
                release.name == pinned.release && release.namespace == pinned.namespace
            });
            let Some(found) = found else { continue };
            let user = facts.users.iter().find(|(of, _)| *of == pinned.release);
            let (detail, step) = match (other, user) {
                (Some(hub), _) => (format!("hub {hub} may need it"), Step::Stay),
                (None, _) if !wish.third_party => {
                    ("--third-party removes it".to_owned(), Step::Stay)
                }
                (None, Some((_, user))) => {
                    let (name, namespace) = (&found.name, &found.namespace);
                    let sentence = format!(
                        "{name} stays: {user} uses it; helm uninstall {name} -n {namespace} removes it all the same"
                    );
                    self.warnings.push((codes::SHARED_PART, sentence));
                    (format!("{user} uses it"), Step::Stay)
                }
                (None, None) => (String::new(), of_release(found)),
            };
            self.push(
                format!("release/{}", found.name),
                Some(&found.namespace),
                detail,
                step,
            );
        }
    }

    fn rest(&mut self, wish: &Wish, facts: &Facts, other: Option<&str>, going: &[String]) {
        for (at, object) in &facts.credentials {
            self.push(
                at.title(),
                at.namespace.as_deref(),
                String::new(),
                Step::Delete(at.clone(), object.clone()),
            );
        }
        for (at, object) in &facts.enrolments {
            let of = object["metadata"]["labels"][names::WIRING]
                .as_str()
                .unwrap_or_default();
            // Another hub's wiring may be on its way.
            let orphaned =
                other.is_none() && !facts.wirings.iter().any(|wiring| name(wiring) == of);
            if going.iter().any(|going| going == of) || orphaned {
                self.push(
                    at.title(),
                    at.namespace.as_deref(),
                    String::new(),
                    Step::Delete(at.clone(), object.clone()),
                );
            }
        }
        for (at, object) in &facts.claims {
            let (detail, step) = if wish.data {
                (String::new(), Step::Delete(at.clone(), object.clone()))
            } else {
                (
                    "--data removes it, and what is not in the object store yet is lost".to_owned(),
                    Step::Stay,
                )
            };
            self.push(at.title(), at.namespace.as_deref(), detail, step);
        }
        for (at, _) in &facts.left {
            let namespace = at.namespace.as_deref().unwrap_or_default();
            let name = at.name.as_deref().unwrap_or_default();
            let detail = format!(
                "cert-manager's, with its key: kubectl delete secret {name} -n {namespace}"
            );
            self.push(at.title(), at.namespace.as_deref(), detail, Step::Stay);
        }
        let needed =
            !self.webhook_goes && (webhook(facts).is_some() || !facts.registrations.is_empty());
        for (at, object) in &facts.crds {
            // With its definition every wiring goes, also that of somebody else.
            let other = facts
                .wirings
                .iter()
                .map(name)
                .find(|other| !going.contains(other));
            let (detail, step) = match (wish.crds, needed, other) {
                (true, false, None) => (String::new(), Step::Delete(at.clone(), object.clone())),
                (true, true, _) => ("the webhook stays, and needs it".to_owned(), Step::Stay),
                (true, false, Some(other)) => {
                    (format!("wiring {other} stays, and needs it"), Step::Stay)
                }
                (false, _, _) => ("--crds removes it".to_owned(), Step::Stay),
            };
            self.push(at.title(), None, detail, step);
        }
    }
}

fn of_release(release: &Installed) -> Step {
    Step::Release {
        name: release.name.clone(),
        namespace: release.namespace.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::resource::{LEASES, MUTATING, SECRETS};
    use crate::helm::releases::newest;
    use serde_json::json;

    fn wish() -> Wish {
        Wish {
            hub: "thanos".to_owned(),
            third_party: false,
            crds: false,
            data: false,
        }
    }

    fn release(name: &str, namespace: &str, hub: Option<&str>) -> Installed {
        let mut labels = json!({"name": name, "version": "1", "status": "deployed"});
        if let Some(hub) = hub {
            labels[names::DIGEST] = json!("d");
            labels[names::HUB] = json!(hub);
        }
        let secret = json!({"metadata": {"namespace": namespace, "labels": labels}});
        newest(&[secret]).remove(0)
    }

    fn wiring(name: &str, hub: Option<&str>, by: &str) -> Value {
        let mut labels = json!({names::MANAGED_BY: by});
        if let Some(hub) = hub {
            labels[names::HUB] = json!(hub);
        }
        json!({"metadata": {"name": name, "labels": labels}})
    }

    fn facts() -> Facts {
        let registration = json!({"metadata": {"name": names::REGISTRATION}});
        let of = Some((names::REGISTRATION.to_owned(), names::NAMESPACE.to_owned()));
        Facts {
            releases: vec![
                release("thanos", "thanos", Some("thanos")),
                release(names::REGISTRATION, names::NAMESPACE, Some("thanos")),
                release("cert-manager", "cert-manager", Some("thanos")),
                release("envoy-gateway", "envoy-gateway-system", None),
            ],
            wirings: vec![wiring("thanos", Some("thanos"), names::MANAGER_PLUGIN)],
            wired: vec![json!({
                "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
                "metadata": {"name": "k8s", "namespace": "monitoring", "annotations": {names::WIRED: "{\"thanos\":{},\"v\":1}"}},
            })],
            registrations: vec![(MUTATING.named(names::REGISTRATION), registration, of)],
            lease: Some((
                LEASES.within(names::NAMESPACE).named(names::LEASE),
                json!({}),
            )),
            credentials: vec![(
                SECRETS.within("thanos").named("thanos-write-users"),
                json!({}),
            )],
            ..Facts::default()
        }
    }

    fn told(plan: &Plan) -> Vec<String> {
        plan.rows
            .iter()
            .map(|row| format!("{} {}", row.intent(), row.title))
            .collect()
    }

    #[test]
    fn wirings_go_before_the_webhook_and_that_before_the_hub() {
        let plan = plan(&wish(), &facts());
        assert_eq!(
            told(&plan),
            [
                "un-wire prometheus/k8s",
                "delete thanoswiring.kubectl-thanos.dev/thanos",
                "delete mutatingwebhookconfiguration.admissionregistration.k8s.io/thanos-webhook",
                "uninstall release/thanos-webhook",
                "delete lease.coordination.k8s.io/thanos-webhook-control",
                "uninstall release/thanos",
                "keep release/cert-manager",
                "delete secret/thanos-write-users",
            ]
        );
        assert_eq!(plan.rows[0].detail, "takes out thanos");
        assert!(plan.webhook_goes && plan.removes_a_hub());
        let mut all = wish();
        all.third_party = true;
        assert!(
            told(&super::plan(&all, &facts()))
                .contains(&"uninstall release/cert-manager".to_owned())
        );
    }

    #[test]
    fn what_others_use_stays_and_is_told() {
        let mut all = wish();
        all.third_party = true;
        let mut used = facts();
        let certificate = "certificate/shop in namespace shop".to_owned();
        used.users.push(("cert-manager", certificate));
        let plan = super::plan(&all, &used);
        assert!(told(&plan).contains(&"keep release/cert-manager".to_owned()));
        let warned = plan.warnings.iter().map(|(_, sentence)| sentence);
        assert!(
            warned
                .into_iter()
                .any(|it| it.contains("helm uninstall cert-manager -n cert-manager"))
        );
    }

    #[test]
    fn a_shared_release_of_a_hub_that_is_gone_goes_with_the_last_one() {
        let mut all = wish();
        all.third_party = true;
        let mut facts = facts();
        let orphan = release("cert-manager", "cert-manager", Some("thanos-eu"));
        facts.releases[2] = orphan;
        let goes = "uninstall release/cert-manager".to_owned();
        assert!(told(&super::plan(&all, &facts)).contains(&goes));
    }

    #[test]
    fn what_another_hub_or_wiring_needs_stays() {
        let mut two = facts();
        two.releases
            .push(release("thanos-eu", "eu", Some("thanos-eu")));
        two.wirings.push(wiring(
            "thanos-eu",
            Some("thanos-eu"),
            names::MANAGER_PLUGIN,
        ));
        let plan = super::plan(&wish(), &two);
        assert_eq!(plan.wirings, ["thanos"]);
        assert!(!plan.webhook_goes);
        assert!(told(&plan).contains(&"keep release/thanos-webhook".to_owned()));
        assert_eq!(plan.warnings[0].0, codes::SHARED_PART);

        let mut foreign = facts();
        foreign.wirings.push(wiring("git", None, "argocd"));
        let plan = super::plan(&wish(), &foreign);
        assert!(!plan.webhook_goes && plan.wirings == ["thanos"]);
    }

    #[test]
    fn definitions_stay_while_somebody_elses_wiring_does() {
        let mut all = wish();
        all.crds = true;
        let crd = (
            crate::cluster::resource::CRDS.named("thanoswirings.x"),
            json!({}),
        );
        let mut facts = Facts {
            crds: vec![crd],
            ..Facts::default()
        };
        let kept = |facts: &Facts| super::plan(&all, facts).rows[0].intent();
        assert_eq!(kept(&facts), "delete");
        facts.wirings.push(wiring("git", None, "argocd"));
        assert_eq!(kept(&facts), "keep");
    }

    #[test]
    fn what_an_enrolment_made_for_a_wiring_to_come_stays_beside_another_hub() {
        let object = json!({"metadata": {"labels": {names::WIRING: "thanos-eu"}}});
        let mut facts = Facts {
            enrolments: vec![(SECRETS.within("m").named("x"), object)],
            ..Facts::default()
        };
        assert_eq!(told(&plan(&wish(), &facts)), ["delete secret/x"]);
        facts
            .releases
            .push(release("thanos-eu", "eu", Some("thanos-eu")));
        assert!(!told(&plan(&wish(), &facts)).contains(&"delete secret/x".to_owned()));
    }

    #[test]
    fn what_is_not_ours_stays_and_a_second_time_nothing_is_left() {
        let mut facts = Facts {
            releases: vec![release(names::REGISTRATION, names::NAMESPACE, None)],
            ..Facts::default()
        };
        let of = Some((names::REGISTRATION.to_owned(), names::NAMESPACE.to_owned()));
        facts.registrations = vec![(MUTATING.named(names::REGISTRATION), json!({}), of)];
        let plan = super::plan(&wish(), &facts);
        assert!(plan.is_settled() && !plan.needs_helm());
        assert!(
            plan.rows[0]
                .detail
                .contains("helm uninstall thanos-webhook -n thanos-system")
        );
        assert!(super::plan(&wish(), &Facts::default()).rows.is_empty());
    }
}
