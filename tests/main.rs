//! Asks every door the same question, and runs the real programs. One test binary; one file per subject.

mod cases;
mod charts;
mod doors;
mod harness;
mod plugin;
mod properties;
mod serve;
mod real;
mod yaml;
