//! What a wiring does to objects, as one short text: two wirings with one digest write the same.

use serde_json::json;

use super::{Entry, Template, Variables, Wiring};
use crate::hash;

impl Wiring {
    /// Sixteen hexadecimal digits over everything that goes into an object: the entry, its relabel rules and the
    /// labels, with `{cluster}` filled in.
    ///
    /// It stays the same when only the selection, the enrolled namespaces, `optOut` or `onDelete` change: these say
    /// which objects are wired, and not what stands in them.
    pub fn digest(&self) -> String {
        let Self {
            // What only says which objects, or where the credential is.
            name: _,
            kinds: _,
            namespaces: _,
            objects: _,
            object_selector: _,
            opt_out: _,
            enrolled: _,
            on_delete: _,
            deleting: _,
            // Follow from the entry.
            references: _,
            cluster,
            enforced: labels,
            defaults: default_labels,
            entry,
        } = self;
        let Entry {
            name,
            url,
            canonical: _,
            tenant,
            enforced,
            needs: _,
            defaults,
            rules,
            adopt,
        } = entry;
        // A template holds no brace but those of its variables, so that no text is taken for one.
        let variables = Variables {
            cluster,
            namespace: "{namespace}",
            name: Some("{name}"),
        };
        let filled =
            |(key, template): &(String, Template)| json!([key, template.render(&variables)]);
        let filled_all = |all: &[(String, Template)]| all.iter().map(filled).collect::<Vec<_>>();
        let written = json!({
            "labels": filled_all(labels),
            "defaultLabels": filled_all(default_labels),
            "name": name,
            "url": url,
            "tenant": tenant.as_ref().map(filled),
            "enforced": enforced,
            "defaults": defaults,
            "rules": rules,
            "adopt": adopt,
        });
        format!("{:016x}", u64::from_be_bytes(hash::of(&written)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::wiring::ThanosWiring;

    fn digest(change: impl FnOnce(&mut Value)) -> String {
        let key = |key: &str| json!({"name": "remotewrite-secret", "key": key});
        let mut written = json!({
            "apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosWiring",
            "metadata": {"name": "hub", "generation": 1},
            "spec": {
                "cluster": "edge",
                "labels": {"enforced": {"cluster": "{cluster}", "from": "{namespace}/{name}"}},
                "remoteWrite": {
                    "url": "https://receive.example.com/api/v1/receive",
                    "auth": {"basicAuth": {"username": key("user"), "password": key("password")}},
                    "queueConfig": {"minShards": 1, "maxShards": 23},
                },
                "credentials": {"namespaces": ["a"]},
            },
        });
        change(&mut written);
        let written: ThanosWiring = serde_json::from_value(written).unwrap();
        Wiring::resolve(&written).unwrap().digest()
    }

    #[test]
    fn stays_while_only_the_selection_changes() {
        let before = digest(|_| {});
        assert_eq!(
            before, "72d9a958a466f857",
            "other versions of the program must come to the same"
        );
        let selection: [fn(&mut Value); 7] = [
            |written| written["metadata"]["generation"] = json!(7),
            |written| written["metadata"]["deletionTimestamp"] = json!("2026-11-25T00:00:00Z"),
            |written| written["spec"]["credentials"]["namespaces"] = json!(["a", "b"]),
            |written| written["spec"]["kinds"] = json!(["Prometheus"]),
            |written| written["spec"]["namespaceSelector"]["matchLabels"] = json!({"team": "a"}),
            |written| written["spec"]["objectSelector"]["matchLabels"] = json!({"team": "a"}),
            |written| {
                written["spec"]["optOut"] = json!("Forbidden");
                written["spec"]["onDelete"] = json!("Unwire");
            },
        ];
        for change in selection {
            assert_eq!(digest(change), before);
        }
    }

    #[test]
    fn changes_with_everything_that_goes_into_an_object() {
        let written: [fn(&mut Value); 16] = [
            |_| {},
            |written| written["spec"]["cluster"] = json!("other"),
            |written| written["spec"]["labels"]["enforced"]["cluster"] = json!("{namespace}"),
            |written| written["spec"]["labels"]["enforced"]["more"] = json!("{name}"),
            |written| written["spec"]["labels"]["default"] = json!({"team": "a"}),
            |written| written["spec"]["labels"]["default"] = json!({"team": "b"}),
            |written| written["spec"]["remoteWrite"]["name"] = json!("other"),
            |written| written["spec"]["remoteWrite"]["url"] = json!("https://other.example.com/"),
            |written| {
                written["spec"]["remoteWrite"]["auth"]["basicAuth"]["username"]["key"] =
                    json!("other");
            },
            |written| written["spec"]["remoteWrite"]["tenant"] = json!({"value": "{cluster}"}),
            |written| written["spec"]["remoteWrite"]["tenant"] = json!({"value": "{namespace}"}),
            |written| written["spec"]["remoteWrite"]["tls"] = json!({"serverName": "other"}),
            |written| {
                written["spec"]["remoteWrite"]["writeRelabelConfigs"] =
                    json!([{"action": "labeldrop", "regex": "pod"}]);
            },
            |written| written["spec"]["remoteWrite"]["queueConfig"]["maxShards"] = json!(24),
            |written| written["spec"]["remoteWrite"]["messageVersion"] = json!("V1.0"),
            |written| written["spec"]["remoteWrite"]["adopt"] = json!("Replace"),
        ];
        let digests: BTreeSet<String> = written.iter().map(digest).collect();
        assert_eq!(digests.len(), written.len());
    }

    #[test]
    fn a_cluster_that_no_template_names_goes_into_no_object() {
        let fixed = |cluster: &str| {
            digest(|written| {
                written["spec"]["labels"]["enforced"]["cluster"] = json!("fixed");
                written["spec"]["cluster"] = json!(cluster);
            })
        };
        assert_eq!(fixed("edge"), fixed("other"));
    }
}
