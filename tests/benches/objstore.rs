//! How long a thousand objstore files take to be judged.

use std::hint::black_box;

use anyhow::{Result, ensure};
use criterion::Criterion;
use thanos_core::objstore::judge;

const AZURE: &str = "type: AZURE\nconfig:\n  storage_account: acc\n  container: thanos\n  reader_config:\n    max_retry_requests: 3\nprefix: a\n";
const S3: &str = "type: S3\nconfig:\n  bucket: thanos\n  endpoint: s3.eu-central-1.amazonaws.com\n  region: eu-central-1\n  aws_sdk_auth: true\n  http_config:\n    idle_conn_timeout: 90s\n    tls_config: {ca_file: /ca.pem}\n  sse_config: {type: SSE-S3}\n";
const GCS: &str = "type: GCS\nconfig:\n  bucket: thanos\n  service_account: |-\n    {\"type\": \"service_account\", \"private_key\": \"k\"}\n";
const WRONG: &str = "type: S3\nconfig:\n  buckets: thanos\n  endpoint: https://s3.amazonaws.com\n  access_key: 0123\n  insecure: \"no\"\n";

fn main() -> Result<()> {
    let files: Vec<&str> = [AZURE, S3, GCS, WRONG]
        .into_iter()
        .cycle()
        .take(1000)
        .collect();
    let accepted = || -> usize {
        let judged = files.iter().map(|file| judge(black_box(file.as_bytes())));
        judged.filter(|judged| judged.faults.is_empty()).count()
    };
    ensure!(accepted() == 750, "{} of 1000 are accepted", accepted());
    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("judge 1 000 objstore files", |bencher| {
        bencher.iter(accepted);
    });
    criterion.final_summary();
    Ok(())
}
