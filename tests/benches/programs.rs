//! What the release programs cost: their size, their start, what they hold, and `inject` over a thousand manifests.
//!
//! Beside `inject` stands its nearest peer, Kyverno's command line, over the same file in the same run. It is given less to do:
//! one label and one entry, without relabelling, credentials to look for or a record to keep; it writes every document anew.
//! Kyverno's controller is measured nowhere and is not in `make matrix`, which runs our own programs on another API server:
//! it wants images, pods and a cluster's network, and these tests start local processes only.
#![expect(clippy::print_stdout, reason = "a bench prints its numbers")]

use std::ffi::OsString;
use std::fmt::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use thanos_core::ThanosWiring;
use thanos_tests::ours::{Installed, Serve};
use thanos_tests::tools::{ours, root, tool};
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
    inject()?;
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

/// `inject` over a thousand manifests, and Kyverno's command line over the same file.
fn inject() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let manifests = folder.path().join("manifests.yaml");
    std::fs::write(&manifests, thousand()?)?;
    let wiring = root().join("tests/cases/a-default-kube-prometheus-stack/wiring.yaml");
    let mut inject = vec![ours("kubectl-thanos")?.into_os_string()];
    inject.extend(["inject", "-q", "-f"].map(Into::into));
    inject.extend([manifests.clone().into(), "--wiring".into(), wiring.into()]);
    let time = median(11, || wires_all(&inject))?;
    let memory = largest(&inject);
    row(
        "inject of 1 000 manifests, median of 11",
        &milliseconds(time),
        "100 ms",
    );
    row(
        "inject of 1 000 manifests: largest resident",
        &told(memory),
        "",
    );
    let Ok(kyverno) = tool("kubectl-kyverno") else {
        let how = "skipped: tests/tools/build.py --only kyverno";
        println!("{:<64} {how}", "kyverno apply of the same 1 000");
        return Ok(());
    };
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, POLICY)?;
    let mut apply = vec![kyverno.into_os_string(), "apply".into(), policy.into()];
    apply.extend(["--resource".into(), manifests.into()]);
    let their_time = median(3, || wires_all(&apply))?;
    let their_memory = largest(&apply);
    row(
        "kyverno apply of the same 1 000, median of 3",
        &milliseconds(their_time),
        "",
    );
    row(
        "kyverno apply of the same 1 000: largest resident",
        &told(their_memory),
        "",
    );
    let share = |ours: f64, theirs: f64| format!("1 : {:.1}", theirs / ours);
    row(
        "time, inject : kyverno",
        &share(time.as_secs_f64(), their_time.as_secs_f64()),
        "",
    );
    if let (Some(memory), Some(their_memory)) = (memory, their_memory) {
        row(
            "largest resident, inject : kyverno",
            &share(memory, their_memory),
            "",
        );
    }
    Ok(())
}

/// What comes nearest to a wiring in Kyverno's own words.
const POLICY: &str = "\
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: wire}
spec:
  rules:
  - name: remote-write
    match: {any: [{resources: {kinds: [monitoring.coreos.com/v1/Prometheus]}}]}
    mutate:
      patchStrategicMerge:
        spec:
          externalLabels: {cluster: edge-01}
          remoteWrite:
          - name: thanos
            url: https://receive.example.com/api/v1/receive
            basicAuth:
              username: {name: remotewrite-secret, key: user}
              password: {name: remotewrite-secret, key: password}
            queueConfig: {retryOnRateLimit: true}
";

fn thousand() -> Result<String> {
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
    Ok(stream)
}

/// Runs a command line; what it prints must hold all thousand, wired.
fn wires_all(line: &[OsString]) -> Result<()> {
    let output = Command::new(&line[0]).args(&line[1..]).output()?;
    let wired = String::from_utf8_lossy(&output.stdout)
        .matches("https://receive.example.com/api/v1/receive")
        .count();
    ensure!(
        output.status.success() && wired == 1000,
        "{wired} wired: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// MiB, by GNU time where there is one: nothing else tells a finished child's largest size.
fn largest(line: &[OsString]) -> Option<f64> {
    let output = Command::new("/usr/bin/time")
        .args(["-f", "%M"])
        .args(line)
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let kib: f64 = text.lines().last()?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

fn told(memory: Option<f64>) -> String {
    memory.map_or("no GNU time".to_owned(), |mebibytes| {
        format!("{mebibytes:.1} MiB")
    })
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
