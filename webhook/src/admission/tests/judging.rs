//! `/validate` before policies: denials, warnings, audit annotations, Events, scales, Secrets.

use super::*;

/// Policies say where samples may go; whatever is listed here is a part of the spec.
pub(super) fn policy(name: &str, spec: &Value) -> Value {
    let mut whole =
        json!({"remoteWrite": {"allowedUrls": ["https://*.example.com/api/v1/receive"]}});
    let all = whole.as_object_mut().unwrap();
    all.extend(spec.as_object().unwrap().clone());
    json!({"apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosPolicy",
        "metadata": {"name": name, "uid": format!("uid-of-{name}")}, "spec": whole})
}

/// A webhook that knows these policies, with the Events that it would write.
pub(super) fn judging(
    policies: &[Value],
) -> (
    Arc<State>,
    tokio::sync::mpsc::Receiver<denials::Denial>,
    Arc<Metrics>,
) {
    let knowledge = knowledge();
    for policy in policies {
        let policy = serde_json::from_value(policy.clone()).unwrap();
        knowledge.put_policy(&policy).unwrap();
    }
    let (denials, told) = Denials::queued();
    let metrics = Arc::new(Metrics::default());
    let state = State::telling(
        knowledge,
        limits(),
        Arc::clone(&metrics),
        Timestamp::now,
        denials,
    );
    (state, told, metrics)
}

pub(super) fn sending(namespace: &str, url: &str) -> Value {
    let mut object = prometheus(namespace);
    object["spec"]["remoteWrite"] = json!([{"name": "mine", "url": url}]);
    object
}

pub(super) const ALLOWED: &str = "https://a.example.com/api/v1/receive";
pub(super) const ELSEWHERE: &str = "https://canary-5f1c.example.org/";

#[tokio::test]
async fn an_offender_is_denied_at_its_path_and_told_of_on_the_policy() {
    let (state, mut told, metrics) = judging(&[
        policy("shared", &json!({"enforcement": "Deny"})),
        policy("other", &json!({"enforcement": "Deny"})),
    ]);
    let mut asked = review(&sending("team-b", ELSEWHERE), "CREATE", &Value::Null);
    let response = ask(&state, "/validate", &asked).await;
    assert_eq!(response["allowed"], false);
    let causes = &response["status"]["details"]["causes"];
    assert_eq!(causes[0]["field"], "spec.remoteWrite[0].url");
    assert!(
        causes[0]["message"]
            .as_str()
            .unwrap()
            .starts_with("KTH7010 ")
    );
    assert!(response["status"]["message"].as_str().unwrap().len() <= 1024);
    assert_eq!(response["auditAnnotations"], json!({"egress-url": "deny"}));
    assert!(!response.to_string().contains("canary"), "{response}");
    assert!(told.try_recv().is_err(), "a dry run leaves nothing behind");

    asked["request"]["dryRun"] = json!(false);
    ask(&state, "/validate", &asked).await;
    for name in ["other", "shared"] {
        let denial = told.try_recv().unwrap();
        assert_eq!(
            (&*denial.policy, denial.uid),
            (name, format!("uid-of-{name}"))
        );
        assert_eq!(denial.reason, "EgressUrl");
        assert_eq!(
            denial.note,
            "Prometheus/team-b/k8s was refused: KTH7010 egress-url"
        );
    }
    let labels = crate::metrics::ChargeLabels {
        rule: "egress-url",
        policy: "shared".to_owned(),
        enforcement: "deny",
    };
    assert_eq!(metrics.charges.get_or_create(&labels).get(), 2);
    let labels = ReviewLabels {
        path: "/validate",
        kind: "Prometheus",
        operation: "CREATE",
        decision: "refuse",
        code: "KTH7010",
    };
    assert_eq!(metrics.reviews.get_or_create(&labels).get(), 2);
}

#[tokio::test]
async fn warnings_and_audit_let_it_pass_and_say_so() {
    let object = sending("team-b", ELSEWHERE);
    let asked = review(&object, "CREATE", &Value::Null);
    let (state, ..) = judging(&[policy("shared", &json!({"enforcement": "Warn"}))]);
    let response = ask(&state, "/validate", &asked).await;
    assert_eq!(response["allowed"], true);
    let warning = "KTH7010 spec.remoteWrite[0].url: leads where remoteWrite.allowedUrls does not (policy shared)";
    assert_eq!(response["warnings"], json!([warning]));
    assert_eq!(response["auditAnnotations"], json!({"egress-url": "warn"}));

    let (state, ..) = judging(&[policy("shared", &json!({"enforcement": "Audit"}))]);
    let response = ask(&state, "/validate", &asked).await;
    let annotations = json!({"egress-url": "audit"});
    assert_eq!(
        response,
        json!({"uid": "0d9c", "allowed": true, "auditAnnotations": annotations})
    );

    let exempt = json!({"enforcement": "Deny", "exemptions": [{"namespace": "team-b", "rules": ["egress-url"], "reason": "moving"}]});
    let (state, ..) = judging(&[policy("shared", &exempt)]);
    let response = ask(&state, "/validate", &asked).await;
    let annotations = json!({"egress-url": "exempt"});
    assert_eq!(
        response,
        json!({"uid": "0d9c", "allowed": true, "auditAnnotations": annotations})
    );
}

#[tokio::test]
async fn what_exists_is_not_wedged_and_may_go() {
    let (state, ..) = judging(&[policy("shared", &json!({"enforcement": "Deny"}))]);
    let old = sending("team-b", ELSEWHERE);
    let mut new = old.clone();
    new["spec"]["replicas"] = json!(2);
    let response = ask(&state, "/validate", &review(&new, "UPDATE", &old)).await;
    assert_eq!(response["allowed"], true);
    assert_eq!(response["auditAnnotations"], json!({"egress-url": "warn"}));
    new["spec"]["remoteWrite"][0]["url"] = json!("https://another.example.org/");
    let response = ask(&state, "/validate", &review(&new, "UPDATE", &old)).await;
    assert_eq!(response["allowed"], false);

    let mut going = sending("nowhere", ELSEWHERE);
    going["metadata"]["deletionTimestamp"] = json!("2026-11-24T00:00:00Z");
    let response = ask(&state, "/validate", &review(&going, "UPDATE", &going)).await;
    assert_eq!(response, json!({"uid": "0d9c", "allowed": true}));
}

#[tokio::test]
async fn an_unknown_namespace_is_denied_where_a_policy_asks_for_its_labels() {
    let asked = review(&sending("nowhere", ALLOWED), "CREATE", &Value::Null);
    let selecting = |enforcement: &str| {
        let spec = json!({"enforcement": enforcement, "namespaceSelector": {"matchLabels": {"team": "b"}}});
        policy("shared", &spec)
    };
    let everywhere = policy("everywhere", &json!({"enforcement": "Deny"}));
    for (policies, allowed) in [
        (vec![selecting("Deny")], false),
        (vec![selecting("Warn")], true),
        (vec![everywhere], true),
        (vec![], true),
    ] {
        let (state, ..) = judging(&policies);
        let response = ask(&state, "/validate", &asked).await;
        assert_eq!(response["allowed"], allowed, "{policies:?}");
        if !allowed {
            let cause = &response["status"]["details"]["causes"][0];
            assert_eq!(cause["field"], "metadata.namespace");
            assert!(cause["message"].as_str().unwrap().starts_with("KTH7003 "));
        }
    }
}

#[tokio::test]
async fn a_policy_is_judged_as_it_is_written() {
    let state = state();
    let wrong = policy(
        "shared",
        &json!({"rules": [{"id": "canary-5f1c", "enforcement": "Deny"}], "limits": {"bodySizeLimit": "much"}}),
    );
    let response = ask(&state, "/validate", &review(&wrong, "CREATE", &Value::Null)).await;
    assert_eq!(response["allowed"], false);
    let causes = response["status"]["details"]["causes"].as_array().unwrap();
    let fields: Vec<&Value> = causes.iter().map(|cause| &cause["field"]).collect();
    assert_eq!(fields, ["spec.rules[0].id", "spec.limits.bodySizeLimit"]);
    assert!(!response.to_string().contains("canary"), "{response}");

    let response = ask(&state, "/validate", &review(&wrong, "UPDATE", &wrong)).await;
    assert_eq!(response["allowed"], true, "its spec is what it was");
    let missing = policy(
        "shared",
        &json!({"remoteWrite": {"requireWiring": ["hub", "nowhere"]}}),
    );
    let response = ask(
        &state,
        "/validate",
        &review(&missing, "CREATE", &Value::Null),
    )
    .await;
    assert_eq!(response["allowed"], true);
    let warnings = response["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1);
    let warning = warnings[0].as_str().unwrap();
    assert!(
        warning.starts_with("KTH7001 spec.remoteWrite.requireWiring[1]: "),
        "{warning}"
    );
}

#[tokio::test]
async fn what_cannot_be_judged_is_denied_where_a_policy_denies() {
    let mut object = prometheus("team-b");
    object["metadata"]["labels"] = json!({"a": 1});
    let asked = review(&object, "CREATE", &Value::Null);
    for (enforcement, allowed) in [("Deny", false), ("Warn", true)] {
        let (state, ..) = judging(&[policy("shared", &json!({"enforcement": enforcement}))]);
        let response = ask(&state, "/validate", &asked).await;
        assert_eq!(response["allowed"], allowed, "{response}");
    }
    assert_eq!(
        ask(&state(), "/validate", &asked).await,
        json!({"uid": "0d9c", "allowed": true})
    );
}

#[tokio::test]
async fn a_secret_is_counted_and_none_of_its_values_said() {
    let (state, _told, metrics) = judging(&[policy("shared", &json!({"enforcement": "Deny"}))]);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "objstore", "namespace": "team-b"},
        "data": {"objstore.yml": BASE64_STANDARD.encode("type: canary-5f1c")}});
    let mut asked = review(
        &json!({"apiVersion": "x/v1", "kind": "Secret"}),
        "CREATE",
        &Value::Null,
    );
    asked["request"]["kind"] = json!({"group": "", "version": "v1", "kind": "Secret"});
    asked["request"]["name"] = json!("objstore");
    asked["request"]["namespace"] = json!("team-b");
    asked["request"]["object"] = secret;
    let response = ask(&state, "/validate", &asked).await;
    assert!(!response.to_string().contains("canary"), "{response}");
    let reviews = metrics.reviews.clone();
    let mut text = String::new();
    let mut registry = prometheus_client::registry::Registry::default();
    registry.register("reviews", "Reviews", reviews);
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    assert!(text.contains("kind=\"Secret\""), "{text}");
}
