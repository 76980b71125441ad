//! Asks every door the same question, and runs the real programs. One test binary; one file per subject.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_collect,
    reason = "a test fails by panicking, and its texts are small"
)]

mod cases;
mod certificate;
mod charts;
mod codes;
mod control;
mod doors;
mod harness;
mod member;
mod plugin;
mod properties;
mod real;
mod serve;
mod yaml;
