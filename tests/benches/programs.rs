//! What the release programs cost: their size, their start, what they hold, and `inject` over a thousand manifests.
#![expect(clippy::print_stdout, reason = "a bench prints its numbers")]

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use thanos_core::ThanosWiring;
use thanos_tests::ours::{Installed, Serve};
use thanos_tests::tools::{ours, root};
use thanos_tests::{Cluster, Options, eventually};

fn main() -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    row("what", "measured", "to reach");
    for name in ["kubectl-thanos", "thanos-webhook"] {
        let bytes = std::fs::metadata(ours(name)?)?.len();
        row(
            &format!("{name}: size"),
            &format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
            "12 MiB",
        );
    }
    row(
        "kubectl-thanos --help, median of 21",
        &milliseconds(help()?),
        "20 ms",
    );
    let (time, memory) = inject()?;
    row(
        "inject of 1 000 manifests, median of 11",
        &milliseconds(time),
        "100 ms",
    );
    row("inject of 1 000 manifests: largest resident", &memory, "");
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(serve())
}

fn row(what: &str, measured: &str, wanted: &str) {
    println!("{what:<64} {measured:>12}   {wanted}");
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// The median of some runs: one slow run on a shared machine says nothing.
fn median(runs: usize, mut run: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..runs {
        let begin = Instant::now();
        run()?;
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    Ok(times[runs / 2])
}

fn help() -> Result<Duration> {
    let plugin = ours("kubectl-thanos")?;
    median(21, || {
        ensure!(
            Command::new(&plugin)
                .arg("--help")
                .stdout(Stdio::null())
                .status()?
                .success(),
            "--help failed"
        );
        Ok(())
    })
}

fn inject() -> Result<(Duration, String)> {
    let folder = tempfile::tempdir()?;
    let given = std::fs::read_to_string(
        root().join("tests/cases/a-default-kube-prometheus-stack/given.yaml"),
    )?;
    let mut stream = String::new();
    for at in 0..1000 {
        let _ = write!(
            stream,
            "---\n{}",
            given.replace(
                "name: kps-kube-prometheus-stack-prometheus\n",
                &format!("name: kps-{at}\n")
            )
        );
    }
    let manifests = folder.path().join("manifests.yaml");
    std::fs::write(&manifests, stream)?;
    let wiring = root().join("tests/cases/a-default-kube-prometheus-stack/wiring.yaml");
    let plugin = ours("kubectl-thanos")?;
    let command = |program: &std::path::Path, before: &[&str]| {
        let mut command = Command::new(program);
        command
            .args(before)
            .args(["inject", "-q", "-f"])
            .arg(&manifests)
            .arg("--wiring")
            .arg(&wiring);
        command
    };
    let time = median(11, || {
        let output = command(&plugin, &[]).output()?;
        ensure!(
            output.status.success() && output.stdout.len() > 1_000_000,
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    })?;
    // GNU time where there is one; nothing else tells a finished child's largest size.
    let path = plugin.to_string_lossy().into_owned();
    let memory = command("/usr/bin/time".as_ref(), &["-f", "%M", &path])
        .output()
        .ok()
        .and_then(|output| {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            text.lines().last()?.trim().parse::<f64>().ok()
        });
    Ok((
        time,
        memory.map_or("no GNU time".to_owned(), |kib| {
            format!("{:.1} MiB", kib / 1024.0)
        }),
    ))
}

async fn serve() -> Result<()> {
    Cluster::with(Options::new("bench-serve"), async |cluster| {
        let installed = Installed::new(cluster).await?;
        let mut starts = Vec::new();
        for _ in 0..5 {
            let begin = Instant::now();
            let serve = installed.serve(cluster, &["--shutdown-delay=0s"]).await?;
            starts.push((begin.elapsed(), serve.process().resident_bytes()?));
            serve.stop().await?;
        }
        starts.sort_unstable();
        row(
            "serve: ready after exec (polled, with its token), median of 5",
            &milliseconds(starts[2].0),
            "300 ms",
        );
        let serve = installed.serve(cluster, &[]).await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        row("serve: resident at rest", &mebibytes(&serve)?, "15 MiB");
        fill(cluster).await?;
        eventually(
            "serve knows all of it",
            Duration::from_secs(120),
            || async {
                let metrics = serve.admin().get("/metrics").await?.fine()?;
                ensure!(metrics.contains("thanos_webhook_wirings 200"), "not yet");
                Ok(())
            },
        )
        .await?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        row(
            "serve: resident with 2 000 namespaces, 200 wirings, 500 enrolled",
            &mebibytes(&serve)?,
            "40 MiB",
        );
        Ok(())
    })
    .await
}

fn mebibytes(serve: &Serve) -> Result<String> {
    Ok(format!(
        "{:.1} MiB",
        serve.process().resident_bytes()? as f64 / f64::from(1 << 20)
    ))
}

/// 2 000 namespaces, 200 wirings, 500 enrolled namespaces in the largest of them, all ready.
async fn fill(cluster: &Cluster) -> Result<()> {
    let client = cluster.client();
    let namespaces = futures::stream::iter(0..2000).map(|at| async move {
        cluster
            .namespace(&format!("team-{at:04}"), &[("tier", "prod"), ("team", "x")])
            .await
    });
    for made in namespaces.buffer_unordered(32).collect::<Vec<_>>().await {
        made?;
    }
    let key = |key: &str| json!({"name": "remotewrite-secret", "key": key});
    let api: Api<ThanosWiring> = Api::all(client);
    for at in 0..200 {
        let enrolled: Vec<String> = (0..if at == 0 { 500 } else { 5 })
            .map(|at| format!("team-{at:04}"))
            .collect();
        let name = format!("w{at:03}");
        let raw = json!({"apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosWiring", "metadata": {"name": name}, "spec": {
            "cluster": "edge-01", "namespaceSelector": {"matchLabels": {"team": name}},
            "remoteWrite": {"name": name, "url": "https://receive.example.com/api/v1/receive", "auth": {"basicAuth": {"username": key("user"), "password": key("password")}}},
            "credentials": {"namespaces": enrolled}}});
        let wiring: ThanosWiring = serde_json::from_value(raw)?;
        api.create(&PostParams::default(), &wiring)
            .await
            .context("a wiring")?;
        let status: Vec<Value> = enrolled
            .iter()
            .map(|name| json!({"name": name, "ready": true}))
            .collect();
        api.patch_status(
            &name,
            &PatchParams::default(),
            &Patch::Merge(json!({"status": {"namespaces": status}})),
        )
        .await?;
    }
    Ok(())
}
