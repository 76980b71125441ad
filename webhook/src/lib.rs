//! Everything that starts, in the order in which it starts.
//!
//! `serve` answers the API server: TLS stream → review → facts from memory → `decide` → patch → answer.
//! `control` keeps the cluster true: gather → judge → apply → report.

pub mod admin;
pub mod args;
pub mod cluster;
pub mod shutdown;
pub mod telemetry;

use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use admin::Health;
use args::{Args, Command, ServeArgs};
use shutdown::Shutdown;

/// Runs the program that was asked for, to its end.
pub fn run(args: Args) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("starting the runtime")),
    };
    runtime.block_on(async {
        let shutdown = match Shutdown::on_signals() {
            Ok(shutdown) => shutdown,
            Err(error) => return failed(&error),
        };
        let program = async {
            match args.command {
                Command::Serve(args) => serve(*args, shutdown.clone()).await,
            }
        };
        tokio::select! {
            ended = program => ended.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS),
            code = shutdown.aborted() => code,
        }
    })
}

/// Answers admission reviews until `shutdown`, then drains.
pub async fn serve(args: ServeArgs, shutdown: Shutdown) -> Result<()> {
    let health = Health::new();
    let registry = telemetry::registry();
    let admin = listen(args.common.admin_listen).await?;
    tokio::spawn(admin::serve(
        admin,
        admin::router(health, registry),
        shutdown.clone(),
    ));
    shutdown.asked().await;
    Ok(())
}

async fn listen(address: std::net::SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address}"))
}

fn failed(error: &anyhow::Error) -> ExitCode {
    tracing::error!(error = format!("{error:#}"), "stopped");
    ExitCode::FAILURE
}
