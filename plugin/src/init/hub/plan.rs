//! What is to be done for a hub: a pure function of wish and facts. Nothing is left to choose, every fault is told at
//! once, and what is there already is kept.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};
use thanos_core::codes::{self, Code};
use thanos_core::{names, objstore, versions};

use super::azure::Made;
use super::credentials::{self, Credentials};
use super::facts::{ENVOY_CONTROLLER, Facts};
use super::values;
use super::wish::{Certificate, Wish};
use crate::cli::{HubIngress, HubPart};
use crate::cluster::resource::{
    At, CERTIFICATES, GATEWAYS, NAMESPACES, PROMETHEUSES, Resource, SECRETS,
};
use crate::cluster::trouble::not_ours;
use crate::failure::Failure;
use crate::helm::chart::{self, Chart, Ours, Pinned};
use crate::helm::release::Release;
use crate::helm::releases::{self, Installed};

/// The steps in their order.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) items: Vec<Item>,
    /// What people should know before they say yes.
    pub(crate) warnings: Vec<(&'static Code, String)>,
    pub(crate) credentials: Credentials,
    /// The namespaces that the hub's own member writes from; empty: it is no member.
    pub(crate) enrolled: Vec<String>,
}

/// One step.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) part: &'static str,
    /// `release/thanos`, `secret/thanos-objstore`.
    pub(crate) title: String,
    pub(crate) namespace: Option<String>,
    pub(crate) action: Action,
    pub(crate) detail: String,
    pub(crate) step: Step,
    /// Of an object that is laid by us and not by helm.
    pub(crate) at: Option<At>,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Somebody else's, which serves as well.
    Keep,
    /// Ours, and as it should be.
    Unchanged,
    Create,
    Update,
    /// Left out, because that was asked for or nothing needs it.
    Skip,
}

impl Action {
    /// Before it is done.
    pub(crate) fn intent(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Unchanged => "unchanged",
            Self::Create => "create",
            Self::Update => "change",
            Self::Skip => "skip",
        }
    }

    /// When it is done.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Keep => "kept",
            Self::Unchanged => "unchanged",
            Self::Create => "created",
            Self::Update => "configured",
            Self::Skip => "skipped",
        }
    }

    /// Whether something is to be done.
    pub(crate) fn is_work(self) -> bool {
        matches!(self, Self::Create | Self::Update)
    }
}

/// How it is carried out. What it writes may be a credential, so no `Debug` shows it.
#[derive(Clone)]
pub(crate) enum Step {
    Nothing,
    /// Server-side apply.
    Apply(Value),
    /// An object is made whole, and only if there is none.
    Make(Value),
    /// Members are laid over those of an object that has not changed meanwhile.
    Merge(Value),
    /// helm installs it over what is there; what an interrupted helm has left is mended before.
    Release(Box<Release>, Option<Installed>),
    /// This cluster is wired as a member.
    Member,
}

impl fmt::Debug for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Apply(_) => "Apply",
            Self::Make(_) => "Make",
            Self::Merge(_) => "Merge",
            Self::Release(..) => "Release",
            Self::Member => "Member",
        })
    }
}

impl Plan {
    /// Whether everything is as it should be.
    pub(crate) fn is_settled(&self) -> bool {
        self.items.iter().all(|item| !item.action.is_work())
    }

    /// The releases that are ours to install, changed or not, in their order.
    pub(crate) fn releases(&self) -> impl Iterator<Item = &Release> {
        self.items.iter().filter_map(|item| match &item.step {
            Step::Release(release, _) => Some(&**release),
            _ => None,
        })
    }
}

/// How far this cluster is a member already, as far as that can be known before the webhook's definitions are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    /// There is no wiring of that name.
    None,
    /// There is one, and something is missing.
    Half,
    Whole,
}

/// The namespaces that an enrolment of this hub is about, as the facts have them.
pub(crate) fn enrolled(wish: &Wish, facts: &Facts) -> Vec<String> {
    if wish.skips(HubPart::Member) {
        return Vec::new();
    }
    let mut namespaces: BTreeSet<String> = wish.namespaces.clone();
    let stack = &chart::KUBE_PROMETHEUS_STACK;
    if brings_stack(wish, facts) {
        namespaces.insert(stack.namespace.to_owned());
    }
    let adopted = facts.objects.iter().filter(|object| object.of_stack);
    namespaces.extend(adopted.map(|object| object.namespace.clone()));
    if namespaces.is_empty() {
        namespaces.insert(wish.namespace.clone());
    }
    namespaces.into_iter().collect()
}

/// Whether kube-prometheus-stack is ours, or will be.
fn brings_stack(wish: &Wish, facts: &Facts) -> bool {
    let stack = &chart::KUBE_PROMETHEUS_STACK;
    let is_ours = facts
        .release(stack.release, stack.namespace)
        .is_some_and(Installed::is_ours);
    let elsewhere = facts.program("prometheus-operator").is_some();
    !wish.skips(HubPart::KubePrometheusStack) && (is_ours || !elsewhere)
}

/// Plans.
pub(crate) fn plan(
    wish: &Wish,
    facts: &Facts,
    made: Option<&Made>,
    membership: Membership,
) -> Result<Plan, Vec<Failure>> {
    let credentials = credentials::plan(wish, &facts.kept)?;
    let mut planner = Planner {
        wish,
        facts,
        items: Vec::new(),
        warnings: wish.warnings.clone(),
        faults: Vec::new(),
    };
    let revision = credentials.revision.clone();
    planner.gateway();
    planner.certificates();
    planner.namespace();
    planner.items.extend(credentials.items.iter().cloned());
    planner.stack();
    planner.thanos(made, revision.as_deref());
    planner.webhook();
    let enrolled = enrolled(wish, facts);
    planner.member(membership, &enrolled);
    planner.obstacles();
    planner.one_compactor(made);
    let Planner {
        items,
        warnings,
        mut faults,
        ..
    } = planner;
    faults.dedup();
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Plan {
        items,
        warnings,
        credentials,
        enrolled,
    })
}

struct Planner<'a> {
    wish: &'a Wish,
    facts: &'a Facts,
    items: Vec<Item>,
    warnings: Vec<(&'static Code, String)>,
    faults: Vec<Failure>,
}

impl Planner<'_> {
    /// cert-manager looks for the Gateway API when it starts, so this one is first.
    fn gateway(&mut self) {
        let (wish, facts) = (self.wish, self.facts);
        let part = HubPart::EnvoyGateway;
        if wish.ingress != HubIngress::EnvoyGateway {
            return self.skip(part, format!("{} stands in front", wish.ingress.word()));
        }
        let class = facts
            .classes
            .iter()
            .find(|(_, controller)| controller == ENVOY_CONTROLLER);
        let elsewhere = match (facts.program("envoy-gateway"), class) {
            (Some(program), _) => Some(format!(
                "{} in namespace {}",
                program.name, program.namespace
            )),
            (None, Some((class, _))) => Some(format!("GatewayClass {class}")),
            (None, None) => None,
        };
        self.third_party(
            part,
            &chart::ENVOY_GATEWAY,
            elsewhere,
            values::envoy_gateway(),
        );
    }

    fn certificates(&mut self) {
        let part = HubPart::CertManager;
        if !self.wish.certificate.is_issued() {
            let why = format!("the certificate is that of {}", self.wish.certificate);
            return self.skip(part, why);
        }
        let found = self.facts.program("cert-manager");
        let found = found.filter(|_| self.facts.serves(&CERTIFICATES));
        let elsewhere =
            found.map(|found| format!("{} in namespace {}", found.name, found.namespace));
        let values = values::cert_manager(self.wish);
        self.third_party(part, &chart::CERT_MANAGER, elsewhere, values);
    }

    fn namespace(&mut self) {
        let name = &self.wish.namespace;
        let at = NAMESPACES.named(name);
        let there = self.facts.namespaces.contains(name);
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": {names::HUB: self.wish.name}},
        });
        self.items.push(Item {
            part: "namespace",
            title: at.title(),
            namespace: None,
            action: if there {
                Action::Unchanged
            } else {
                Action::Create
            },
            detail: String::new(),
            step: if there {
                Step::Nothing
            } else {
                Step::Apply(object)
            },
            at: Some(at),
        });
    }

    fn stack(&mut self) {
        let part = HubPart::KubePrometheusStack;
        let elsewhere = self.facts.program("prometheus-operator").map(|operator| {
            let objects: Vec<String> = self
                .facts
                .objects
                .iter()
                .map(|object| format!("{}/{}", object.namespace, object.name))
                .collect();
            let objects = match objects.as_slice() {
                [] => "no Prometheus yet".to_owned(),
                objects => objects.join(", "),
            };
            format!(
                "{} in namespace {}: {objects}",
                operator.name, operator.namespace
            )
        });
        let values = values::kube_prometheus_stack(self.wish);
        self.third_party(part, &chart::KUBE_PROMETHEUS_STACK, elsewhere, values);
    }

    fn thanos(&mut self, made: Option<&Made>, revision: Option<&str>) {
        let wish = self.wish;
        let mut values = values::thanos(wish, made, revision, self.is_monitored());
        if let Some(peers) = self.peers() {
            values["networkPolicy"] = peers;
        }
        let chart = self.chart(HubPart::Thanos, Chart::Ours(Ours::Thanos));
        let Some(release) =
            self.release(HubPart::Thanos, &wish.name, &wish.namespace, chart, values)
        else {
            return;
        };
        match self.facts.release(&wish.name, &wish.namespace) {
            Some(found) if !found.is_ours() => {
                let message = format!(
                    "release {} in namespace {} is somebody else's: it is left as it is",
                    wish.name, wish.namespace
                );
                let hint =
                    "choose another name for the hub with --name, or another namespace with -n";
                self.faults.push(not_ours(message).hint(hint));
            }
            found => self.ours("thanos", release, found),
        }
        let own = |release: Option<&str>| release == Some(&wish.name);
        let others: BTreeSet<String> = self
            .facts
            .programs
            .iter()
            .filter(|found| {
                found.sort == "thanos"
                    && !(found.namespace == wish.namespace && own(found.release.as_deref()))
            })
            .filter(|found| !self.is_hub(found.release.as_deref(), &found.namespace))
            .map(|found| found.namespace.clone())
            .collect();
        for namespace in others {
            self.items.push(Item {
                part: "thanos",
                title: "thanos".to_owned(),
                namespace: Some(namespace),
                action: Action::Keep,
                detail: "another Thanos: it stays as it is, and this hub is beside it".to_owned(),
                step: Step::Nothing,
                at: None,
            });
        }
    }

    /// Who must be let in from elsewhere than the chart takes for granted: a gateway and a Prometheus that were found.
    fn peers(&self) -> Option<Value> {
        let mut peers = serde_json::Map::new();
        let (stack, gateway) = (&chart::KUBE_PROMETHEUS_STACK, &chart::ENVOY_GATEWAY);
        let found = |program| self.facts.program(program).map(|found| &found.namespace);
        match self.wish.ingress {
            HubIngress::EnvoyGateway => {
                if let Some(namespace) =
                    found("envoy-gateway").filter(|it| *it != gateway.namespace)
                {
                    let from = values::envoy_from(self.wish, namespace);
                    peers.insert("gatewayFrom".to_owned(), from);
                }
            }
            HubIngress::IngressNginx => {
                if let Some(namespace) = found("ingress-nginx").filter(|it| *it != "ingress-nginx")
                {
                    let from = values::from_namespaces([namespace.as_str()]);
                    peers.insert("gatewayFrom".to_owned(), from);
                }
            }
            HubIngress::GatewayApi => {}
        }
        // That of the whole cluster, and not every team's own: whoever reads metrics there may ask Query, too.
        let of_stack = self.facts.objects.iter().filter(|object| object.of_stack);
        let mut namespaces: BTreeSet<&str> =
            of_stack.map(|object| object.namespace.as_str()).collect();
        if brings_stack(self.wish, self.facts) {
            namespaces.insert(stack.namespace);
        } else if namespaces.is_empty() {
            namespaces.extend(found("prometheus-operator").map(String::as_str));
        }
        if !namespaces.is_empty() && !namespaces.iter().eq([&stack.namespace]) {
            let from = values::from_namespaces(namespaces);
            peers.insert("metricsFrom".to_owned(), from);
        }
        (!peers.is_empty()).then_some(Value::Object(peers))
    }

    /// Whether a release is a hub of ours.
    fn is_hub(&self, release: Option<&str>, namespace: &str) -> bool {
        release.is_some_and(|release| {
            self.facts
                .release(release, namespace)
                .is_some_and(Installed::is_a_hub)
        })
    }

    fn webhook(&mut self) {
        let part = HubPart::Webhook;
        let (name, namespace) = (names::REGISTRATION, names::NAMESPACE);
        if self.wish.skips(part) {
            return self.skip(part, "as asked".to_owned());
        }
        let own = (name.to_owned(), namespace.to_owned());
        let elsewhere = match &self.facts.registered_by {
            Some(other) if *other != own => {
                Some(format!("release {} in namespace {}", other.0, other.1))
            }
            None if self.facts.registered.mutating => {
                Some("a registration without a release".to_owned())
            }
            _ => None,
        };
        let chart = self.chart(part, Chart::Ours(Ours::Webhook));
        let values = values::webhook(self.is_monitored());
        self.shared(part, (name, namespace), chart, elsewhere, values);
    }

    fn member(&mut self, membership: Membership, enrolled: &[String]) {
        if self.wish.skips(HubPart::Member) {
            return self.skip(HubPart::Member, "as asked".to_owned());
        }
        let kinds = self.facts.serves(&PROMETHEUSES) || brings_stack(self.wish, self.facts);
        if !kinds {
            let message = format!(
                "the API server {} serves no Prometheus objects",
                self.facts.server
            );
            self.faults.push(
                Failure::failed(message)
                    .code(codes::CRD_MISSING)
                    .hint("install prometheus-operator, or leave out --skip kube-prometheus-stack, or --skip member"),
            );
        }
        let missing: Vec<&String> = enrolled
            .iter()
            .filter(|namespace| !self.comes(namespace))
            .collect();
        for namespace in missing {
            let failure = Failure::failed(format!("namespace/{namespace} does not exist"));
            self.faults.push(
                failure
                    .code(codes::NOT_FOUND)
                    .hint(format!("kubectl create namespace {namespace}")),
            );
        }
        let (action, detail) = match membership {
            Membership::None => (Action::Create, format!("enrolls {}", enrolled.join(", "))),
            Membership::Half => (Action::Update, format!("enrolls {}", enrolled.join(", "))),
            Membership::Whole => (Action::Unchanged, String::new()),
        };
        self.items.push(Item {
            part: HubPart::Member.word(),
            title: crate::cluster::resource::WIRINGS
                .named(&self.wish.name)
                .title(),
            namespace: None,
            action,
            detail,
            step: Step::Member,
            at: None,
        });
    }

    /// Whether a namespace is there, or will be.
    fn comes(&self, namespace: &str) -> bool {
        self.facts.namespaces.contains(namespace)
            || namespace == self.wish.namespace
            || (namespace == chart::KUBE_PROMETHEUS_STACK.namespace
                && brings_stack(self.wish, self.facts))
    }

    /// What stands in the way of the whole.
    fn obstacles(&mut self) {
        let wish = self.wish;
        for (verb, at) in &self.facts.denied {
            let place = at
                .namespace
                .as_ref()
                .map(|namespace| format!(" -n {namespace}"))
                .unwrap_or_default();
            let message = match &at.namespace {
                Some(namespace) => format!(
                    "you may not {verb} {} in namespace {namespace}",
                    at.resource.qualified()
                ),
                None => format!("you may not {verb} {}", at.resource.qualified()),
            };
            let hint = format!(
                "kubectl auth can-i {verb} {}{place}",
                at.resource.qualified()
            );
            self.faults
                .push(Failure::failed(message).code(codes::FORBIDDEN).hint(hint));
        }
        if let Some(operator) = &self.facts.operator
            && versions::default_prometheus(operator).is_none()
        {
            let sentence = format!(
                "prometheus-operator {operator} is older than any that is known: fields that a wiring sets may be missing"
            );
            self.warnings.push((codes::CRD_TOO_OLD, sentence));
        }
        if let Certificate::Secret(name) = &wish.certificate
            && !self.facts.has_certificate
        {
            let at = SECRETS.within(&wish.namespace).named(name);
            let sentence = format!("{at} is not there: the gateway has no certificate until it is");
            self.warnings.push((codes::CERTIFICATE_ABSENT, sentence));
        }
        let gateway_api = self.facts.serves(&GATEWAYS);
        if wish.ingress == HubIngress::GatewayApi && !gateway_api {
            let message = format!("the API server {} serves no Gateway API", self.facts.server);
            self.faults.push(
                Failure::failed(message)
                    .code(codes::CRD_MISSING)
                    .hint("leave out --ingress: Envoy Gateway brings its own"),
            );
        }
        if wish.ingress == HubIngress::EnvoyGateway
            && wish.skips(HubPart::EnvoyGateway)
            && !gateway_api
        {
            let message = "Envoy Gateway is left out, and the API server serves no Gateway API";
            self.faults.push(
                Failure::failed(message)
                    .code(codes::CRD_MISSING)
                    .hint("leave out --skip envoy-gateway"),
            );
        }
        if wish.certificate.is_issued()
            && wish.skips(HubPart::CertManager)
            && !self.facts.serves(&CERTIFICATES)
        {
            let message = "cert-manager is left out, and the API server serves no Certificates";
            self.faults.push(
                Failure::failed(message)
                    .code(codes::CRD_MISSING)
                    .hint("leave out --skip cert-manager, or give --certificate secret:NAME"),
            );
        }
    }

    /// No other hub's compactor works on the same blocks.
    fn one_compactor(&mut self, made: Option<&Made>) {
        let own = match (&self.wish.objstore, made) {
            (Some(file), _) => objstore::judge(file.reveal()).config,
            (None, Some(made)) => Some(objstore::Config::azure(
                &made.storage_account,
                &made.container,
                &made.endpoint,
            )),
            // Planned again once it is made, and before anything in the cluster is.
            (None, None) => None,
        };
        let Some(own) = own else { return };
        let shared = self
            .facts
            .stores
            .iter()
            .filter(|(_, other)| own.overlaps(other));
        self.faults.extend(shared.map(|(hub, _)| {
            let message = format!("hub {hub} keeps its blocks in the same object store");
            Failure::failed(message)
                .code(codes::OBJECT_STORE_SHARED)
                .hint("give this hub another bucket or container, or another prefix in its object-store file")
        }));
    }

    /// Whether the operator's monitors are served when our charts are installed.
    fn is_monitored(&self) -> bool {
        static MONITORS: Resource = Resource {
            group: names::OPERATOR_GROUP,
            version: "v1",
            plural: "servicemonitors",
            kind: "ServiceMonitor",
            singular: "servicemonitor",
        };
        self.facts.serves(&MONITORS) || brings_stack(self.wish, self.facts)
    }

    fn chart(&self, part: HubPart, own: Chart) -> Chart {
        match self.wish.charts.get(&part) {
            Some(url) if url.starts_with("oci://") => Chart::Registry {
                url: url.clone(),
                version: None,
            },
            Some(path) => Chart::Local(path.into()),
            None => own,
        }
    }

    fn third_party(
        &mut self,
        part: HubPart,
        pinned: &Pinned,
        elsewhere: Option<String>,
        values: Value,
    ) {
        if self.wish.skips(part) {
            return self.skip(part, "as asked".to_owned());
        }
        let other = self.wish.charts.get(&part).map(String::as_str);
        let chart = pinned.chart(other);
        self.shared(
            part,
            (pinned.release, pinned.namespace),
            chart,
            elsewhere,
            values,
        );
    }

    /// A release that all hubs of a cluster share: whoever installed it keeps it.
    fn shared(
        &mut self,
        part: HubPart,
        (name, namespace): (&str, &str),
        chart: Chart,
        elsewhere: Option<String>,
        values: Value,
    ) {
        let found = self.facts.release(name, namespace).cloned();
        let kept = match &found {
            Some(found) if !found.is_ours() => Some("installed by somebody else".to_owned()),
            Some(found) => releases::of_another(found, &self.wish.name, &self.facts.releases)
                .map(|hub| format!("installed for hub {hub}")),
            None => elsewhere,
        };
        match kept {
            Some(detail) => self.items.push(Item {
                part: part.word(),
                title: format!("release/{name}"),
                namespace: found.map(|found| found.namespace),
                action: Action::Keep,
                detail,
                step: Step::Nothing,
                at: None,
            }),
            None => {
                if let Some(release) = self.release(part, name, namespace, chart, values) {
                    self.ours(part.word(), release, found.as_ref());
                }
            }
        }
    }

    fn release(
        &mut self,
        part: HubPart,
        name: &str,
        namespace: &str,
        chart: Chart,
        values: Value,
    ) -> Option<Release> {
        let over = self.wish.over.get(&part).cloned().unwrap_or_default();
        match Release::new(name, namespace, &self.wish.name, chart, values, over) {
            Ok(release) => Some(release),
            Err(fault) => {
                self.faults.push(fault);
                None
            }
        }
    }

    /// A release that is ours, or will be.
    fn ours(&mut self, part: &'static str, release: Release, found: Option<&Installed>) {
        let title = format!("release/{}", release.name);
        let mut detail = release.chart.title();
        let action = match found {
            None => Action::Create,
            Some(found) if found.is_pending() => {
                let sentence = format!(
                    "{title} in namespace {} is {}: a helm was interrupted or is at work, and once it rests, it is installed anew",
                    release.namespace, found.status
                );
                self.warnings.push((codes::RELEASE_UNFINISHED, sentence));
                Action::Update
            }
            Some(found) if found.is(&release) => {
                detail = String::new();
                Action::Unchanged
            }
            Some(found) if !found.is_deployed() => {
                detail = format!("{detail}, which is {} now", found.status);
                Action::Update
            }
            Some(found) => {
                if let Some(revision) = found.by_hand() {
                    detail = format!("{detail}, over revision {revision}, which another helm made");
                }
                Action::Update
            }
        };
        self.items.push(Item {
            part,
            title,
            namespace: Some(release.namespace.clone()),
            action,
            detail,
            step: Step::Release(Box::new(release), found.cloned()),
            at: None,
        });
    }

    fn skip(&mut self, part: HubPart, detail: String) {
        self.items.push(Item {
            part: part.word(),
            title: "-".to_owned(),
            namespace: None,
            action: Action::Skip,
            detail,
            step: Step::Nothing,
            at: None,
        });
    }
}

/// The plan as data.
pub(crate) fn as_json(plan: &Plan) -> Value {
    let item = |item: &Item| {
        json!({
            "part": item.part, "action": item.action.intent(), "namespace": item.namespace,
            "object": item.title, "detail": item.detail,
        })
    };
    plan.items.iter().map(item).collect()
}

#[cfg(test)]
pub(super) mod tests;
