//! The node itself: what it is, and that nothing of it stays.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use thanos_tests::{Node, Program, eventually};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::ground::{Ground, SOON};

/// As the only word, this program starts a node and waits to be killed.
pub(crate) const HOLD: &str = "--hold-a-node";

/// What everybody on this machine sees: mounts, interfaces, and the folders in which programs of Kubernetes make theirs.
fn outside() -> Result<BTreeSet<String>> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").context("the mounts")?;
    // The numbers before them change with every mount elsewhere.
    let place = |line: &str| {
        line.split(' ')
            .skip(3)
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut seen: BTreeSet<String> = mounts.lines().map(place).collect();
    for folder in [
        "/sys/class/net",
        "/var/lib",
        "/run",
        "/etc",
        "/etc/cni",
        "/opt",
        "/usr/libexec",
    ] {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        seen.extend(entries.map(|entry| entry.path().display().to_string()));
    }
    Ok(seen)
}

/// What there is of one node, by the folder of its run: control groups, processes in them or about them, data.
fn traces(run: &Path) -> Result<Vec<String>> {
    let groups = std::fs::read_to_string(run.join("cgroups")).context("its control groups")?;
    let name = groups
        .lines()
        .next()
        .and_then(|group| group.rsplit('/').next());
    let name = name.context("a control group")?;
    let mut found: Vec<String> = groups
        .lines()
        .filter(|group| Path::new(group).exists())
        .map(str::to_owned)
        .collect();
    for process in std::fs::read_dir("/proc")
        .context("the processes")?
        .flatten()
    {
        let read =
            |file: &str| std::fs::read_to_string(process.path().join(file)).unwrap_or_default();
        if read("cgroup").contains(name) || read("cmdline").contains(&run.display().to_string()) {
            found.push(format!(
                "{} {}",
                process.path().display(),
                read("comm").trim()
            ));
        }
    }
    found.extend(
        run.join("data/node")
            .exists()
            .then(|| "its data".to_owned()),
    );
    Ok(found)
}

fn here(ground: &Ground) -> Option<&Node> {
    if ground.node().is_none() {
        println!("          passed over: it is about our own node");
    }
    ground.node()
}

/// A pod's name resolves, a Service leads to it, and what runs inside the node's network is reached.
pub(crate) async fn is_a_whole_kubernetes(ground: &Ground) -> Result<()> {
    let Some(node) = here(ground) else {
        return Ok(());
    };
    ground.says("get nodes", "v1.37.2").await?;
    // From the node's network, the API server through its Service.
    let ask = ["-sk", "--max-time", "5", "https://10.96.0.1/version"];
    let asked = node.inside(Program::at("curl").args(ask)).output().await?;
    ensure!(asked.stdout.contains("v1.37.2"), "{asked:?}");
    // The DNS answers through its Service, with the Service's own address.
    let resolve = "import socket,struct,sys
name=b''.join(bytes([len(p)])+p for p in b'kubernetes default svc cluster local'.split())+b'\\0'
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(3)
s.sendto(b'\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0'+name+b'\\0\\1\\0\\1',('10.96.0.10',53))
print(socket.inet_ntoa(s.recv(512)[-4:]))";
    let answer = eventually("the DNS answers", SOON, || async {
        node.inside(Program::at("python3").args(["-c", resolve]))
            .output()
            .await?
            .fine()
    });
    ensure!(answer.await?.trim() == "10.96.0.1");
    // There is no way out of it.
    let out = node
        .inside(Program::at("ip").args(["route", "show", "default"]))
        .output()
        .await?;
    ensure!(out.fine()?.is_empty());
    Ok(())
}

/// A second node, with the same addresses, beside the first one.
pub(crate) async fn runs_beside_another_and_leaves_nothing(ground: &Ground) -> Result<()> {
    let Some(first) = here(ground) else {
        return Ok(());
    };
    let before = outside()?;
    let second = Node::start("e2e-second").await?;
    second.load(&["thanos"]).await?;
    let run = second.run().folder().to_owned();
    let during = traces(&run)?;
    for part in [
        "/sys/fs/cgroup/",
        " kubelet",
        " pause",
        " socat",
        "its data",
    ] {
        ensure!(
            during.iter().any(|trace| trace.contains(part)),
            "no {part} in {during:#?}"
        );
    }
    same(&before, &outside()?)?;
    drop(second);
    ensure!(
        traces(&run)?.is_empty(),
        "left behind: {:#?}",
        traces(&run)?
    );
    same(&before, &outside()?)?;
    ground.says("get nodes", " Ready").await?;
    ensure!(!traces(first.run().folder())?.is_empty());
    Ok(())
}

/// `kill -9` of the program that holds it: the watchdog ends the node, and the janitor what processes leave.
pub(crate) async fn leaves_nothing_when_its_test_is_killed(ground: &Ground) -> Result<()> {
    if here(ground).is_none() {
        return Ok(());
    }
    let before = outside()?;
    let mut child = tokio::process::Command::new(std::env::current_exe()?)
        .arg(HOLD)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = child.stdout.take().context("its output")?;
    let line = BufReader::new(output)
        .lines()
        .next_line()
        .await?
        .context("it held nothing")?;
    let run = PathBuf::from(line.strip_prefix("held ").context("a folder")?);
    ensure!(!traces(&run)?.is_empty());
    let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    kill_process(id.context("its process id")?, Signal::KILL)?;
    child.wait().await?;
    eventually("nothing is left", Duration::from_secs(20), || async {
        let left = traces(&run)?;
        ensure!(left.is_empty(), "left behind: {left:#?}");
        same(&before, &outside()?)
    })
    .await
}

/// Nothing is there that was not there before.
fn same(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Result<()> {
    let left: Vec<&String> = after.difference(before).collect();
    ensure!(left.is_empty(), "seen from outside: {left:#?}");
    Ok(())
}

/// Starts a node and waits to be killed.
pub(crate) async fn hold() -> ExitCode {
    match Node::start("e2e-held").await {
        Ok(node) => {
            println!("held {}", node.run().folder().display());
            std::future::pending::<()>().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}
