//! Verdicts, sentences and places in tables; Thanos itself is asked in `tests/objstore.rs`.

use serde_json::json;

use super::table::PROVIDERS;
use super::{Judged, Place, Provider, judge, judge_secret, keys};
use crate::names;

fn told(text: &str) -> Vec<String> {
    let Judged { faults, lints, .. } = judge(text.as_bytes());
    let all = faults.iter().chain(&lints);
    all.map(|finding| format!("{} {finding}", finding.code))
        .collect()
}

#[test]
fn the_table_is_in_the_order_of_the_providers() {
    for (at, row) in PROVIDERS.iter().enumerate() {
        assert_eq!(row.provider as usize, at);
    }
    assert_eq!(Provider::AliyunOss.name(), "ALIYUNOSS");
}

#[test]
fn two_compactors_on_one_prefix_are_known() {
    let of = |bucket: &str, endpoint: &str, prefix: &str| {
        let text = format!(
            "type: S3\nconfig: {{bucket: {bucket}, endpoint: {endpoint}, access_key: a, secret_key: s}}\nprefix: {prefix}\n"
        );
        judge(text.as_bytes()).config.unwrap()
    };
    let one = of("b", "s3.example.com", "eu/one");
    for other in ["eu/one", "eu", "''", "/eu/one/two/"] {
        assert!(one.overlaps(&of("b", "S3.example.com", other)), "{other}");
        assert!(of("b", "S3.example.com", other).overlaps(&one), "{other}");
    }
    for other in [
        of("b", "s3.example.com", "eu/oneself"),
        of("c", "s3.example.com", "eu/one"),
        of("b", "s4.example.com", "eu/one"),
    ] {
        assert!(!one.overlaps(&other) && !other.overlaps(&one), "{other:?}");
    }
    let directory = judge(b"type: FILESYSTEM\nconfig: {directory: /x}\n")
        .config
        .unwrap();
    assert!(!directory.overlaps(&directory));
}

#[test]
fn azure_with_workload_identity_is_all_that_it_should_be() {
    let text = "type: azure\nprefix: /a/\nconfig:\n  storage_account: acc\n  container: thanos\n";
    let judged = judge(text.as_bytes());
    assert_eq!(judged.faults, []);
    assert_eq!(judged.lints, []);
    let config = judged.config.unwrap();
    assert_eq!(config.provider, Provider::Azure);
    assert_eq!(
        (config.account.as_str(), config.bucket.as_str()),
        ("acc", "thanos")
    );
    assert_eq!(
        (config.prefix.as_str(), config.endpoint.as_str()),
        ("a", "blob.core.windows.net")
    );
    assert!(config.static_secrets.is_empty() && !config.needs_static);
}

#[test]
fn static_credentials_are_named() {
    let of = |text: &str| judge(text.as_bytes()).config.unwrap();
    let s3 = of("type: S3\nconfig: {bucket: b, endpoint: e, access_key: a, secret_key: s}\n");
    assert_eq!(
        s3.static_secrets,
        ["config.access_key", "config.secret_key"]
    );
    let key = of(
        "type: GCS\nconfig:\n  bucket: b\n  service_account: |\n    {\"type\": \"service_account\", \"private_key\": \"k\"}\n",
    );
    assert_eq!(key.static_secrets, ["config.service_account"]);
    let cos = of("type: COS\nconfig: {endpoint: 'https://u:p@h/x', secret_id: a, secret_key: b}\n");
    assert_eq!(
        (cos.endpoint.as_str(), cos.needs_static),
        ("https://h/x", true)
    );
}

/// A file, and how one line of what is said of it begins.
const TOLD: &[(&str, &str)] = &[
    ("type: S3\nconfig: [}\n", "KTH3001"),
    ("a: &x 1\nb: *x\n", "KTH3001 an alias"),
    (
        "type: S3\nconfig: {<<: {bucket: b}, endpoint: e}\n",
        "KTH3001 config: holds a merge key",
    ),
    (
        "type: minio\nconfig: {}\n",
        "KTH3002 type: must be S3 for everything",
    ),
    (
        "type: ' s3'\nconfig: {}\n",
        "KTH3002 type: must not have blanks",
    ),
    ("type: $(T)\nconfig: {}\n", "KTH3002 type: names a variable"),
    (
        "type: S3\nconfig: {endpoint: e, bucket: b}\nhedging_config: {}\n",
        "KTH3003 hedging_config: is in Thanos' documentation",
    ),
    (
        "type: S3\nconfig: {endpoint: e}\nbucket: b\n",
        "KTH3003 bucket: belongs below config",
    ),
    (
        "type: S3\nconfig: {endpoint: e, buckets: b}\n",
        "KTH3003 config.buckets: is no field that Thanos knows here: did you mean bucket?",
    ),
    (
        "type: S3\nconfig: {endpoint: e, insecure: 'true'}\n",
        "KTH3004 config.insecure: must be true or false",
    ),
    (
        "type: S3\nconfig: {endpoint: e, http_config: {idle_conn_timeout: 90}}\n",
        "KTH3004 config.http_config.idle_conn_timeout: must be a duration",
    ),
    (
        "type: S3\nconfig: {endpoint: e, bucket_lookup_type: Path}\n",
        "KTH3004 config.bucket_lookup_type: must be auto",
    ),
    ("", "KTH3005 type: must be set"),
    ("type: S3\n", "KTH3005 config.endpoint: must be set"),
    (
        "type: AZURE\nconfig: {container: c}\n",
        "KTH3005 config.storage_account: must be set",
    ),
    (
        "type: S3\nconfig: {endpoint: e, access_key: a}\n",
        "KTH3006 config.secret_key: must be set with the other key",
    ),
    (
        "type: AZURE\nconfig: {storage_account: a, container: c, client_id: i}\n",
        "KTH3006 config.az_tenant_id: must be set, since",
    ),
    (
        "type: S3\nconfig: {endpoint: 'https://e'}\n",
        "KTH3007 config.endpoint: must be host[:port] without a scheme",
    ),
    (
        "type: GCS\nconfig: {bucket: b, service_account: /etc/key.json}\n",
        "KTH3007 config.service_account: must be the content",
    ),
    (
        "type: OCI\nconfig: {provider: x}\n",
        "KTH3007 config.provider: must be default",
    ),
    (
        "type: S3\nconfig: {endpoint: e, endpoint: f}\n",
        "KTH3008 config.endpoint: is there twice",
    ),
    (
        "type: FILESYSTEM\nconfig: {directory: /d}\n---\na: 1\n",
        "KTH3101 more than one",
    ),
    (
        "type: S3\nconfig: {bucket: b, endpoint: e, access_key: 0123, secret_key: s}\n",
        "KTH3102 config.access_key: is a credential without quotes",
    ),
    (
        "type: S3\nconfig: {bucket: b, endpoint: e, access_key: $(A), secret_key: s}\n",
        "KTH3103 config.access_key: names a variable",
    ),
    (
        "type: S3\nconfig: {bucket: b, endpoint: e, http_config: {tls_config: {insecure_skip_verify: true}}}\n",
        "KTH3104 config.http_config.tls_config.insecure_skip_verify: has no effect",
    ),
    (
        "type: FILESYSTEM\nconfig: {directory: /d}\n",
        "KTH3105 config.directory: is a directory",
    ),
    (
        "type: AZURE\nconfig: {storage_account: a, container: c, user_assigned_id: i}\n",
        "KTH3106 config.user_assigned_id: asks the node",
    ),
    (
        "type: FILESYSTEM\nconfig: {directory: /d, dir: x}\n",
        "KTH3107 config.dir: is no field that Thanos knows here, and it ignores it",
    ),
    (
        "type: S3\nconfig: {endpoint: e}\n",
        "KTH3108 config.bucket: is not set",
    ),
];

#[test]
fn every_fault_says_what_to_write() {
    for (text, expected) in TOLD {
        let told = told(text);
        assert!(
            told.iter().any(|line| line.starts_with(expected)),
            "{text}: {told:#?}"
        );
    }
}

#[test]
fn faults_stand_where_they_are() {
    let judged = judge("type: S3\nconfig:\n  endpoint: e\n  max_retries: no\n".as_bytes());
    assert_eq!(
        judged.faults[0].place,
        Some(Place {
            line: 4,
            column: 16
        })
    );
    assert_eq!(judged.config, None);
    assert_eq!(judge(b"type: \xff").faults[0].sentence, "is not UTF-8");
}

#[test]
fn a_secrets_files_are_found() {
    let good = "dHlwZTogRklMRVNZU1RFTQpjb25maWc6IHtkaXJlY3Rvcnk6IC94fQo=";
    let read = |secret: serde_json::Value| -> Vec<(String, Vec<String>)> {
        let judged = judge_secret(&secret).into_iter();
        judged
            .map(|(key, judged)| (key, judged.faults.iter().map(ToString::to_string).collect()))
            .collect()
    };
    assert!(read(json!({"data": {"password": "eA=="}})).is_empty());
    assert_eq!(
        read(json!({"data": {"thanos.yaml": good}})),
        [("thanos.yaml".to_owned(), vec![])]
    );
    let labelled = |label: &str| json!({"metadata": {"labels": {names::OBJSTORE: label}}, "data": {"a": good, "b": "?"}});
    assert_eq!(read(labelled("a")).len(), 1);
    assert_eq!(
        read(labelled(""))[1].1,
        ["is not base64 in data: use stringData for plain text"]
    );
    assert_eq!(
        read(labelled("c"))[0].1,
        ["is not there, and the label names it"]
    );
    let both = json!({"data": {"bucket.yml": "?"}, "stringData": {"bucket.yml": "type: FILESYSTEM\nconfig: {directory: /x}\n"}});
    assert_eq!(read(both), [("bucket.yml".to_owned(), vec![])]);
    assert_eq!(keys().len(), 7);
    // KTH3009 is what they are.
    assert_eq!(
        judge_secret(&labelled("c"))[0].1.faults[0].code.code,
        "KTH3009"
    );
}
