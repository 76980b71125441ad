//! `replica-label`: several replicas send without a label that tells them apart.

use super::case::{Case, Findings};

pub(super) fn check(_: &Case<'_>, _: &mut Findings) {}
