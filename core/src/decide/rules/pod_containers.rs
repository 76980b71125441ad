//! `pod-containers`: the object changes containers or images of the pod.

use super::case::{Case, Findings};

pub(super) fn check(_: &Case<'_>, _: &mut Findings) {}
