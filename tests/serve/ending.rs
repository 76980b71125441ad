//! SIGTERM: not ready at once, served for a while, closed politely, drained, exit 0.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use thanos_tests::{Run, eventually};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until};

use super::program::{Serve, nowhere};
use super::{closed, head, review};

const DELAY: Duration = Duration::from_secs(2);
const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_replica_ends_without_failing_anybody() -> Result<()> {
    let run = Run::new("serve-ending")?;
    let serve = Serve::start(
        &run,
        nowhere(&run)?,
        &[
            "--shutdown-delay=2s",
            "--drain-timeout=5s",
            "--body-timeout=20s",
        ],
    )
    .await?;
    let mut kept = serve.connect().await?;
    assert!(
        !kept
            .post("/mutate", &review("a"))
            .await?
            .header
            .contains("connection: close")
    );
    let mut running = serve.connect().await?;
    let body = review("a");
    running
        .send(format!("{}{}", head("/mutate", body.len()), &body[..100]))
        .await?;

    let begin = Instant::now();
    serve.process.signal(Signal::TERM)?;
    eventually("it is not ready any more", SOON, || async {
        let ready = serve.admin.get("/readyz").await?;
        ensure!(
            ready.status.as_u16() == 503 && ready.body.contains("shutdown: stopping"),
            "{}",
            ready.body
        );
        Ok(())
    })
    .await?;
    assert_eq!(
        serve
            .connect()
            .await?
            .post("/mutate", &review("a"))
            .await?
            .status,
        200,
        "still served"
    );
    let said = kept.post("/mutate", &review("a")).await?;
    assert!(
        begin.elapsed() > DELAY / 2 || !said.header.contains("connection: close"),
        "kept at first"
    );

    sleep_until(begin + DELAY * 3 / 4).await;
    let said = kept.post("/mutate", &review("a")).await?;
    assert!(
        said.status == 200 && said.header.contains("connection: close"),
        "{said:?}"
    );
    closed(&mut kept.stream).await;

    eventually("nothing more is accepted", SOON, || async {
        ensure!(TcpStream::connect(serve.address).await.is_err(), "accepted");
        Ok(())
    })
    .await?;
    assert!(begin.elapsed() >= DELAY, "{:?}", begin.elapsed());
    running.send(&body[100..]).await?;
    let said = running
        .said()
        .await
        .context("what was running is finished")?;
    assert!(said.status == 200 && said.body.contains("5d1c"), "{said:?}");
    serve.process.ended(SOON).await?;
    // A signal to a program that has ended already is lost: this only reads how it ended.
    assert!(serve.process.stop(SOON).await?.success());
    Ok(())
}

#[tokio::test]
async fn the_drain_has_an_end_and_a_second_signal_ends_it_at_once() -> Result<()> {
    let run = Run::new("serve-drain")?;
    let more = [
        "--shutdown-delay=0s",
        "--drain-timeout=500ms",
        "--body-timeout=60s",
    ];
    let serve = Serve::start(&run, nowhere(&run)?, &more).await?;
    let mut hanging = serve.connect().await?;
    hanging.send(head("/mutate", 1000)).await?;
    // Its header must be read: a connection without a request is closed at once.
    sleep(Duration::from_millis(300)).await;
    let begin = Instant::now();
    assert!(serve.process.stop(SOON).await?.success());
    assert!(
        begin.elapsed() >= Duration::from_millis(450),
        "{:?}",
        begin.elapsed()
    );

    let serve = Serve::start(&run, nowhere(&run)?, &["--shutdown-delay=60s"]).await?;
    serve.process.signal(Signal::TERM)?;
    eventually("it is stopping", SOON, || async {
        ensure!(
            serve.admin.get("/readyz").await?.body.contains("stopping"),
            "not yet"
        );
        Ok(())
    })
    .await?;
    let begin = Instant::now();
    let status = serve.process.stop(SOON).await?;
    assert!(
        !status.success() && begin.elapsed() < Duration::from_secs(2),
        "{status} after {:?}",
        begin.elapsed()
    );
    Ok(())
}
