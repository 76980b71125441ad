//! What a wiring keeps in a namespace: which Secret or ConfigMap, under which key, for which part of the credential.

use std::collections::BTreeMap;

use thanos_core::ThanosWiring;
use thanos_core::wiring::{KeyReference, Reference, ReferenceKind};

use super::hidden::Hidden;
use crate::cluster::resource::{At, CONFIG_MAPS, Resource, SECRETS};

/// A part of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The user name of basicAuth.
    User,
    /// The password of basicAuth.
    Password,
    /// The token of authorization.
    Token,
    /// The gateway's certificate authority.
    Authority,
}

impl Part {
    /// What it is called.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::User => "user name",
            Self::Password => "password",
            Self::Token => "token",
            Self::Authority => "certificate authority",
        }
    }

    /// The flag that gives it.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Self::User => "--user",
            Self::Password => "--password-file",
            Self::Token => "--token-file",
            Self::Authority => "--ca-file",
        }
    }
}

/// One Secret or ConfigMap that a wiring names, with the part under each key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) resource: &'static Resource,
    pub(crate) name: String,
    pub(crate) keys: BTreeMap<String, Part>,
}

impl Holder {
    /// Where it is in a namespace.
    pub(crate) fn at(&self, namespace: &str) -> At {
        self.resource.within(namespace).named(&self.name)
    }

    /// Whether its values are in base64.
    pub(crate) fn is_secret(&self) -> bool {
        *self.resource == SECRETS
    }
}

/// The parts of a wiring's credential, each with the place that the wiring names for it.
pub(crate) fn parts(wiring: &ThanosWiring) -> Vec<(Part, Reference)> {
    let mut parts = Vec::new();
    let mut name = |part, kind, key: &KeyReference| {
        parts.push((
            part,
            Reference {
                kind,
                name: key.name.clone(),
                key: key.key.clone(),
            },
        ));
    };
    let auth = &wiring.spec.remote_write.auth;
    if let Some(basic) = &auth.basic_auth {
        name(Part::User, ReferenceKind::Secret, &basic.username);
        name(Part::Password, ReferenceKind::Secret, &basic.password);
    }
    if let Some(authorization) = &auth.authorization {
        name(
            Part::Token,
            ReferenceKind::Secret,
            &authorization.credentials,
        );
    }
    let authority = wiring
        .spec
        .remote_write
        .tls
        .as_ref()
        .and_then(|tls| tls.ca.as_ref());
    if let Some(authority) = authority {
        if let Some(key) = &authority.secret {
            name(Part::Authority, ReferenceKind::Secret, key);
        }
        if let Some(key) = &authority.config_map {
            name(Part::Authority, ReferenceKind::ConfigMap, key);
        }
    }
    parts
}

/// The objects that hold the parts, Secrets first. Of two parts under one key the later stands.
pub(crate) fn holders(parts: &[(Part, Reference)]) -> Vec<Holder> {
    let mut holders: BTreeMap<(ReferenceKind, &str), BTreeMap<String, Part>> = BTreeMap::new();
    for (part, reference) in parts {
        let keys = holders
            .entry((reference.kind, &reference.name))
            .or_default();
        keys.insert(reference.key.clone(), *part);
    }
    let holder = |((kind, name), keys): ((ReferenceKind, &str), _)| Holder {
        resource: match kind {
            ReferenceKind::Secret => &SECRETS,
            ReferenceKind::ConfigMap => &CONFIG_MAPS,
        },
        name: name.to_owned(),
        keys,
    };
    holders.into_iter().map(holder).collect()
}

/// The values that were given or made, part by part.
pub(crate) type Values = BTreeMap<Part, Hidden>;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wiring(remote_write: &serde_json::Value) -> ThanosWiring {
        serde_json::from_value(json!({
            "apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosWiring", "metadata": {"name": "hub"},
            "spec": {"cluster": "edge", "remoteWrite": remote_write},
        }))
        .unwrap()
    }

    #[test]
    fn parts_are_gathered_by_the_object_that_holds_them() {
        let key = |name: &str, key: &str| json!({"name": name, "key": key});
        let wiring = wiring(&json!({
            "url": "https://x", "auth": {"basicAuth": {"username": key("a", "user"), "password": key("b", "password")}},
            "tls": {"ca": {"secret": key("a", "ca.crt")}},
        }));
        let holders = holders(&parts(&wiring));
        let shown: Vec<_> = holders
            .iter()
            .map(|holder| (holder.name.as_str(), holder.keys.len()))
            .collect();
        assert_eq!(shown, [("a", 2), ("b", 1)]);
        assert_eq!(holders[0].keys["ca.crt"], Part::Authority);
        assert_eq!(holders[0].at("ns").to_string(), "secret/a in namespace ns");
    }

    #[test]
    fn keyless_wirings_keep_nothing() {
        assert!(parts(&wiring(&json!({"url": "https://x", "auth": {"none": {}}}))).is_empty());
    }
}
