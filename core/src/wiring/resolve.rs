//! From what was written to what is meant: a [`Wiring`] that exists is right.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::Selector;
use serde_json::{Map, Value, json};

use super::{
    Adopt, Auth, AzureAd, OnDelete, OptOut, Template, ThanosWiring, WiringRemoteWrite, selector,
};
use crate::codes;
use crate::decision::Fault;
use crate::relabel::is_label_name;
use crate::subject::Kind;

/// A wiring that is right in every part.
#[derive(Clone, Debug)]
pub struct Wiring {
    /// Its name.
    pub name: Arc<str>,
    /// The kinds it wires.
    pub kinds: Vec<Kind>,
    /// Which namespaces.
    pub namespaces: Selector,
    /// Which objects.
    pub objects: Selector,
    pub(crate) object_selector: LabelSelector,
    /// Whether an object may opt out.
    pub opt_out: OptOut,
    /// The value of `{cluster}`.
    pub cluster: String,
    /// Labels that are enforced, in the order of their names.
    pub enforced: Vec<(String, Template)>,
    /// Labels that are given where there is none.
    pub defaults: Vec<(String, Template)>,
    /// The entry.
    pub entry: Entry,
    /// The Secret and ConfigMap keys that an entry will name, in the object's namespace.
    pub references: BTreeSet<Reference>,
    /// The enrolled namespaces.
    pub enrolled: BTreeSet<String>,
    /// What happens to wired objects when this wiring goes.
    pub on_delete: OnDelete,
    /// Whether it is on its way out: it then selects nothing.
    pub deleting: bool,
}

/// The entry, ready to be put into an object.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Where it sends.
    pub url: String,
    /// The same url in one spelling.
    pub(crate) canonical: String,
    /// Header and value of the tenant.
    pub tenant: Option<(String, Template)>,
    /// Every other enforced top-level field, in the order in which it is written.
    pub enforced: Vec<(&'static str, Value)>,
    /// Paths of [`crate::fields`] that the enforced part needs.
    pub needs: Vec<&'static str>,
    /// Defaults: the field or `field/member`, and the value.
    pub defaults: Vec<(String, Value)>,
    /// Relabel rules before the enforced tail.
    pub rules: Vec<Value>,
    /// What happens to an entry that the user made.
    pub adopt: Adopt,
}

/// A kind of object that can hold a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferenceKind {
    /// A Secret.
    Secret,
    /// A ConfigMap.
    ConfigMap,
}

/// One key of a Secret or a ConfigMap that an entry will name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Which of the two.
    pub kind: ReferenceKind,
    /// Its name.
    pub name: String,
    /// The key in it.
    pub key: String,
}

impl Wiring {
    /// Resolves what was written, or says every fault at once, each with its path.
    pub fn resolve(written: &ThanosWiring) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let name = written.metadata.name.clone().unwrap_or_default();
        if name.is_empty() || name.len() > 63 || name == "v" {
            faults.push(fault(
                "metadata.name",
                "must be a name of at most 63 characters other than `v`",
            ));
        }
        let spec = &written.spec;
        let namespaces = part(
            &mut faults,
            "spec.namespaceSelector",
            selector(&spec.namespace_selector),
        );
        let objects = part(
            &mut faults,
            "spec.objectSelector",
            selector(&spec.object_selector),
        );
        if spec.kinds.is_empty() {
            faults.push(fault("spec.kinds", "must name at least one kind"));
        }
        if !is_cluster_name(&spec.cluster) {
            faults.push(fault("spec.cluster", "must be 1 to 63 letters, digits, `.`, `_` and `-`, and start and end with a letter or a digit"));
        }
        let enforced = labels(
            &mut faults,
            "spec.labels.enforced",
            &spec.labels.enforced,
            true,
        );
        let defaults = labels(
            &mut faults,
            "spec.labels.default",
            &spec.labels.default,
            false,
        );
        let (entry, references) = entry(&mut faults, &spec.remote_write);
        let enrolled: BTreeSet<String> = spec
            .credentials
            .iter()
            .flat_map(|credentials| credentials.namespaces.clone())
            .collect();
        if spec.credentials.is_some() && references.is_empty() {
            faults.push(fault(
                "spec.credentials",
                "goes with an auth or a tls.ca that lives in a Secret or a ConfigMap",
            ));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            name: name.into(),
            kinds: spec.kinds.clone(),
            namespaces,
            objects,
            object_selector: spec.object_selector.clone(),
            opt_out: spec.opt_out,
            cluster: spec.cluster.clone(),
            enforced,
            defaults,
            entry,
            references,
            enrolled,
            on_delete: spec.on_delete,
            deleting: written.metadata.deletion_timestamp.is_some(),
        })
    }
}

impl Wiring {
    /// What an admin should know about a wiring that is right: today, a credential in plain text.
    pub fn warnings(&self) -> Vec<Fault> {
        let secret = !self
            .references
            .iter()
            .all(|reference| reference.kind == ReferenceKind::ConfigMap);
        let plain = self.entry.url.starts_with("http://")
            && (secret || self.entry.needs.contains(&"remoteWrite[].azureAd"));
        let sentence = "the credential travels in plain text: use https://";
        plain
            .then(|| Fault::new(codes::WIRING_PLAINTEXT, "spec.remoteWrite.url", sentence))
            .into_iter()
            .collect()
    }
}

fn fault(path: impl Into<String>, sentence: impl Into<String>) -> Fault {
    Fault::new(codes::WIRING_INVALID, path, sentence)
}

fn part(faults: &mut Vec<Fault>, path: &str, read: Result<Selector, String>) -> Selector {
    read.unwrap_or_else(|sentence| {
        faults.push(fault(path, sentence));
        Selector::default()
    })
}

fn is_cluster_name(name: &str) -> bool {
    let edge = |character: Option<char>| {
        character.is_some_and(|character| character.is_ascii_alphanumeric())
    };
    name.len() <= 63
        && edge(name.chars().next())
        && edge(name.chars().last())
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "._-".contains(character))
}

fn labels(
    faults: &mut Vec<Fault>,
    path: &str,
    written: &super::LabelTemplates,
    enforced: bool,
) -> Vec<(String, Template)> {
    let mut resolved = Vec::new();
    if written.len() > 16 {
        faults.push(fault(path, "must hold at most 16 labels"));
    }
    for (key, value) in written {
        let at = format!("{path}.{key}");
        if !is_label_name(key) || key.len() > 64 || key.starts_with("__") {
            faults.push(fault(&at, "must be a Prometheus label name of at most 64 characters that does not start with `__`"));
        } else if enforced && key.starts_with("exported_") {
            faults.push(fault(
                &at,
                "must not start with `exported_`: that is where a series' own value is kept",
            ));
        }
        if value.contains(['"', '\\']) {
            // The operator writes a ruler's labels as arguments, and does not quote the value.
            faults.push(fault(
                &at,
                "must not hold `\"` or `\\`: a ruler would not start with it",
            ));
        }
        match Template::parse(value) {
            Ok(template) if value.len() <= 256 => resolved.push((key.clone(), template)),
            Ok(_) => faults.push(fault(&at, "must be at most 256 characters")),
            Err(sentence) => faults.push(fault(&at, sentence)),
        }
    }
    resolved
}

fn entry(faults: &mut Vec<Fault>, written: &WiringRemoteWrite) -> (Entry, BTreeSet<Reference>) {
    let path = "spec.remoteWrite";
    let mut references = BTreeSet::new();
    let mut enforced = Vec::new();
    let mut needs = vec![
        "remoteWrite[].url",
        "remoteWrite[].name",
        "remoteWrite[].followRedirects",
        "remoteWrite[].writeRelabelConfigs",
    ];
    let name_is_right = |name: &str| {
        !name.is_empty()
            && name.len() <= 63
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    if !name_is_right(&written.name) {
        faults.push(fault(
            format!("{path}.name"),
            "must be 1 to 63 letters, digits, `_` and `-`",
        ));
    }
    if let Err(sentence) = check_url(&written.url) {
        faults.push(fault(format!("{path}.url"), sentence));
    }
    let tenant = written.tenant.as_ref().and_then(|tenant| {
        needs.push("remoteWrite[].headers");
        tenant_header(faults, tenant)
    });
    auth(
        faults,
        &written.auth,
        &mut enforced,
        &mut needs,
        &mut references,
    );
    if let Some(tls) = &written.tls {
        enforced.push((
            "tlsConfig",
            tls_config(faults, tls, &mut needs, &mut references),
        ));
    }
    if let Some(version) = &written.message_version {
        if version != "V1.0" {
            faults.push(fault(format!("{path}.messageVersion"), "must be V1.0: Thanos Receive up to 0.42 answers 200 to Remote Write 2.0 and stores nothing"));
        }
        needs.push("remoteWrite[].messageVersion");
        enforced.push(("messageVersion", json!("V1.0")));
    }
    enforced.push(("followRedirects", json!(false)));
    for (at, rule) in written.write_relabel_configs.iter().enumerate() {
        for (field, sentence) in rule.faults() {
            faults.push(fault(
                format!("{path}.writeRelabelConfigs[{at}].{field}"),
                sentence,
            ));
        }
    }
    let (defaults, wrong) = super::defaults::resolve(written);
    faults.extend(
        wrong
            .into_iter()
            .map(|(name, sentence)| fault(format!("{path}.{}", name.replace('/', ".")), sentence)),
    );
    let resolved = Entry {
        name: written.name.clone(),
        url: written.url.clone(),
        canonical: canonical(&written.url),
        tenant,
        enforced,
        needs,
        defaults,
        rules: written
            .write_relabel_configs
            .iter()
            .map(crate::relabel::RelabelConfig::to_value)
            .collect(),
        adopt: written.adopt,
    };
    (resolved, references)
}

/// A url in one spelling: case of the host, default port, dot segments.
pub(crate) fn canonical(written: &str) -> String {
    url::Url::parse(written).map_or_else(|_| written.to_owned(), String::from)
}

impl Entry {
    /// Whether a url leads to the same Receive, however it is spelled.
    pub(crate) fn leads_to(&self, url: &str) -> bool {
        self.url == url || (!url.is_empty() && self.canonical == canonical(url))
    }
}

fn check_url(written: &str) -> Result<(), String> {
    // Go refuses these, where the url standard quietly repairs them.
    let escaped = written.split('%').skip(1).all(|rest| {
        rest.len() >= 2
            && rest.is_char_boundary(2)
            && rest[..2].chars().all(|digit| digit.is_ascii_hexdigit())
    });
    if !escaped
        || written.contains(|character: char| {
            character.is_whitespace() || character.is_control() || character == '\\'
        })
    {
        return Err("is no url: it holds a space, a `\\`, or a `%` without two digits".to_owned());
    }
    let url = url::Url::parse(written).map_err(|error| format!("is no url: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must start with https:// or http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() || written.contains('@') {
        return Err("must hold no user information: name the credential in auth".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("must name a host".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must hold no fragment".to_owned());
    }
    Ok(())
}

/// Headers that Prometheus sets itself and refuses in `headers` (`reservedHeaders` in its `config/config.go`).
pub(crate) const RESERVED_HEADERS: &[&str] = &[
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "user-agent",
    "www-authenticate",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-prometheus-remote-read-version",
    "x-prometheus-remote-write-version",
];

fn tenant_header(faults: &mut Vec<Fault>, tenant: &super::Tenant) -> Option<(String, Template)> {
    let path = "spec.remoteWrite.tenant";
    let header = &tenant.header;
    let token = !header.is_empty()
        && header.len() <= 64
        && header
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !token {
        faults.push(fault(
            format!("{path}.header"),
            "must be 1 to 64 letters, digits and `-`",
        ));
    } else if RESERVED_HEADERS.contains(&header.to_ascii_lowercase().as_str()) {
        faults.push(fault(
            format!("{path}.header"),
            "is a header that Prometheus reserves",
        ));
    }
    // Receive answers 400 to a tenant that is not its own last path segment (`pkg/tenancy` of Thanos).
    if tenant.value.contains('/') || matches!(tenant.value.as_str(), "." | "..") {
        faults.push(fault(
            format!("{path}.value"),
            "must not hold `/`: Receive refuses such a tenant",
        ));
    }
    match Template::parse(&tenant.value) {
        Ok(template) => Some((header.clone(), template)),
        Err(sentence) => {
            faults.push(fault(format!("{path}.value"), sentence));
            None
        }
    }
}

fn secret(references: &mut BTreeSet<Reference>, key: &super::KeyReference) -> Value {
    references.insert(Reference {
        kind: ReferenceKind::Secret,
        name: key.name.clone(),
        key: key.key.clone(),
    });
    json!({"name": key.name, "key": key.key})
}

fn auth(
    faults: &mut Vec<Fault>,
    written: &Auth,
    enforced: &mut Vec<(&'static str, Value)>,
    needs: &mut Vec<&'static str>,
    references: &mut BTreeSet<Reference>,
) {
    let path = "spec.remoteWrite.auth";
    let set = [
        written.basic_auth.is_some(),
        written.authorization.is_some(),
        written.azure_ad.is_some(),
        written.none.is_some(),
    ];
    if set.iter().filter(|set| **set).count() != 1 {
        faults.push(fault(
            path,
            "exactly one of basicAuth, authorization, azureAd and none must be set",
        ));
        return;
    }
    let mut named = |faults: &mut Vec<Fault>, path: &str, key: &super::KeyReference| {
        if key.name.is_empty() || key.key.is_empty() {
            faults.push(fault(path, "must name a Secret and a key"));
        }
        secret(references, key)
    };
    if let Some(basic) = &written.basic_auth {
        let username = named(
            faults,
            "spec.remoteWrite.auth.basicAuth.username",
            &basic.username,
        );
        let password = named(
            faults,
            "spec.remoteWrite.auth.basicAuth.password",
            &basic.password,
        );
        needs.push("remoteWrite[].basicAuth");
        enforced.push((
            "basicAuth",
            json!({"username": username, "password": password}),
        ));
    }
    if let Some(authorization) = &written.authorization {
        if authorization.scheme.is_empty()
            || authorization.scheme.eq_ignore_ascii_case("basic")
            || !authorization
                .scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-')
        {
            faults.push(fault(
                format!("{path}.authorization.type"),
                "must be an authentication scheme other than Basic",
            ));
        }
        let credentials = named(
            faults,
            "spec.remoteWrite.auth.authorization.credentials",
            &authorization.credentials,
        );
        needs.push("remoteWrite[].authorization");
        enforced.push((
            "authorization",
            json!({"type": authorization.scheme, "credentials": credentials}),
        ));
    }
    if let Some(azure) = &written.azure_ad {
        enforced.push(("azureAd", azure_ad(faults, azure, needs)));
    }
}

fn azure_ad(faults: &mut Vec<Fault>, written: &AzureAd, needs: &mut Vec<&'static str>) -> Value {
    let path = "spec.remoteWrite.auth.azureAd";
    let set = [
        written.managed_identity.is_some(),
        written.workload_identity.is_some(),
        written.sdk.is_some(),
    ];
    if set.iter().filter(|set| **set).count() != 1 {
        faults.push(fault(
            path,
            "exactly one of managedIdentity, workloadIdentity and sdk must be set",
        ));
    }
    let mut ids: Vec<(&str, &String)> = Vec::new();
    let mut value = Map::new();
    needs.push("remoteWrite[].azureAd");
    if let Some(cloud) = written.cloud {
        needs.push("remoteWrite[].azureAd.cloud");
        value.insert(
            "cloud".into(),
            serde_json::to_value(cloud).unwrap_or_default(),
        );
    }
    if let Some(identity) = &written.managed_identity {
        needs.push("remoteWrite[].azureAd.managedIdentity");
        ids.push(("managedIdentity.clientId", &identity.client_id));
        value.insert(
            "managedIdentity".into(),
            json!({"clientId": identity.client_id}),
        );
    }
    if let Some(identity) = &written.workload_identity {
        needs.push("remoteWrite[].azureAd.workloadIdentity");
        ids.push(("workloadIdentity.clientId", &identity.client_id));
        ids.push(("workloadIdentity.tenantId", &identity.tenant_id));
        value.insert(
            "workloadIdentity".into(),
            json!({"clientId": identity.client_id, "tenantId": identity.tenant_id}),
        );
    }
    if let Some(sdk) = &written.sdk {
        needs.push("remoteWrite[].azureAd.sdk");
        ids.push(("sdk.tenantId", &sdk.tenant_id));
        value.insert("sdk".into(), json!({"tenantId": sdk.tenant_id}));
    }
    if let Some(scope) = &written.scope {
        needs.push("remoteWrite[].azureAd.scope");
        if scope.is_empty()
            || scope.len() > 512
            || !scope
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._:/ -".contains(c))
        {
            faults.push(fault(format!("{path}.scope"), "must be a scope"));
        }
        value.insert("scope".into(), json!(scope));
    }
    for (field, id) in ids {
        if !is_uuid(id) {
            faults.push(fault(format!("{path}.{field}"), "must be a UUID"));
        }
    }
    Value::Object(value)
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|group| group.chars().all(|character| character.is_ascii_hexdigit()))
}

fn tls_config(
    faults: &mut Vec<Fault>,
    written: &super::Tls,
    needs: &mut Vec<&'static str>,
    references: &mut BTreeSet<Reference>,
) -> Value {
    let mut value = Map::new();
    needs.push("remoteWrite[].tlsConfig");
    if let Some(authority) = &written.ca {
        needs.push("remoteWrite[].tlsConfig.ca");
        let ca = match (&authority.secret, &authority.config_map) {
            (Some(key), None) => json!({"secret": secret(references, key)}),
            (None, Some(key)) => {
                references.insert(Reference {
                    kind: ReferenceKind::ConfigMap,
                    name: key.name.clone(),
                    key: key.key.clone(),
                });
                json!({"configMap": {"name": key.name, "key": key.key}})
            }
            _ => {
                faults.push(fault(
                    "spec.remoteWrite.tls.ca",
                    "exactly one of secret and configMap must be set",
                ));
                Value::Null
            }
        };
        value.insert("ca".into(), ca);
    }
    if let Some(server_name) = &written.server_name {
        needs.push("remoteWrite[].tlsConfig.serverName");
        value.insert("serverName".into(), json!(server_name));
    }
    if value.is_empty() {
        faults.push(fault("spec.remoteWrite.tls", "must set ca or serverName"));
    }
    Value::Object(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_hold_no_credential() {
        assert_eq!(
            check_url("https://receive.example.com/api/v1/receive"),
            Ok(())
        );
        for wrong in [
            "ftp://a",
            "https://u:p@a/",
            "receive.example.com",
            "https://",
            "https://a/#x",
            "https://u@a",
        ] {
            assert!(check_url(wrong).is_err(), "{wrong}");
        }
    }
}
