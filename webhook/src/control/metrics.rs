//! What `control` counts.

use std::collections::BTreeMap;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// Every metric of `control`. The default one counts too, and is shown nowhere: for tests.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// 1 while this process leads.
    pub leader: Gauge,
    /// Touches that were made.
    pub touches: Family<TouchLabels, Counter>,
    /// Looks at the certificates that ended in an error.
    pub certificate_failures: Counter,
    /// The end of the newest authority, in seconds of Unix time.
    pub authority_not_after: Gauge,
    wired: Family<WiringLabels, Gauge>,
    unwired: Family<WiringLabels, Gauge>,
    violations: Family<PolicyLabels, Gauge>,
}

/// The labels of a touch.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
#[expect(missing_docs, reason = "the labels are the field names")]
pub struct TouchLabels {
    pub kind: &'static str,
    pub result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct WiringLabels {
    wiring: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PolicyLabels {
    policy: String,
}

impl Metrics {
    /// Metrics that the registry shows.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let Self {
            leader,
            touches,
            certificate_failures,
            authority_not_after,
            wired,
            unwired,
            violations,
        } = metrics.clone();
        registry.register("leader", "1 while this process leads", leader);
        registry.register(
            "touches",
            "Objects that the mutator was asked to look at again",
            touches,
        );
        registry.register(
            "certificate_failures",
            "Looks at the certificates that ended in an error",
            certificate_failures,
        );
        registry.register_with_unit(
            "authority_not_after",
            "The end of the newest authority, in Unix time; 0 while it is not ours",
            Unit::Seconds,
            authority_not_after,
        );
        registry.register(
            "wired",
            "Objects that the wiring selects and has wired",
            wired,
        );
        registry.register(
            "unwired",
            "Objects that the wiring selects and has not wired",
            unwired,
        );
        registry.register(
            "violations",
            "Objects that break a rule of the policy",
            violations,
        );
        metrics
    }

    /// Shows how many objects each wiring has wired and not wired; none while this process does not lead.
    pub fn count(&self, counts: &BTreeMap<String, (i32, i32)>) {
        self.wired.clear();
        self.unwired.clear();
        for (wiring, (wired, unwired)) in counts {
            let labels = WiringLabels {
                wiring: wiring.clone(),
            };
            self.wired.get_or_create(&labels).set(i64::from(*wired));
            self.unwired.get_or_create(&labels).set(i64::from(*unwired));
        }
    }

    /// Shows how many objects break a rule of each policy; none while this process does not lead.
    pub fn violated(&self, violations: &BTreeMap<String, i32>) {
        self.violations.clear();
        for (policy, count) in violations {
            let labels = PolicyLabels {
                policy: policy.clone(),
            };
            self.violations
                .get_or_create(&labels)
                .set(i64::from(*count));
        }
    }

    /// Counts one touch.
    pub fn touch(&self, kind: &'static str, result: &'static str) {
        self.touches
            .get_or_create(&TouchLabels { kind, result })
            .inc();
    }
}
