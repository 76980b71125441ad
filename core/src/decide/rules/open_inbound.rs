//! `open-inbound`: the object opens an unauthenticated way in.

use super::case::{Case, Findings};

pub(super) fn check(_: &Case<'_>, _: &mut Findings) {}
