//! `evasion`: the object is out of the operator's or the webhook's sight.
//!
//! A paused object, one of another operator and one without any selector keep the configuration that they have
//! (`isManagedByController` in prometheus-operator `pkg/operator/resource_reconciler.go`,
//! `unmanagedPrometheusConfiguration` in `pkg/prometheus/server/operator.go`). Arguments that carry a configuration of
//! their own would be one that no field shows.

use serde_json::Value;

use super::case::{Case, Findings};
use super::shape::{Argument, is_on};
use crate::fields::sensitive::Sort;
use crate::names;
use crate::subject::Kind;

/// Arguments by which a ruler, a sidecar or a Prometheus is told where to send and whom to ask.
pub(crate) const CONFIGURATION: &[&str] = &[
    "alertmanagers.config",
    "alertmanagers.config-file",
    "alertmanagers.url",
    "config.file",
    "grpc-query-endpoint",
    "query",
    "query.config",
    "query.config-file",
    "query.sd-files",
    "remote-write.config",
    "remote-write.config-file",
];

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for place in case.places("evasion", Sort::Switch) {
        if is_on(place.value) {
            findings.place(
                place,
                "must not be set: the operator would leave the configuration as it is",
            );
        }
    }
    let controller = case.subject.annotation(names::CONTROLLER_ID);
    if let Some(controller) = controller.filter(|id| !id.is_empty()) {
        findings.path(
            &format!("metadata.annotations[{}]", names::CONTROLLER_ID),
            &Value::from(controller),
            "hands the object to another operator",
        );
    }
    selectors(case, findings);
    for argument in Argument::all(case, "evasion") {
        if CONFIGURATION.contains(&argument.name) {
            findings.place(
                argument.place,
                "carries configuration past the object's own fields",
            );
        }
    }
}

/// All four absent is unmanaged; a selector of remote-write objects brings entries that the object does not show.
fn selectors(case: &Case<'_>, findings: &mut Findings) {
    let mut monitors = false;
    for place in case.places("evasion", Sort::Selector) {
        if place
            .at
            .last_member()
            .is_some_and(|name| name.starts_with("remoteWrite"))
        {
            findings.place(
                place,
                "would bring remote-write entries that admission has not seen",
            );
        } else {
            monitors = true;
        }
    }
    if !monitors && case.subject.kind == Kind::Prometheus {
        findings.path(
            "spec",
            &Value::Null,
            "must have a serviceMonitorSelector, podMonitorSelector, probeSelector or scrapeConfigSelector, or the operator \
             does not manage its configuration",
        );
    }
}
