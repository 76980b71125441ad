//! Asks every door the same question, and runs the real programs. One test binary; one file per subject.

mod harness;
mod charts;
mod cases;
mod doors;
mod yaml;
