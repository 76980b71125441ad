//! Charts: ours, which this program holds, and others', which are pinned.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use thanos_core::codes;

use crate::failure::Failure;

include!(concat!(env!("OUT_DIR"), "/charts.rs"));

/// A chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Chart {
    /// One of ours.
    Ours(Ours),
    /// A folder or an archive on this machine.
    Local(PathBuf),
    /// In a registry, of exactly this version; without one, the newest.
    Registry {
        url: String,
        version: Option<String>,
    },
}

/// One of our charts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    /// `charts/thanos-webhook`.
    Webhook,
    /// `charts/thanos`.
    Thanos,
}

/// Somebody else's chart as init takes it: tested together with ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pinned {
    pub(crate) release: &'static str,
    pub(crate) namespace: &'static str,
    pub(crate) url: &'static str,
    pub(crate) version: &'static str,
}

/// <https://gateway.envoyproxy.io/docs/install/install-helm/>
pub(crate) const ENVOY_GATEWAY: Pinned = Pinned {
    release: "envoy-gateway",
    namespace: "envoy-gateway-system",
    url: "oci://docker.io/envoyproxy/gateway-helm",
    version: "v1.9.1",
};

/// <https://cert-manager.io/docs/installation/helm/>
pub(crate) const CERT_MANAGER: Pinned = Pinned {
    release: "cert-manager",
    namespace: "cert-manager",
    url: "oci://quay.io/jetstack/charts/cert-manager",
    version: "v1.21.2",
};

/// <https://github.com/prometheus-community/helm-charts/tree/main/charts/kube-prometheus-stack>
pub(crate) const KUBE_PROMETHEUS_STACK: Pinned = Pinned {
    release: "kube-prometheus-stack",
    namespace: "monitoring",
    url: "oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack",
    version: "88.5.3",
};

impl Pinned {
    /// The chart, or the one that was named in its place.
    pub(crate) fn chart(&self, other: Option<&str>) -> Chart {
        match other {
            None => Chart::Registry {
                url: self.url.to_owned(),
                version: Some(self.version.to_owned()),
            },
            Some(url) if url.starts_with("oci://") => {
                // A mirror holds the same versions, unless another is named behind it.
                let (url, version) = match url.rsplit_once(':') {
                    Some((url, version)) if !version.contains('/') => (url, version),
                    _ => (url, self.version),
                };
                Chart::Registry {
                    url: url.to_owned(),
                    version: Some(version.to_owned()),
                }
            }
            Some(path) => Chart::Local(path.into()),
        }
    }
}

/// A chart where helm finds it; a folder of ours is gone when this is.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) words: Vec<String>,
    _folder: Option<TempDir>,
}

impl Chart {
    /// Makes sure that helm finds it.
    ///
    /// # Errors
    /// The folder cannot be written (KTH0006).
    pub(crate) fn place(&self) -> Result<Placed, Failure> {
        let (words, folder) = match self {
            Self::Local(path) => (vec![path.display().to_string()], None),
            Self::Registry { url, version } => {
                let mut words = vec![url.clone()];
                if let Some(version) = version {
                    words.extend(["--version".to_owned(), version.clone()]);
                }
                (words, None)
            }
            Self::Ours(ours) => {
                let folder = unpack(ours.files()).map_err(|error| {
                    Failure::failed("cannot unpack a chart into a temporary folder")
                        .code(codes::FILE_UNWRITABLE)
                        .because(error)
                })?;
                (vec![folder.path().display().to_string()], Some(folder))
            }
        };
        Ok(Placed {
            words,
            _folder: folder,
        })
    }

    /// What tells it from others: every byte of it where it is at hand, else its address.
    ///
    /// # Errors
    /// A file of it cannot be read (KTH0005).
    pub(crate) fn digest(&self, into: &mut Sha256) -> Result<(), Failure> {
        match self {
            Self::Ours(ours) => {
                for (path, bytes) in ours.files() {
                    feed(into, path.as_bytes());
                    feed(into, bytes);
                }
                Ok(())
            }
            Self::Registry { url, version } => {
                feed(into, url.as_bytes());
                feed(into, version.as_deref().unwrap_or_default().as_bytes());
                Ok(())
            }
            Self::Local(path) => digest_path(path, into).map_err(|error| {
                Failure::failed(format!("cannot read the chart {}", path.display()))
                    .code(codes::FILE_UNREADABLE)
                    .because(error)
            }),
        }
    }

    /// Whether nothing must be fetched for it.
    pub(crate) fn is_at_hand(&self) -> bool {
        !matches!(self, Self::Registry { .. })
    }

    /// What people call it.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Ours(ours) => ours.title().to_owned(),
            Self::Local(path) => path.display().to_string(),
            Self::Registry { url, version } => match version {
                Some(version) => format!("{url} {version}"),
                None => url.clone(),
            },
        }
    }
}

impl Ours {
    fn files(self) -> &'static [(&'static str, &'static [u8])] {
        match self {
            Self::Webhook => WEBHOOK_FILES,
            Self::Thanos => THANOS_FILES,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Webhook => "charts/thanos-webhook",
            Self::Thanos => "charts/thanos",
        }
    }
}

/// With its length before it, so that two pieces are never taken for two others.
pub(super) fn feed(into: &mut Sha256, bytes: &[u8]) {
    into.update((bytes.len() as u64).to_le_bytes());
    into.update(bytes);
}

fn digest_path(path: &Path, into: &mut Sha256) -> std::io::Result<()> {
    if !path.is_dir() {
        feed(into, &fs::read(path)?);
        return Ok(());
    }
    let mut entries: Vec<_> = fs::read_dir(path)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        feed(into, entry.file_name().as_encoded_bytes());
        digest_path(&entry.path(), into)?;
    }
    Ok(())
}

/// Into a folder that only its owner can enter.
fn unpack(files: &[(&str, &[u8])]) -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("kubectl-thanos-chart-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o700));
    }
    let folder = builder.tempdir()?;
    for (path, bytes) in files {
        let path = folder.path().join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_of_our_charts_is_forgotten() {
        let charts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts");
        for ours in [Ours::Webhook, Ours::Thanos] {
            let folder = charts.join(ours.title().trim_start_matches("charts/"));
            let unpacked = unpack(ours.files()).unwrap();
            let digest = |path: &Path| {
                let mut digest = Sha256::new();
                digest_path(path, &mut digest).unwrap();
                digest.finalize()
            };
            assert!(!ours.files().is_empty());
            assert_eq!(digest(&folder), digest(unpacked.path()), "{ours:?}");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = unpacked.path().metadata().unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o700);
            }
        }
    }

    #[test]
    fn a_mirror_keeps_the_version_and_a_path_is_a_path() {
        let registry = |url: &str, version: &str| Chart::Registry {
            url: url.to_owned(),
            version: Some(version.to_owned()),
        };
        let of = |other| CERT_MANAGER.chart(other);
        assert_eq!(of(None), registry(CERT_MANAGER.url, "v1.21.2"));
        assert_eq!(
            of(Some("oci://mirror:5000/cert-manager")),
            registry("oci://mirror:5000/cert-manager", "v1.21.2")
        );
        assert_eq!(
            of(Some("oci://mirror/c:v1")),
            registry("oci://mirror/c", "v1")
        );
        assert_eq!(of(Some("./c.tgz")), Chart::Local("./c.tgz".into()));
    }
}
