//! What is planned for a hub, from wishes and facts that are made here.

use super::*;
use crate::enroll::hidden::Hidden;
use crate::helm::releases::{Mend, newest};
use crate::init::hub::facts::{Program, Subject};
use thanos_core::Kind;

pub(crate) fn wish() -> Wish {
    Wish {
        name: "thanos".to_owned(),
        namespace: "thanos".to_owned(),
        write_host: "receive.example.com".to_owned(),
        read_host: "query.example.com".to_owned(),
        domain: Some("example.com".to_owned()),
        cluster: "thanos".to_owned(),
        azure: None,
        objstore: Some(Hidden::new("type: FILESYSTEM")),
        writers: std::collections::BTreeMap::new(),
        ingress: HubIngress::EnvoyGateway,
        certificate: Certificate::LetsEncrypt,
        acme_email: None,
        gateway_address: None,
        authority: None,
        skip: BTreeSet::new(),
        charts: std::collections::BTreeMap::new(),
        over: std::collections::BTreeMap::new(),
        namespaces: BTreeSet::new(),
        warnings: Vec::new(),
    }
}

fn facts() -> Facts {
    Facts {
        server: "https://s".to_owned(),
        ..Facts::default()
    }
}

fn planned(wish: &Wish, facts: &Facts) -> Plan {
    plan(wish, facts, None, Membership::None).unwrap()
}

fn actions(plan: &Plan) -> Vec<(&'static str, Action)> {
    plan.items
        .iter()
        .filter(|item| item.part != "credentials")
        .map(|item| (item.part, item.action))
        .collect()
}

fn item<'p>(plan: &'p Plan, part: &str) -> &'p Item {
    plan.items.iter().find(|item| item.part == part).unwrap()
}

/// What helm would say when the plan was carried out.
fn installed(plan: &Plan) -> Vec<Installed> {
    let secrets: Vec<Value> = plan
        .releases()
        .map(|release| {
            json!({"metadata": {"namespace": release.namespace, "labels": {
                "name": release.name, "version": "1", "status": "deployed",
                names::DIGEST: release.digest(), names::HUB: release.hub, names::INSTALLED: "1",
            }}})
        })
        .collect();
    newest(&secrets)
}

#[test]
fn from_nothing_everything_is_made_in_an_order_that_works() {
    use Action::Create;
    let plan = planned(&wish(), &facts());
    let expected = [
        ("envoy-gateway", Create),
        ("cert-manager", Create),
        ("namespace", Create),
        ("kube-prometheus-stack", Create),
        ("thanos", Create),
        ("webhook", Create),
        ("member", Create),
    ];
    assert_eq!(actions(&plan), expected);
    assert_eq!(plan.enrolled, ["monitoring"]);
    let thanos = plan
        .releases()
        .find(|release| release.name == "thanos")
        .unwrap();
    let secret = &thanos.values["objectStorage"]["existingSecret"];
    assert_eq!(secret["name"], "thanos-objstore");
    assert_eq!(secret["revision"], json!(plan.credentials.revision));
    assert_eq!(thanos.values["serviceMonitor"]["enabled"], true);
    let text = format!("{} {}", thanos.values, as_json(&plan));
    for hidden in [
        &plan.credentials.write.password,
        &plan.credentials.read.password,
    ] {
        assert!(!hidden.is_in(&text));
    }
}

#[test]
fn a_second_time_nothing_is_done() {
    let wish = wish();
    let first = planned(&wish, &facts());
    let mut facts = facts();
    facts.releases = installed(&first);
    for item in first.items.iter().filter(|item| item.part == "credentials") {
        let (Some(name), Step::Make(object)) =
            (item.at.as_ref().and_then(|at| at.name.clone()), &item.step)
        else {
            panic!("{item:?}")
        };
        let end = credentials::SECRETS_OF_HUB
            .iter()
            .find(|end| name.ends_with(*end))
            .unwrap();
        facts.kept.0.insert(end, object.clone());
    }
    facts.namespaces = ["thanos", "monitoring"].map(str::to_owned).into();
    facts.registered.mutating = true;
    facts.registered_by = Some(("thanos-webhook".to_owned(), "thanos-system".to_owned()));
    facts.programs = vec![
        program("envoy-gateway", "envoy-gateway-system", "envoy-gateway"),
        program("cert-manager", "cert-manager", "cert-manager"),
        program("prometheus-operator", "monitoring", "kube-prometheus-stack"),
        program("thanos", "thanos", "thanos"),
    ];
    facts.crds.insert("certificates.cert-manager.io".to_owned());
    let second = plan(&wish, &facts, None, Membership::Whole).unwrap();
    assert!(second.is_settled(), "{:#?}", second.items);
    assert!(
        second
            .items
            .iter()
            .all(|item| item.action == Action::Unchanged),
        "{:#?}",
        second.items
    );
}

fn program(program: &'static str, namespace: &str, release: &str) -> Program {
    Program {
        sort: program,
        namespace: namespace.to_owned(),
        name: program.to_owned(),
        release: Some(release.to_owned()),
    }
}

#[test]
fn what_is_there_is_kept_and_only_the_rest_is_made() {
    let mut facts = facts();
    facts.programs = vec![
        program("cert-manager", "certs", "cm"),
        program("prometheus-operator", "observability", "kps"),
        program("thanos", "old", "bitnami"),
    ];
    facts.classes = vec![("eg".to_owned(), ENVOY_CONTROLLER.to_owned())];
    facts.crds = [
        "certificates.cert-manager.io",
        "prometheuses.monitoring.coreos.com",
    ]
    .map(str::to_owned)
    .into();
    facts.namespaces.insert("observability".to_owned());
    facts.objects = vec![Subject {
        kind: Kind::Prometheus,
        namespace: "observability".to_owned(),
        name: "kps".to_owned(),
        of_stack: true,
    }];
    facts.registered.mutating = true;
    facts.registered_by = Some(("wiring".to_owned(), "elsewhere".to_owned()));
    let plan = planned(&wish(), &facts);
    for part in [
        "envoy-gateway",
        "cert-manager",
        "kube-prometheus-stack",
        "webhook",
    ] {
        assert_eq!(item(&plan, part).action, Action::Keep, "{part}");
    }
    assert!(
        item(&plan, "kube-prometheus-stack")
            .detail
            .contains("observability/kps")
    );
    assert_eq!(plan.enrolled, ["observability"]);
    let kept: Vec<_> = plan
        .items
        .iter()
        .filter(|item| item.part == "thanos")
        .map(|item| item.action)
        .collect();
    assert_eq!(kept, [Action::Create, Action::Keep]);
    assert_eq!(item(&plan, "thanos").title, "release/thanos");
}

#[test]
fn a_second_hub_shares_what_the_first_has_brought() {
    let first = planned(&wish(), &facts());
    let mut facts = facts();
    facts.releases = installed(&first);
    facts.namespaces = ["thanos", "monitoring"].map(str::to_owned).into();
    let mut second = wish();
    second.name = "thanos-eu".to_owned();
    second.namespace = "eu".to_owned();
    let plan = planned(&second, &facts);
    for part in [
        "envoy-gateway",
        "cert-manager",
        "kube-prometheus-stack",
        "webhook",
    ] {
        assert_eq!(item(&plan, part).action, Action::Keep, "{part}");
        assert_eq!(item(&plan, part).detail, "installed for hub thanos");
    }
    assert_eq!(item(&plan, "thanos").action, Action::Create);
    assert!(
        plan.items
            .iter()
            .filter(|item| item.part == "credentials")
            .all(|item| item.title.contains("thanos-eu-"))
    );
}

#[test]
fn an_interrupted_helm_is_told_of_and_mended() {
    let first = planned(&wish(), &facts());
    for (status, revision, mend) in [
        ("pending-install", 1, Mend::Remove),
        ("pending-upgrade", 2, Mend::RollBack),
        ("uninstalling", 2, Mend::Remove),
        ("failed", 1, Mend::Nothing),
    ] {
        let secret = json!({"metadata": {"namespace": "thanos", "labels": {
            "name": "thanos", "version": revision.to_string(), "status": status, names::DIGEST: "x", names::HUB: "thanos",
        }}});
        let mut facts = facts();
        facts.releases = newest(&[secret]);
        let plan = planned(&wish(), &facts);
        let item = item(&plan, "thanos");
        assert!(
            matches!(&item.step, Step::Release(_, Some(found)) if found.mend() == mend),
            "{status}"
        );
        assert_eq!(item.action, Action::Update, "{status}");
        let told = plan
            .warnings
            .iter()
            .any(|(code, _)| *code == codes::RELEASE_UNFINISHED);
        assert_eq!(told, mend != Mend::Nothing, "{status}");
    }
    assert!(first.warnings.is_empty());
}

#[test]
fn obstacles_are_told_at_once() {
    let mut wish = wish();
    wish.skip = [
        HubPart::CertManager,
        HubPart::EnvoyGateway,
        HubPart::KubePrometheusStack,
    ]
    .into();
    wish.namespaces.insert("team-a".to_owned());
    let mut facts = facts();
    facts.denied = vec![("create", SECRETS.within("thanos"))];
    let taken = json!({"metadata": {"namespace": "thanos", "labels": {"name": "thanos", "version": "1", "status": "deployed"}}});
    facts.releases = newest(&[taken]);
    let faults = plan(&wish, &facts, None, Membership::None).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    for word in [
        "KTH1012 release thanos in namespace thanos is somebody else's",
        "serves no Prometheus objects",
        "namespace/team-a does not exist",
        "KTH1002 you may not create secrets in namespace thanos",
        "Envoy Gateway is left out",
        "cert-manager is left out",
    ] {
        assert!(
            told.iter().any(|told| told.contains(word)),
            "{word}: {told:#?}"
        );
    }
}

#[test]
fn an_operator_that_is_too_old_is_told_of() {
    let mut facts = facts();
    facts.operator = Some(semver::Version::new(0, 50, 0));
    let plan = planned(&wish(), &facts);
    let told: Vec<_> = plan.warnings.iter().map(|(code, _)| *code).collect();
    assert_eq!(told, [codes::CRD_TOO_OLD]);
}

#[test]
fn a_certificate_of_ones_own_needs_no_cert_manager() {
    let mut wish = wish();
    wish.certificate = Certificate::Secret("mine".to_owned());
    let plan = planned(&wish, &facts());
    assert_eq!(item(&plan, "cert-manager").action, Action::Skip);
    let told: Vec<_> = plan.warnings.iter().map(|(code, _)| *code).collect();
    assert_eq!(told, [codes::CERTIFICATE_ABSENT]);
}

#[test]
fn a_gateway_and_a_prometheus_in_other_namespaces_are_let_in() {
    let program = |sort, namespace: &str| Program {
        sort,
        namespace: namespace.to_owned(),
        name: sort.to_owned(),
        release: None,
    };
    let policy = |facts: &Facts| {
        let plan = planned(&wish(), facts);
        let thanos = plan.releases().find(|release| release.name == "thanos");
        thanos.unwrap().values["networkPolicy"].clone()
    };
    let mut facts = facts();
    facts.crds = [PROMETHEUSES.qualified()].into();
    facts.namespaces = ["thanos".to_owned()].into();
    assert_eq!(policy(&facts), Value::Null);
    facts.programs = vec![
        program("envoy-gateway", "edge"),
        program("prometheus-operator", "observability"),
    ];
    let found = policy(&facts);
    let from = &found["gatewayFrom"][0];
    let namespaces = &from["namespaceSelector"]["matchExpressions"][0]["values"];
    assert_eq!(*namespaces, json!(["edge", "thanos"]));
    assert!(from["podSelector"]["matchLabels"].is_object());
    let metrics = &found["metricsFrom"];
    let name = "kubernetes.io/metadata.name";
    let observability = json!([{"namespaceSelector": {"matchLabels": {name: "observability"}}}]);
    assert_eq!(*metrics, observability);
}
