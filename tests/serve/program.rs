//! The real program: how it is started, what it says to bad input, and what it holds.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use thanos_tests::certificates::Authority;
use thanos_tests::http::Http;
use thanos_tests::port::Port;
use thanos_tests::{Process, Program, Run, kubeconfig};

use super::{Client, connect, head, review};

/// `thanos-webhook serve` as a process.
pub(super) struct Serve {
    pub(super) process: Process,
    pub(super) authority: Authority,
    pub(super) address: SocketAddr,
    pub(super) admin: Http,
    _ports: [Port; 2],
}

impl Serve {
    /// Starts it by a kubeconfig, with more arguments, and waits until its admin port answers.
    pub(super) async fn start(run: &Run, kubeconfig: PathBuf, more: &[&str]) -> Result<Self> {
        let ports = [Port::take()?, Port::take()?];
        let (address, admin) = (ports[0].address(), ports[1].address());
        let authority = Authority::new("serve-test")?;
        let pair = authority.loopback()?;
        let program = Program::ours("thanos-webhook")?
            .arg("serve")
            .arg("--kubeconfig")
            .arg(kubeconfig);
        let program = program.args([
            format!("--listen={address}"),
            format!("--admin-listen={admin}"),
        ]);
        let program = program
            .arg("--tls-cert")
            .arg(run.file("tls.crt", &pair.certificate)?);
        let program = program
            .arg("--tls-key")
            .arg(run.file("tls.key", &pair.key)?)
            .args(more.iter().copied());
        let process = program.start(run)?;
        let admin = Http::new(&format!("http://{admin}"))?;
        process
            .ready(Duration::from_secs(10), || async {
                admin.get("/healthz").await?.fine().map(drop)
            })
            .await?;
        Ok(Self {
            process,
            authority,
            address,
            admin,
            _ports: ports,
        })
    }

    pub(super) async fn connect(&self) -> Result<Client> {
        connect(self.address, self.authority.pem()).await
    }
}

/// A kubeconfig whose API server is not there: reviews are answered all the same.
pub(super) fn nowhere(run: &Run) -> Result<PathBuf> {
    let authority = Authority::new("nowhere")?;
    run.file(
        "kubeconfig",
        kubeconfig::text(
            "https://127.0.0.1:1",
            authority.pem(),
            "nobody",
            "canary-5f1c",
        ),
    )
}

#[tokio::test]
async fn without_an_api_server_it_answers_and_is_not_ready() -> Result<()> {
    let run = Run::new("serve-alone")?;
    let serve = Serve::start(
        &run,
        nowhere(&run)?,
        &["--log-level=trace", "--log-format=json"],
    )
    .await?;
    assert_eq!(
        serve
            .connect()
            .await?
            .post("/mutate", &review("a"))
            .await?
            .status,
        200
    );
    let ready = serve.admin.get("/readyz").await?;
    assert_eq!(ready.status.as_u16(), 503);
    assert!(
        ready.body.contains("wirings: not read yet"),
        "{}",
        ready.body
    );
    let metrics = serve.admin.get("/metrics").await?.fine()?;
    for line in [
        "thanos_webhook_build_info{version=",
        "thanos_webhook_reviews_total{path=\"/mutate\",kind=\"Prometheus\",operation=\"CREATE\",decision=\"leave\",code=\"KTH2003\"} 1",
        "thanos_webhook_certificate_not_after_seconds ",
        "thanos_webhook_review_seconds_count{path=\"/mutate\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    let log = std::fs::read_to_string(serve.process.log())?;
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        assert!(line["message"].is_string(), "{line}");
    }
    assert!(!log.contains("canary-5f1c"), "a token is in the log");
    Ok(())
}

#[tokio::test]
async fn names_cannot_break_or_forge_a_line_of_the_log() -> Result<()> {
    let hostile = "a\n2026-01-01T00:00:00Z ERROR forged\r\u{1b}[31m\u{2028}\"}";
    for format in ["text", "json"] {
        let run = Run::new("serve-log")?;
        let serve =
            Serve::start(&run, nowhere(&run)?, &[&format!("--log-format={format}")]).await?;
        let mut review: serde_json::Value = serde_json::from_str(&review("a"))?;
        for field in ["uid", "name", "namespace"] {
            review["request"][field] = hostile.into();
        }
        review["request"]["kind"]["kind"] = hostile.into();
        review["request"]["object"]["spec"]["note"] = "canary-5f1c".into();
        assert_eq!(
            serve
                .connect()
                .await?
                .post("/mutate", &review.to_string())
                .await?
                .status,
            200
        );
        let log = std::fs::read_to_string(serve.process.log())?;
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("forged")).collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(
            !log.contains('\u{1b}') && !log.contains('\r') && !log.contains("canary"),
            "{log}"
        );
        if format == "json" {
            let line: serde_json::Value = serde_json::from_str(lines[0])?;
            assert_eq!(
                (&line["name"], &line["message"]),
                (&hostile.into(), &"review".into())
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn large_and_endless_bodies_cost_bounded_memory() -> Result<()> {
    let run = Run::new("serve-large")?;
    let serve = Serve::start(&run, nowhere(&run)?, &[]).await?;
    let before = serve.process.resident_bytes()?;
    let mut senders = Vec::new();
    for _ in 0..24 {
        let mut client = serve.connect().await?;
        senders.push(async move {
            let head =
                head("/mutate", 0).replace("content-length: 0", "transfer-encoding: chunked");
            client.send(head).await?;
            let chunk = format!("{:x}\r\n{}\r\n", 64 * 1024, " ".repeat(64 * 1024));
            for _ in 0..1024 {
                if client.send(&chunk).await.is_err() {
                    break;
                }
            }
            anyhow::Ok(())
        });
    }
    let all = futures::future::try_join_all(senders);
    tokio::pin!(all);
    let mut most = before;
    loop {
        tokio::select! {
            done = &mut all => { done?; break }
            () = tokio::time::sleep(Duration::from_millis(5)) => most = most.max(serve.process.resident_bytes()?),
        }
    }
    let grew = most.saturating_sub(before);
    println!("24 endless bodies: {} MiB more at most", grew >> 20);
    assert!(grew < 64 << 20, "{grew} bytes more");
    assert_eq!(
        serve
            .connect()
            .await?
            .post("/mutate", &review("a"))
            .await?
            .status,
        200
    );
    Ok(())
}

/// 3 MiB of text that would take 200 MiB when read: an object is weighed before that.
#[tokio::test]
async fn objects_of_many_small_parts_cost_bounded_memory() -> Result<()> {
    let run = Run::new("serve-parts")?;
    let serve = Serve::start(&run, nowhere(&run)?, &[]).await?;
    let before = serve.process.resident_bytes()?;
    let parts = vec![r#"{"a":1}"#; 400_000].join(",");
    let body = review("a").replace("\"v3.5.0\"", &format!("\"v3.5.0\",\"parts\":[{parts}]"));
    let ask = async || serve.connect().await?.post("/mutate", &body).await;
    for said in futures::future::try_join_all((0..6).map(|_| ask())).await? {
        assert!(
            said.status == 429 || said.body.contains("KTH2107"),
            "{said:?}"
        );
    }
    let grew = serve.process.resident_bytes()?.saturating_sub(before);
    println!("6 objects of 400 000 parts: {} MiB more", grew >> 20);
    assert!(grew < 64 << 20, "{grew} bytes more");
    Ok(())
}

#[tokio::test]
async fn bad_input_gets_one_sentence_and_its_exit_code() -> Result<()> {
    let run = Run::new("serve-bad")?;
    let authority = Authority::new("bad")?;
    let (pair, other) = (authority.loopback()?, authority.loopback()?);
    let path = |name: &str, text: &str| anyhow::Ok(run.file(name, text)?.display().to_string());
    let certificate = path("a.crt", &pair.certificate)?;
    let (key, wrong_key) = (path("a.key", &pair.key)?, path("b.key", &other.key)?);
    let garbage = path("garbage", "canary-5f1c")?;
    let with = |certificate: &str, key: &str, more: &[&str]| {
        let mut arguments = vec![
            "serve".to_owned(),
            format!("--tls-cert={certificate}"),
            format!("--tls-key={key}"),
        ];
        arguments.extend(["--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"].map(str::to_owned));
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        arguments
    };
    for (arguments, code, words) in [
        (vec![], 2, "Usage: thanos-webhook"),
        (
            vec!["dance".to_owned()],
            2,
            "unrecognized subcommand 'dance'",
        ),
        (vec!["serve".to_owned()], 2, "--tls-cert"),
        (
            with(&certificate, &key, &["--idle-timeout=soon"]),
            2,
            "must be a duration such as 10s",
        ),
        (
            with(&certificate, &key, &["--max-body=8MB"]),
            2,
            "must be a size such as 8MiB",
        ),
        (
            with(&certificate, &key, &["--max-connections=0"]),
            2,
            "0 is not in 1..=1000000",
        ),
        (
            with(&certificate, &key, &["--log-level=loud"]),
            2,
            "must be error, warn, info",
        ),
        (
            ["serve", "--tls-cert=a", "--tls-key=b", "--listen=here"]
                .map(str::to_owned)
                .to_vec(),
            2,
            "invalid socket address",
        ),
        (
            with("nowhere.crt", &key, &[]),
            1,
            "KTH0005 reading nowhere.crt",
        ),
        (with(&garbage, &key, &[]), 1, "KTH4101"),
        (with(&certificate, &garbage, &[]), 1, "holds no PEM key"),
        (
            with(&certificate, &wrong_key, &[]),
            1,
            "is not the key of the first certificate",
        ),
        (
            with(&certificate, &key, &["--kubeconfig=nowhere"]),
            1,
            "KTH1003 the kubeconfig nowhere: No such file",
        ),
        (
            with(&certificate, &key, &["--kubeconfig", &garbage]),
            1,
            "it is no kubeconfig that can be read",
        ),
    ] {
        let output = Program::ours("thanos-webhook")?
            .args(arguments.clone())
            .output()
            .await?;
        assert_eq!(output.code, Some(code), "{arguments:?}: {}", output.stderr);
        assert!(
            output.stderr.contains(words),
            "{arguments:?}: {}",
            output.stderr
        );
        assert!(
            !output.stderr.contains("canary") && !output.stderr.contains("panicked"),
            "{}",
            output.stderr
        );
    }
    let help = Program::ours("thanos-webhook")?
        .args(["serve", "--help"])
        .output()
        .await?;
    ensure!(help.code == Some(0) && help.stdout.contains("Examples:") && help.stderr.is_empty());
    Ok(())
}
