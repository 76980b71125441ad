//! The two handlers as a client meets them, without a socket.

mod judging;
mod scaling;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::facts::Knowledge;
use crate::metrics::Metrics;

fn wiring() -> Value {
    let key = |key: &str| json!({"name": "remotewrite-secret", "key": key});
    json!({
        "apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosWiring", "metadata": {"name": "hub"},
        "spec": {
            "cluster": "edge",
            "remoteWrite": {
                "url": "https://receive.example.com/api/v1/receive",
                "auth": {"basicAuth": {"username": key("user"), "password": key("password")}},
            },
            "credentials": {"namespaces": ["monitoring"]},
        },
        "status": {"namespaces": [{"name": "monitoring", "ready": true}]},
    })
}

fn prometheus(namespace: &str) -> Value {
    json!({
        "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
        "metadata": {"name": "k8s", "namespace": namespace},
        "spec": {"version": "v3.5.0", "serviceMonitorSelector": {}},
    })
}

fn knowledge() -> Arc<Knowledge> {
    let knowledge = Knowledge::new();
    knowledge
        .put_wiring(&serde_json::from_value(wiring()).unwrap())
        .unwrap();
    knowledge.put_namespace("monitoring", [("team", "a")]);
    knowledge.put_namespace("team-b", [("team", "b")]);
    Arc::new(knowledge)
}

fn limits() -> Limits {
    Limits {
        body: 64 * 1024,
        bodies: 128 * 1024,
        running: 1,
        waiting: 1,
        ..Limits::default()
    }
}

fn state() -> Arc<State> {
    State::with(knowledge(), limits(), Arc::default(), Timestamp::now)
}

fn review(object: &Value, operation: &str, old: &Value) -> Value {
    let (group, version) = object["apiVersion"]
        .as_str()
        .unwrap()
        .split_once('/')
        .unwrap();
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "0d9c", "operation": operation, "dryRun": true, "name": object["metadata"]["name"],
            "namespace": object["metadata"]["namespace"].as_str().unwrap_or_default(),
            "kind": {"group": group, "version": version, "kind": object["kind"]},
            "userInfo": {"username": "jane"}, "object": object, "oldObject": old,
        },
    })
}

async fn send(state: &Arc<State>, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let response = router(Arc::clone(state)).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    (
        parts.status,
        parts.headers,
        body.collect().await.unwrap().to_bytes().to_vec(),
    )
}

fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

async fn ask(state: &Arc<State>, path: &str, review: &Value) -> Value {
    let (status, _, body) = send(state, post(path, review.to_string())).await;
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
    answer["response"].clone()
}

#[tokio::test]
async fn an_object_is_wired_once() {
    let state = state();
    let object = prometheus("monitoring");
    let response = ask(
        &state,
        "/mutate?timeout=5s",
        &review(&object, "CREATE", &Value::Null),
    )
    .await;
    let patch = BASE64_STANDARD
        .decode(response["patch"].as_str().unwrap())
        .unwrap();
    let mut wired = object.clone();
    json_patch::patch(
        &mut wired,
        &serde_json::from_slice::<json_patch::Patch>(&patch).unwrap(),
    )
    .unwrap();
    assert_eq!(wired["spec"]["remoteWrite"][0]["name"], "thanos");
    let again = ask(&state, "/mutate", &review(&wired, "UPDATE", &object)).await;
    assert_eq!(again, json!({"uid": "0d9c", "allowed": true}));
}

#[tokio::test]
async fn an_object_whose_namespace_is_not_enrolled_is_left_with_a_warning() {
    let response = ask(
        &state(),
        "/mutate",
        &review(&prometheus("team-b"), "CREATE", &Value::Null),
    )
    .await;
    assert_eq!(
        response["warnings"],
        json!(["KTH2009 not wired by hub: namespace team-b is not enrolled"])
    );
    assert_eq!(
        (&response["allowed"], response.get("patch")),
        (&json!(true), None)
    );
}

#[tokio::test]
async fn an_unknown_namespace_is_left_when_nobody_can_be_asked() {
    let response = ask(
        &state(),
        "/mutate",
        &review(&prometheus("nowhere"), "CREATE", &Value::Null),
    )
    .await;
    assert_eq!(
        response["warnings"],
        json!(["KTH2008 not wired by hub: namespace nowhere is not known"])
    );
}

#[tokio::test]
async fn what_is_not_ours_is_allowed_untouched() {
    let state = state();
    let untouched = json!({"uid": "0d9c", "allowed": true});
    let mut scale = review(&prometheus("monitoring"), "UPDATE", &Value::Null);
    scale["request"]["subResource"] = json!("scale");
    let mut pod = prometheus("monitoring");
    pod["kind"] = json!("ServiceMonitor");
    let mut nothing = review(&pod, "DELETE", &prometheus("monitoring"));
    nothing["request"]["object"] = Value::Null;
    for request in [
        scale,
        nothing,
        review(&pod, "CREATE", &Value::Null),
        review(&prometheus("monitoring"), "CONNECT", &Value::Null),
        review(&prometheus("monitoring"), "PONDER", &Value::Null),
    ] {
        assert_eq!(ask(&state, "/mutate", &request).await, untouched);
        assert_eq!(ask(&state, "/validate", &request).await, untouched);
    }
}

#[tokio::test]
async fn a_subresource_is_counted_as_one() {
    let state = state();
    let mut scale = review(&prometheus("monitoring"), "UPDATE", &Value::Null);
    scale["request"]["subResource"] = json!("scale");
    ask(&state, "/mutate", &scale).await;
    let labels = ReviewLabels {
        path: "/mutate",
        kind: "Prometheus",
        operation: "UPDATE",
        decision: "allow",
        code: "KTH2019",
    };
    assert_eq!(state.metrics.reviews.get_or_create(&labels).get(), 1);
}

#[tokio::test]
async fn an_object_of_the_wrong_shape_is_left_with_a_warning() {
    let mut object = prometheus("monitoring");
    object["metadata"]["labels"] = json!({"a": 1});
    let response = ask(
        &state(),
        "/mutate",
        &review(&object, "CREATE", &Value::Null),
    )
    .await;
    assert_eq!(
        response["warnings"],
        json!(["KTH2107 not wired: metadata.labels must be a map of strings"])
    );
}

#[tokio::test]
async fn a_wrong_wiring_is_refused_with_every_path_and_a_plain_one_warned_about() {
    let state = state();
    let mut wrong = wiring();
    wrong["spec"]["cluster"] = json!("-");
    wrong["spec"]["remoteWrite"]["writeRelabelConfigs"] =
        json!([{"action": "replace", "regex": "(canary-5f1c", "targetLabel": "a"}]);
    let response = ask(&state, "/validate", &review(&wrong, "CREATE", &Value::Null)).await;
    assert_eq!(
        (&response["allowed"], &response["status"]["code"]),
        (&json!(false), &json!(422))
    );
    let fields: Vec<&Value> = response["status"]["details"]["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| &cause["field"])
        .collect();
    assert_eq!(
        fields,
        [
            "spec.cluster",
            "spec.remoteWrite.writeRelabelConfigs[0].regex"
        ]
    );
    assert!(!response.to_string().contains("canary"), "{response}");
    let mut plain = wiring();
    plain["spec"]["remoteWrite"]["url"] = json!("http://receive.example.com/");
    let response = ask(&state, "/validate", &review(&plain, "UPDATE", &wiring())).await;
    assert_eq!(response["allowed"], true);
    assert!(
        response["warnings"][0]
            .as_str()
            .unwrap()
            .starts_with("KTH2302 spec.remoteWrite.url"),
        "{response}"
    );
}

#[tokio::test]
async fn a_wrong_wiring_on_its_way_out_may_lose_its_finalizer() {
    let state = state();
    let mut old = wiring();
    old["spec"]["cluster"] = json!("-");
    old["metadata"]["deletionTimestamp"] = json!("2026-11-24T00:00:00Z");
    let mut new = old.clone();
    new["metadata"]["finalizers"] = json!([]);
    assert_eq!(
        ask(&state, "/validate", &review(&new, "UPDATE", &old)).await["allowed"],
        true
    );
    new["spec"]["cluster"] = json!("--");
    assert_eq!(
        ask(&state, "/validate", &review(&new, "UPDATE", &old)).await["allowed"],
        false
    );
}

#[tokio::test]
async fn a_stored_wiring_that_is_wrong_may_be_labelled() {
    let mut old = wiring();
    old["spec"]["cluster"] = json!("-");
    let mut new = old.clone();
    new["metadata"]["labels"] = json!({"a": "b"});
    let response = ask(&state(), "/validate", &review(&new, "UPDATE", &old)).await;
    assert_eq!(response["allowed"], true);
    assert!(
        response["warnings"][0]
            .as_str()
            .unwrap()
            .starts_with("KTH2301 spec.cluster"),
        "{response}"
    );
}

#[tokio::test]
async fn too_deep_an_object_is_left_by_one_door_and_denied_by_the_other() {
    let state = State::with(
        knowledge(),
        Limits {
            body: 4 << 20,
            bodies: 8 << 20,
            ..limits()
        },
        Arc::default(),
        Timestamp::now,
    );
    for (depth, right) in [
        (127, true),
        (128, true),
        (500, true),
        (513, false),
        (1_000_000, false),
    ] {
        let deep = "[".repeat(depth) + &"]".repeat(depth);
        for (path, object) in [
            ("/mutate", prometheus("monitoring")),
            ("/validate", wiring()),
        ] {
            let text = review(&object, "CREATE", &Value::Null)
                .to_string()
                .replacen("\"spec\":{", &format!("\"spec\":{{\"deep\":{deep},"), 1);
            let (status, _, body) = send(&state, post(path, text)).await;
            let answer: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(
                (status, &answer["response"]["uid"]),
                (StatusCode::OK, &json!("0d9c"))
            );
            let response = &answer["response"];
            // A wiring with a field that nobody knows is refused at any depth.
            assert_eq!(response["allowed"], path == "/mutate", "{path} {depth}");
            assert_eq!(
                response.get("patch").is_some(),
                path == "/mutate" && right,
                "{path} {depth}"
            );
            let words = response.to_string();
            assert_eq!(
                words.contains("deeper than 512"),
                !right,
                "{path} {depth} {words}"
            );
        }
    }
}

#[tokio::test]
async fn an_object_of_too_many_parts_is_not_read_and_the_room_is_shared() {
    let limits = Limits {
        body: 4 << 20,
        bodies: 8 << 20,
        objects: 1 << 20,
        running: 2,
        ..limits()
    };
    let state = State::with(knowledge(), limits, Arc::default(), Timestamp::now);
    let mut object = prometheus("monitoring");
    object["spec"]["pad"] = vec![json!({"a": 1}); 2000].into();
    let response = ask(&state, "/mutate", &review(&object, "CREATE", &Value::Null)).await;
    let sentence = "KTH2107 not wired: the object has too many parts to be read";
    assert_eq!(response["warnings"], json!([sentence]));
    let taken = state.room.try_acquire_many(1024).unwrap();
    let asked = review(&prometheus("monitoring"), "CREATE", &Value::Null).to_string();
    let waiting = send(&state, post("/mutate?timeout=1s", asked.clone()))
        .await
        .0;
    assert_eq!(waiting, StatusCode::TOO_MANY_REQUESTS);
    drop(taken);
    assert_eq!(send(&state, post("/mutate", asked)).await.0, StatusCode::OK);
    assert_eq!(
        state.room.available_permits(),
        1024,
        "every share was given back"
    );
}

#[tokio::test]
async fn requests_that_are_no_reviews_are_refused_in_one_sentence() {
    let state = state();
    let json = |path: &str| post(path, "{}");
    let bare = |method: &str, path: &str| {
        Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap()
    };
    let typed = |kind: &str| {
        Request::post("/mutate")
            .header("content-type", kind)
            .body(Body::from("{}"))
            .unwrap()
    };
    let mut zipped = json("/mutate");
    zipped
        .headers_mut()
        .insert("content-encoding", "gzip".parse().unwrap());
    for (request, expected) in [
        (bare("GET", "/mutate"), 405),
        (bare("PUT", "/validate"), 405),
        (bare("GET", "/"), 404),
        (json("/mutate/"), 404),
        (json("/metrics"), 404),
        (bare("POST", "/mutate"), 415),
        (typed("text/plain"), 415),
        (typed("application/jsonp"), 415),
        (zipped, 415),
        (json("/mutate"), 400),
        (typed("Application/JSON; charset=utf-8"), 400),
        (post("/validate", vec![0xff, 0xfe]), 400),
        (post("/mutate", "x".repeat(64 * 1024 + 1)), 413),
    ] {
        let title = format!("{request:?}");
        let (status, _, body) = send(&state, request).await;
        assert_eq!(status.as_u16(), expected, "{title}");
        let sentence = String::from_utf8(body).unwrap();
        assert_eq!(sentence.lines().count(), 1, "{title}");
        assert_eq!(
            sentence.starts_with("KTH5001 "),
            expected == 400,
            "{title}: {sentence}"
        );
    }
}

#[tokio::test]
async fn bodies_together_have_one_bound() {
    let state = state();
    let body = |count: usize| {
        let chunks = (0..count).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024]));
        Body::from_stream(futures::stream::iter(chunks))
    };
    let (status, ..) = send(&state, post("/mutate", body(65))).await;
    assert_eq!(
        status,
        StatusCode::PAYLOAD_TOO_LARGE,
        "one that announces no length"
    );
    let held = state.bytes.try_acquire_many(100 * 1024).unwrap();
    let (status, headers, text) = send(&state, post("/mutate", body(60))).await;
    assert_eq!(
        (status, &headers["retry-after"]),
        (StatusCode::TOO_MANY_REQUESTS, &"1".parse().unwrap())
    );
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "KTH5002 too many reviews at once\n"
    );
    drop(held);
    assert_eq!(
        state.bytes.available_permits(),
        128 * 1024,
        "every share was given back"
    );
}

#[tokio::test]
async fn who_finds_no_place_or_waits_too_long_is_to_ask_again() {
    let state = state();
    let turn = state
        .turn(Instant::now() + Duration::from_secs(1))
        .await
        .unwrap();
    let asked = review(&prometheus("monitoring"), "CREATE", &Value::Null).to_string();
    let begin = Instant::now();
    let waits = send(&state, post("/mutate?timeout=1s", asked.clone()));
    let finds_none = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        send(&state, post("/mutate", asked.clone())).await.0
    };
    let ((waited, ..), none) = tokio::join!(waits, finds_none);
    assert_eq!(
        (waited, none),
        (StatusCode::TOO_MANY_REQUESTS, StatusCode::TOO_MANY_REQUESTS)
    );
    assert!(
        begin.elapsed() < Duration::from_secs(1),
        "within the API server's own second"
    );
    drop(turn);
    assert_eq!(send(&state, post("/mutate", asked)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_bug_in_one_review_is_answered_and_counted() {
    let metrics = Arc::new(Metrics::default());
    let bug: fn() -> Timestamp = || panic!("canary-5f1c");
    let state = State::with(knowledge(), limits(), Arc::clone(&metrics), bug);
    let asked = review(&prometheus("monitoring"), "CREATE", &Value::Null).to_string();
    for _ in 0..3 {
        let (status, _, body) = send(&state, post("/mutate", asked.clone())).await;
        let sentence = String::from_utf8(body).unwrap();
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(
            sentence.starts_with("KTH0001") && !sentence.contains("canary"),
            "{sentence}"
        );
    }
    assert_eq!(
        metrics
            .rejected
            .get_or_create(&crate::metrics::CauseLabels { cause: "bug" })
            .get(),
        3
    );
    assert_eq!(
        state.places.available_permits(),
        2,
        "every place was given back"
    );
}

#[tokio::test]
async fn reviews_are_counted_by_words_that_nobody_can_choose() {
    let metrics = Arc::new(Metrics::default());
    let state = State::with(knowledge(), limits(), Arc::clone(&metrics), Timestamp::now);
    let mut odd = review(&prometheus("monitoring"), "CREATE", &Value::Null);
    odd["request"]["kind"]["kind"] = json!("x\ny");
    odd["request"]["operation"] = json!("\u{1b}");
    ask(&state, "/mutate", &odd).await;
    ask(
        &state,
        "/mutate",
        &review(&prometheus("monitoring"), "CREATE", &Value::Null),
    )
    .await;
    let labels = |kind, operation, decision, code| ReviewLabels {
        path: "/mutate",
        kind,
        operation,
        decision,
        code,
    };
    for labels in [
        labels("other", "other", "allow", ""),
        labels("Prometheus", "CREATE", "change", "KTH2000"),
    ] {
        assert_eq!(
            metrics.reviews.get_or_create(&labels).get(),
            1,
            "{labels:?}"
        );
    }
}
