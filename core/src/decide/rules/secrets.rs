//! `objstore-schema`, `objstore-secretless`, `objstore-place`: a Secret that holds object-store files.
//!
//! What Thanos would refuse is told to everybody, with no policy too: it is then a warning. What a policy asks about
//! beyond that is asked of what the file says, never of a credential in it.

use serde_json::Value;

use super::case::Findings;
use super::charges::{Charge, Gathered, Judgement, MOST_FINDINGS};
use super::{RULES, Rule};
use crate::codes;
use crate::facts::Facts;
use crate::objstore::{self, Config, Judged, Provider};
use crate::policy::{Enforcement, NamePattern, ObjectStorage, Policy};
use crate::wiring::Rules;

/// Azure's own blob services: what an allowed account may be asked for at.
const AZURE_ENDPOINTS: [&str; 3] = [
    "blob.core.windows.net",
    "blob.core.usgovcloudapi.net",
    "blob.core.chinacloudapi.cn",
];

/// Judges the object-store files of a Secret as it is to be stored by every policy that selects it.
///
/// A fault of a file that has not changed warns at most.
pub fn judge_secret(
    secret: &Value,
    old: Option<&Value>,
    namespace: &str,
    facts: &Facts,
    rules: &Rules,
) -> Judgement {
    let text = |at: &str| secret.pointer(at).and_then(Value::as_str);
    if text("/metadata/deletionTimestamp").is_some()
        && old.is_some_and(|old| contents(old) == contents(secret))
    {
        return Judgement::default();
    }
    let name = text("/metadata/name").unwrap_or_default();
    let files = objstore::judge_secret(secret);
    if files.is_empty() {
        return Judgement::default();
    }
    let mut gathered = Gathered::default();
    let selecting: Vec<_> = rules
        .policies()
        .iter()
        .filter(|policy| super::selects_secret(policy, secret, facts))
        .collect();
    let before = old
        .filter(|_| !selecting.is_empty())
        .map(|old| (old, objstore::judge_secret(old)));
    for policy in &selecting {
        for rule in RULES.iter().filter(|rule| rule.is_about_secrets()) {
            let Some(enforcement) = policy.enforcement_of(rule) else {
                continue;
            };
            let found = ask(rule, policy, secret, &files);
            let had = before
                .as_ref()
                .map(|(old, files)| ask(rule, policy, old, files))
                .unwrap_or_default();
            let exempt = policy
                .exemptions
                .iter()
                .any(|exemption| exemption.covers(rule, namespace, name, facts.now));
            gathered.add(rule, policy, enforcement, exempt, found, &had);
        }
    }
    let judged_by_policy = selecting.iter().any(|policy| {
        let mut schema = RULES
            .iter()
            .filter(|rule| rule.code == codes::OBJSTORE_SCHEMA);
        schema.any(|rule| policy.enforcement_of(rule).is_some())
    });
    gathered.extend(told_to_all(&files, !judged_by_policy));
    gathered.settle()
}

fn contents(secret: &Value) -> (Option<&Value>, Option<&Value>) {
    (secret.get("data"), secret.get("stringData"))
}

/// What one rule finds in a Secret.
fn ask(rule: &Rule, policy: &Policy, secret: &Value, files: &[(String, Judged)]) -> Findings {
    let mut findings = Findings::default();
    for (key, judged) in files {
        let content = serde_json::json!([secret["data"][key], secret["stringData"][key]]);
        let mut add = |path: &str, code, sentence: String| {
            findings.path(&place(key, path), &content, sentence);
            findings.say(code);
        };
        if rule.code == codes::OBJSTORE_SCHEMA {
            for fault in &judged.faults {
                add(&fault.path, fault.code, fault.sentence.clone());
            }
            continue;
        }
        let (Some(config), Some(wanted)) = (&judged.config, &policy.object_storage) else {
            continue;
        };
        let faults = if rule.code == codes::OBJSTORE_SECRETLESS {
            secretless(config, wanted)
        } else {
            place_faults(config, wanted)
        };
        for (path, sentence) in faults {
            add(&path, rule.code, sentence);
        }
    }
    findings
}

fn place(key: &str, path: &str) -> String {
    if path.is_empty() {
        format!("data[{key}]")
    } else {
        format!("data[{key}].{path}")
    }
}

fn secretless(config: &Config, wanted: &ObjectStorage) -> Vec<(String, String)> {
    if !wanted.secretless {
        return Vec::new();
    }
    if config.needs_static {
        let sentence = format!(
            "{} cannot be used without a static credential",
            config.provider.name()
        );
        return vec![("type".to_owned(), sentence)];
    }
    let sentence = "is a static credential: use a managed or workload identity";
    let secrets = config.static_secrets.iter();
    secrets
        .map(|path| (path.clone(), sentence.to_owned()))
        .collect()
}

fn place_faults(config: &Config, wanted: &ObjectStorage) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let mut refuse =
        |path: &str, sentence: &str| faults.push((path.to_owned(), sentence.to_owned()));
    let among =
        |list: &[String], name: &str| list.iter().any(|one| NamePattern::read(one).matches(name));
    if let Some(types) = &wanted.types
        && !types
            .iter()
            .any(|one| one.eq_ignore_ascii_case(config.provider.name()))
    {
        refuse("type", "is not among objectStorage.types");
    }
    if let Some(accounts) = &wanted.accounts
        && config.provider == Provider::Azure
    {
        if !among(accounts, &config.account) {
            refuse(
                "config.storage_account",
                "is not among objectStorage.accounts",
            );
        }
        let connection = "config.storage_connection_string";
        if config.static_secrets.iter().any(|path| path == connection) {
            refuse(
                connection,
                "may name another account than storage_account, and wins",
            );
        }
        if wanted.endpoints.is_none() && !AZURE_ENDPOINTS.contains(&&*config.endpoint) {
            refuse(
                "config.endpoint",
                "is not Azure's own: the account there may be anybody's",
            );
        }
    }
    if let Some(endpoints) = &wanted.endpoints
        && !among(endpoints, &config.endpoint)
    {
        refuse("config.endpoint", "is not among objectStorage.endpoints");
    }
    if let Some(containers) = &wanted.containers
        && !among(containers, &config.bucket)
    {
        let path = match config.provider {
            Provider::Azure => "config.container",
            Provider::Swift => "config.container_name",
            Provider::Filesystem => "config.directory",
            _ => "config.bucket",
        };
        refuse(path, "is not among objectStorage.containers");
    }
    if let Some(prefixes) = &wanted.prefixes
        && !among(prefixes, &config.prefix)
    {
        refuse("prefix", "is not among objectStorage.prefixes");
    }
    faults
}

/// What Thanos would refuse, where no policy says so already, and what it takes and is likely wrong.
fn told_to_all(files: &[(String, Judged)], faults_too: bool) -> Vec<Charge> {
    let mut told = Vec::new();
    for (key, judged) in files {
        let faults = faults_too.then_some(&judged.faults).into_iter().flatten();
        told.extend(faults.chain(&judged.lints).map(|finding| Charge {
            rule: codes::OBJSTORE_SCHEMA,
            code: finding.code,
            path: place(key, &finding.path),
            sentence: finding.sentence.clone(),
            enforcement: Enforcement::Warn,
            had: false,
            exempt: false,
            policies: Vec::new(),
        }));
    }
    told.truncate(MOST_FINDINGS);
    told
}
