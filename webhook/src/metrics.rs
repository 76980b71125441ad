//! What `serve` counts.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Every metric of `serve`. The default one counts too, and is shown nowhere: for tests.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Reviews that were answered.
    pub reviews: Family<ReviewLabels, Counter>,
    /// How long they took, from the header on.
    pub seconds: Family<PathLabels, Histogram>,
    /// Requests and connections that got no review.
    pub rejected: Family<CauseLabels, Counter>,
    /// Connections that are open.
    pub connections: Gauge,
    /// The end of the served certificate, in seconds of Unix time.
    pub certificate_not_after: Gauge,
    /// Wirings that are known and right.
    pub wirings: Gauge,
    /// Policies that are known and right.
    pub policies: Gauge,
    /// What policies found wrong.
    pub charges: Family<ChargeLabels, Counter>,
    /// Events about denials: written, dropped, failed.
    pub events: Family<EventLabels, Counter>,
    named: Arc<Mutex<BTreeSet<String>>>,
}

/// The labels of one answered review. Each takes few values, whoever asks.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
#[expect(missing_docs, reason = "the labels are the field names")]
pub struct ReviewLabels {
    pub path: &'static str,
    pub kind: &'static str,
    pub operation: &'static str,
    pub decision: &'static str,
    pub code: &'static str,
}

/// Which webhook.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
#[expect(missing_docs, reason = "the labels are the field names")]
pub struct PathLabels {
    pub path: &'static str,
}

/// One thing that one policy found wrong.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
#[expect(missing_docs, reason = "the labels are the field names")]
pub struct ChargeLabels {
    pub rule: &'static str,
    pub policy: String,
    pub enforcement: &'static str,
}

/// What became of an Event.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
#[expect(missing_docs, reason = "the labels are the field names")]
pub struct EventLabels {
    pub result: &'static str,
}

/// As many policies are told apart by name; all others are counted as one. Names come and go for as long as this runs.
const POLICIES: usize = 200;

/// Why there was no review.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
#[expect(missing_docs, reason = "the labels are the field names")]
pub struct CauseLabels {
    pub cause: &'static str,
}

/// From far below a decision's own time to the longest deadline.
const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 3.0];

impl Default for Metrics {
    fn default() -> Self {
        Self {
            reviews: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            rejected: Family::default(),
            connections: Gauge::default(),
            certificate_not_after: Gauge::default(),
            wirings: Gauge::default(),
            policies: Gauge::default(),
            charges: Family::default(),
            events: Family::default(),
            named: Arc::default(),
        }
    }
}

impl Metrics {
    /// Metrics that the registry shows.
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let metrics = Self::default();
        let Self {
            reviews,
            seconds,
            rejected,
            connections,
            certificate_not_after,
            wirings,
            policies,
            charges,
            events,
            named: _,
        } = metrics.clone();
        registry.register("reviews", "Reviews that were answered", reviews);
        registry.register_with_unit("review", "How long a review took", Unit::Seconds, seconds);
        registry.register(
            "rejected",
            "Requests and connections that got no review",
            rejected,
        );
        registry.register("connections", "Connections that are open", connections);
        let end = "The end of the served certificate, in Unix time";
        registry.register_with_unit(
            "certificate_not_after",
            end,
            Unit::Seconds,
            certificate_not_after,
        );
        registry.register("wirings", "Wirings that are known and right", wirings);
        registry.register("policies", "Policies that are known and right", policies);
        registry.register("charges", "What policies found wrong", charges);
        registry.register("denial_events", "Events about denials", events);
        Arc::new(metrics)
    }

    /// Counts one thing that one policy found wrong.
    pub fn charge(&self, rule: &'static str, policy: &str, enforcement: &'static str) {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let policy = if named.contains(policy) || named.len() < POLICIES {
            named.insert(policy.to_owned());
            policy
        } else {
            "other"
        };
        drop(named);
        let labels = ChargeLabels {
            rule,
            policy: policy.to_owned(),
            enforcement,
        };
        self.charges.get_or_create(&labels).inc();
    }

    /// Counts one Event.
    pub fn event(&self, result: &'static str) {
        self.events.get_or_create(&EventLabels { result }).inc();
    }

    /// Counts one request or connection that got no review.
    pub fn reject(&self, cause: &'static str) {
        self.rejected.get_or_create(&CauseLabels { cause }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_beyond_the_limit_share_one_name() {
        let metrics = Metrics::default();
        for number in 0..=POLICIES {
            metrics.charge("limits", &format!("policy-{number}"), "deny");
        }
        metrics.charge("limits", "policy-0", "deny");
        let count = |policy: &str| {
            let labels = ChargeLabels {
                rule: "limits",
                policy: policy.to_owned(),
                enforcement: "deny",
            };
            metrics.charges.get_or_create(&labels).get()
        };
        assert_eq!((count("policy-0"), count("other")), (2, 1));
    }
}
