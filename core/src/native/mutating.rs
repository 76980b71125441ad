//! A wiring as a `MutatingAdmissionPolicy`: the entry is appended and the labels are set where the object has neither.
//!
//! The texts come out of `decide`'s own functions, with a stand-in for the namespace and for the name that CEL
//! replaces.

use serde_json::{Value, json};

use super::cel;
use super::objects::{self, Marks, NOT_LEAVING};
use super::selector::opted_in;
use crate::decide::{Fresh, fresh};
use crate::fields::{ENTRY, FIELDS, kept};
use crate::names;
use crate::subject::Kind;
use crate::wiring::{Template, Variables, Wiring, selector_keys};

/// Characters for private use: no label or header that is right holds one.
const NAMESPACE: char = '\u{f8f0}';
const NAME: char = '\u{f8f1}';

pub(super) fn objects(wiring: &Wiring) -> Vec<Value> {
    let (namespace, name) = (NAMESPACE.to_string(), NAME.to_string());
    let variables = Variables {
        cluster: &wiring.cluster,
        namespace: &namespace,
        name: Some(&name),
    };
    let Some(fresh) = fresh(wiring, &variables).filter(|_| !wiring.deleting) else {
        return Vec::new();
    };
    let name = format!("kubectl-thanos-wiring-{}", wiring.name);
    let metadata = objects::metadata(&name, &marks(wiring));
    let policy = json!({
        "apiVersion": objects::API_VERSION,
        "kind": "MutatingAdmissionPolicy",
        "metadata": metadata,
        "spec": {
            "failurePolicy": "Ignore",
            "reinvocationPolicy": "IfNeeded",
            "matchConstraints": {
                "namespaceSelector": objects::selector(&wiring.namespaces),
                "objectSelector": objects::selector(&wiring.objects),
                "resourceRules": objects::rules(&wiring.kinds, ""),
            },
            "matchConditions": conditions(wiring),
            "variables": shared(wiring, &fresh),
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch(&fresh)}}],
        },
    });
    let mut binding = json!({
        "apiVersion": objects::API_VERSION,
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": metadata,
        "spec": {"policyName": name},
    });
    if !wiring.references.is_empty() {
        // An enrolled namespace has the credential: the list is what the API server can know of it.
        binding["spec"]["matchResources"] = json!({"namespaceSelector": {"matchExpressions": [{
            "key": names::NAMESPACE_NAME, "operator": "In", "values": wiring.enrolled,
        }]}});
    }
    vec![policy, binding]
}

/// When the object is looked at: as `decide` does, it is left where it opts out or goes, and where only metadata
/// changes that selects nothing.
fn conditions(wiring: &Wiring) -> Value {
    let mut conditions = vec![json!({"name": "not-leaving", "expression": NOT_LEAVING})];
    let labels = "(has(object.metadata.labels) ? object.metadata.labels : {})";
    if let Some(expression) = opted_in(wiring, labels) {
        conditions.push(json!({"name": "not-opted-out", "expression": expression}));
    }
    let mut keys = vec![names::WIRE.to_owned()];
    keys.extend(selector_keys(&wiring.object_selector).map(str::to_owned));
    let same = keys.iter().map(|key| {
        let label = |object: &str| format!("{object}.metadata.?labels[?{}]", cel::text(key));
        format!("{} == {}", label("dyn(object)"), label("dyn(oldObject)"))
    });
    conditions.push(json!({"name": "not-untouched", "expression": format!(
        "oldObject == null || dyn(object).spec != dyn(oldObject).spec || !({})",
        cel::all(same)
    )}));
    if needs_name(wiring) {
        conditions.push(json!({"name": "named", "expression":
            "has(object.metadata.name) && object.metadata.name != ''"}));
    }
    json!(conditions)
}

fn needs_name(wiring: &Wiring) -> bool {
    let nameless = Variables {
        cluster: &wiring.cluster,
        namespace: "",
        name: None,
    };
    let waits = |template: &Template| template.render(&nameless).is_none();
    let labels = wiring.enforced.iter().chain(&wiring.defaults);
    labels
        .chain(&wiring.entry.tenant)
        .any(|(_, template)| waits(template))
}

/// What the patch is made of.
fn shared(wiring: &Wiring, fresh: &Fresh) -> Value {
    let expression =
        |name: &str, expression: String| json!({"name": name, "expression": expression});
    let ours = |entry: &str| {
        let wanted = fresh.entry.as_object().into_iter().flatten();
        let wanted: Vec<&str> = wanted
            .map(|(name, _)| name.as_str())
            .filter(|name| !kept(name))
            .collect();
        let fields = FIELDS
            .iter()
            .filter_map(|field| field.path.strip_prefix(ENTRY));
        let known = fields
            .filter(|name| kept(name))
            .chain(wanted.iter().copied());
        let only = format!("{entry}.all(field, {})", cel::is_in("field", known));
        let same = wanted
            .iter()
            .map(|name| format!("has({entry}.{name}) && {entry}.{name} == variables.entry.{name}"));
        cel::all(same.chain([only]))
    };
    let is_candidate = format!(
        "(has(e.name) && e.name == {}) || (has(e.url) && e.url == {})",
        cel::text(&wiring.entry.name),
        cel::text(&wiring.entry.url)
    );
    json!([
        expression("spec", "dyn(object).spec".to_owned()),
        expression("inNamespace", "dyn(object).metadata.namespace".to_owned()),
        expression(
            "itsName",
            "dyn(object).metadata.?name.orValue('')".to_owned()
        ),
        expression(
            "field",
            format!(
                "object.kind == {} ? {} : {}",
                cel::text(Kind::ThanosRuler.name()),
                cel::text(Kind::ThanosRuler.labels_field()),
                cel::text(Kind::Prometheus.labels_field())
            )
        ),
        expression(
            "labels",
            "variables.field in variables.spec ? variables.spec[variables.field] : dyn({})"
                .to_owned()
        ),
        expression("entry", cel::value(&fresh.entry, "", &string)),
        expression(
            "candidates",
            format!(
                "has(variables.spec.remoteWrite) ? variables.spec.remoteWrite.filter(e, {is_candidate}) : dyn([])"
            )
        ),
        expression("taken", TAKEN.to_owned()),
        expression(
            "wires",
            cel::all([
                format!(
                    "(variables.candidates.size() == 0 || (variables.candidates.size() == 1 && variables.candidates.all(e, {})))",
                    ours("e")
                ),
                format!(
                    "!variables.taken.exists(label, label in {})",
                    cel::texts(fresh.enforced.iter().map(|(label, _)| label))
                ),
            ])
        ),
    ])
}

/// The labels that the operator itself sets, as `decide/labels.rs` knows them.
const TAKEN: &str = "object.kind == 'ThanosRuler' ? ['thanos_ruler_replica'] : \
[string(variables.spec.?prometheusExternalLabelName.orValue('prometheus')), \
string(variables.spec.?replicaExternalLabelName.orValue('prometheus_replica'))] + \
(variables.spec.?shardingStrategy.?mode.orValue('') == 'Topology' ? \
[string(variables.spec.?shardingStrategy.?topology.?externalLabelName.orValue('zone'))] : [])";

/// The edits: the entry at the end, and each label that is not there as it should be.
fn patch(fresh: &Fresh) -> String {
    let mut edits = vec![
        "!variables.wires || variables.candidates.size() > 0 ? [] : has(variables.spec.remoteWrite) ? \
         [JSONPatch{op: \"add\", path: \"/spec/remoteWrite/-\", value: variables.entry}] : \
         [JSONPatch{op: \"add\", path: \"/spec/remoteWrite\", value: [variables.entry]}]"
            .to_owned(),
    ];
    if !fresh.enforced.is_empty() || !fresh.defaults.is_empty() {
        edits.push(
            "!variables.wires || variables.field in variables.spec ? [] : \
             [JSONPatch{op: \"add\", path: \"/spec/\" + variables.field, value: dyn({})}]"
                .to_owned(),
        );
    }
    let mut label = |(label, value): &(String, String), unless: String| {
        edits.push(format!(
            "!variables.wires || {unless} ? [] : [JSONPatch{{op: \"add\", path: \"/spec/\" + variables.field + {}, value: {}}}]",
            cel::text(&format!("/{label}")),
            string("", value),
        ));
    };
    for enforced in &fresh.enforced {
        let key = cel::text(&enforced.0);
        label(
            enforced,
            format!(
                "({key} in variables.labels && variables.labels[{key}] == {})",
                string("", &enforced.1)
            ),
        );
    }
    for default in &fresh.defaults {
        let key = cel::text(&default.0);
        label(
            default,
            format!("{key} in variables.labels || {key} in variables.taken"),
        );
    }
    let edits: Vec<String> = edits.into_iter().map(|edit| format!("({edit})")).collect();
    edits.join(" + ")
}

/// A text in which the stand-ins become the object's own. A name may hold dots, which `regex` has to escape.
fn string(member: &str, text: &str) -> String {
    let own = |stand_in| match (stand_in, member) {
        (NAMESPACE, _) => "variables.inNamespace".to_owned(),
        (_, "regex") => format!("variables.itsName.replace(\".\", {})", cel::text("\\.")),
        _ => "variables.itsName".to_owned(),
    };
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((at, character)) = rest
        .char_indices()
        .find(|(_, character)| matches!(*character, NAMESPACE | NAME))
    {
        if at > 0 {
            parts.push(cel::text(&rest[..at]));
        }
        parts.push(own(character));
        rest = &rest[at + character.len_utf8()..];
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(cel::text(rest));
    }
    parts.join(" + ")
}

fn marks(wiring: &Wiring) -> Marks {
    let labels = wiring
        .kinds
        .iter()
        .map(|kind| format!("spec.{}", kind.labels_field()));
    let labels: std::collections::BTreeSet<String> = labels.collect();
    let mut covers = vec![
        format!(
            "the entry {} is appended to spec.remoteWrite where there is none of its name or url",
            wiring.entry.name
        ),
        format!(
            "enforced and default labels are set in {}",
            labels.into_iter().collect::<Vec<_>>().join(" and ")
        ),
    ];
    if !wiring.references.is_empty() {
        covers.push("namespaces enrolled on the day this was written".to_owned());
    }
    Marks {
        covers,
        differs: DIFFERS.map(str::to_owned).to_vec(),
        leaves: LEAVES.map(str::to_owned).to_vec(),
    }
}

const DIFFERS: [&str; 3] = [
    "urls are compared as they are spelled",
    "an entry that is there is neither adopted nor mended: with another value in any field that the wiring sets, the object is left",
    "each wiring stands alone: a label that another wiring enforces may be given as a default",
];

const LEAVES: [&str; 6] = [
    "the record of what is ours (annotation kubectl-thanos.dev/wired), so nothing is taken out again",
    "whether the credential is there",
    "versions of Prometheus, Thanos and the CRDs that do not know a field",
    "namespaces enrolled and wirings changed later: write it again",
    "warnings and reasons",
    "objects that nobody writes",
];
