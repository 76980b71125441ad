//! How things end: dropped, refused at the start, in a panic, and killed from outside. Nothing is left of any of them,
//! and what went wrong can be read.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use thanos_tests::{Cluster, Options, Program, Run, eventually};

/// Whether any process of a group is left. A zombie is not: who reaps it is the system's affair.
fn group_lives(leader: u32) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines =
        processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    let groups = lines.filter_map(|line| {
        // "PID (NAME) STATE PARENT GROUP …", where the name may hold anything.
        let (_, rest) = line.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        let state = fields.next()?;
        let group: u32 = fields.nth(1)?.parse().ok()?;
        (state != "Z").then_some(group)
    });
    groups.into_iter().any(|group| group == leader)
}

/// Runs one ignored test of this file by itself.
fn alone(test: &str) -> Result<Child> {
    Command::new(std::env::current_exe()?)
        .args([
            "--ignored",
            "--exact",
            "--nocapture",
            &format!("harness::endings::{test}"),
        ])
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting this test program again")
}

#[tokio::test]
async fn nothing_is_left_of_a_cluster_that_was_dropped() -> Result<()> {
    let cluster = Cluster::start(Options::new("harness-drop")).await?;
    let (server, url) = (cluster.server().process().id(), cluster.server().url());
    let (data, log) = (
        cluster.run().data("etcd")?,
        cluster.server().process().log().to_owned(),
    );
    assert!(group_lives(server));
    drop(cluster);
    assert!(!group_lives(server));
    assert!(!data.exists(), "the data goes");
    assert!(log.exists(), "the log stays");
    let address = url.trim_start_matches("https://").to_owned();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_program_that_does_not_start_shows_the_end_of_its_log() -> Result<()> {
    let options = Options::new("harness-bad").argument("--no-such-flag");
    let error = Cluster::start(options).await.err().context("it started")?;
    let text = format!("{error:#}");
    assert!(
        text.contains("kube-apiserver ended before it was ready"),
        "{text}"
    );
    assert!(text.contains("unknown flag: --no-such-flag"), "{text}");
    Ok(())
}

#[test]
#[ignore = "started by a_panic_shows_the_logs"]
fn panic_beside_a_program() {
    let run = Run::new("harness-panic").expect("a run");
    let program = Program::at("/bin/sh")
        .named("talker")
        .args(["-c", "echo its last words; exec sleep 600"]);
    let talker = program.start(&run).expect("it starts");
    while fs::read(talker.log()).expect("its log").is_empty() {
        std::thread::yield_now();
    }
    println!("held {}", talker.id());
    panic!("as a failed assertion does");
}

#[test]
fn a_panic_shows_the_logs_and_ends_the_programs() -> Result<()> {
    let output = alone("panic_beside_a_program")?.wait_with_output()?;
    let (said, told) = (
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    );
    assert!(told.contains("---- talker: the end of"), "{told}");
    assert!(told.contains("its last words"), "{told}");
    let leader = said.lines().find_map(held).context(said.clone())?;
    assert!(!group_lives(leader));
    Ok(())
}

#[tokio::test]
#[ignore = "started by a_killed_test_leaves_nothing_behind"]
async fn hold_a_program_until_killed() -> Result<()> {
    let run = Run::new("harness-held")?;
    // With a child of its own, which only the group's end can take along.
    let held = Program::at("/bin/sh")
        .args(["-c", "sleep 600 & wait"])
        .start(&run)?;
    println!("held {}", held.id());
    std::future::pending().await
}

/// Ctrl-C, what CI sends, and what no program can see coming.
#[tokio::test]
async fn a_killed_test_leaves_nothing_behind() -> Result<()> {
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let mut test = alone("hold_a_program_until_killed")?;
        let out = BufReader::new(test.stdout.take().context("its output")?);
        let leader = out
            .lines()
            .map_while(Result::ok)
            .find_map(|line| held(&line));
        let leader = leader.context("it said nothing")?;
        assert!(group_lives(leader));
        kill_process(Pid::from_child(&test), signal)?;
        test.wait()?;
        eventually(
            "the watchdog has ended the group",
            Duration::from_secs(10),
            || async {
                ensure!(
                    !group_lives(leader),
                    "group {leader} lives after {signal:?}"
                );
                Ok(())
            },
        )
        .await?;
    }
    Ok(())
}

/// The group in a line `… held 123`.
fn held(line: &str) -> Option<u32> {
    line.split_once("held ")?.1.trim().parse().ok()
}
