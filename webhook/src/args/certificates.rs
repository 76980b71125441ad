//! Flags of the webhook's own certificates.

use std::time::Duration;

use clap::{Args as Flags, ValueEnum};
use thanos_core::names;

use super::duration;
use crate::control::certificates::judge::Settings;
use crate::control::certificates::material::is_name;

/// The webhook's own certificates.
#[derive(Flags, Clone, Debug)]
#[command(next_help_heading = "Certificates")]
pub struct CertificateArgs {
    /// Who makes and renews serve's certificate and writes caBundle: this program, or somebody else.
    #[arg(long, value_enum, value_name = "WHO", env = "THANOS_WEBHOOK_CERTIFICATES", default_value_t = CertificateSource::Own)]
    pub certificates: CertificateSource,
    /// A DNS name or an address that the webhook is reached by, beside those of its Service. May be given again.
    #[arg(long, value_name = "NAME", value_parser = host)]
    pub certificate_name: Vec<String>,
    /// How long an authority lives; renewed at two thirds.
    #[arg(long, value_name = "DURATION", default_value = "8760h", value_parser = duration)]
    pub ca_lifetime: Duration,
    /// How long a certificate lives; renewed at two thirds. At most a third of --ca-lifetime.
    #[arg(long, value_name = "DURATION", default_value = "720h", value_parser = duration)]
    pub leaf_lifetime: Duration,
    /// How long a new authority is trusted before it signs: every API server has heard of it by then.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub certificate_settle: Duration,
    /// How often everything about certificates is looked at.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub certificate_interval: Duration,
}

/// Who makes the webhook's certificates.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// This program.
    Own,
    /// Somebody else, such as cert-manager.
    None,
}

impl CertificateArgs {
    /// Says what is wrong with flags that are each right.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.leaf_lifetime > self.ca_lifetime / 3 {
            return Err("--leaf-lifetime must be at most a third of --ca-lifetime");
        }
        Ok(())
    }

    /// How long certificates live and what they are for; `None` when somebody else makes them.
    pub fn settings(&self, namespace: &str) -> Option<Settings> {
        let Self {
            certificates,
            certificate_name,
            ca_lifetime,
            leaf_lifetime,
            certificate_settle,
            certificate_interval,
        } = self;
        let service = format!("{}.{namespace}.svc", names::SERVICE);
        (*certificates == CertificateSource::Own).then(|| Settings {
            reached_by: [service.clone(), format!("{service}.cluster.local")]
                .into_iter()
                .chain(certificate_name.iter().cloned())
                .collect(),
            authority: *ca_lifetime,
            leaf: *leaf_lifetime,
            settle: *certificate_settle,
            every: *certificate_interval,
        })
    }
}

/// Reads what a certificate can be made out to.
fn host(text: &str) -> Result<String, String> {
    if is_name(text) {
        return Ok(text.to_owned());
    }
    Err("must be a DNS name or an address".to_owned())
}
