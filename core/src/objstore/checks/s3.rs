//! S3: `validate()`, the options that are read late, and what minio-go says of the endpoint.

use super::super::address;
use super::super::report::Report;
use super::tls;
use crate::codes;

/// `providers/s3/s3.go`
pub(in super::super) fn s3(report: &mut Report<'_>) {
    keys(report);
    encryption(report);
    let version = report.known("list_objects_version");
    if version.is_some_and(|version| !matches!(version, "v1" | "v2")) {
        report.refuse(
            codes::OBJSTORE_VALUE,
            "list_objects_version",
            "must be v1 or v2",
        );
    }
    let fault = report.known("endpoint").and_then(address::s3_fault);
    if let Some(sentence) = fault {
        report.refuse(codes::OBJSTORE_VALUE, "endpoint", sentence);
    }
    tls(report);
}

fn keys(report: &mut Report<'_>) {
    let (access, secret) = (report.has("access_key"), report.has("secret_key"));
    if report.flag("aws_sdk_auth") == Some(true) && access {
        let sentence = "cannot be true while access_key is set: take out the keys, which aws_sdk_auth replaces";
        report.refuse(codes::OBJSTORE_CONFLICT, "aws_sdk_auth", sentence);
    }
    let missing = match (access, secret) {
        (true, false) => "secret_key",
        (false, true) => "access_key",
        _ => return,
    };
    let sentence = "must be set with the other key: both, or neither with aws_sdk_auth, IAM or the environment";
    report.refuse(codes::OBJSTORE_CONFLICT, missing, sentence);
}

fn encryption(report: &mut Report<'_>) {
    let (needed, sentence) = match report.known("sse_config.type") {
        Some("SSE-C") => (
            "sse_config.encryption_key",
            "must be set with SSE-C: the path of a file with 32 bytes",
        ),
        Some("SSE-KMS") => ("sse_config.kms_key_id", "must be set with SSE-KMS"),
        Some("SSE-S3") | None => return,
        Some(_) => {
            let sentence = "must be SSE-S3, SSE-KMS or SSE-C, in capitals";
            report.refuse(codes::OBJSTORE_VALUE, "sse_config.type", sentence);
            return;
        }
    };
    if !report.has(needed) {
        report.refuse(codes::OBJSTORE_REQUIRED, needed, sentence);
    }
}
