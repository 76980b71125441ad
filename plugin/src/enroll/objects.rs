//! The objects that an enrolment makes, and what is read out of them again.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use thanos_core::names;

use super::facts;
use super::hidden::Hidden;
use super::parts::Holder;
use super::plan::Terms;
use crate::cluster::resource::{At, ROLE_BINDINGS, ROLES};

/// The values that an object holds under the keys of a holder.
pub(crate) fn held(holder: &Holder, object: &Value) -> BTreeMap<String, Hidden> {
    let value = |key: &String| {
        let text = object["data"][key].as_str()?;
        let value = if holder.is_secret() {
            Hidden::from_base64(text)?
        } else {
            Hidden::new(text)
        };
        Some((key.clone(), value))
    };
    holder.keys.keys().filter_map(value).collect()
}

/// Values as an object holds them.
pub(super) fn data(holder: &Holder, values: &BTreeMap<String, Hidden>) -> Value {
    let text = |value: &Hidden| {
        if holder.is_secret() {
            value.base64()
        } else {
            String::from_utf8_lossy(value.reveal()).into_owned()
        }
    };
    values
        .iter()
        .map(|(key, value)| (key.clone(), json!(text(value))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// The labels of everything that an enrolment makes.
pub(crate) fn labels(wiring: &str) -> Value {
    json!({names::MANAGED_BY: names::MANAGER_PLUGIN, names::WIRING: wiring})
}

/// The Role by which the controller may watch exactly the objects that the wiring names.
pub(crate) fn role(terms: &Terms, namespace: &str) -> Value {
    let mut by_resource: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for holder in &terms.holders {
        by_resource
            .entry(holder.resource.plural)
            .or_default()
            .push(&holder.name);
    }
    let rule = |(plural, names): (&str, Vec<&str>)| json!({"apiGroups": [""], "resources": [plural], "resourceNames": names, "verbs": ["get", "list", "watch"]});
    json!({
        "apiVersion": ROLES.api_version(), "kind": ROLES.kind,
        "metadata": metadata(&facts::role(&terms.wiring, namespace), terms),
        "rules": by_resource.into_iter().map(rule).collect::<Vec<_>>(),
    })
}

/// Who may.
pub(crate) fn binding(terms: &Terms, namespace: &str) -> Value {
    let at = facts::binding(&terms.wiring, namespace);
    json!({
        "apiVersion": ROLE_BINDINGS.api_version(), "kind": ROLE_BINDINGS.kind,
        "metadata": metadata(&at, terms),
        "roleRef": {"apiGroup": ROLES.group, "kind": ROLES.kind, "name": at.name},
        "subjects": [{"kind": "ServiceAccount", "name": names::ACCOUNT_CONTROL, "namespace": names::NAMESPACE}],
    })
}

fn metadata(at: &At, terms: &Terms) -> Value {
    json!({"name": at.name, "namespace": at.namespace, "labels": labels(&terms.wiring)})
}
