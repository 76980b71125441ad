//! Authorities and leaves: made, read, and held against each other. A key is in no `Debug` and in no error.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use thanos_core::certificate::Validity;
use thanos_core::names;

/// For clocks that are late: a certificate is valid from so long before it was made.
const BACKDATE: SignedDuration = SignedDuration::from_hours(1);

/// One certificate and its dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: CertificateDer<'static>,
    validity: Validity,
}

/// The authorities that are trusted, the newest first, and the newest one's key.
#[derive(Clone)]
pub struct Authority {
    newest: Certificate,
    before: Vec<Certificate>,
    key: String,
}

/// A leaf and its key.
#[derive(Clone)]
pub struct Pair {
    /// The leaf.
    pub certificate: Certificate,
    key: String,
}

impl Certificate {
    fn new(der: CertificateDer<'static>) -> Option<Self> {
        let validity = Validity::of(&der)?;
        Some(Self { der, validity })
    }

    /// Every certificate of a PEM text that can be read, each once.
    pub fn all(pem: &[u8]) -> Vec<Self> {
        let mut found = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem)
            .filter_map(Result::ok)
            .filter_map(Self::new)
        {
            if !found.contains(&certificate) {
                found.push(certificate);
            }
        }
        found
    }

    /// As PEM.
    pub fn pem(&self) -> String {
        let text = STANDARD.encode(&self.der);
        let lines: Vec<&str> = (0..text.len())
            .step_by(64)
            .map(|start| &text[start..text.len().min(start + 64)])
            .collect();
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            lines.join("\n")
        )
    }

    /// When it ends.
    pub fn not_after(&self) -> Timestamp {
        self.validity.not_after
    }

    /// When it was made.
    pub fn made(&self) -> Timestamp {
        later(self.validity.not_before, BACKDATE)
    }

    /// When it is to be renewed: after two thirds of its life.
    pub fn due(&self) -> Timestamp {
        let life = self.not_after().duration_since(self.made());
        later(self.made(), life / 3 * 2)
    }

    /// Whether it is valid.
    pub fn holds(&self, now: Timestamp) -> bool {
        (self.validity.not_before..=self.validity.not_after).contains(&now)
    }
}

impl Authority {
    /// What the Secret holds; `None` when there is no authority, or not the key of the newest one.
    pub fn read(trusted: &[u8], key: &[u8]) -> Option<Self> {
        let mut trusted = Certificate::all(trusted).into_iter();
        let newest = trusted.next()?;
        Some(Self {
            key: key_of(&newest, key)?,
            newest,
            before: trusted.collect(),
        })
    }

    /// A new one in front of others.
    pub fn make(
        now: Timestamp,
        lifetime: Duration,
        before: Vec<Certificate>,
    ) -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        // Each under a name of its own, or a client that looks an issuer up by its name takes the wrong one.
        params.distinguished_name = common_name(format!("thanos-webhook-ca-{}", now.as_second()));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let end = later(now, signed(lifetime));
        date(&mut params, now, end);
        let key = KeyPair::generate()?;
        let made = params.self_signed(&key)?;
        Ok(Self {
            newest: Certificate::new(made.der().clone()).ok_or(rcgen::Error::Time)?,
            before,
            key: key.serialize_pem(),
        })
    }

    /// The same with these before it.
    #[must_use]
    pub fn with(&self, before: Vec<Certificate>) -> Self {
        Self {
            before,
            ..self.clone()
        }
    }

    /// A leaf for these names. It does not outlive its authority.
    pub fn sign(
        &self,
        now: Timestamp,
        lifetime: Duration,
        reached_by: &[String],
    ) -> Result<Pair, rcgen::Error> {
        let issuer = Issuer::from_ca_cert_der(&self.newest.der, KeyPair::from_pem(&self.key)?)?;
        let mut params = CertificateParams::new(reached_by.to_vec())?;
        params.distinguished_name = common_name(names::SERVICE.to_owned());
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let end = later(now, signed(lifetime)).min(self.newest.not_after());
        date(&mut params, now, end);
        let key = KeyPair::generate()?;
        let made = params.signed_by(&key, &issuer)?;
        Ok(Pair {
            certificate: Certificate::new(made.der().clone()).ok_or(rcgen::Error::Time)?,
            key: key.serialize_pem(),
        })
    }

    /// The one that signs.
    pub fn newest(&self) -> &Certificate {
        &self.newest
    }

    /// Those that are trusted besides.
    pub fn before(&self) -> &[Certificate] {
        &self.before
    }

    /// All that are trusted, the newest first.
    pub fn trusted(&self) -> Vec<Certificate> {
        [&self.newest]
            .into_iter()
            .chain(&self.before)
            .cloned()
            .collect()
    }

    /// All that are trusted, as PEM: what `caBundle` is to hold.
    pub fn bundle(&self) -> String {
        self.trusted().iter().map(Certificate::pem).collect()
    }

    /// The newest one's key, PEM.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl Pair {
    /// What the Secret holds; `None` when there is no leaf, or not its key.
    pub fn read(chain: &[u8], key: &[u8]) -> Option<Self> {
        let certificate = Certificate::all(chain).into_iter().next()?;
        Some(Self {
            key: key_of(&certificate, key)?,
            certificate,
        })
    }

    /// The leaf's key, PEM.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Whether a client that trusts these authorities takes the leaf under every one of these names: what the API server
/// asks at each handshake. It also asks that the authority itself is valid, which webpki does not.
pub fn trusts(
    authorities: &[Certificate],
    leaf: &Certificate,
    reached_by: &[String],
    now: Timestamp,
) -> bool {
    let mut roots = RootCertStore::empty();
    for authority in authorities.iter().filter(|authority| authority.holds(now)) {
        // One that cannot be used as a root is not trusted.
        let _ = roots.add(authority.der.clone());
    }
    let provider = Arc::new(ring::default_provider());
    let Ok(verifier) =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()
    else {
        return false;
    };
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    reached_by.iter().all(|name| {
        ServerName::try_from(name.as_str()).is_ok_and(|name| {
            verifier
                .verify_server_cert(&leaf.der, &[], &name, &[], time)
                .is_ok()
        })
    })
}

/// Whether a certificate can be made out to this name: a DNS name or an address.
pub fn is_name(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok() || ServerName::try_from(name).is_ok()
}

/// The key, when it is this certificate's.
fn key_of(certificate: &Certificate, pem: &[u8]) -> Option<String> {
    let key = PrivateKeyDer::from_pem_slice(pem).ok()?;
    CertifiedKey::from_der(
        vec![certificate.der.clone()],
        key,
        &ring::default_provider(),
    )
    .ok()?;
    String::from_utf8(pem.to_vec()).ok()
}

fn common_name(name: String) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// From an hour before `made` to `end`.
fn date(params: &mut CertificateParams, made: Timestamp, end: Timestamp) {
    let time = |at: Timestamp| {
        let seconds = u64::try_from(at.as_second()).unwrap_or_default();
        date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
    };
    params.not_before = time(later(made, -BACKDATE));
    params.not_after = time(end);
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// A time after another; the other where there is none.
pub fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(time)
}
