//! `remote-write-names`: Prometheus would refuse the remote-write entries, or lose what they send.

use super::case::{Case, Findings};

pub(super) fn check(_: &Case<'_>, _: &mut Findings) {}
