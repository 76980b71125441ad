//! Everything that starts, in the order in which it starts.
//!
//! `serve` answers the API server: TLS stream → review → facts from memory → `decide` → patch → answer.
//! `control` keeps the cluster true: gather → judge → apply → report.

pub mod admin;
pub mod admission;
pub mod args;
pub mod cluster;
pub mod control;
pub mod facts;
pub mod metrics;
pub mod server;
pub mod shutdown;
pub mod telemetry;
pub mod tls;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use jiff::Timestamp;
use tokio::net::TcpListener;

use admin::Health;
use admission::Denials;
use args::{Args, Command, ControlArgs, ServeArgs};
use facts::Knowledge;
use metrics::Metrics;
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
                Command::Control(args) => control(*args, shutdown.clone()).await,
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
    let begin = Instant::now();
    let health = Health::new();
    let mut registry = telemetry::registry();
    let metrics = Metrics::register(&mut registry);
    let listener = listen("reviews", args.listen).await?;
    let admin = listen("admin", args.common.admin_listen).await?;
    let certificate = tls::Current::load(tls::Files {
        certificate: args.tls_cert.clone(),
        key: args.tls_key.clone(),
    })?;
    let tls = certificate.config()?;
    let client = cluster::client(args.common.kubeconfig.as_deref()).await?;
    let knowledge = Arc::new(Knowledge::asking(client.clone()).with_grace(args.grace()));
    facts::watch(&client, &knowledge, &health, &metrics);
    tokio::spawn(certificate.keep(args.tls_interval, Arc::clone(&health), Arc::clone(&metrics)));
    tokio::spawn(admin::serve(
        admin,
        admin::router(Arc::clone(&health), registry),
    ));
    tokio::spawn(announce(begin, Arc::clone(&health), shutdown.clone()));
    let denials = Denials::told(client, args.policies.identity.clone(), Arc::clone(&metrics));
    let state = admission::State::telling(
        knowledge,
        args.admission_limits(),
        Arc::clone(&metrics),
        Timestamp::now,
        denials,
    );
    server::serve(
        listener,
        Some(tls),
        admission::router(state),
        args.server_limits(),
        metrics,
        shutdown,
    )
    .await;
    tracing::info!("stopped");
    Ok(())
}

/// Keeps the cluster true until `shutdown`, then gives the lease back.
pub async fn control(args: ControlArgs, shutdown: Shutdown) -> Result<()> {
    let begin = Instant::now();
    let health = Health::new();
    health.close(control::objects::GATE, "not read yet");
    let mut registry = telemetry::registry();
    let metrics = control::metrics::Metrics::register(&mut registry);
    let admin = listen("admin", args.common.admin_listen).await?;
    let client = cluster::client(args.common.kubeconfig.as_deref()).await?;
    tokio::spawn(admin::serve(
        admin,
        admin::router(Arc::clone(&health), registry),
    ));
    let controlled = control::run(args, client, Arc::clone(&health), metrics, shutdown.clone());
    tokio::select! {
        ended = controlled => ended?,
        () = async {
            announce(begin, health, shutdown).await;
            std::future::pending::<()>().await;
        } => {}
    }
    tracing::info!("stopped");
    Ok(())
}

/// Says once when everything is ready, and closes the gate when it is to stop.
async fn announce(begin: Instant, health: Arc<Health>, shutdown: Shutdown) {
    tokio::select! {
        () = health.ready() => {
            tracing::info!(millis = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX), "ready");
            shutdown.asked().await;
        }
        () = shutdown.asked() => {}
    }
    health.close("shutdown", "stopping");
}

async fn listen(what: &'static str, address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address}"))?;
    let address = listener
        .local_addr()
        .context("the address that was listened on")?;
    tracing::info!(what, address = address.to_string(), "listening");
    Ok(listener)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    tracing::error!(error = format!("{error:#}"), "stopped");
    ExitCode::FAILURE
}
