//! The node itself: what it is, and that nothing of it stays.

use std::collections::BTreeSet;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use thanos_tests::{Node, Program, eventually};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::ground::{Ground, SOON};

/// As the only word, this program starts a node and waits to be killed.
pub(crate) const HOLD: &str = "--hold-a-node";

/// What a node could leave on this machine: mounts, interfaces, control groups, processes, files of tools.
fn traces() -> Result<BTreeSet<String>> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").context("the mounts")?;
    // The last numbers of a line change with every mount elsewhere; the place and the source do not.
    let place = |line: &str| {
        line.split(' ')
            .skip(3)
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut traces: BTreeSet<String> = mounts
        .lines()
        .map(|line| format!("mount {}", place(line)))
        .collect();
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
        traces.extend(entries.map(|entry| entry.path().display().to_string()));
    }
    for group in ["memory", "pids", "cpu", "cpuset", "systemd"] {
        groups(
            std::path::Path::new("/sys/fs/cgroup").join(group),
            &mut traces,
        );
    }
    for entry in std::fs::read_dir("/proc")
        .context("the processes")?
        .flatten()
    {
        let line = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        // Of socat those that listen: the others come and go with connections.
        let daemons = [
            "kubelet",
            "containerd",
            "kube-",
            "/coredns",
            "TCP-LISTEN",
            "node.sh",
            "janitor.sh",
        ];
        if daemons.iter().any(|daemon| line.contains(daemon)) {
            traces.insert(format!(
                "process {} {}",
                entry.path().display(),
                line.replace('\0', " ")
            ));
        }
    }
    Ok(traces)
}

fn groups(folder: std::path::PathBuf, found: &mut BTreeSet<String>) {
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        let path = entry.path();
        if path.display().to_string().contains("kubectl-thanos") {
            found.insert(path.display().to_string());
        }
        groups(path, found);
    }
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
    let before = traces()?;
    let second = Node::start("e2e-second").await?;
    let during = traces()?;
    ensure!(
        during
            .iter()
            .any(|trace| trace.contains("kubelet") && !before.contains(trace)),
        "traces are seen"
    );
    ensure!(first.init() != second.init());
    let data = second.run().folder().join("data/node");
    ensure!(data.exists());
    second.load(&["thanos"]).await?;
    drop(second);
    same(&before, &traces()?)?;
    ensure!(!data.exists(), "{} stays", data.display());
    ground.says("get nodes", " Ready").await.map(drop)
}

/// `kill -9` of the program that holds it: the watchdog ends the node, and the janitor what processes leave.
pub(crate) async fn leaves_nothing_when_its_test_is_killed(ground: &Ground) -> Result<()> {
    if here(ground).is_none() {
        return Ok(());
    }
    let before = traces()?;
    let mut child = tokio::process::Command::new(std::env::current_exe()?)
        .arg(HOLD)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = child.stdout.take().context("its output")?;
    let line = BufReader::new(output).lines().next_line().await?;
    ensure!(
        line.is_some_and(|line| line.contains("held")),
        "it held nothing"
    );
    ensure!(traces()? != before, "traces are seen");
    let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    kill_process(id.context("its process id")?, Signal::KILL)?;
    child.wait().await?;
    eventually("nothing is left", Duration::from_secs(20), || async {
        same(&before, &traces()?)
    })
    .await
}

fn same(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Result<()> {
    let left: Vec<&String> = after.difference(before).collect();
    ensure!(left.is_empty(), "left behind: {left:#?}");
    let lost: Vec<&String> = before.difference(after).collect();
    ensure!(lost.is_empty(), "no longer there: {lost:#?}");
    Ok(())
}

/// Starts a node and waits to be killed.
pub(crate) async fn hold() -> ExitCode {
    match Node::start("e2e-held").await {
        Ok(node) => {
            println!("held {}", node.init());
            std::future::pending::<()>().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}
