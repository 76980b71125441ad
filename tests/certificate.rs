//! A serving certificate is judged as the API server would: by its dates and its subject alternative names.

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use thanos_core::certificate::judge;

fn certificate(names: &[&str]) -> Result<String> {
    let mut params = CertificateParams::new(
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>(),
    )?;
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2026, 2, 1);
    Ok(params.self_signed(&KeyPair::generate()?)?.pem())
}

#[test]
fn dates_and_names_are_what_counts() -> Result<()> {
    let inside: Timestamp = "2026-01-15T00:00:00Z".parse()?;
    let named = certificate(&["thanos-webhook.thanos-system.svc"])?;
    let validity =
        judge(named.as_bytes(), inside).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    assert_eq!(validity.not_after, "2026-02-01T00:00:00Z".parse()?);

    let said = |pem: &str, now: Timestamp| -> Vec<String> {
        let faults = judge(pem.as_bytes(), now).err().unwrap_or_default();
        faults
            .iter()
            .map(|fault| format!("{} {fault}", fault.code))
            .collect()
    };
    let month = SignedDuration::from_hours(31 * 24);
    assert_eq!(
        said(&named, inside - month),
        ["KTH4102 certificate: is not valid before 2026-01-01T00:00:00Z"]
    );
    assert_eq!(
        said(&named, inside + month),
        ["KTH4102 certificate: expired at 2026-02-01T00:00:00Z"]
    );
    assert_eq!(
        said(&certificate(&[])?, inside),
        ["KTH4103 certificate: holds no subject alternative name"]
    );
    assert_eq!(
        said("garbage", inside),
        ["KTH4101 certificate: holds no PEM certificate"]
    );
    Ok(())
}
