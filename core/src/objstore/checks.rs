//! What the providers' own code and the SDKs below refuse once every field has its type, one function for each.
//!
//! <https://github.com/thanos-io/objstore/tree/71d60dfee488/providers>; what only a connection would tell is left out.

use super::report::Report;
use super::{address, google, url};
use crate::codes;

mod azure;
mod s3;
mod swift;

pub(super) use azure::azure;
pub(super) use s3::s3;
pub(super) use swift::swift;

/// What one provider refuses.
pub(super) type Check = fn(&mut Report<'_>);

pub(super) fn nothing(_report: &mut Report<'_>) {}

/// `exthttp/tlsconfig.go`; the files themselves are in a pod and not here.
fn tls(report: &mut Report<'_>) {
    let (certificate, key) = (
        "http_config.tls_config.cert_file",
        "http_config.tls_config.key_file",
    );
    let (missing, there) = match (report.has(certificate), report.has(key)) {
        (true, false) => (key, "cert_file"),
        (false, true) => (certificate, "key_file"),
        _ => return,
    };
    let sentence = format!("must be set, since {there} is: a client certificate needs both");
    report.refuse(codes::OBJSTORE_REQUIRED, missing, sentence);
}

pub(super) fn gcs(report: &mut Report<'_>) {
    let uses_grpc = report.flag("use_grpc") == Some(true);
    let fault = match report.known("service_account").map(google::read) {
        Some(Err(sentence)) => Some(sentence),
        // Its client over gRPC asks for a token at once, of nobody, and Thanos panics.
        Some(Ok(file)) if file.is_client && uses_grpc => {
            Some("holds an OAuth client, which needs a person: give a service account's key file")
        }
        _ => None,
    };
    if let Some(sentence) = fault {
        report.refuse(codes::OBJSTORE_VALUE, "service_account", sentence);
    }
    if !uses_grpc {
        tls(report);
    }
}

pub(super) fn cos(report: &mut Report<'_>) {
    let has_endpoint = report.has("endpoint");
    let needed: &[&str] = if has_endpoint {
        &["secret_id", "secret_key"]
    } else {
        &["bucket", "app_id", "region", "secret_id", "secret_key"]
    };
    for name in needed
        .iter()
        .filter(|name| !report.has(name))
        .collect::<Vec<_>>()
    {
        let sentence = if has_endpoint {
            "must be set: COS has no other way to authenticate"
        } else {
            "must be set, since there is no endpoint: bucket, app_id and region make the address"
        };
        report.refuse(codes::OBJSTORE_REQUIRED, name, sentence);
    }
    let malformed = report
        .known("endpoint")
        .is_some_and(|endpoint| url::parse(endpoint).is_none());
    if malformed {
        report.refuse(codes::OBJSTORE_VALUE, "endpoint", "is no URL");
    }
    let is_region = |region: &str| {
        region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || b"-1".contains(&byte))
    };
    if !has_endpoint
        && report
            .known("region")
            .is_some_and(|region| !is_region(region))
    {
        let sentence = "must be small letters and hyphens, as ap-guangzhou (the SDK knows no digit but 1): else set endpoint";
        report.refuse(codes::OBJSTORE_VALUE, "region", sentence);
    }
    tls(report);
}

pub(super) fn aliyun(report: &mut Report<'_>) {
    let malformed = report.known("endpoint").is_some_and(|endpoint| {
        let address = endpoint
            .strip_prefix("http://")
            .or_else(|| endpoint.strip_prefix("https://"));
        let address = address.unwrap_or(endpoint);
        url::parse(&format!("https://{address}")).is_none()
    });
    if malformed {
        let sentence = "must be a host, as oss-eu-central-1.aliyuncs.com";
        report.refuse(codes::OBJSTORE_VALUE, "endpoint", sentence);
    }
    if report
        .known("bucket")
        .is_some_and(|bucket| !address::is_aliyun_bucket(bucket))
    {
        let sentence = "must be 3 to 63 small letters, digits and hyphens, no hyphen at either end";
        report.refuse(codes::OBJSTORE_VALUE, "bucket", sentence);
    }
}

pub(super) fn obs(report: &mut Report<'_>) {
    let is_address = |endpoint: &str| {
        let endpoint = endpoint.trim();
        let endpoint = match endpoint.find('?') {
            Some(0) | None => endpoint,
            Some(at) => &endpoint[..at],
        };
        !endpoint.trim_end_matches('/').is_empty()
    };
    if report
        .known("endpoint")
        .is_some_and(|endpoint| !is_address(endpoint))
    {
        let sentence = "must be a host or a URL, as obs.eu-west-101.myhuaweicloud.eu";
        report.refuse(codes::OBJSTORE_VALUE, "endpoint", sentence);
    }
    tls(report);
}

pub(super) fn oci(report: &mut Report<'_>) {
    if !report.has("provider") {
        let sentence = "must be default, instance-principal, oke-workload-identity or raw";
        report.refuse(codes::OBJSTORE_REQUIRED, "provider", sentence);
        return;
    }
    match report.known("provider").map(str::to_lowercase).as_deref() {
        Some("raw") => {}
        None | Some("default" | "instance-principal" | "oke-workload-identity") => return,
        Some(_) => {
            let sentence = "must be default, instance-principal, oke-workload-identity or raw";
            report.refuse(codes::OBJSTORE_VALUE, "provider", sentence);
            return;
        }
    }
    for name in [
        "tenancy_ocid",
        "user_ocid",
        "region",
        "fingerprint",
        "privatekey",
    ] {
        if !report.has(name) {
            let sentence = "must be set with provider raw";
            report.refuse(codes::OBJSTORE_REQUIRED, name, sentence);
        }
    }
    let has_blank = |region: &str| region.contains([' ', '\t', '\n', '\r', '\u{c}']);
    if report.known("region").is_some_and(has_blank) {
        report.refuse(codes::OBJSTORE_VALUE, "region", "must not hold blanks");
    }
    if report
        .known("privatekey")
        .is_some_and(|key| !address::is_pem(key))
    {
        let sentence = "must be the private key itself, in PEM (-----BEGIN …), written as a block: privatekey: |";
        report.refuse(codes::OBJSTORE_VALUE, "privatekey", sentence);
    }
}
