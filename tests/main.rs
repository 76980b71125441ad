//! Asks every door the same question, and runs the real programs. One test binary; one file per subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::format_collect,
    clippy::format_push_string,
    reason = "a test fails by panicking, and its texts are small"
)]

mod azure;
mod cases;
mod certificate;
mod charts;
mod codes;
mod control;
mod coverage;
mod doors;
mod evasion;
mod harness;
mod hub;
mod member;
mod native;
mod objstore;
mod plugin;
mod policies;
mod properties;
mod real;
mod serve;
mod yaml;
