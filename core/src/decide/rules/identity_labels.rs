//! `identity-labels`: a label that identifies the cluster is changed, removed or missing.

use super::case::{Case, Findings};

pub(super) fn check(_: &Case<'_>, _: &mut Findings) {}
