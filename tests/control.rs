//! `thanos-webhook control` beside `serve`, as real processes with their own rights, on a real API server.

mod certificates;
mod credentials;
mod crowd;
mod election;
mod given;
mod lives;
mod outage;
mod pace;
mod seen;
mod stage;
