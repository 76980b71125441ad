//! `insecure-tls`: TLS is checked less than it should be.

use super::case::{Case, Findings};

pub(super) fn check(_: &Case<'_>, _: &mut Findings) {}
