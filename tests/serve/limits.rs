//! Connections, bodies and turns are bounded, and who finds none is told to ask again.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use thanos_webhook::facts::Knowledge;
use thanos_webhook::{admission, server};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::{SERVER, Server, closed, head, rejected, review, wiring};

#[tokio::test]
async fn a_full_house_shows_who_only_sits_there_the_door() -> Result<()> {
    let server = Server::start(server::Limits {
        connections: 2,
        idle: Duration::from_secs(60),
        ..SERVER
    })
    .await?;
    let (mut first, mut second) = (server.connect().await?, server.connect().await?);
    assert_eq!(server.metrics.connections.get(), 2);
    let begin = Instant::now();
    let mut third = timeout(Duration::from_secs(5), server.connect())
        .await
        .context("no seat came free")??;
    assert!(
        begin.elapsed() >= SERVER.header / 2,
        "nobody had to wait: {:?}",
        begin.elapsed()
    );
    assert_eq!(third.post("/mutate", &review("a")).await?.status, 200);
    tokio::select! {
        () = closed(&mut first.stream) => {}
        () = closed(&mut second.stream) => {}
    }
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_held() -> Result<()> {
    let server = Server::start(SERVER).await?;
    let mut announced = server.connect().await?;
    announced.send(head("/mutate", (8 << 20) + 1)).await?;
    let said = announced.said().await?;
    assert_eq!(
        (said.status, said.body.lines().count()),
        (413, 1),
        "{said:?}"
    );
    closed(&mut announced.stream).await;

    let mut endless = server.connect().await?;
    let head = head("/mutate", 0).replace("content-length: 0", "transfer-encoding: chunked");
    endless.send(head).await?;
    let chunk = format!("{:x}\r\n{}\r\n", 64 * 1024, " ".repeat(64 * 1024));
    let mut sent = 0;
    while sent < 64 << 20 && endless.send(&chunk).await.is_ok() {
        sent += 64 * 1024;
    }
    assert!(sent < 16 << 20, "{sent} bytes were taken");
    assert_eq!(rejected(&server.metrics, "too-large"), 2);
    Ok(())
}

#[tokio::test]
async fn who_finds_no_turn_is_to_ask_again_after_a_second() -> Result<()> {
    // An API server that never answers: an unknown namespace then takes as long as a review may wait for it.
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = format!("http://{}", silent.local_addr()?);
    let client = kube::Client::try_from(kube::Config::new(url.parse()?))?;
    let knowledge = Knowledge::asking(client);
    knowledge
        .put_wiring(&serde_json::from_value(wiring())?)
        .map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    let reviews = admission::Limits {
        running: 1,
        waiting: 1,
        ..super::admission()
    };
    let server = Server::with(SERVER, reviews, knowledge).await?;
    let ask = async || {
        server
            .connect()
            .await?
            .post("/mutate?timeout=5s", &review("nowhere"))
            .await
    };
    let begin = Instant::now();
    let asked = futures::future::try_join_all((0..6).map(|_| ask())).await?;
    let mut told: Vec<u16> = asked.iter().map(|said| said.status).collect();
    told.sort_unstable();
    assert_eq!(told, [200, 200, 429, 429, 429, 429]);
    assert!(
        begin.elapsed() < Duration::from_secs(3),
        "{:?}",
        begin.elapsed()
    );
    for said in &asked {
        let busy = said.status == 429;
        assert_eq!(said.header.contains("retry-after: 1"), busy, "{said:?}");
        assert_eq!(said.body.contains("KTH5002"), busy, "{said:?}");
        assert_eq!(
            said.body
                .contains("KTH2008 not wired by hub: namespace nowhere is not known"),
            !busy,
            "{said:?}"
        );
    }
    Ok(())
}
