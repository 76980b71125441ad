//! The current certificate, swapped while serving.
//!
//! The kubelet renews a mounted Secret by turning a symlink, so the files are read again and compared, not watched.
//! A new pair is taken only when it is right in every part; until then the old one is served.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use arc_swap::ArcSwap;
use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use thanos_core::certificate::{self, Validity};
use thanos_core::codes;

use crate::admin::Health;
use crate::metrics::Metrics;

/// The gate of [`Health`] that a certificate out of its time closes.
const GATE: &str = "certificate";

/// Where the pair is.
#[derive(Clone, Debug)]
pub struct Files {
    /// The chain, PEM.
    pub certificate: PathBuf,
    /// The first certificate's key, PEM.
    pub key: PathBuf,
}

/// The pair that is served now.
#[derive(Debug)]
pub struct Current {
    files: Files,
    pair: ArcSwap<Pair>,
    /// The bytes that were last looked at, taken or not.
    seen: Mutex<(Vec<u8>, Vec<u8>)>,
}

#[derive(Debug)]
struct Pair {
    key: Arc<CertifiedKey>,
    /// The chain, to be held against the time again.
    pem: Vec<u8>,
}

impl Current {
    /// Reads the pair for the first time. A pair out of its time is taken: nothing better is there, and readiness says so.
    pub fn load(files: Files) -> Result<Arc<Self>> {
        let seen = files.read()?;
        let pair = files.pair(&seen)?;
        Ok(Arc::new(Self {
            files,
            pair: ArcSwap::from_pointee(pair),
            seen: Mutex::new(seen),
        }))
    }

    /// TLS 1.3 and 1.2, HTTP/1.1, always with the pair of the moment.
    ///
    /// Sessions are not kept: the API server never resumes one, and each handshake is to see the certificate of its day.
    pub fn config(self: &Arc<Self>) -> Result<Arc<ServerConfig>> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as _;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .context("choosing TLS versions")?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }

    /// Looks at the files now and then, for ever, and keeps health and metrics true.
    pub async fn keep(
        self: Arc<Self>,
        every: Duration,
        health: Arc<Health>,
        metrics: Arc<Metrics>,
    ) {
        loop {
            self.look(Timestamp::now());
            self.report(Timestamp::now(), &health, &metrics);
            tokio::time::sleep(every).await;
        }
    }

    /// Takes a new pair when there is one and it is right; says once why not.
    fn look(&self, now: Timestamp) {
        let read = match self.files.read() {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the certificate is kept: it cannot be read again"
                );
                return;
            }
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == read {
            return;
        }
        let taken = self.files.pair(&read).and_then(|pair| {
            let validity = pair.judge(now).map_err(|sentence| anyhow!(sentence))?;
            self.pair.store(Arc::new(pair));
            Ok(validity)
        });
        match taken {
            Ok(validity) => tracing::info!(
                not_after = validity.not_after.to_string(),
                "a new certificate is served"
            ),
            Err(error) => tracing::error!(
                error = format!("{error:#}"),
                "the old certificate is kept: the new one is wrong"
            ),
        }
        *seen = read;
    }

    fn report(&self, now: Timestamp, health: &Health, metrics: &Metrics) {
        match self.pair.load().judge(now) {
            Ok(validity) => {
                metrics
                    .certificate_not_after
                    .set(validity.not_after.as_second());
                health.open(GATE);
            }
            Err(sentence) => health.close(GATE, sentence),
        }
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.pair.load().key))
    }
}

impl Files {
    fn read(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        let read = |path: &PathBuf| {
            std::fs::read(path)
                .with_context(|| format!("{} reading {}", codes::FILE_UNREADABLE, path.display()))
        };
        Ok((read(&self.certificate)?, read(&self.key)?))
    }

    /// A chain and the key of its first certificate. What the key holds is in no error.
    fn pair(&self, (pem, key): &(Vec<u8>, Vec<u8>)) -> Result<Pair> {
        let code = codes::CERTIFICATE_UNREADABLE;
        let (certificate_path, key_path) = (self.certificate.display(), self.key.display());
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|_| anyhow!("{code} {certificate_path} holds a broken PEM block"))?;
        if chain.is_empty() {
            return Err(anyhow!(
                "{code} {certificate_path} holds no PEM certificate"
            ));
        }
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| anyhow!("{code} {key_path} holds no PEM key"))?;
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|_| {
            anyhow!(
                "{code} {key_path} is not the key of the first certificate in {certificate_path}"
            )
        })?;
        Ok(Pair {
            key: Arc::new(key),
            pem: pem.clone(),
        })
    }
}

impl Pair {
    fn judge(&self, now: Timestamp) -> Result<Validity, String> {
        certificate::judge(&self.pem, now).map_err(|faults| {
            let sentences: Vec<String> = faults
                .iter()
                .map(|fault| format!("{} {fault}", fault.code))
                .collect();
            sentences.join("; ")
        })
    }
}
