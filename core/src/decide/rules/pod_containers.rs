//! `pod-containers`: the object changes what runs in its pod.
//!
//! Entries of `containers` and `initContainers` are merged by name onto the operator's own, and those of other names run
//! beside them, with the pod's files, network and token. So an entry may choose an allowed image and its resources; a
//! command, an argument, a variable, a mount or a probe of its own would make any image anybody's.

use serde_json::Value;

use super::case::{Case, Findings};
use super::image::{Image, is_below};
use super::places::{Place, Spot};
use super::shape::{self, text};
use crate::fields::sensitive::Sort;
use crate::subject::Kind;
use crate::versions;

/// Labels and annotations of a pod by which others put containers into it, some with an image of the object's choice.
pub(crate) const INJECTED: &[&str] = &[
    "config.linkerd.io/",
    "inject.istio.io/",
    "linkerd.io/",
    "sidecar.istio.io/",
    "sidecar.opentelemetry.io/",
    "vault.hashicorp.com/",
];

/// What an entry may have.
pub(crate) const HARMLESS: &[&str] = &["name", "image", "imagePullPolicy", "resources"];

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for place in case.places("pod-containers", Sort::Container) {
        match place.at.names().as_slice() {
            ["containers" | "initContainers"] => containers(case, place, findings),
            [.., "image" | "baseImage"] => image(case, &place.at, place.value, findings),
            ["tag"] => tag(case, place, findings),
            ["podMetadata", _, key] if shape::has_prefix(key, INJECTED) => {
                findings.place(place, "lets others put containers into the pod");
            }
            _ => {}
        }
    }
    for place in case.places("pod-containers", Sort::Reference) {
        let name = text(place.value, "name");
        let allowed = case.policy.allowed_secrets.as_ref();
        if !allowed.is_some_and(|names| names.contains(name)) {
            findings.place(
                place,
                "names a Secret that remoteWrite.allowedSecrets does not",
            );
        }
    }
    version(case, findings);
}

fn containers(case: &Case<'_>, place: &Place<'_>, findings: &mut Findings) {
    let Some(entries) = place.value.as_array() else {
        findings.place(place, "must be a list");
        return;
    };
    for (at, entry) in entries.iter().enumerate() {
        let spot = place.at.item(at, entry);
        let Some(members) = entry.as_object() else {
            findings.at(&spot, entry, "must be a container");
            continue;
        };
        for (name, value) in members {
            if name == "image" {
                image(case, &spot.member(name), value, findings);
            } else if !HARMLESS.contains(&name.as_str()) && !value.is_null() {
                findings.at(
                    &spot.member(name),
                    value,
                    "must not be given: a container may have an allowed image and resources",
                );
            }
        }
    }
}

fn image(case: &Case<'_>, spot: &Spot<'_>, value: &Value, findings: &mut Findings) {
    // The operator takes its own where the text is blank (`BuildImagePath` in prometheus-operator
    // `pkg/operator/image.go`).
    if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
        return;
    }
    let image = value.as_str().and_then(Image::read);
    let Some(image) = image.filter(|image| image.allowed(&case.policy.images)) else {
        findings.at(spot, value, "is an image that allow.images does not name");
        return;
    };
    let runs_prometheus = matches!(spot.names().as_slice(), ["image" | "baseImage"]);
    if runs_prometheus && is_old(case, image.version().as_ref()) {
        findings.at(spot, value, "is older than allow.minimumVersion");
    }
}

fn tag(case: &Case<'_>, place: &Place<'_>, findings: &mut Findings) {
    let version = place.value.as_str().and_then(versions::parse);
    if is_old(case, version.as_ref()) {
        findings.place(place, "is older than allow.minimumVersion");
    }
}

/// The version that the configuration is written for, and that is run where no image names another.
fn version(case: &Case<'_>, findings: &mut Findings) {
    if case.policy.minimum_version.is_none() || case.subject.kind == Kind::ThanosRuler {
        return;
    }
    let spot = Spot::default().member("version");
    let own = case.subject.spec("version");
    if let Some(own) = own.filter(|own| own.as_str().is_none_or(|text| !text.trim().is_empty())) {
        match own.as_str().and_then(versions::parse) {
            None => findings.at(&spot, own, "must be a version such as v3.5.0"),
            Some(version) if is_old(case, Some(&version)) => {
                findings.at(&spot, own, "is older than allow.minimumVersion");
            }
            Some(_) => {}
        }
        return;
    }
    let default = case
        .facts
        .operator
        .as_ref()
        .and_then(versions::default_prometheus);
    if is_old(case, default.as_ref()) {
        findings.at(
            &spot,
            &Value::Null,
            "must be given: what the operator runs without it is older than allow.minimumVersion",
        );
    } else if default.is_none() {
        findings.at(
            &spot,
            &Value::Null,
            "should be given: nobody knows what the operator runs without it",
        );
        findings.only_warn();
    }
}

fn is_old(case: &Case<'_>, version: Option<&semver::Version>) -> bool {
    case.subject.kind != Kind::ThanosRuler
        && version
            .zip(case.policy.minimum_version.as_ref())
            .is_some_and(|(version, minimum)| is_below(version, minimum))
}
