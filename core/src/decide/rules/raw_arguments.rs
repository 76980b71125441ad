//! `raw-arguments`: the object passes raw arguments or feature flags.

use super::case::{Case, Findings};

pub(super) fn check(_: &Case<'_>, _: &mut Findings) {}
