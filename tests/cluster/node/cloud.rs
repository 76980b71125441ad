//! What a cloud gives to a cluster and a node of our own has not: volumes, records in the DNS, a machine to work at.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{Node, Program, eventually};

const ANSWERED: Duration = Duration::from_secs(60);
/// As many answers in a row say that nobody gives another one.
const IN_A_ROW: usize = 12;

/// As many volumes have been made by this process.
static FOLDERS: AtomicUsize = AtomicUsize::new(0);

impl Node {
    /// The same program as for somebody who is logged in on the node: its network and its DNS. Paths must be absolute.
    #[must_use]
    pub fn logged_in(&self, program: Program) -> Program {
        program.through("nsenter", self.enter(&["--net", "--mount", "--pid"]))
    }

    /// The kubeconfig file of the admin, for who is logged in.
    ///
    /// # Errors
    /// When the folder of its data cannot be made.
    pub fn kubeconfig_inside(&self) -> Result<PathBuf> {
        Ok(self.run().data("node/kubernetes")?.join("admin.kubeconfig"))
    }

    /// Volumes that claims without a class are bound to, each once, and each empty: a Receive that finds the folders of a
    /// store gateway takes them for tenants, cannot open them, and then neither serves nor ends (Thanos 0.42).
    ///
    /// # Errors
    /// When they cannot be made.
    pub async fn volumes(&self, count: usize) -> Result<()> {
        let mut stream = String::new();
        for number in 0..count {
            let unique = FOLDERS.fetch_add(1, Ordering::Relaxed);
            let folder = self.run().data(&format!("node/volumes/{unique}"))?;
            // No owner is set in a folder of the host: every user may write.
            let everyone = std::fs::Permissions::from_mode(0o777);
            std::fs::set_permissions(&folder, everyone).context("a folder for everyone")?;
            let volume = json!({
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("volume-{number}")},
                "spec": {
                    "capacity": {"storage": "100Gi"}, "accessModes": ["ReadWriteOnce"],
                    "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": folder},
                },
            });
            writeln!(stream, "---\n{volume}")?;
        }
        let apply = self
            .kubectl()?
            .args(["apply", "--server-side", "-f", "-"])
            .output_for(stream.as_bytes());
        apply.await?.fine().context("volumes").map(drop)
    }

    /// Makes the record `*.DOMAIN A ADDRESS`, for pods and for who is logged in.
    ///
    /// # Errors
    /// When CoreDNS does not take it.
    pub async fn record(&self, domain: &str, address: &str) -> Result<()> {
        let words = "get configmap coredns -n kube-system -o json";
        let there = self.kubectl()?.args(words.split(' ')).output().await?;
        let mut there: Value = serde_json::from_str(&there.fine()?).context("its configuration")?;
        let corefile = there["data"]["Corefile"].as_str().context("a Corefile")?;
        let zone = format!(
            "{domain}:53 {{\n    template IN A {{\n        answer \"{{{{ .Name }}}} 5 IN A {address}\"\n    }}\n    \
             template ANY ANY {{\n        rcode NOERROR\n    }}\n}}\n"
        );
        there["data"]["Corefile"] = format!("{corefile}{zone}").into();
        let replace = self.kubectl()?.args(["replace", "-f", "-"]);
        let replace = replace.output_for(there.to_string().as_bytes()).await?;
        replace.fine().context("the record")?;
        for words in [
            "rollout restart deployment/coredns -n kube-system",
            "rollout status deployment/coredns -n kube-system --timeout=60s",
        ] {
            let output = self.kubectl()?.args(words.split(' ')).output().await?;
            output.fine().context("CoreDNS")?;
        }
        // The old one answers every other question for a moment.
        eventually("the record is answered", ANSWERED, || async {
            for number in 0..IN_A_ROW {
                let name = format!("any-{number}.{domain}");
                let resolve = Program::at("getent").args(["ahostsv4", &name]);
                let found = self.logged_in(resolve).output().await?.fine()?;
                ensure!(found.contains(address), "{found}");
            }
            Ok(())
        })
        .await
    }
}
