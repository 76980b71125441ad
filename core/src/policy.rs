//! ThanosPolicy: the type that admins write, with its schema and its CEL, and the resolved [`Policy`].
//!
//! A policy says what a Prometheus object or an objstore Secret may not do in a shared cluster. The rules themselves
//! are in `decide/rules`; a policy picks among them and gives them their parameters.

mod against;
mod parameters;
mod pattern;
mod read;
mod resolve;
mod status;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, ValidationRule,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::CustomResourceExt;
use kube_derive::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use pattern::normal_path;

pub use against::against;
pub use parameters::{Allow, Limits, ObjectStorage, PolicyLabels, PolicyRemoteWrite, QueueLimits};
pub use pattern::{NamePattern, UrlPattern};
pub use read::read;
pub use resolve::{Exempt, Policy, Size};
pub use status::{ThanosPolicyStatus, ViolatingObject};

/// What a Prometheus object or an objstore Secret may not do in a shared cluster.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "kubectl-thanos.dev",
    version = "v1alpha1",
    kind = "ThanosPolicy",
    plural = "thanospolicies",
    shortname = "tpol",
    category = "thanos",
    status = "ThanosPolicyStatus",
    derive = "PartialEq",
    doc = "What a Prometheus object or an objstore Secret may not do in a shared cluster.",
    crates(
        kube_core = "::kube_core",
        k8s_openapi = "::k8s_openapi",
        schemars = "::schemars",
        serde = "::serde",
        serde_json = "::serde_json"
    ),
    printcolumn(json_path = ".spec.profile", name = "Profile", type_ = "string"),
    printcolumn(
        json_path = ".spec.enforcement",
        name = "Enforcement",
        type_ = "string"
    ),
    printcolumn(
        json_path = ".status.violations",
        name = "Violations",
        type_ = "integer"
    ),
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
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct ThanosPolicySpec {
    /// Which namespaces. Empty: every namespace that the webhook is asked about.
    #[serde(default)]
    pub namespace_selector: LabelSelector,
    /// Which objects, by their labels. Whoever may label an object may leave such a policy: prefer namespaces.
    #[serde(default)]
    pub object_selector: LabelSelector,
    /// Which rules apply, in the spirit of the Pod Security Standards.
    #[serde(default)]
    pub profile: Profile,
    /// The version of the profile, so that an upgrade never starts to refuse by itself; `latest` asks for that.
    #[serde(default)]
    pub profile_version: ProfileVersion,
    /// What happens to an object that breaks a rule. Begin with Audit or Warn: `kubectl thanos policy audit` lists what
    /// Deny would refuse.
    #[serde(default)]
    pub enforcement: Enforcement,
    /// Rules that are enforced otherwise, or that apply beside those of the profile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".into()]))]
    pub rules: Vec<RuleOverride>,
    /// Where objects may send, and with which credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_write: Option<PolicyRemoteWrite>,
    /// Labels that objects must give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<PolicyLabels>,
    /// How much an object may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// What the rules of the Restricted profile let pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Allow>,
    /// Where blocks may be stored, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_storage: Option<ObjectStorage>,
    /// Who is let off which rules, why, and until when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub exemptions: Vec<Exemption>,
}

/// Which rules apply.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum Profile {
    /// None but those that `rules` names.
    None,
    /// What would break or abuse the shared stack. Admits a default kube-prometheus-stack.
    #[default]
    Baseline,
    /// What would leave the pod that the operator makes, too. Needs the `allow` lists.
    Restricted,
}

/// The version of a profile.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProfileVersion {
    /// The first.
    #[default]
    #[serde(rename = "v1")]
    V1,
    /// Whatever the running webhook knows.
    #[serde(rename = "latest")]
    Latest,
}

/// What happens to an object that breaks a rule.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum Enforcement {
    /// It is written into the audit log and into the status.
    Audit,
    /// Whoever applies it is warned, too.
    #[default]
    Warn,
    /// It is refused.
    Deny,
}

impl Enforcement {
    /// The word for counters and audit annotations.
    pub fn word(self) -> &'static str {
        match self {
            Enforcement::Audit => "audit",
            Enforcement::Warn => "warn",
            Enforcement::Deny => "deny",
        }
    }
}

/// One rule that is enforced otherwise.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct RuleOverride {
    /// The rule: `kubectl thanos explain ID` says what it refuses.
    #[schemars(length(min = 1, max = 63))]
    pub id: String,
    /// What happens.
    pub enforcement: Enforcement,
}

/// One object, or the objects of one namespace, let off some rules.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct Exemption {
    /// The namespace.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// The object's name; left out: every object of the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub name: Option<String>,
    /// The rules.
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 63)))]
    pub rules: Vec<String>,
    /// Why.
    #[schemars(length(min = 1, max = 256))]
    pub reason: String,
    /// The last day: `2027-01-31`. Left out: for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}$')").message("must be a day such as 2027-01-31"))]
    pub expires: Option<String>,
}

/// The CustomResourceDefinition of ThanosPolicy: the one source of what the chart ships.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = ThanosPolicy::crd();
    let schemas = crd
        .spec
        .versions
        .iter_mut()
        .filter_map(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut());
    for schema in schemas {
        schema.x_kubernetes_validations = Some(vec![ValidationRule {
            rule: "self.metadata.name.size() <= 63".to_owned(),
            message: Some("metadata.name: must be at most 63 characters".to_owned()),
            ..ValidationRule::default()
        }]);
    }
    crd
}
