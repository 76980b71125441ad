//! Of each rule: what CEL can say of it. The one table.

use std::sync::Arc;

use super::{Check, Cover};
use crate::decide::rules::Rule;
use crate::policy::Policy;
use crate::wiring::Wiring;

/// For whom it is said.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The wirings whose own values pass.
    pub wirings: &'a [Arc<Wiring>],
}

/// What CEL can say of a rule.
pub fn cover(rule: &Rule, _ask: &Ask<'_>) -> Cover {
    match rule.id() {
        _ => Cover::Not("is not told"),
    }
}

/// The bound of the scale subresource, which counts shards.
pub(super) fn scale(policy: &Policy) -> Option<Check> {
    let most = policy.limits.max_shards?;
    Some(Check::new(
        format!(
            "!has(object.spec.replicas) || object.spec.replicas <= {most} || \
             (oldObject != null && has(oldObject.spec.replicas) && oldObject.spec.replicas == object.spec.replicas)"
        ),
        "spec.replicas must be at most limits.maxShards",
    ))
}
