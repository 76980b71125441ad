//! The first two seconds of every cluster, spent once: an etcd that already holds what an API server makes on its first
//! start (roles, priority classes, namespaces) and the operator's definitions, kept as a folder to copy.
//!
//! What a test sees is the same. Only the events of that first start are not in its audit log.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::apiserver::{ApiServer, Settings};
use crate::crds::{self, Crd};
use crate::etcd::Etcd;
use crate::{Run, eventually, kubeconfig, tools};

/// As long as the first one may take that makes a seed, while others wait.
const PATIENCE: Duration = Duration::from_secs(120);

/// The seed with these definitions, made now if no test has needed it yet.
///
/// # Errors
/// When the cluster that it is taken from does not come up.
pub(crate) async fn seed(crds: &[Crd]) -> Result<PathBuf> {
    let seeds = tools::root().join("target/seed");
    fs::create_dir_all(&seeds).with_context(|| format!("making {}", seeds.display()))?;
    let seed = seeds.join(name(crds)?);
    if !seed.exists() {
        let lock = File::create(seeds.join(".lock")).context("the lock of the seeds")?;
        eventually("another test has made the seed", PATIENCE, || async {
            Ok(lock.try_lock()?)
        })
        .await?;
        // Another one may have made it while we waited.
        if !seed.exists() {
            make(crds, &seed)
                .await
                .context("making a seed for clusters")?;
        }
    }
    Ok(seed)
}

/// Copies a seed to where an etcd will start.
///
/// # Errors
/// When it cannot be copied.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry.context("a file of the seed")?;
        let target = to.join(entry.file_name());
        if entry.file_type().context("a file of the seed")?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)
                .with_context(|| format!("copying to {}", target.display()))?;
        }
    }
    Ok(())
}

/// Another program or another definition is another seed.
fn name(crds: &[Crd]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    tools::api_server().hash(&mut hasher);
    for program in ["etcd", "kubernetes", "crds"] {
        let stamp = tools::root().join("target/tools/stamp").join(program);
        fs::read_to_string(&stamp)
            .with_context(|| format!("reading {}: run `make tools`", stamp.display()))?
            .hash(&mut hasher);
    }
    for crd in crds {
        crd.plural.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

async fn make(crds: &[Crd], seed: &Path) -> Result<()> {
    let run = Run::new("seed")?;
    let data = run.data("etcd")?;
    let etcd = Etcd::start(&run, &data).await?;
    let server = ApiServer::start(&run, &etcd, &Settings::default()).await?;
    crds::install(&kubeconfig::client(&server.admin()).await?, crds).await?;
    server.stop(PATIENCE).await?;
    etcd.stop(PATIENCE).await?;
    fs::rename(&data, seed).context("keeping the seed")
}
