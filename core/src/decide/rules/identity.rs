//! `identity`: the object takes an identity that the policy does not allow.

use super::case::{Case, Findings};

pub(super) fn check(_: &Case<'_>, _: &mut Findings) {}
