//! `borrowed-secret`: the object names a Secret or ConfigMap that is not its own to name.

use super::case::{Case, Findings};

pub(super) fn check(_: &Case<'_>, _: &mut Findings) {}
