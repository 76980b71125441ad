//! `plaintext-url`: a credential would travel in plain text.

use super::case::{Case, Findings};

pub(super) fn check(_: &Case<'_>, _: &mut Findings) {}
