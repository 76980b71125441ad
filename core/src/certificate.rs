//! A serving certificate and the time in, faults out.

use jiff::Timestamp;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::codes;
use crate::decision::Fault;

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From.
    pub not_before: Timestamp,
    /// To.
    pub not_after: Timestamp,
}

impl Validity {
    /// Of one certificate (DER); `None` when it is none, or holds a date that is out of range.
    pub fn of(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let validity = certificate.validity();
        Some(Self {
            not_before: Timestamp::from_second(validity.not_before.timestamp()).ok()?,
            not_after: Timestamp::from_second(validity.not_after.timestamp()).ok()?,
        })
    }
}

/// Reads the first certificate of a PEM chain and holds it against the time.
///
/// The API server checks subject alternative names and nothing else, so a certificate without them is a fault.
pub fn judge(pem: &[u8], now: Timestamp) -> Result<Validity, Vec<Fault>> {
    let unreadable = |sentence: &str| {
        vec![Fault::new(
            codes::CERTIFICATE_UNREADABLE,
            "certificate",
            sentence,
        )]
    };
    let first = Pem::iter_from_buffer(pem)
        .filter_map(Result::ok)
        .find(|block| block.label == "CERTIFICATE")
        .ok_or_else(|| unreadable("holds no PEM certificate"))?;
    let (_, certificate) = X509Certificate::from_der(&first.contents)
        .map_err(|_| unreadable("holds no X.509 certificate"))?;
    let time = |seconds: i64| {
        Timestamp::from_second(seconds).map_err(|_| unreadable("holds a date that is out of range"))
    };
    let validity = Validity {
        not_before: time(certificate.validity().not_before.timestamp())?,
        not_after: time(certificate.validity().not_after.timestamp())?,
    };
    let mut faults = Vec::new();
    if now < validity.not_before {
        faults.push(Fault::new(
            codes::CERTIFICATE_EXPIRED,
            "certificate",
            format!("is not valid before {}", validity.not_before),
        ));
    }
    if now > validity.not_after {
        faults.push(Fault::new(
            codes::CERTIFICATE_EXPIRED,
            "certificate",
            format!("expired at {}", validity.not_after),
        ));
    }
    if certificate
        .subject_alternative_name()
        .ok()
        .flatten()
        .is_none_or(|names| names.value.general_names.is_empty())
    {
        faults.push(Fault::new(
            codes::CERTIFICATE_NAMELESS,
            "certificate",
            "holds no subject alternative name",
        ));
    }
    if faults.is_empty() {
        Ok(validity)
    } else {
        Err(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_no_certificate() {
        for garbage in [
            "",
            "hello",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let faults = judge(garbage.as_bytes(), Timestamp::UNIX_EPOCH).unwrap_err();
            assert_eq!(faults[0].code, codes::CERTIFICATE_UNREADABLE, "{garbage}");
        }
    }
}
