//! `required-wiring`: the object is not wired as the policy requires.

use super::case::{Case, Findings};

pub(super) fn check(_: &Case<'_>, _: &mut Findings) {}
