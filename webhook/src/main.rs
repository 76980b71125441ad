//! The entrance: parse, set up, run, exit code.

use std::process::ExitCode;

use thanos_webhook::args::Args;
use thanos_webhook::{run, telemetry};

fn main() -> ExitCode {
    let args = Args::read();
    telemetry::start(&args.common().log);
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        tracing::debug!("a cryptography provider was installed before");
    }
    run(args)
}
