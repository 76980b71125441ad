//! Azure: which ways to authenticate exclude each other, and what its SDK says of keys and addresses.

use super::super::report::Report;
use super::super::{address, url};
use super::tls;
use crate::codes;

/// `providers/azure/azure.go` and `helpers.go`
pub(in super::super) fn azure(report: &mut Report<'_>) {
    conflicts(report);
    let retries = report.whole("max_retries").unwrap_or(0);
    // The general number stands in for the two special ones, cut to the width of the first.
    #[expect(clippy::cast_possible_truncation, reason = "Go cuts it as well")]
    let tries = match report.whole("pipeline_config.max_tries").unwrap_or(0) {
        0 if retries > 0 => i64::from(retries as i32),
        tries => tries,
    };
    if tries < 0 {
        let sentence = "must not be negative, and max_retries must fit into 32 bits";
        report.refuse(codes::OBJSTORE_VALUE, "pipeline_config.max_tries", sentence);
    }
    if report.whole("reader_config.max_retry_requests") < Some(0)
        && report.whole("reader_config.max_retry_requests").is_some()
    {
        let name = "reader_config.max_retry_requests";
        report.refuse(codes::OBJSTORE_VALUE, name, "must not be negative");
    }
    credential(report);
    tls(report);
}

fn conflicts(report: &mut Report<'_>) {
    for other in [
        "storage_account_key",
        "storage_connection_string",
        "client_id",
    ] {
        if report.has("user_assigned_id") && report.has(other) {
            let sentence = format!("cannot be set together with {other}: take out one of them");
            report.refuse(codes::OBJSTORE_CONFLICT, "user_assigned_id", sentence);
        }
    }
    let three = ["az_tenant_id", "client_id", "client_secret"];
    if three.iter().any(|name| report.has(name)) {
        for missing in three
            .iter()
            .filter(|name| !report.has(name))
            .collect::<Vec<_>>()
        {
            let sentence = "must be set, since az_tenant_id, client_id and client_secret go together; for workload identity take all three out: the pod's environment has them";
            report.refuse(codes::OBJSTORE_CONFLICT, missing, sentence);
        }
    }
    if report.has("storage_account_key") && report.has("storage_connection_string") {
        let sentence =
            "cannot be set together with storage_connection_string: take out one of them";
        report.refuse(codes::OBJSTORE_CONFLICT, "storage_account_key", sentence);
    }
}

/// In the order of precedence: the first that is set is the one that is looked at.
fn credential(report: &mut Report<'_>) {
    // The container is looked for at once unless this is false, and only that reads the address.
    let looks = report.flag("storage_create_container") != Some(false);
    if report.has("storage_connection_string") {
        let container = report.text("container");
        let fault = report
            .known("storage_connection_string")
            .and_then(|text| address::connection_fault(text, container, looks));
        if let Some(sentence) = fault {
            report.refuse(codes::OBJSTORE_VALUE, "storage_connection_string", sentence);
        }
        return;
    }
    let is_bad = |key: &str| !address::is_base64(key);
    if report.has("storage_account_key") {
        if report.known("storage_account_key").is_some_and(is_bad) {
            let sentence = "must be the account key as the portal shows it, which is base64";
            report.refuse(codes::OBJSTORE_VALUE, "storage_account_key", sentence);
        }
    } else if report.has("client_secret") && report.has("client_id") {
        let is_tenant = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        };
        if report
            .known("az_tenant_id")
            .is_some_and(|text| !is_tenant(text))
        {
            let sentence = "must be a tenant's ID or domain: letters, digits, dots and hyphens";
            report.refuse(codes::OBJSTORE_VALUE, "az_tenant_id", sentence);
        }
    }
    let endpoint = match report.find("endpoint") {
        Some(_) => report.text("endpoint"),
        None => super::super::AZURE_ENDPOINT,
    };
    let parts = [
        report.text("storage_account"),
        endpoint,
        report.text("container"),
    ];
    let is_known = !parts.iter().any(|part| super::super::reference(part));
    let whole = format!("https://{}.{}/{}", parts[0], parts[1], parts[2]);
    if looks && is_known && url::parse(&whole).is_none() {
        let host = format!("https://{}.{}/", parts[0], parts[1]);
        let (name, sentence) = if url::parse(&host).is_some() {
            ("container", "is no name that can stand in a URL")
        } else if url::parse(&format!("https://{}/", parts[1])).is_none() {
            ("endpoint", "must be a host, as blob.core.windows.net")
        } else {
            (
                "storage_account",
                "is no name that can stand in a host's name",
            )
        };
        report.refuse(codes::OBJSTORE_VALUE, name, sentence);
    }
}
