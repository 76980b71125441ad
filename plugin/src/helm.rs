//! The helm program: everything that is a chart is installed by it, so that `helm ls`, `helm get values` and
//! `helm rollback` work on what we made.
//!
//! ```text
//! chart (ours, embedded · somebody else's, pinned) ─> release (name, values, digest) ─> helm upgrade --install
//! ```
//!
//! What is installed is read off the labels of helm's own Secrets (`releases.rs`), never off what they hold.

use std::path::PathBuf;
use std::time::Duration;

use semver::Version;
use thanos_core::{codes, names};

use crate::cli::{FromHelm, Global};
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::surroundings::Surroundings;

pub(crate) mod chart;
pub(crate) mod release;
pub(crate) mod releases;
mod run;

use release::Release;
pub(crate) use run::Talk;

/// The oldest helm that is right: it takes `--labels` on install and on upgrade.
const OLDEST: Version = Version::new(3, 14, 0);
/// How long helm may take to say its version.
const VERSION_PATIENCE: Duration = Duration::from_secs(20);

/// Where our chart is, from the root of the repository.
pub(crate) const WEBHOOK_CHART: &str = "charts/thanos-webhook";

/// The line that installs the webhook.
pub(crate) fn install_webhook() -> String {
    format!(
        "helm install {} {WEBHOOK_CHART} -n {} --create-namespace",
        names::REGISTRATION,
        names::NAMESPACE
    )
}

/// A helm that was found, and how it reaches the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Helm {
    program: PathBuf,
    pub(crate) version: Version,
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
    impersonate: Option<String>,
    impersonate_groups: Vec<String>,
    told: FromHelm,
}

impl Helm {
    /// Finds it: `HELM_BIN` where helm itself calls us, else `helm` on the path. It reaches the cluster that was looked
    /// at, whatever becomes of the kubeconfig's current context meanwhile and whatever `HELM_KUBE…` says.
    ///
    /// # Errors
    /// There is none (KTH8201), or it is too old (KTH8202).
    pub(crate) async fn find(
        global: &Global,
        cluster: &Cluster,
        surroundings: &Surroundings,
    ) -> Result<Self, Failure> {
        let program = surroundings.variable("HELM_BIN").unwrap_or("helm");
        let mut helm = Self {
            program: program.into(),
            version: Version::new(0, 0, 0),
            kubeconfig: global.kubeconfig.clone(),
            context: cluster.context().map(str::to_owned),
            impersonate: global.impersonate.clone(),
            impersonate_groups: global.impersonate_groups.clone(),
            told: global.helm.clone(),
        };
        let asked = ["version", "--template", "{{.Version}}"].map(str::to_owned);
        let said = tokio::time::timeout(VERSION_PATIENCE, helm.run(&asked, &mut Talk::silent()))
            .await
            .map_err(|_| {
                Failure::failed(format!("{program} does not say its version"))
                    .code(codes::HELM_MISSING)
            })??;
        helm.version = version(&said).ok_or_else(|| {
            Failure::failed(format!("{program} says no version that can be read"))
                .code(codes::HELM_MISSING)
                .because(said.trim())
        })?;
        if helm.version < OLDEST {
            let message = format!(
                "helm {} is too old: {OLDEST} or newer is needed",
                helm.version
            );
            return Err(Failure::failed(message).code(codes::HELM_TOO_OLD));
        }
        Ok(helm)
    }

    /// `helm upgrade --install`, which makes this revision: gives when helm has laid the objects; nobody waits for pods
    /// here.
    ///
    /// # Errors
    /// helm says no (KTH8203), with its own words.
    pub(crate) async fn install(
        &self,
        release: &Release,
        revision: u64,
        talk: &mut Talk<'_, '_>,
    ) -> Result<(), Failure> {
        let laid = release.lay()?;
        let mut words: Vec<String> = ["upgrade", "--install", &release.name]
            .map(str::to_owned)
            .to_vec();
        words.extend(laid.words());
        words.extend([
            "--namespace".to_owned(),
            release.namespace.clone(),
            "--create-namespace".to_owned(),
            "--labels".to_owned(),
            release.labels(revision),
            "--history-max".to_owned(),
            "5".to_owned(),
        ]);
        self.run(&words, talk).await.map(drop)
    }

    /// What a release would be.
    ///
    /// # Errors
    /// helm says no (KTH8203).
    pub(crate) async fn template(
        &self,
        release: &Release,
        server: &str,
        talk: &mut Talk<'_, '_>,
    ) -> Result<String, Failure> {
        let laid = release.lay()?;
        let mut words: Vec<String> = ["template", &release.name].map(str::to_owned).to_vec();
        words.extend(laid.words());
        words.extend([
            "--namespace".to_owned(),
            release.namespace.clone(),
            "--include-crds".to_owned(),
            "--kube-version".to_owned(),
            server.to_owned(),
        ]);
        self.run(&words, talk).await
    }

    /// Takes a release away. One that is not there is no trouble.
    ///
    /// # Errors
    /// helm says no (KTH8203).
    pub(crate) async fn uninstall(
        &self,
        name: &str,
        namespace: &str,
        talk: &mut Talk<'_, '_>,
    ) -> Result<(), Failure> {
        let words = [
            "uninstall",
            name,
            "--namespace",
            namespace,
            "--ignore-not-found",
        ];
        self.run(&words.map(str::to_owned), talk).await.map(drop)
    }

    /// Goes back to the revision before one that was never finished.
    ///
    /// # Errors
    /// helm says no (KTH8203).
    pub(crate) async fn roll_back(
        &self,
        name: &str,
        namespace: &str,
        talk: &mut Talk<'_, '_>,
    ) -> Result<(), Failure> {
        let words = ["rollback", name, "--namespace", namespace];
        self.run(&words.map(str::to_owned), talk).await.map(drop)
    }
}

fn version(said: &str) -> Option<Version> {
    let said = said.trim().trim_start_matches('v');
    let full = if said.matches('.').count() == 1 {
        format!("{said}.0")
    } else {
        said.to_owned()
    };
    // What a vendor appends does not make it older.
    let mut version = Version::parse(&full).ok()?;
    version.pre = semver::Prerelease::EMPTY;
    Some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_name_the_same_line() {
        let line = super::install_webhook();
        for row in [codes::WEBHOOK_SILENT, codes::WEBHOOK_BLIND] {
            assert!(row.fix.starts_with(&line), "{row}: {}", row.fix);
        }
    }

    #[test]
    fn versions_are_read_as_helms_say_them() {
        assert_eq!(version("v3.14.4\n"), Some(Version::new(3, 14, 4)));
        assert_eq!(version("v4.3"), Some(Version::new(4, 3, 0)));
        assert!(version("v3.14.0-vendor.1") >= Some(OLDEST));
        assert!(version("v3.13.9") < Some(OLDEST));
        assert_eq!(version("no"), None);
    }
}
