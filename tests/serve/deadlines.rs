//! Every step has its own deadline, and who dribbles wins no time.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::{SERVER, Server, closed, head, rejected, review};

/// What a busy machine may add: still less than the deadlines (5 s and more) that apply where none is given.
const SLACK: Duration = Duration::from_secs(4);
const BEAT: Duration = Duration::from_millis(40);

fn about(what: &str, took: Duration, deadline: Duration) {
    let early = deadline.saturating_sub(Duration::from_millis(20));
    assert!(
        took >= early && took < deadline + SLACK,
        "{what}: {took:?} for {deadline:?}"
    );
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_cut() -> Result<()> {
    let server = Server::start(SERVER).await?;
    let begin = Instant::now();
    closed(&mut TcpStream::connect(server.address).await?).await;
    about("silence", begin.elapsed(), SERVER.handshake);

    let begin = Instant::now();
    let mut slow = TcpStream::connect(server.address).await?;
    // The beginning of a ClientHello, a byte at a time.
    for byte in [
        0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03,
    ]
    .into_iter()
    .cycle()
    {
        if slow.write_all(&[byte]).await.is_err() {
            break;
        }
        sleep(BEAT).await;
    }
    about("a slow hello", begin.elapsed(), SERVER.handshake);
    assert_eq!(rejected(&server.metrics, "handshake-timeout"), 2);

    closed(&mut {
        let mut plain = TcpStream::connect(server.address).await?;
        plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await?;
        plain
    })
    .await;
    assert_eq!(rejected(&server.metrics, "handshake"), 1);
    Ok(())
}

#[tokio::test]
async fn a_slow_header_is_cut_and_an_idle_connection_is_kept_longer() -> Result<()> {
    let server = Server::start(SERVER).await?;
    let mut client = server.connect().await?;
    sleep(SERVER.header * 2).await;
    assert_eq!(
        client.post("/mutate", &review("a")).await?.status,
        200,
        "idle before its first request"
    );
    sleep(SERVER.header * 2).await;
    assert_eq!(
        client.post("/mutate", &review("a")).await?.status,
        200,
        "idle between two requests"
    );

    let begin = Instant::now();
    for byte in head("/mutate", 2)
        .as_bytes()
        .iter()
        .chain([b'x'].iter().cycle())
    {
        if client.send([*byte]).await.is_err() {
            break;
        }
        sleep(BEAT).await;
        if *byte == b'x' {
            break;
        }
        if begin.elapsed() > SERVER.header + SLACK {
            break;
        }
    }
    closed(&mut client.stream).await;
    about("a slow header", begin.elapsed(), SERVER.header);

    let mut idle = server.connect().await?;
    let begin = Instant::now();
    closed(&mut idle.stream).await;
    about("idle", begin.elapsed(), SERVER.idle);
    Ok(())
}

#[tokio::test]
async fn a_slow_body_is_answered_and_cut() -> Result<()> {
    let server = Server::start(SERVER).await?;
    let mut client = server.connect().await?;
    client.send(head("/mutate", 1000)).await?;
    let begin = Instant::now();
    let (mut reading, mut writing) = tokio::io::split(client.stream);
    let dribble = async {
        while writing.write_all(b" ").await.is_ok() && writing.flush().await.is_ok() {
            sleep(BEAT).await;
        }
    };
    let mut answer = String::new();
    let read = async {
        let _ = tokio::io::AsyncReadExt::read_to_string(&mut reading, &mut answer).await;
    };
    tokio::select! { () = dribble => {}, () = read => {} }
    about(
        "a slow body",
        begin.elapsed(),
        super::admission().body_timeout,
    );
    assert!(
        answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close"),
        "{answer}"
    );
    assert_eq!(rejected(&server.metrics, "body-timeout"), 1);
    Ok(())
}

#[tokio::test]
async fn slow_clients_do_not_slow_others() -> Result<()> {
    let server = Server::start(server_of(600)).await?;
    let mut slow = Vec::new();
    for _ in 0..250 {
        slow.push(TcpStream::connect(server.address).await?);
    }
    let mut halves = Vec::new();
    for _ in 0..20 {
        let mut half = server.connect().await?;
        half.send(head("/mutate", 1000)).await?;
        halves.push(half);
    }
    let mut client = server.connect().await?;
    let begin = Instant::now();
    for _ in 0..20 {
        assert_eq!(client.post("/mutate", &review("a")).await?.status, 200);
    }
    assert!(begin.elapsed() < SLACK, "{:?}", begin.elapsed());
    Ok(())
}

fn server_of(connections: usize) -> thanos_webhook::server::Limits {
    let long = Duration::from_secs(5);
    thanos_webhook::server::Limits {
        connections,
        handshake: long,
        header: long,
        ..SERVER
    }
}
