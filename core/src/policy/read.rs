//! Reads a policy from raw JSON by its own schema, so that a wrong file gets sentences with paths.

use std::sync::LazyLock;

use serde_json::Value;

use super::{Policy, ThanosPolicy};
use crate::codes;
use crate::decision::Fault;
use crate::schema;

/// Reads and resolves a policy; every fault at once, each with its path.
///
/// Unknown fields are faults here: the API server would drop them in silence.
pub fn read(raw: &Value) -> Result<Policy, Vec<Fault>> {
    let fault =
        |path: &str, sentence: String| vec![Fault::new(codes::POLICY_INVALID, path, sentence)];
    if raw["apiVersion"] != crate::names::API_VERSION || raw["kind"] != "ThanosPolicy" {
        return Err(fault(
            "kind",
            format!("must be ThanosPolicy of {}", crate::names::API_VERSION),
        ));
    }
    let mut faults = Vec::new();
    if let Some(written) = SCHEMA.as_ref() {
        schema::check(
            codes::POLICY_INVALID,
            &written["properties"]["spec"],
            &raw["spec"],
            "spec",
            &mut faults,
        );
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let written: ThanosPolicy = serde_json::from_value(raw.clone()).map_err(|_| {
        fault(
            "spec",
            "does not have the shape of a ThanosPolicy".to_owned(),
        )
    })?;
    Policy::resolve(&written)
}

/// The CRD's own schema, made once: it is the same on every call.
static SCHEMA: LazyLock<Option<Value>> = LazyLock::new(|| schema::of(super::crd()));

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_fault_at_once_each_with_its_path() {
        let raw = json!({"apiVersion": crate::names::API_VERSION, "kind": "ThanosPolicy", "metadata": {"name": "p"}, "spec": {
            "rules": [{"id": "no-such-rule", "enforcement": "Deny"}, {"id": "limits", "enforcement": "Deny"}, {"id": "limits", "enforcement": "Warn"}],
            "remoteWrite": {"allowedUrls": ["ftp://a/", "https://a/*"]},
            "limits": {"bodySizeLimit": "much", "minScrapeInterval": "soon"},
            "exemptions": [{"namespace": "n", "rules": ["limits"], "reason": " ", "expires": "2027-02-30"}],
        }});
        let faults = read(&raw).unwrap_err();
        let said: Vec<String> = faults
            .iter()
            .map(|fault| format!("{} {}", fault.code, fault.path))
            .collect();
        assert_eq!(
            said,
            [
                "KTH7001 spec.rules[0].id",
                "KTH7001 spec.rules[2].id",
                "KTH7001 spec.exemptions[0].expires",
                "KTH7001 spec.exemptions[0].reason",
                "KTH7001 spec.remoteWrite.allowedUrls[0]",
                "KTH7001 spec.limits.bodySizeLimit",
                "KTH7001 spec.limits.minScrapeInterval",
            ]
        );
    }
}
