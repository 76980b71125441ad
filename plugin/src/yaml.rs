//! YAML: read as kubectl reads it, which is core's part since the webhook reads some too, and printed as kubectl prints it.

pub use thanos_core::yaml::*;

mod print;

pub use print::{Layout, to_string};
pub(crate) use print::{after_dash, after_key, pair, print};

#[cfg(test)]
mod tests;
