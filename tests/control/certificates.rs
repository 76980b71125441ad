//! `control` makes the webhook's certificates, writes `caBundle`, and renews both under load without one failed call.

mod kubelet;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use thanos_core::names;
use thanos_tests::certificates::der;
use thanos_tests::port::Port;
use thanos_tests::{Cluster, Options, eventually, install, tools};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

use kubelet::{mounted, serve};

use super::given::{create, enrolled, put, wiring};
use super::stage::{SOON, control, measured};

/// A year and a month, shortened to half a minute and ten seconds.
const SHORT: &[&str] = &[
    "--certificates=own",
    "--certificate-name=127.0.0.1",
    "--ca-lifetime=30s",
    "--leaf-lifetime=10s",
    "--certificate-settle=1s",
    "--certificate-interval=300ms",
];
/// Long enough for two authorities after the first.
const STREAM: Duration = Duration::from_secs(46);

/// A part of a Secret; empty while it is not there.
async fn part(cluster: &Cluster, secret: &str, key: &str) -> Result<String> {
    let secrets: Api<Secret> = Api::namespaced(cluster.client(), install::NAMESPACE);
    let data = secrets.get(secret).await?.data.unwrap_or_default();
    let bytes = data.get(key).map(|bytes| bytes.0.clone());
    Ok(String::from_utf8(bytes.unwrap_or_default())?)
}

/// Every `caBundle` of both registrations.
async fn bundles(cluster: &Cluster) -> Result<Vec<String>> {
    let mutating: Api<MutatingWebhookConfiguration> = Api::all(cluster.client());
    let validating: Api<ValidatingWebhookConfiguration> = Api::all(cluster.client());
    let mutating = mutating.get(names::REGISTRATION).await?.webhooks;
    let validating = validating.get(names::REGISTRATION).await?.webhooks;
    let configs = mutating
        .into_iter()
        .flatten()
        .map(|webhook| webhook.client_config)
        .chain(
            validating
                .into_iter()
                .flatten()
                .map(|webhook| webhook.client_config),
        );
    configs
        .map(|config| {
            let bundle = config.ca_bundle.map(|bytes| bytes.0).unwrap_or_default();
            Ok(String::from_utf8(bundle)?)
        })
        .collect()
}

/// A handshake as the API server makes it, trusting one registered bundle; gives what `serve` showed.
async fn handshake(port: &Port, bundle: &str) -> Result<Vec<u8>> {
    let mut roots = RootCertStore::empty();
    for authority in der(bundle)? {
        roots.add(authority.into())?;
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(port.address()).await?;
    let name = ServerName::try_from(port.address().ip().to_string())?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    let shown = stream.get_ref().1.peer_certificates();
    Ok(shown
        .and_then(<[_]>::first)
        .context("nothing shown")?
        .to_vec())
}

#[tokio::test]
async fn renewal_fails_no_call() -> Result<()> {
    Cluster::with(Options::new("control-certificates"), async |cluster| {
        let port = Port::take()?;
        install::registered_at(cluster, &format!("https://{}", port.address())).await?;
        let control = control(cluster, "control", SHORT).await?;
        eventually("both registrations have the authority", SOON, || async {
            let authority = part(cluster, names::SECRET_AUTHORITY, "ca.crt").await?;
            let bundles = bundles(cluster).await?;
            ensure!(bundles.len() == 5, "{} webhooks", bundles.len());
            ensure!(!authority.is_empty() && bundles.iter().all(|one| *one == authority));
            ensure!(
                !part(cluster, names::SECRET_TLS, "tls.key")
                    .await?
                    .is_empty()
            );
            Ok(())
        })
        .await?;
        let mounted_at = cluster.run().folder().join("mounted");
        std::fs::create_dir_all(&mounted_at)?;
        let story = async {
            eventually("the kubelet has mounted it", SOON, || async {
                ensure!(mounted_at.join("tls.key").exists());
                Ok(())
            })
            .await?;
            let _serve = serve(cluster, &port, &mounted_at).await?;
            enrolled(cluster, "monitoring", &[], "hub").await?;
            put(cluster, &wiring("hub", &["monitoring"])).await?;
            let (authorities, leaves, creates) = stream(cluster, &port).await?;
            measured(format!(
                "{creates} creates under {authorities} authorities and {leaves} leaves, none failed"
            ));
            ensure!(authorities >= 3, "{authorities} authorities");
            ensure!(leaves >= 5, "{leaves} leaves");
            Ok(())
        };
        tokio::select! {
            ended = story => ended?,
            ended = mounted(cluster, mounted_at.clone()) => ended?,
        }
        let log = control.log()?;
        ensure!(!log.contains("PRIVATE KEY"), "a key is in the log");
        ensure!(!log.contains("KTH5401"), "{log}");
        gone(cluster, &control).await
    })
    .await
}

/// Creates objects, every one of which must be judged (the registrations say Fail), and makes a handshake with every
/// bundle in between. How many authorities and leaves there were, and how many creates.
async fn stream(cluster: &Cluster, port: &Port) -> Result<(usize, usize, usize)> {
    let begin = Instant::now();
    let (mut authorities, mut leaves) = (Vec::new(), Vec::new());
    let mut creates = 0;
    while begin.elapsed() < STREAM {
        create(cluster, "monitoring", &format!("k8s-{creates}"))
            .await
            .with_context(|| format!("after {:?}", begin.elapsed()))?;
        creates += 1;
        for bundle in bundles(cluster).await? {
            let held = der(&bundle)?;
            ensure!(held.len() <= 3, "{} in a bundle", held.len());
            for one in held {
                if !authorities.contains(&one) {
                    authorities.push(one);
                }
            }
            let shown = handshake(port, &bundle)
                .await
                .with_context(|| format!("after {:?}", begin.elapsed()))?;
            if !leaves.contains(&shown) {
                leaves.push(shown);
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok((authorities.len(), leaves.len(), creates))
}

/// A Secret that somebody has deleted is missed by name and by code; the chart brings it back, and all is made anew.
async fn gone(cluster: &Cluster, control: &super::stage::Control) -> Result<()> {
    let secrets: Api<Secret> = Api::namespaced(cluster.client(), install::NAMESPACE);
    secrets
        .delete(names::SECRET_AUTHORITY, &kube::api::DeleteParams::default())
        .await?;
    eventually("it says so", SOON, || async {
        let log = control.log()?;
        ensure!(log.contains("KTH5401") && log.contains(names::SECRET_AUTHORITY));
        Ok(())
    })
    .await?;
    let objects = install::render(cluster, &[]).await?;
    let brought: Vec<_> = objects
        .into_iter()
        .filter(|object| object["metadata"]["name"] == names::SECRET_AUTHORITY)
        .collect();
    install::apply(cluster, &brought, "helm").await?;
    eventually("it is filled again", SOON, || async {
        let authority = part(cluster, names::SECRET_AUTHORITY, "ca.crt").await?;
        ensure!(!authority.is_empty() && bundles(cluster).await?.contains(&authority));
        Ok(())
    })
    .await
}

/// Neither the Secrets nor `caBundle` are in the manifests that helm compares: an upgrade must leave both.
#[tokio::test]
async fn helm_upgrades_leave_what_control_wrote() -> Result<()> {
    Cluster::with(Options::new("control-upgrade"), async |cluster| {
        let helm = async |verb: &str, more: &[&str]| -> Result<String> {
            let helm = cluster.helm()?.args([verb, "thanos-webhook"]);
            let helm = helm.args(["-n", install::NAMESPACE]).args(more.to_vec());
            helm.output().await?.fine()
        };
        let chart = tools::root().join("charts/thanos-webhook");
        let chart = chart.to_str().context("a path")?;
        helm("install", &[chart, "--create-namespace"]).await?;
        let control = control(cluster, "control", &["--certificates=own"]).await?;
        let written = async || -> Result<Vec<String>> {
            let mut written = bundles(cluster).await?;
            for secret in [names::SECRET_AUTHORITY, names::SECRET_TLS] {
                written.push(part(cluster, secret, "ca.crt").await?);
            }
            Ok(written)
        };
        eventually("everything is written", SOON, || async {
            let written = written().await?;
            ensure!(
                written
                    .iter()
                    .all(|one| *one == written[0] && !one.is_empty())
            );
            Ok(())
        })
        .await?;
        let before = written().await?;
        // What follows is helm's alone.
        control.process.stop(SOON).await?;
        helm(
            "upgrade",
            &[
                chart,
                "--set",
                "serve.replicas=3",
                "--set",
                "registration.timeoutSeconds=7",
            ],
        )
        .await?;
        assert_eq!(written().await?, before, "after an upgrade");
        helm("rollback", &["1"]).await?;
        assert_eq!(written().await?, before, "after a rollback");
        helm("uninstall", &[]).await?;
        ensure!(
            part(cluster, names::SECRET_AUTHORITY, "ca.crt")
                .await
                .is_err()
        );
        Ok(())
    })
    .await
}
