//! The certificate is swapped while connections live, and only for one that is right.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use thanos_tests::certificates::{Authority, Pair, der};
use thanos_tests::eventually;

use super::{SERVER, Server, review};

const SOON: Duration = Duration::from_secs(5);

/// Writes a pair as the kubelet does: into a new folder, and then one symlink is turned.
fn turn(folder: &Path, version: &str, pair: &Pair) -> Result<()> {
    let data = folder.join(format!("..{version}"));
    std::fs::create_dir(&data)?;
    std::fs::write(data.join("tls.crt"), &pair.certificate)?;
    std::fs::write(data.join("tls.key"), &pair.key)?;
    let next = folder.join("..data_tmp");
    symlink(data.file_name().context("a name")?, &next)?;
    std::fs::rename(next, folder.join("..data"))?;
    for file in ["tls.crt", "tls.key"] {
        let path = folder.join(file);
        if !path.is_symlink() {
            std::fs::remove_file(&path)?;
            symlink(Path::new("..data").join(file), path)?;
        }
    }
    Ok(())
}

async fn shows(server: &Server, pair: &Pair) -> Result<()> {
    let expected = der(&pair.certificate)?;
    ensure!(
        server.connect().await?.certificate() == expected[0],
        "another certificate"
    );
    Ok(())
}

#[tokio::test]
async fn a_new_pair_is_served_while_old_connections_live() -> Result<()> {
    let server = Server::start(SERVER).await?;
    let mut kept = server.connect().await?;
    for version in ["first", "second"] {
        let pair = server.authority.loopback()?;
        turn(server.folder.path(), version, &pair)?;
        eventually("the new certificate is shown", SOON, || {
            shows(&server, &pair)
        })
        .await?;
        assert_eq!(
            kept.post("/mutate", &review("a")).await?.status,
            200,
            "a connection of before"
        );
    }
    assert!(server.health.closed().is_empty());
    assert!(server.metrics.certificate_not_after.get() > 0);
    Ok(())
}

#[tokio::test]
async fn a_wrong_pair_is_not_served() -> Result<()> {
    let server = Server::start(SERVER).await?;
    let right = server.authority.loopback()?;
    turn(server.folder.path(), "right", &right)?;
    eventually("the right certificate is shown", SOON, || {
        shows(&server, &right)
    })
    .await?;

    let other = server.authority.loopback()?;
    let wrong = [
        Pair {
            certificate: other.certificate.clone(),
            key: right.key.clone(),
        },
        Pair {
            certificate: String::new(),
            key: other.key.clone(),
        },
        Pair {
            certificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into(),
            key: other.key.clone(),
        },
        Pair {
            certificate: other.certificate.clone(),
            key: "no key".into(),
        },
        server.authority.server(&[])?,
    ];
    for (number, pair) in wrong.iter().enumerate() {
        turn(server.folder.path(), &format!("wrong{number}"), pair)?;
        tokio::time::sleep(Duration::from_millis(200)).await;
        shows(&server, &right)
            .await
            .with_context(|| format!("wrong pair {number}"))?;
        assert!(
            server.health.closed().is_empty(),
            "the one that is served is still right"
        );
    }
    turn(server.folder.path(), "other", &other)?;
    eventually("the next right one is shown", SOON, || {
        shows(&server, &other)
    })
    .await
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_not_ready() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new("serve-test")?;
    let mut past = rcgen::CertificateParams::new(vec!["localhost".to_owned()])?;
    past.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let key = rcgen::KeyPair::generate()?;
    std::fs::write(folder.path().join("tls.crt"), past.self_signed(&key)?.pem())?;
    std::fs::write(folder.path().join("tls.key"), key.serialize_pem())?;
    let current = thanos_webhook::tls::Current::load(super::files(&folder))?;
    let health = thanos_webhook::admin::Health::new();
    tokio::spawn(current.keep(
        Duration::from_millis(50),
        health.clone(),
        std::sync::Arc::default(),
    ));
    eventually("it says so", SOON, || async {
        let closed = health.closed();
        ensure!(
            closed.len() == 1 && closed[0].1.contains("KTH4102"),
            "{closed:?}"
        );
        Ok(())
    })
    .await?;
    let fresh = authority.loopback()?;
    std::fs::write(folder.path().join("tls.crt"), &fresh.certificate)?;
    std::fs::write(folder.path().join("tls.key"), &fresh.key)?;
    tokio::time::timeout(SOON, health.ready())
        .await
        .context("the fresh one is not taken")
}
