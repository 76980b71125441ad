//! What "it got in" means, said without a single rule: what a stored object does that its policy forbids.
//!
//! Nothing in here calls the rules, their table or their readers: urls are read as Go reads them, durations as Prometheus
//! does, and the fields are found by their names.

mod dial;
mod identity;
mod limits;
mod pod;
mod references;
mod sending;

use std::collections::BTreeSet;

use serde_json::{Value, json};

pub(super) use dial::{Allowed, GoUrl};

/// One thing that is forbidden: the rule, the place (items by their name, else by their content), the value.
pub(super) type Breach = (&'static str, String, String);

/// What a policy forbids, as it was written.
pub(super) struct Law {
    rules: BTreeSet<String>,
    policy: Value,
    wirings: Vec<Value>,
    namespace: String,
    allowed: Option<Vec<Allowed>>,
}

/// The catalogue of product.md.
const BASELINE: &str = "egress-url required-wiring plaintext-url inline-credentials borrowed-secret credential-files \
    tenant-header identity-labels replica-label insecure-tls evasion open-inbound limits remote-write-names objstore-reference";
const RESTRICTED: &str = "pod-containers raw-arguments host-access mounts identity opaque-config cross-namespace \
    monitor-file-access file-writes";

impl Law {
    pub(super) fn read(policy: &Value, wirings: &[Value], namespace: &str) -> Self {
        let spec = policy["spec"].clone();
        let profile = match spec["profile"].as_str() {
            Some("None") => String::new(),
            Some("Restricted") => format!("{BASELINE} {RESTRICTED}"),
            _ => BASELINE.to_owned(),
        };
        let named = spec["rules"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|rule| rule["id"].as_str());
        let rules = profile
            .split_whitespace()
            .chain(named)
            .map(str::to_owned)
            .collect();
        let urls = spec["remoteWrite"]["allowedUrls"].as_array();
        let allowed = urls.map(|urls| {
            urls.iter()
                .filter_map(Value::as_str)
                .map(Allowed::read)
                .collect()
        });
        Self {
            rules,
            policy: spec,
            wirings: wirings.to_vec(),
            namespace: namespace.to_owned(),
            allowed,
        }
    }

    /// Everything that an object does against it.
    pub(super) fn breaches(&self, object: &Value) -> BTreeSet<Breach> {
        let mut seen = Seen {
            law: self,
            object,
            found: BTreeSet::new(),
        };
        sending::look(&mut seen);
        references::look(&mut seen);
        identity::look(&mut seen);
        limits::look(&mut seen);
        pod::look(&mut seen);
        seen.found
    }
}

/// One object before one policy, and what has been seen.
struct Seen<'a> {
    law: &'a Law,
    object: &'a Value,
    found: BTreeSet<Breach>,
}

impl<'a> Seen<'a> {
    fn add(&mut self, rule: &'static str, place: impl Into<String>, value: &Value) {
        if self.law.rules.contains(rule) {
            self.found.insert((rule, place.into(), value.to_string()));
        }
    }

    fn spec(&self, field: &str) -> &'a Value {
        &self.object["spec"][field]
    }

    fn is(&self, kind: &str) -> bool {
        self.object["kind"] == kind
    }

    /// The entries of a list below `spec`, each with its place.
    fn items(&self, list: &str) -> Vec<(String, &'a Value)> {
        let items = self.spec(list).as_array().into_iter().flatten();
        items
            .map(|item| (format!("{list}{}", item_place(item)), item))
            .collect()
    }

    /// Every field below `spec`: its place, its names, its value. What people name themselves is no field.
    fn fields(&self) -> Vec<(String, Vec<&'a str>, &'a Value)> {
        let mut all = Vec::new();
        walk(&self.object["spec"], "", &mut Vec::new(), &mut all);
        all
    }

    /// The wiring that made an entry: it selects the object, and the entry has its name and its url.
    fn wiring_of(&self, entry: &Value) -> Option<&'a Value> {
        let mine = |wiring: &&Value| {
            let wanted = &wiring["spec"]["remoteWrite"];
            let name = wanted["name"].as_str().unwrap_or("thanos");
            self.selected_by(wiring) && entry["name"] == name && entry["url"] == wanted["url"]
        };
        self.law.wirings.iter().find(mine)
    }

    fn selected_by(&self, wiring: &Value) -> bool {
        let standard = json!(["Prometheus", "PrometheusAgent"]);
        let kinds = wiring["spec"].get("kinds").unwrap_or(&standard);
        let opted_out = self.object["metadata"]["labels"]["kubectl-thanos.dev/wire"] == "disabled"
            && wiring["spec"]["optOut"] != "Forbidden";
        let everywhere = |field: &str| {
            let selector = wiring["spec"].get(field).and_then(Value::as_object);
            selector.is_none_or(serde_json::Map::is_empty)
        };
        kinds
            .as_array()
            .is_some_and(|kinds| kinds.contains(&self.object["kind"]))
            && !opted_out
            && everywhere("namespaceSelector")
            && everywhere("objectSelector")
    }
}

/// Maps whose members are data.
const DATA: &[&str] = &[
    "externalLabels",
    "labels",
    "headers",
    "annotations",
    "nodeSelector",
    "matchLabels",
    "endpointParams",
    "limits",
    "requests",
];
/// Judged as a whole.
const WHOLE: &[&str] = &[
    "containers",
    "initContainers",
    "volumes",
    "affinity",
    "storage",
];

fn walk<'a>(
    value: &'a Value,
    place: &str,
    names: &mut Vec<&'a str>,
    all: &mut Vec<(String, Vec<&'a str>, &'a Value)>,
) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let place = format!("{place}.{name}");
                names.push(name);
                all.push((place.clone(), names.clone(), value));
                let whole = names.len() == 1 && WHOLE.contains(&name.as_str());
                if !whole && !DATA.contains(&name.as_str()) {
                    walk(value, &place, names, all);
                }
                names.pop();
            }
        }
        Value::Array(items) => {
            for item in items {
                let place = format!("{place}{}", item_place(item));
                names.push("[]");
                all.push((place.clone(), names.clone(), item));
                walk(item, &place, names, all);
                names.pop();
            }
        }
        _ => {}
    }
}

fn item_place(item: &Value) -> String {
    match item["name"].as_str() {
        Some(name) => format!("[={name}]"),
        None => format!("[{item}]"),
    }
}

/// Whether something is said at all: no null, no empty text, list or map.
fn says(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}
