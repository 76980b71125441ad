//! The real program says the same as the package that it links.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use thanos_core::objstore::judge;
use thanos_tests::tools;

/// Long enough for a file to be read, and no matter how long a connection is tried.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether `thanos tools bucket ls` gets past its file. Every address is on loopback and nothing listens there.
fn accepts(file: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("objstore.yml");
    std::fs::write(&path, file).unwrap();
    let mut child = Command::new(tools::tool("thanos").unwrap())
        .args(["tools", "bucket", "ls", "--log.format=json"])
        .arg(format!("--objstore.config-file={}", path.display()))
        .env_clear()
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() && started.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    let refused = [
        "parsing config YAML file",
        " client\\ngithub.com",
        "is not supported",
        "unset environment variable",
    ]
    .iter()
    .any(|part| said.contains(part));
    let connected = [
        "connect: connection refused",
        "proxyconnect",
        "no such host",
        "dial tcp",
    ]
    .iter()
    .any(|part| said.contains(part));
    (!refused || connected, said)
}

#[test]
fn thanos_itself_says_the_same() {
    let files = [
        "type: FILESYSTEM\nconfig: {directory: /nonexistent}\n",
        "type: filesystem\nconfig: {directory: 017, other: x}\nprefix: a\n---\nb: 1\n",
        "type: FILESYSTEM\nconfig: {}\n",
        "type: S3\nconfig: {bucket: thanos, endpoint: '127.0.0.1:1', insecure: yes, access_key: a, secret_key: 0123, max_retries: 1}\n",
        "type: S3\nconfig: {bucket: thanos, endpoint: 'http://127.0.0.1:1', access_key: a, secret_key: s}\n",
        "type: S3\nconfig: {bucket: thanos, endpoint: '127.0.0.1:1', access_key: a}\n",
        "type: S3\nconfig: {bucket: thanos, endpoint: '127.0.0.1:1'}\nhedging_config: {enabled: true}\n",
        "type: MINIO\nconfig: {}\n",
        "type: AZURE\nconfig: {storage_account: acc}\n",
        "type: AZURE\nconfig: {storage_account: acc, container: c, storage_account_key: '!'}\n",
        "type: COS\nconfig: {endpoint: 'http://127.0.0.1:1', secret_id: a, secret_key: b, unknown: c, max_retries: 1}\n",
        "type: OBS\nconfig: {bucket: b, endpoint: 'http://127.0.0.1:1', access_key: a}\n",
        "type: OCI\nconfig: {provider: other}\n",
        "type: SWIFT\nconfig: {auth_url: 'http://127.0.0.1:1/v3', username: u, password: p, container_name: c}\n",
        "type: SWIFT\nconfig: {auth_url: 'http://127.0.0.1:1', username: u, password: p, container_name: c}\n",
    ];
    for file in files {
        let ours = judge(file.as_bytes());
        let (theirs, said) = accepts(file);
        assert_eq!(
            ours.faults.is_empty(),
            theirs,
            "{file}\n{:?}\n{said}",
            ours.faults
        );
    }
}
