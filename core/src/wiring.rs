//! ThanosWiring: the type that users write, with its schema and its CEL, and the [`Rules`] that come of many.
//!
//! What CEL can say is said here, so that the API server refuses it with no webhook at all; `wiring/resolve.rs`
//! says all of it again for every other door, and what CEL cannot say besides.

mod auth;
mod defaults;
mod digest;
mod queue;
mod read;
mod resolve;
mod status;
mod template;
mod tls;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, ValidationRule,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::{CustomResourceExt, Selector};
use kube_derive::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use defaults::{crosses, nanoseconds};
pub(crate) use resolve::RESERVED_HEADERS;

pub use auth::{
    Auth, Authorization, AzureAd, AzureCloud, AzureSdk, BasicAuth, ManagedIdentity, NoAuth,
    WorkloadIdentity,
};
pub use queue::{MetadataConfig, QueueConfig};
pub use read::read;
pub use resolve::{Entry, Reference, ReferenceKind, Wiring};
pub use status::{NamespaceStatus, ThanosWiringStatus};
pub use template::{Template, Variables};
pub use tls::{CertificateAuthority, KeyReference, Tls};

use crate::policy::Policy;
use crate::relabel::RelabelConfig;
use crate::subject::Kind;

/// Which Prometheus objects are wired, where they send, as whom, with which labels.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "kubectl-thanos.dev",
    version = "v1alpha1",
    kind = "ThanosWiring",
    plural = "thanoswirings",
    shortname = "twire",
    category = "thanos",
    status = "ThanosWiringStatus",
    derive = "PartialEq",
    doc = "Which Prometheus objects are wired to a hub: where they send, as whom, with which labels.",
    crates(
        kube_core = "::kube_core",
        k8s_openapi = "::k8s_openapi",
        schemars = "::schemars",
        serde = "::serde",
        serde_json = "::serde_json"
    ),
    printcolumn(json_path = ".spec.cluster", name = "Cluster", type_ = "string"),
    printcolumn(
        json_path = ".spec.remoteWrite.url",
        name = "URL",
        type_ = "string",
        priority = 1
    ),
    printcolumn(json_path = ".status.wired", name = "Wired", type_ = "integer"),
    printcolumn(json_path = ".status.unwired", name = "Unwired", type_ = "integer"),
    printcolumn(
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        name = "Ready",
        type_ = "string"
    ),
    printcolumn(
        json_path = ".metadata.creationTimestamp",
        name = "Age",
        type_ = "date"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    crates(kube_core = "::kube_core"),
    validation = Rule::new("!has(self.credentials) || has(self.remoteWrite.auth.basicAuth) || has(self.remoteWrite.auth.authorization) || (has(self.remoteWrite.tls) && has(self.remoteWrite.tls.ca))")
        .message("credentials goes with an auth or a tls.ca that lives in a Secret or a ConfigMap").field_path(".credentials")
)]
pub struct ThanosWiringSpec {
    /// The kinds that are wired. ThanosRuler only when listed: remote-write makes a ruler stateless.
    #[serde(default = "default_kinds")]
    #[schemars(length(min = 1, max = 3))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub kinds: Vec<Kind>,
    /// Which namespaces. Empty: every namespace that the webhook is asked about.
    #[serde(default)]
    pub namespace_selector: LabelSelector,
    /// Which objects, by their labels.
    #[serde(default)]
    pub object_selector: LabelSelector,
    /// Whether the object label `kubectl-thanos.dev/wire=disabled` opts out. Forbidden: it is ignored, with a warning.
    #[serde(default)]
    pub opt_out: OptOut,
    /// This cluster's name: the value of `{cluster}`, and by default the user name that the gateway makes the tenant.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$')").message("must be letters, digits, `.`, `_` and `-`, and start and end with a letter or a digit"))]
    pub cluster: String,
    /// Labels that identify what this cluster sends.
    #[serde(default)]
    pub labels: WiringLabels,
    /// The entry in `spec.remoteWrite`.
    pub remote_write: WiringRemoteWrite,
    /// Where the credential lives. Only with an auth (or a `tls.ca`) that is kept in a Secret or a ConfigMap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// What happens to wired objects when this wiring is deleted.
    #[serde(default)]
    pub on_delete: OnDelete,
}

fn default_kinds() -> Vec<Kind> {
    vec![Kind::Prometheus, Kind::PrometheusAgent]
}

/// Whether an object may opt out by its label.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptOut {
    /// The label is honoured.
    #[default]
    Allowed,
    /// The label is ignored: the object is wired, with one warning.
    Forbidden,
}

/// What happens to wired objects when the wiring is deleted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// They keep what they have.
    #[default]
    Keep,
    /// They are un-wired before the wiring goes (a finalizer).
    Unwire,
}

/// Labels by key, as written: values may hold `{cluster}`, `{namespace}` and `{name}`.
pub type LabelTemplates = BTreeMap<String, String>;

/// Labels that identify what this cluster sends.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase")]
pub struct WiringLabels {
    /// Set as external labels and again by the last relabel rules of the entry, so that no series can lie.
    #[serde(default = "default_enforced")]
    #[schemars(extend("maxProperties" = 16), schema_with = "template_map")]
    #[x_kube(
        validation = Rule::new("self.all(key, key.matches('^[a-zA-Z_][a-zA-Z0-9_]{0,63}$') && !key.startsWith('__') && !key.startsWith('exported_'))").message("keys must be Prometheus label names of at most 64 characters that do not start with `__` or `exported_`"),
        validation = Rule::new(r#"self.all(key, self[key].size() > 0 && !self[key].matches('[$"\\\\]'))"#).message("values must not be empty or hold `$`, `\"` or `\\`"),
        validation = Rule::new("self.all(key, !self[key].replace('{cluster}', '').replace('{namespace}', '').replace('{name}', '').matches('[{}]'))").message("the only variables are {cluster}, {namespace} and {name}")
    )]
    pub enforced: LabelTemplates,
    /// Set as external labels only where the object has none of that name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16), schema_with = "template_map")]
    #[x_kube(
        validation = Rule::new("self.all(key, key.matches('^[a-zA-Z_][a-zA-Z0-9_]{0,63}$') && !key.startsWith('__'))").message("keys must be Prometheus label names of at most 64 characters that do not start with `__`"),
        validation = Rule::new(r#"self.all(key, self[key].size() > 0 && !self[key].matches('[$"\\\\]'))"#).message("values must not be empty or hold `$`, `\"` or `\\`"),
        validation = Rule::new("self.all(key, !self[key].replace('{cluster}', '').replace('{namespace}', '').replace('{name}', '').matches('[{}]'))").message("the only variables are {cluster}, {namespace} and {name}")
    )]
    pub default: LabelTemplates,
}

impl Default for WiringLabels {
    fn default() -> Self {
        Self {
            enforced: default_enforced(),
            default: BTreeMap::new(),
        }
    }
}

fn default_enforced() -> LabelTemplates {
    BTreeMap::from([("cluster".to_owned(), "{cluster}".to_owned())])
}

fn template_map(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object", "maxProperties": 16, "additionalProperties": {"type": "string", "maxLength": 256}})
}

/// The entry in `spec.remoteWrite`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase")]
pub struct WiringRemoteWrite {
    /// The key of the entry: unique within the object.
    #[serde(default = "default_entry")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self.matches('^[a-zA-Z0-9_-]+$')").message("must be letters, digits, `_` and `-`"))]
    pub name: String,
    /// Where samples go: the gateway in front of Thanos Receive.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(
        validation = Rule::new("self.startsWith('https://') || self.startsWith('http://')").message("must start with https:// or http://"),
        validation = Rule::new("isURL(self) && url(self).getHostname() != '' && !self.contains('@')").message("must be a url with a host and no user information")
    )]
    pub url: String,
    /// As whom: exactly one member.
    pub auth: Auth,
    /// Leave out when the gateway sets the tenant from the credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Tenant>,
    /// How the gateway's certificate is checked, where the system's roots do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Placed after the user's own rules and before the enforced tail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub write_relabel_configs: Vec<RelabelConfig>,
    /// Defaults, each given only where the object's own entry has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_config: Option<QueueConfig>,
    /// Default, given only where the object's own entry has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub remote_timeout: Option<String>,
    /// Default, given only where the object's own entry has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_exemplars: Option<bool>,
    /// Default, given only where the object's own entry has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_native_histograms: Option<bool>,
    /// Defaults, each given only where the object's own entry has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_config: Option<MetadataConfig>,
    /// Only V1.0: Receive up to 0.42 answers 200 to Remote Write 2.0 and stores nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new("self == 'V1.0'").message("must be V1.0: Thanos Receive up to 0.42 answers 200 to Remote Write 2.0 and stores nothing"))]
    pub message_version: Option<String>,
    /// What happens to an entry that the user made under our name or with our url.
    #[serde(default)]
    pub adopt: Adopt,
}

fn default_entry() -> String {
    "thanos".to_owned()
}

/// What happens to an entry that the user made under our name or with our url.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adopt {
    /// Taken over in place if it says nothing that differs from ours; otherwise the object is left.
    #[default]
    Same,
    /// Overwritten. A later un-wiring removes it.
    Replace,
}

/// The tenant, where the client and not the gateway says it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct Tenant {
    /// The header that Receive reads.
    #[serde(default = "default_tenant_header")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(
        validation = Rule::new("self.matches('^[A-Za-z0-9-]+$')").message("must be letters, digits and `-`"),
        validation = Rule::new("!(self.lowerAscii() in ['accept-encoding', 'authorization', 'connection', 'content-encoding', 'content-length', 'content-type', 'host', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'user-agent', 'www-authenticate', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-security-token', 'x-prometheus-remote-read-version', 'x-prometheus-remote-write-version'])").message("is a header that Prometheus reserves")
    )]
    pub header: String,
    /// Its value; may hold `{cluster}`, `{namespace}` and `{name}`.
    #[serde(default = "default_tenant_value")]
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(
        validation = Rule::new("!self.contains('$') && !self.contains('/')").message("must not hold `$` or `/`"),
        validation = Rule::new("!self.replace('{cluster}', '').replace('{namespace}', '').replace('{name}', '').matches('[{}]')").message("the only variables are {cluster}, {namespace} and {name}")
    )]
    pub value: String,
}

fn default_tenant_header() -> String {
    crate::names::TENANT_HEADER.to_owned()
}

fn default_tenant_value() -> String {
    "{cluster}".to_owned()
}

/// Where the credential lives.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(crates(kube_core = "::kube_core"))]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// The enrolled namespaces: an explicit list, never a selector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2000), schema_with = "namespace_list")]
    pub namespaces: Vec<String>,
}

fn namespace_list(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "array", "maxItems": 2000, "x-kubernetes-list-type": "set",
        "items": {"type": "string", "minLength": 1, "maxLength": 63, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}})
}

/// The CustomResourceDefinition of ThanosWiring: the one source of what the chart ships.
///
/// The rules about the name stand here by hand: the derive reaches for the `kube` facade when the root carries rules,
/// and this crate knows no client.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = ThanosWiring::crd();
    let rule = |rule: &str, message: &str| ValidationRule {
        rule: rule.to_owned(),
        message: Some(message.to_owned()),
        ..ValidationRule::default()
    };
    let schemas = crd
        .spec
        .versions
        .iter_mut()
        .filter_map(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut());
    for schema in schemas {
        schema.x_kubernetes_validations = Some(vec![
            rule(
                "self.metadata.name != 'v'",
                "metadata.name: `v` is taken by the version in the `wired` annotation",
            ),
            rule(
                "self.metadata.name.size() <= 63",
                "metadata.name: must be at most 63 characters",
            ),
        ]);
    }
    crd
}

/// All the rules that may apply: wirings and policies, each in the order of their names.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    wirings: Vec<Arc<Wiring>>,
    policies: Vec<Arc<Policy>>,
}

impl Rules {
    /// Sorts the wirings by name; of two with one name the later stands.
    pub fn new(wirings: impl IntoIterator<Item = Arc<Wiring>>) -> Self {
        let by_name: BTreeMap<Arc<str>, Arc<Wiring>> = wirings
            .into_iter()
            .map(|wiring| (Arc::clone(&wiring.name), wiring))
            .collect();
        Self {
            wirings: by_name.into_values().collect(),
            policies: Vec::new(),
        }
    }

    /// The same with policies, sorted by name; of two with one name the later stands.
    #[must_use]
    pub fn with_policies(mut self, policies: impl IntoIterator<Item = Arc<Policy>>) -> Self {
        let by_name: BTreeMap<Arc<str>, Arc<Policy>> = policies
            .into_iter()
            .map(|policy| (Arc::clone(&policy.name), policy))
            .collect();
        self.policies = by_name.into_values().collect();
        self
    }

    /// The policies, lowest name first.
    pub fn policies(&self) -> &[Arc<Policy>] {
        &self.policies
    }

    /// The wirings, lowest name first.
    pub fn wirings(&self) -> &[Arc<Wiring>] {
        &self.wirings
    }

    /// The wiring of that name.
    pub fn wiring(&self, name: &str) -> Option<&Arc<Wiring>> {
        self.wirings
            .binary_search_by(|wiring| (*wiring.name).cmp(name))
            .ok()
            .map(|at| &self.wirings[at])
    }

    /// Every label key that some object selector looks at: a change of these may change who is selected.
    pub(crate) fn object_keys(&self) -> BTreeSet<&str> {
        self.wirings
            .iter()
            .flat_map(|wiring| selector_keys(&wiring.object_selector))
            .collect()
    }
}

/// The keys that a selector looks at.
pub(crate) fn selector_keys(selector: &LabelSelector) -> impl Iterator<Item = &str> {
    let equal = selector
        .match_labels
        .iter()
        .flatten()
        .map(|(key, _)| key.as_str());
    let expressions = selector
        .match_expressions
        .iter()
        .flatten()
        .map(|requirement| requirement.key.as_str());
    equal.chain(expressions)
}

/// Reads a selector; the error says which part is wrong.
pub(crate) fn selector(written: &LabelSelector) -> Result<Selector, String> {
    for requirement in written.match_expressions.iter().flatten() {
        let values = requirement.values.as_ref().map_or(0, Vec::len);
        match requirement.operator.as_str() {
            "In" | "NotIn" if values == 0 => {
                return Err(format!("operator {} needs values", requirement.operator));
            }
            "Exists" | "DoesNotExist" if values > 0 => {
                return Err(format!("operator {} takes no values", requirement.operator));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => return Err("operator must be In, NotIn, Exists or DoesNotExist".to_owned()),
        }
    }
    Selector::try_from(written.clone()).map_err(|error| error.to_string())
}
