//! `/validate` before policies: what comes in through a scale subresource.

use super::judging::{ELSEWHERE, judging, policy, sending};
use super::*;

fn scaling(namespace: &str, from: i64, to: i64) -> Value {
    let scale = |replicas: i64| {
        json!({"apiVersion": "autoscaling/v1", "kind": "Scale",
        "metadata": {"name": "k8s", "namespace": namespace}, "spec": {"replicas": replicas}})
    };
    let mut asked = review(&scale(to), "UPDATE", &scale(from));
    asked["request"]["subResource"] = json!("scale");
    asked["request"]["resource"] =
        json!({"group": "monitoring.coreos.com", "version": "v1", "resource": "prometheuses"});
    asked
}

#[tokio::test]
async fn a_scale_is_judged_with_what_it_scales() {
    let spec = json!({"enforcement": "Deny", "namespaceSelector": {"matchLabels": {"team": "b"}}});
    let (state, ..) = judging(&[policy("shared", &spec)]);
    let asked = scaling("team-b", 1, 2);
    let response = ask(&state, "/validate", &asked).await;
    assert_eq!(response["allowed"], false, "nobody knows the parent");
    let cause = &response["status"]["details"]["causes"][0];
    assert!(cause["message"].as_str().unwrap().starts_with("KTH7004 "));
    let elsewhere = scaling("monitoring", 1, 2);
    let response = ask(&state, "/validate", &elsewhere).await;
    assert_eq!(
        response,
        json!({"uid": "0d9c", "allowed": true}),
        "no policy there"
    );

    let parent = sending("team-b", ELSEWHERE);
    state.knowledge.put_parent(Kind::Prometheus, &parent);
    let response = ask(&state, "/validate", &asked).await;
    assert_eq!(response["allowed"], true, "it had that before");
    assert_eq!(response["auditAnnotations"], json!({"egress-url": "warn"}));
    let mut wrong = asked.clone();
    wrong["request"]["object"]["spec"]["replicas"] = json!("many");
    let response = ask(&state, "/validate", &wrong).await;
    assert_eq!(response["allowed"], false);
    let mut foreign = asked;
    foreign["request"]["resource"]["group"] = json!("apps");
    let response = ask(&state, "/validate", &foreign).await;
    assert_eq!(response, json!({"uid": "0d9c", "allowed": true}));
}

#[tokio::test]
async fn a_scale_beyond_the_limit_is_denied() {
    let spec = json!({"enforcement": "Deny", "limits": {"maxShards": 3}, "remoteWrite": {}});
    let (state, ..) = judging(&[policy("shared", &spec)]);
    let parent = prometheus("team-b");
    state.knowledge.put_parent(Kind::Prometheus, &parent);
    let response = ask(&state, "/validate", &scaling("team-b", 1, 3)).await;
    assert_eq!(response["allowed"], true, "{response}");
    if !limits_are_judged(&parent) {
        return;
    }
    let response = ask(&state, "/validate", &scaling("team-b", 1, 4)).await;
    assert_eq!(response["allowed"], false, "{response}");
    let cause = &response["status"]["details"]["causes"][0];
    assert_eq!(cause["field"], "spec.shards");
}

/// Whether this build knows the rule: it says so when it is asked.
fn limits_are_judged(object: &Value) -> bool {
    let mut many = object.clone();
    many["spec"]["shards"] = json!(4);
    let spec = json!({"limits": {"maxShards": 3}, "remoteWrite": {}});
    let policy = thanos_core::policy::read(&policy("shared", &spec)).unwrap();
    let rules = thanos_core::Rules::default().with_policies([Arc::new(policy)]);
    let facts = thanos_core::Facts {
        now: Timestamp::UNIX_EPOCH,
        namespace: None,
        credentials: std::collections::BTreeMap::new(),
        operator: None,
        served: Arc::new(thanos_core::fields::Served::newest(Kind::Prometheus)),
        lately: thanos_core::facts::Lately::default(),
    };
    let subject = Subject::read(&many, None, "team-b").unwrap();
    let judgement = thanos_core::judge(&subject, &facts, &rules);
    judgement
        .charges
        .iter()
        .any(|charge| charge.rule == codes::LIMITS)
}
