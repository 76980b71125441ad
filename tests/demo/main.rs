//! `make demo`: from nothing to a sample in Thanos that came through an object wired at admission.
//!
//! Everything is a real program on loopback. Commands behind a `$` are run as they are shown, in a folder of the demo's.

mod application;
mod story;
mod tell;

use std::process::ExitCode;

use tell::Teller;

#[tokio::main]
async fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let once = std::env::args().any(|word| word == "--once");
    let mut teller = Teller::new();
    let ended = tokio::select! {
        ended = story::run(&mut teller, once) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    match ended {
        Ok(()) => {
            teller.end();
            ExitCode::SUCCESS
        }
        Err(error) => {
            teller.fail(&error);
            ExitCode::FAILURE
        }
    }
}
