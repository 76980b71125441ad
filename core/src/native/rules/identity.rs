//! The rules about who the pod is and under which labels it sends.

use super::sight::empty;
use super::{Ask, has_prefix, is_kind, one, rows};
use crate::decide::rules::shared::{DEFAULT_ACCOUNT, GIVEN};
use crate::fields::sensitive::Sort;
use crate::native::{Check, Cover, cel, selector};
use crate::policy::Policy;
use crate::subject::Kind;

pub(super) fn identity(ask: &Ask<'_>) -> Vec<Cover> {
    let mut checks = account(ask.policy);
    let mut azure = Vec::new();
    for path in rows("identity", Sort::Identity) {
        if path.starts_with("podMetadata.") {
            checks.push(one(&path, "gives the pod an identity", &|here| {
                has_prefix(here, GIVEN)
            }));
        } else if path.rsplit('.').next() == Some("sigv4") {
            for member in ["roleArn", "profile", "externalId"] {
                checks.push(empty(
                    &format!("{path}.{member}"),
                    "takes an AWS role or profile",
                ));
            }
            checks.push(one(
                &path,
                "takes the AWS identity of the pod or its node",
                &|here| {
                    let held = ["accessKey", "secretKey"].map(|key| {
                        let key = format!("{}.{key}", here.value);
                        format!("has({key}) && has({key}.key) && {key}.key != ''")
                    });
                    format!("!({})", cel::all(held))
                },
            ));
        } else if let Some((_, member)) = path.rsplit_once(".azureAd.") {
            azure.push(one(
                &path,
                "takes an Azure identity that no wiring gives",
                &|here| {
                    format!(
                        "!({})",
                        selector::set_by_wiring(ask.wirings, "azureAd", &[member], here)
                    )
                },
            ));
        }
    }
    let given = ask.wirings.iter().any(|wiring| {
        wiring
            .entry
            .enforced
            .iter()
            .any(|(field, _)| *field == "azureAd")
    });
    if !given {
        checks.extend(azure);
        return vec![Cover::Exact(checks)];
    }
    let why = "a wiring's own Azure identity passes only in an entry whose url is spelled as the wiring's";
    vec![Cover::Exact(checks), Cover::Stricter(azure, why)]
}

fn account(policy: &Policy) -> Vec<Check> {
    let accounts = &policy.allow.service_accounts;
    let named = one(
        "serviceAccountName",
        "is a service account that allow.serviceAccounts does not name",
        &|here| {
            let value = here.value;
            format!(
                "!({value} in ['', {}]) && !({})",
                cel::text(DEFAULT_ACCOUNT),
                cel::is_in(value, accounts)
            )
        },
    );
    let mut checks = vec![named];
    if !accounts.iter().any(|one| one == DEFAULT_ACCOUNT) {
        let value = |spec: &str| format!("dyn({spec}).?automountServiceAccountToken");
        checks.push(Check::new(
            cel::spec(
                &|spec| {
                    format!(
                        "dyn({spec}).?serviceAccountName.orValue('') in ['', {}] && {}.orValue(true) != false",
                        cel::text(DEFAULT_ACCOUNT),
                        value(spec)
                    )
                },
                &value,
            ),
            "spec.automountServiceAccountToken must be false: the account default is not allowed",
        ));
    }
    checks
}

/// The labels that the operator itself gives, as `decide/labels.rs` knows them.
fn taken(spec: &str) -> String {
    let field = |name: &str, default: &str| {
        format!(
            "string(dyn({spec}).?{name}.orValue({}))",
            cel::text(default)
        )
    };
    format!(
        "{} ? ['thanos_ruler_replica'] : [{}, {}] + \
         (dyn({spec}).?shardingStrategy.?mode.orValue('') == 'Topology' ? [{}] : [])",
        is_kind(Kind::ThanosRuler),
        field("prometheusExternalLabelName", "prometheus"),
        field("replicaExternalLabelName", "prometheus_replica"),
        field("shardingStrategy.?topology.?externalLabelName", "zone"),
    )
}

pub(super) fn identity_labels(policy: &Policy) -> Vec<Cover> {
    let check = |label: &String| {
        let key = cel::text(label);
        let value = |spec: &str| {
            format!(
                "({} ? dyn({spec}).?labels[?{key}] : dyn({spec}).?externalLabels[?{key}])",
                is_kind(Kind::ThanosRuler)
            )
        };
        let wrong = |spec: &str| {
            let text = format!("string({}.orValue(''))", value(spec));
            format!(
                "!({key} in ({})) && ({text}.trim() == '' || {text}.contains('$'))",
                taken(spec)
            )
        };
        Check::new(
            cel::spec(&wrong, &value),
            format!("spec.externalLabels.{label} must be given, plainly: labels.required names it"),
        )
    };
    let required: Vec<Check> = policy.required_labels.iter().map(check).collect();
    let mut parts = Vec::new();
    if !required.is_empty() {
        parts.push(Cover::Exact(required));
    }
    parts.push(Cover::Not("what a wiring enforces, and relabel rules that undo it: they take the wiring's values and the regular expressions of Prometheus"));
    parts
}

pub(super) fn replica_label() -> Vec<Cover> {
    let label = |spec: &str| {
        format!(
            "({} ? 'thanos_ruler_replica' : string(dyn({spec}).?replicaExternalLabelName.orValue('prometheus_replica')))",
            is_kind(Kind::ThanosRuler)
        )
    };
    let more = |spec: &str, field: &str| format!("dyn({spec}).?{field}.orValue(1) > 1");
    let value = |spec: &str| {
        format!(
            "[dyn({}), dyn({}), dyn({})]",
            label(spec),
            more(spec, "replicas"),
            more(spec, "shards")
        )
    };
    let wrong = |spec: &str| {
        format!(
            "dyn({spec}).?remoteWrite.orValue([]).size() > 0 && ({} || {}) && {}.trim() == '' && \
             !({} && dyn({spec}).?mode.orValue('') == 'DaemonSet')",
            more(spec, "replicas"),
            more(spec, "shards"),
            label(spec),
            is_kind(Kind::PrometheusAgent)
        )
    };
    let check = Check::new(
        cel::spec(&wrong, &value),
        "spec.replicaExternalLabelName must name a label: several replicas or shards send the same series",
    );
    vec![
        Cover::Exact(vec![check]),
        Cover::Not(
            "relabel rules that remove the label: they take the regular expressions of Prometheus",
        ),
    ]
}
