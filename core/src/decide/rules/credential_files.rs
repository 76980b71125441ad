//! `credential-files`: a credential or certificate is read from a file of the pod.

use super::case::{Case, Findings};

pub(super) fn check(_: &Case<'_>, _: &mut Findings) {}
