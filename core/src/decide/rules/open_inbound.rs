//! `open-inbound`: the object opens an unauthenticated way in.
//!
//! The OTLP receiver opens by its configuration alone where nobody says no (prometheus-operator
//! `pkg/prometheus/promcfg.go`), and each of them by an argument or a feature of older Prometheus as well.

use super::case::{Case, Findings};
use super::places::Place;
use super::shape::{Argument, is_empty, is_on};
use crate::fields::sensitive::Sort;

/// The name in `allow.inbound`, the arguments and the feature that open it.
pub(crate) const WAYS: &[(&str, &str, &str)] = &[
    (
        "remoteWriteReceiver",
        "web.enable-remote-write-receiver",
        "remote-write-receiver",
    ),
    (
        "otlpReceiver",
        "web.enable-otlp-receiver",
        "otlp-write-receiver",
    ),
    ("adminAPI", "web.enable-admin-api", ""),
];

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    let allowed = |way: &str| case.policy.allow.inbound.iter().any(|one| one == way);
    for place in case.places("open-inbound", Sort::Switch) {
        if let Some(way) = opened(case, place).filter(|way| !allowed(way)) {
            findings.place(place, sentence(way));
        }
    }
    for argument in Argument::all(case, "open-inbound") {
        let mut ways = WAYS.iter().filter(|(_, name, feature)| {
            argument.name == *name || (!feature.is_empty() && argument.enables(feature))
        });
        if let Some((way, ..)) = ways.find(|(way, ..)| !allowed(way)) {
            findings.place(argument.place, sentence(way));
        }
    }
}

/// The way that a field opens.
fn opened(case: &Case<'_>, place: &Place<'_>) -> Option<&'static str> {
    let (way, opens) = match place.at.last_member()? {
        "enableRemoteWriteReceiver" => ("remoteWriteReceiver", is_on(place.value)),
        "remoteWriteReceiverMessageVersions" => ("remoteWriteReceiver", !is_empty(place.value)),
        "enableOTLPReceiver" => ("otlpReceiver", is_on(place.value)),
        "otlp" => (
            "otlpReceiver",
            case.subject.spec("enableOTLPReceiver").is_none(),
        ),
        _ => ("adminAPI", is_on(place.value)),
    };
    opens.then_some(way)
}

fn sentence(way: &str) -> String {
    format!("opens {way}, which allow.inbound does not name")
}
