//! What a policy refuses: one file per rule, one table of all of them, and the judge that asks them.
//!
//! ```text
//! one walk over `spec` ──> Places ──> every rule that the policy has ──> Findings
//! findings that the old object had at the same place with the same value, exemptions ──> Charges
//! ```
//!
//! A rule says what is wrong and where. Whether that is refused, warned of or only written down is the policy's word.

mod borrowed_secret;
mod case;
mod charges;
mod clients;
mod credential_files;
mod cross_namespace;
mod egress_url;
mod emptied;
mod evasion;
mod file_writes;
mod headers;
mod host_access;
mod identity;
mod identity_labels;
mod image;
mod inline_credentials;
mod insecure_tls;
mod label_values;
mod limits;
mod links;
mod monitor_file_access;
mod mounts;
mod objstore_reference;
mod opaque_config;
mod open_inbound;
mod places;
mod plaintext_url;
mod pod_containers;
mod raw_arguments;
mod relabelling;
mod remote_write_names;
mod replica_label;
mod required_wiring;
mod secrets;
mod shape;
mod tenant_header;

use kube_core::SelectorExt;
use serde_json::Value;

use crate::codes::{self, Code};
use crate::facts::Facts;
use crate::policy::{Policy, Profile};
use crate::subject::{Subject, labels_of};
use crate::wiring::Rules;

pub use charges::{Charge, Judgement};
pub use secrets::judge_secret;

use case::{Case, Findings};
use charges::Gathered;
use places::Places;

/// Lists that `native` must hold objects against, too.
pub(crate) mod shared {
    pub(crate) use super::clients::{AUTHENTICATIONS, TOKENS};
    pub(crate) use super::evasion::CONFIGURATION;
    pub(crate) use super::file_writes::STREAMS;
    pub(crate) use super::headers::{PARTS, STARTS, TENANT, WORDS};
    pub(crate) use super::host_access::NETWORKS;
    pub(crate) use super::identity::{DEFAULT as DEFAULT_ACCOUNT, GIVEN};
    pub(crate) use super::image::pattern as image;
    pub(crate) use super::limits::{INTERVAL, RETENTION};
    pub(crate) use super::links::LOOKUPS;
    pub(crate) use super::mounts::TAKEN;
    pub(crate) use super::open_inbound::WAYS;
    pub(crate) use super::pod_containers::{HARMLESS, INJECTED};
    pub(crate) use super::remote_write_names::AZURE;
}

/// One rule of the catalogue.
pub struct Rule {
    /// Its row in the registry: the code's id is the rule's.
    pub code: &'static Code,
    /// The profile that brings it.
    pub profile: Profile,
    /// The version of the profile that brings it.
    pub since: u32,
    check: Check,
}

/// What a rule looks at.
enum Check {
    /// One of the operator's objects.
    Object(fn(&Case<'_>, &mut Findings)),
    /// A Secret that holds an object-store file.
    Secret,
}

impl Rule {
    /// Its name, as policies and people write it.
    pub fn id(&self) -> &'static str {
        self.code.id
    }

    /// Whether it looks at objstore Secrets and not at the operator's objects.
    pub fn is_about_secrets(&self) -> bool {
        matches!(self.check, Check::Secret)
    }
}

macro_rules! rules {
    ($($profile:ident $code:ident $check:expr;)*) => {
        /// All rules, in the order in which they are asked and listed.
        pub const RULES: &[Rule] = &[$(Rule {
            code: codes::$code,
            profile: Profile::$profile,
            since: 1,
            check: $check,
        }),*];
    };
}

use Check::{Object, Secret};

rules! {
    Baseline   EGRESS_URL          Object(egress_url::check);
    Baseline   REQUIRED_WIRING     Object(required_wiring::check);
    Baseline   PLAINTEXT_URL       Object(plaintext_url::check);
    Baseline   INLINE_CREDENTIALS  Object(inline_credentials::check);
    Baseline   BORROWED_SECRET     Object(borrowed_secret::check);
    Baseline   CREDENTIAL_FILES    Object(credential_files::check);
    Baseline   TENANT_HEADER       Object(tenant_header::check);
    Baseline   IDENTITY_LABELS     Object(identity_labels::check);
    Baseline   REPLICA_LABEL       Object(replica_label::check);
    Baseline   INSECURE_TLS        Object(insecure_tls::check);
    Baseline   EVASION             Object(evasion::check);
    Baseline   OPEN_INBOUND        Object(open_inbound::check);
    Baseline   LIMITS              Object(limits::check);
    Baseline   REMOTE_WRITE_NAMES  Object(remote_write_names::check);
    Restricted POD_CONTAINERS      Object(pod_containers::check);
    Restricted RAW_ARGUMENTS       Object(raw_arguments::check);
    Restricted HOST_ACCESS         Object(host_access::check);
    Restricted MOUNTS              Object(mounts::check);
    Restricted IDENTITY            Object(identity::check);
    Restricted OPAQUE_CONFIG       Object(opaque_config::check);
    Restricted CROSS_NAMESPACE     Object(cross_namespace::check);
    Restricted MONITOR_FILE_ACCESS Object(monitor_file_access::check);
    Restricted FILE_WRITES         Object(file_writes::check);
    Baseline   OBJSTORE_REFERENCE  Object(objstore_reference::check);
    Baseline   OBJSTORE_SCHEMA     Secret;
    Baseline   OBJSTORE_SECRETLESS Secret;
    Baseline   OBJSTORE_PLACE      Secret;
}

/// The rule of that id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id() == id)
}

/// Judges one of the operator's objects as it is to be stored by every policy that selects it.
///
/// Each policy is judged alone and the findings are united. A finding that the old object had at the same place with the
/// same value warns at most, so that a new rule does not wedge what exists.
pub fn judge(subject: &Subject<'_>, facts: &Facts, rules: &Rules) -> Judgement {
    if subject.deleting() && subject.spec_is_unchanged() {
        return Judgement::default();
    }
    let mut gathered = Gathered::default();
    let now = Places::of(subject);
    let old = subject
        .old
        .and_then(|old| Subject::read(old, None, subject.namespace).ok());
    if now.are_too_many() {
        let stays = subject.spec_is_unchanged();
        for policy in rules.policies() {
            if selects(policy, subject, facts) {
                gathered.unjudged(policy, "has too many parts to be judged", stays);
            }
        }
        return gathered.settle();
    }
    // Nothing is excused by an object that nobody could judge.
    let before = old
        .as_ref()
        .map(|old| (old, Places::of(old)))
        .filter(|(_, places)| !places.are_too_many());
    for policy in rules.policies() {
        if !selects(policy, subject, facts) {
            continue;
        }
        for rule in RULES {
            let (Some(enforcement), Object(check)) = (policy.enforcement_of(rule), &rule.check)
            else {
                continue;
            };
            let ask = |subject: &Subject<'_>, places: &Places<'_>| {
                let mut findings = Findings::default();
                check(
                    &Case {
                        subject,
                        facts,
                        rules,
                        policy,
                        places,
                    },
                    &mut findings,
                );
                findings
            };
            let found = ask(subject, &now);
            if found.is_empty() {
                continue;
            }
            let had = before
                .as_ref()
                .map(|(old, places)| ask(old, places))
                .unwrap_or_default();
            let exempt = policy.exemptions.iter().any(|exemption| {
                exemption.covers(rule, subject.namespace, subject.name, facts.now)
            });
            gathered.add(rule, policy, enforcement, exempt, found, &had);
        }
    }
    gathered.settle()
}

/// Whether a policy is about a subject. An unknown namespace is every policy's: nobody may slip in while we look.
pub fn selects(policy: &Policy, subject: &Subject<'_>, facts: &Facts) -> bool {
    selects_namespace(policy, facts) && policy.selects_object(subject)
}

/// The same of a Secret.
pub fn selects_secret(policy: &Policy, secret: &Value, facts: &Facts) -> bool {
    selects_namespace(policy, facts)
        && (policy.objects.selects_all() || policy.objects.matches(&labels_of(secret)))
}

fn selects_namespace(policy: &Policy, facts: &Facts) -> bool {
    let known = facts.namespace.as_ref();
    known.is_none_or(|labels| policy.namespaces.matches(labels))
}

#[cfg(test)]
mod tests;
