//! What a kubelet does for `serve`: the Secret as files, and the process on them.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use thanos_core::names;
use thanos_tests::http::Http;
use thanos_tests::port::Port;
use thanos_tests::{Cluster, Process, Program, install};
use tokio::time::sleep;

use super::part;
use crate::control::stage::SOON;

/// The Secret's pair into a new folder, and then one symlink is turned.
pub(super) async fn mounted(cluster: &Cluster, folder: PathBuf) -> Result<()> {
    let mut last = String::new();
    for version in 0.. {
        let chain = part(cluster, names::SECRET_TLS, "tls.crt").await?;
        let key = part(cluster, names::SECRET_TLS, "tls.key").await?;
        if !key.is_empty() && chain != last {
            let data = folder.join(format!("..{version}"));
            std::fs::create_dir_all(&data)?;
            std::fs::write(data.join("tls.crt"), &chain)?;
            std::fs::write(data.join("tls.key"), &key)?;
            let next = folder.join("..next");
            symlink(data, &next)?;
            std::fs::rename(next, folder.join("..data"))?;
            for file in ["tls.crt", "tls.key"] {
                let path = folder.join(file);
                if !path.is_symlink() {
                    symlink(Path::new("..data").join(file), path)?;
                }
            }
            last = chain;
        }
        sleep(Duration::from_millis(300)).await;
    }
    Ok(())
}

/// Starts `serve` on what is mounted.
pub(super) async fn serve(cluster: &Cluster, port: &Port, folder: &Path) -> Result<Process> {
    let admin = Port::take()?;
    let account = cluster
        .kubeconfig_of_account(install::NAMESPACE, names::ACCOUNT_SERVE)
        .await?;
    let process = Program::ours("thanos-webhook")?
        .named("serve")
        .arg("serve")
        .arg("--kubeconfig")
        .arg(account)
        .arg(format!("--listen={}", port.address()))
        .arg(format!("--admin-listen={}", admin.address()))
        .arg("--tls-cert")
        .arg(folder.join("tls.crt"))
        .arg("--tls-key")
        .arg(folder.join("tls.key"))
        .arg("--tls-interval=200ms")
        .start(cluster.run())?;
    let health = Http::new(&format!("http://{}", admin.address()))?;
    process
        .ready(SOON, || async {
            health.get("/readyz").await?.fine().map(drop)
        })
        .await?;
    Ok(process)
}
