//! Swift: it has no validation of its own, but it authenticates at once, and much of that fails before a connection.

use super::super::report::Report;
use super::super::{address, reference};
use super::tls;
use crate::codes;

/// `newAuth` and the three `Request`s of <https://github.com/ncw/swift/tree/v1.0.53>
pub(in super::super) fn swift(report: &mut Report<'_>) {
    tls(report);
    if reference(report.text("auth_url")) {
        return;
    }
    let url = report.text("auth_url").to_owned();
    let version = match report.whole("auth_version").unwrap_or(0) {
        0 => [("v3", 3), ("v2", 2), ("v1", 1)]
            .into_iter()
            .find(|(name, _)| url.contains(name))
            .map(|(_, version)| version),
        given @ 1..=3 => Some(given),
        _ => {
            let sentence = "must be 1, 2 or 3, or left out";
            return report.refuse(codes::OBJSTORE_VALUE, "auth_version", sentence);
        }
    };
    let Some(version) = version else {
        let (code, sentence) = if url.is_empty() {
            (
                codes::OBJSTORE_REQUIRED,
                "must be set: the identity service's URL, as https://keystone.example.com/v3",
            )
        } else {
            (
                codes::OBJSTORE_VALUE,
                "does not say which version it is (v1, v2 or v3): set auth_version",
            )
        };
        return report.refuse(code, "auth_url", sentence);
    };
    let behind = match version {
        1 => "",
        2 => "tokens",
        _ => "auth/tokens",
    };
    let between = if behind.is_empty() || url.ends_with('/') {
        ""
    } else {
        "/"
    };
    if !address::is_http(&format!("{url}{between}{behind}")) {
        let sentence = "must be a URL with http:// or https:// and a host";
        report.refuse(codes::OBJSTORE_VALUE, "auth_url", sentence);
    }
    if version == 1 {
        headers(report);
    }
    if version == 3 {
        application(report);
    }
}

/// Version 1 sends both as headers.
fn headers(report: &mut Report<'_>) {
    for name in ["username", "password"] {
        if report
            .text(name)
            .bytes()
            .any(|byte| byte != b'\t' && (byte < b' ' || byte == 0x7f))
        {
            let sentence = "must be one line without control characters";
            report.refuse(codes::OBJSTORE_VALUE, name, sentence);
        }
    }
}

/// An application credential by name needs to know whose it is.
fn application(report: &mut Report<'_>) {
    let by_id = report.has("application_credential_id");
    let by_name = report.has("application_credential_name");
    if by_id || !by_name || !report.has("application_credential_secret") || report.has("user_id") {
        return;
    }
    if !report.has("username") {
        let sentence = "must be set with an application credential by name: username or user_id";
        report.refuse(codes::OBJSTORE_REQUIRED, "username", sentence);
    } else if !report.has("domain_id") && !report.has("domain_name") {
        let sentence = "must be set with an application credential by name and username: domain_name or domain_id";
        report.refuse(codes::OBJSTORE_REQUIRED, "domain_name", sentence);
    }
}
