//! `opaque-config`: the object brings configuration that admission cannot see.

use super::case::{Case, Findings};

pub(super) fn check(_: &Case<'_>, _: &mut Findings) {}
