//! Certificates for servers on loopback, made on the spot.

use anyhow::{Context, Result, ensure};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// An authority that signs for this run alone.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// Its PKCS#8 key.
    pub key: String,
}

impl Authority {
    /// A new authority (ECDSA P-256).
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().context("a key for the authority")?;
        let pem = params
            .self_signed(&key)
            .context("the authority's certificate")?
            .pem();
        Ok(Self {
            pem,
            issuer: Issuer::new(params, key),
        })
    }

    /// What clients must trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A server certificate for these names and addresses.
    ///
    /// # Errors
    /// When a name is none.
    pub fn server(&self, names: &[&str]) -> Result<Pair> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).context("the server's names")?;
        params
            .distinguished_name
            .push(DnType::CommonName, "loopback");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().context("a key for the server")?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .context("the server's certificate")?;
        Ok(Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// A server certificate for what is reached on loopback: `localhost` and `127.0.0.1`.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn loopback(&self) -> Result<Pair> {
        self.server(&["localhost", "127.0.0.1"])
    }
}

/// The certificates of a PEM file, as DER.
///
/// # Errors
/// When it holds none.
pub fn der(pem: &str) -> Result<Vec<Vec<u8>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let found = found.context("reading a PEM")?;
    ensure!(!found.is_empty(), "no certificate in the PEM");
    Ok(found.into_iter().map(|one| one.to_vec()).collect())
}
