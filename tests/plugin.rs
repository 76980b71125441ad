//! `kubectl thanos` as a function: what it prints where, and how it ends.
//!
//! Longer texts are kept under `plugin/expected/`; `BLESS=1` writes them anew: read the difference before you commit it.

mod bad_input;
mod documented;
mod endings;
mod findings;
mod help;
mod inject;
pub(crate) mod live;
mod policy;
mod questions;
mod reverting;
mod schema;
mod secrets;
mod validate;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kubectl_thanos::Surroundings;
use tempfile::TempDir;
use thanos_tests::tools;

/// What one command gave.
#[derive(Debug, PartialEq)]
pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A folder with the files of a test, and commands that are run in its words: `DIR/` stands for it.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text.as_bytes());
        }
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs a command line, words split at blanks.
    pub(crate) fn run(&self, line: &str) -> Ran {
        self.run_with(line, "", &Surroundings::bare())
    }

    /// Runs a command line with something on standard input.
    pub(crate) fn pipe(&self, line: &str, stdin: &str) -> Ran {
        self.run_with(line, stdin, &Surroundings::bare())
    }

    /// Runs a command line in given surroundings.
    pub(crate) fn run_with(&self, line: &str, stdin: &str, surroundings: &Surroundings) -> Ran {
        let folder = self.0.path().to_string_lossy().into_owned();
        let words = line
            .split_whitespace()
            .map(|word| word.replace("DIR", &folder));
        let args = std::iter::once("kubectl-thanos".to_owned())
            .chain(words)
            .map(OsString::from);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = kubectl_thanos::run_in(
            surroundings,
            args,
            &mut stdin.as_bytes(),
            &mut out,
            &mut err,
        );
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&folder, "DIR");
        Ran {
            code,
            out: text(out),
            err: text(err),
        }
    }
}

/// Runs a command line that names no files.
pub(crate) fn run(line: &str) -> Ran {
    Folder::with(&[]).run(line)
}

/// Compares with a kept text, or keeps it under `BLESS`.
pub(crate) fn expect(name: &str, text: &str) {
    let path = tools::root().join("tests/plugin/expected").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, text, "{} differs", Path::new(name).display());
}

/// A wiring with basic auth.
pub(crate) const WIRING: &str = "\
apiVersion: kubectl-thanos.dev/v1alpha1
kind: ThanosWiring
metadata: {name: hub}
spec:
  cluster: edge-01
  remoteWrite:
    url: https://receive.example.com/api/v1/receive
    auth:
      basicAuth:
        username: {name: remotewrite-secret, key: user}
        password: {name: remotewrite-secret, key: password}
  credentials: {namespaces: [monitoring]}
";

/// An object that the wiring selects.
pub(crate) const PROMETHEUS: &str = "\
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata:
  name: k8s # the first
  namespace: monitoring
spec:
  version: v3.5.0
  serviceMonitorSelector: {}
";

/// One that it does not reach: its namespace is not enrolled.
pub(crate) const ELSEWHERE: &str = "\
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: k8s, namespace: team-a}
spec: {version: v3.5.0, serviceMonitorSelector: {}}
";

/// Something else, with a secret in it.
pub(crate) const SECRET: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: remotewrite-secret}
stringData:
  password: c4n4ry-s3cr3t # do not show
";

/// What is known.
pub(crate) const FACTS: &str = "\
apiVersion: kubectl-thanos.dev/v1alpha1
kind: Facts
now: 2026-11-24T00:00:00Z
operatorVersion: 0.92.1
namespaces: {monitoring: {labels: {}}, team-a: {labels: {}}}
ready: {hub: [monitoring]}
";

/// The usual files.
pub(crate) fn usual() -> Folder {
    let both = format!("{SECRET}---\n{PROMETHEUS}");
    Folder::with(&[
        ("hub.yaml", WIRING),
        ("facts.yaml", FACTS),
        ("prometheus.yaml", PROMETHEUS),
        ("elsewhere.yaml", ELSEWHERE),
        ("deploy/one.yaml", &both),
        ("deploy/two.yaml", ELSEWHERE),
    ])
}
