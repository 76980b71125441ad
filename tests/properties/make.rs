//! Makes wirings, and objects out of the operator's own OpenAPI schemas, from bytes: fewer bytes, smaller objects, so
//! that proptest can shrink them.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use thanos_core::Kind;
use thanos_tests::{install::objects, tools};

/// Bytes that decide. Where they end, every choice is the first.
pub(crate) struct Entropy<'a>(std::slice::Iter<'a, u8>);

impl<'a> Entropy<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }

    fn one_in(&mut self, n: u8) -> bool {
        self.byte() % n == 1
    }

    fn pick<'b, T>(&mut self, choices: &'b [T]) -> &'b T {
        &choices[usize::from(self.byte()) % choices.len()]
    }
}

/// How many cases: `THANOS_CASES` for a soak.
pub(crate) fn cases(default: u32) -> u32 {
    std::env::var("THANOS_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(default)
}

const URLS: &[&str] = &[
    "https://receive.example.com/api/v1/receive",
    "https://b.example.com/",
    "http://in-cluster:19291/api/v1/receive",
];
const NAMES: &[&str] = &["thanos", "a", "b", "vendor"];
const LABELS: &[&str] = &["cluster", "region", "zone", "prometheus"];
const VALUES: &[&str] = &["edge-01", "a.b", "x+y", "old", "{cluster}", "{namespace}"];

/// A wiring that is right.
pub(crate) fn wiring(entropy: &mut Entropy<'_>, name: &str) -> Value {
    let key = |key: &str| json!({"name": "remotewrite-secret", "key": key});
    let uuid = "11111111-2222-3333-4444-555555555555";
    let auths = [
        json!({"basicAuth": {"username": key("user"), "password": key("password")}}),
        json!({"none": {}}),
        json!({"authorization": {"type": "Bearer", "credentials": key("token")}}),
        json!({"azureAd": {"managedIdentity": {"clientId": uuid}}}),
        json!({"azureAd": {"workloadIdentity": {"clientId": uuid, "tenantId": uuid}, "scope": "api://x/.default"}}),
    ];
    let mut remote_write = Map::from_iter([
        ("name".to_owned(), json!(entropy.pick(NAMES))),
        ("url".to_owned(), json!(entropy.pick(URLS))),
        ("auth".to_owned(), entropy.pick(&auths).clone()),
    ]);
    let mut some = |entropy: &mut Entropy<'_>, field: &str, value: Value| {
        if entropy.one_in(3) {
            remote_write.insert(field.to_owned(), value);
        }
    };
    some(
        entropy,
        "tenant",
        json!({"header": "THANOS-TENANT", "value": "{cluster}"}),
    );
    some(
        entropy,
        "tls",
        json!({"ca": {"configMap": {"name": "ca", "key": "ca.crt"}}, "serverName": "gateway"}),
    );
    some(
        entropy,
        "queueConfig",
        json!({"retryOnRateLimit": true, "maxShards": 20}),
    );
    some(entropy, "metadataConfig", json!({"send": false}));
    some(entropy, "remoteTimeout", json!("45s"));
    some(entropy, "sendExemplars", json!(true));
    some(entropy, "messageVersion", json!("V1.0"));
    some(
        entropy,
        "writeRelabelConfigs",
        json!([{"action": "drop", "sourceLabels": ["__name__"], "regex": "go_.*"}, {"targetLabel": "x", "replacement": "y"}]),
    );
    some(entropy, "adopt", json!("Replace"));
    let labels = |entropy: &mut Entropy<'_>, most: u8| -> Map<String, Value> {
        (0..entropy.byte() % most)
            .map(|_| {
                (
                    (*entropy.pick(LABELS)).to_owned(),
                    json!(entropy.pick(VALUES)),
                )
            })
            .collect()
    };
    let enforced = if entropy.one_in(4) {
        labels(entropy, 3)
    } else {
        Map::from_iter([("cluster".to_owned(), json!("{cluster}"))])
    };
    let default = labels(entropy, 3);
    json!({"apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosWiring", "metadata": {"name": name}, "spec": {
        "kinds": ["Prometheus", "PrometheusAgent", "ThanosRuler"], "cluster": *entropy.pick(&["edge-01", "edge-02"]),
        "labels": {"enforced": enforced, "default": default}, "remoteWrite": remote_write,
    }})
}

struct Schema {
    kind: Kind,
    spec: Value,
}

/// The operator's own schemas, as `make tools` has laid them out.
static SCHEMAS: LazyLock<Vec<Schema>> = LazyLock::new(|| {
    let schema = |kind: Kind| {
        let text = std::fs::read_to_string(tools::crd(kind.plural()).unwrap()).unwrap();
        let crd = objects("crd", text).unwrap().remove(0);
        Schema {
            kind,
            spec: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
                .clone(),
        }
    };
    Kind::ALL.into_iter().map(schema).collect()
});

/// An object of one of the three kinds with fields that its schema knows, more of them where wiring looks, and a
/// canary wherever a credential in plain text could stand.
pub(crate) fn object(entropy: &mut Entropy<'_>, canary: &str) -> Value {
    let schema = entropy.pick(&SCHEMAS);
    let mut spec = Map::new();
    if let Some(properties) = schema.spec["properties"].as_object() {
        let fields: Vec<&String> = properties.keys().collect();
        for _ in 0..entropy.byte() % 6 {
            let field = fields
                [(usize::from(entropy.byte()) * 256 + usize::from(entropy.byte())) % fields.len()];
            spec.insert(field.clone(), value(entropy, &properties[field], 3, canary));
        }
        if !entropy.one_in(4) {
            spec.insert(
                "remoteWrite".to_owned(),
                entries(entropy, &properties["remoteWrite"]["items"], canary),
            );
        }
    }
    if entropy.one_in(2) {
        let labels: Map<String, Value> = (0..entropy.byte() % 4)
            .map(|_| {
                (
                    (*entropy.pick(LABELS)).to_owned(),
                    json!(entropy.pick(VALUES)),
                )
            })
            .collect();
        spec.insert(schema.kind.labels_field().to_owned(), Value::Object(labels));
    }
    spec.insert(
        "fieldFromTheFuture".to_owned(),
        json!({"deep": [1, {"er": true}]}),
    );
    spec.shift_remove("version");
    let mut metadata = json!({"name": "made", "namespace": "monitoring"});
    if entropy.one_in(3) {
        metadata["annotations"] = if entropy.one_in(2) {
            json!({})
        } else {
            json!({"a": "b"})
        };
    }
    if entropy.one_in(3) {
        metadata["annotations"][thanos_core::names::WIRED] = json!(record(entropy).to_string());
    }
    json!({"apiVersion": format!("monitoring.coreos.com/{}", schema.kind.version()), "kind": schema.kind.name(), "metadata": metadata, "spec": spec})
}

/// A record that somebody wrote by hand: of a wiring that is there or not, about whatever may be in the object.
fn record(entropy: &mut Entropy<'_>) -> Value {
    const PATHS: &[&str] = &[
        "/url",
        "/name",
        "/followRedirects",
        "/basicAuth",
        "/basicAuth/username",
        "/headers/THANOS-TENANT",
        "/queueConfig",
        "/queueConfig/maxShards",
        "/writeRelabelConfigs",
        "/remoteTimeout",
        "/metadataConfig",
        "/a~1b",
        "",
    ];
    let mut records = Map::from_iter([("v".to_owned(), json!(1))]);
    for _ in 0..=entropy.byte() % 2 {
        let mut wired = Map::from_iter([("entry".to_owned(), json!(entropy.pick(NAMES)))]);
        if entropy.one_in(2) {
            wired.insert("was".to_owned(), json!(entropy.pick(&["", "a", "thanos"])));
        }
        if entropy.one_in(2) {
            wired.insert("rules".to_owned(), json!([entropy.byte(), "9f3c21aa"]));
        }
        let values = [
            Value::Null,
            json!(20),
            json!(false),
            json!({}),
            json!([]),
            json!("45s"),
        ];
        let set: Map<String, Value> = (0..entropy.byte() % 4)
            .map(|_| {
                (
                    (*entropy.pick(PATHS)).to_owned(),
                    entropy.pick(&values).clone(),
                )
            })
            .collect();
        wired.insert("set".to_owned(), Value::Object(set));
        let held: Map<String, Value> = (0..entropy.byte() % 3)
            .map(|_| {
                (
                    (*entropy.pick(LABELS)).to_owned(),
                    json!([entropy.pick(VALUES), entropy.pick(VALUES)]),
                )
            })
            .collect();
        wired.insert("labels".to_owned(), Value::Object(held));
        let made = entropy.pick(&[
            "/spec/remoteWrite",
            "/spec/externalLabels",
            "/metadata/annotations",
            "/spec/version",
        ]);
        wired.insert("made".to_owned(), json!([made]));
        records.insert(
            (*entropy.pick(&["hub", "second", "gone", "a"])).to_owned(),
            Value::Object(wired),
        );
    }
    Value::Object(records)
}

fn entries(entropy: &mut Entropy<'_>, schema: &Value, canary: &str) -> Value {
    let made = (0..entropy.byte() % 4).map(|_| {
        let mut entry = match value(entropy, schema, 2, canary) {
            Value::Object(entry) => entry,
            _ => Map::new(),
        };
        entry.insert("url".to_owned(), json!(entropy.pick(URLS)));
        if entropy.one_in(3) {
            entry.shift_remove("name");
        } else {
            entry.insert("name".to_owned(), json!(entropy.pick(NAMES)));
        }
        if entropy.one_in(2) {
            entry.retain(|name, _| {
                matches!(
                    name.as_str(),
                    "name" | "url" | "queueConfig" | "writeRelabelConfigs"
                )
            });
        }
        Value::Object(entry)
    });
    Value::Array(made.collect())
}

/// A value that a schema allows, as far as wiring can tell.
fn value(entropy: &mut Entropy<'_>, schema: &Value, depth: u8, canary: &str) -> Value {
    if let Some(allowed) = schema["enum"].as_array() {
        return entropy.pick(allowed).clone();
    }
    match schema["type"].as_str() {
        Some("boolean") => json!(entropy.one_in(2)),
        Some("integer") => json!(entropy.byte()),
        Some("number") => json!(0.5),
        Some("array") => {
            let items = (0..entropy.byte() % 3)
                .map(|_| value(entropy, &schema["items"], depth.saturating_sub(1), canary));
            Value::Array(items.collect())
        }
        Some("object") => {
            let mut members = Map::new();
            if let (Some(properties), true) = (schema["properties"].as_object(), depth > 0) {
                let fields: Vec<&String> = properties.keys().collect();
                for _ in 0..entropy.byte() % 4 {
                    let field = fields[usize::from(entropy.byte()) % fields.len()];
                    let credential = ["bearerToken", "password", "token"].contains(&field.as_str())
                        && properties[field]["type"] == "string";
                    let made = if credential {
                        json!(canary)
                    } else {
                        value(entropy, &properties[field], depth - 1, canary)
                    };
                    members.insert(field.clone(), made);
                }
            } else if schema["additionalProperties"].is_object() && entropy.one_in(2) {
                members.insert(
                    "key".to_owned(),
                    value(
                        entropy,
                        &schema["additionalProperties"],
                        depth.saturating_sub(1),
                        canary,
                    ),
                );
            }
            Value::Object(members)
        }
        _ => json!(format!("text-{}", entropy.byte())),
    }
}
