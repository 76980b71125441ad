//! `mounts`: the object mounts what the policy does not allow.
//!
//! Volumes are held against `allow.volumeTypes`, and the Secrets, ConfigMaps and claims that they name against
//! `allow.mounts`. A mount may be of a volume that the object brings, and at no place where the operator or the image
//! keeps its own files: with a `subPath` one file there could be replaced.

use serde_json::Value;

use super::case::{Case, Findings};
use super::image::Image;
use super::places::{Place, Spot};
use super::shape::{is_empty, text};
use crate::fields::sensitive::Sort;

/// Where the operator mounts configuration, certificates and data (prometheus-operator `pkg/prometheus/common.go`,
/// `pkg/thanos/statefulset.go`), and where programs, the pod's token and the names of hosts are.
pub(crate) const TAKEN: &[&str] = &[
    "/bin",
    "/dev",
    "/etc/hosts",
    "/etc/prometheus",
    "/etc/resolv.conf",
    "/etc/thanos",
    "/etc/tls",
    "/lib",
    "/lib64",
    "/prometheus",
    "/proc",
    "/run/secrets",
    "/sbin",
    "/sys",
    "/thanos",
    "/usr",
    "/var/run/secrets",
];

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for place in case.places("mounts", Sort::Host) {
        match place.at.names().as_slice() {
            ["volumes"] => volumes(case, place, findings),
            ["storage"] => storage(case, place, findings),
            _ => mount(case, place, findings),
        }
    }
    for place in case.places("mounts", Sort::Reference) {
        if !allows(case, place.value.as_str()) {
            findings.place(place, NAME);
        }
    }
}

fn allows(case: &Case<'_>, name: Option<&str>) -> bool {
    name.is_some_and(|name| case.policy.allow.mounts.iter().any(|one| one == name))
}

fn allows_type(case: &Case<'_>, of: &str) -> bool {
    case.policy.allow.volume_types.iter().any(|one| one == of)
}

const TYPE: &str = "is of a type that allow.volumeTypes does not name";
const NAME: &str = "is mounted and allow.mounts does not name it";

fn volumes(case: &Case<'_>, place: &Place<'_>, findings: &mut Findings) {
    let Some(volumes) = place.value.as_array() else {
        findings.place(place, "must be a list");
        return;
    };
    for (at, volume) in volumes.iter().enumerate() {
        let spot = place.at.item(at, volume);
        let members = volume.as_object().into_iter().flatten();
        let mut bare = true;
        for (of, source) in members.filter(|(name, value)| *name != "name" && !value.is_null()) {
            bare = false;
            let spot = spot.member(of);
            if allows_type(case, of) {
                volume_source(case, &spot, of, source, findings);
            } else {
                findings.at(&spot, source, TYPE);
            }
        }
        // The API server makes an emptyDir of a volume without a source.
        if bare && !allows_type(case, "emptyDir") {
            findings.at(&spot, volume, TYPE);
        }
    }
}

/// What a volume of an allowed type takes by name.
fn volume_source(
    case: &Case<'_>,
    spot: &Spot<'_>,
    of: &str,
    source: &Value,
    findings: &mut Findings,
) {
    let name = match of {
        "secret" => "secretName",
        "configMap" => "name",
        "persistentVolumeClaim" => "claimName",
        "projected" => return projected(case, spot, source, findings),
        "ephemeral" => {
            let template = source.get("volumeClaimTemplate").unwrap_or(&Value::Null);
            return claim(&spot.member("volumeClaimTemplate"), template, findings);
        }
        "image" => {
            let image = Image::read(text(source, "reference"));
            if !image.is_some_and(|image| image.allowed(&case.policy.images)) {
                let sentence = "is an image that allow.images does not name";
                findings.at(&spot.member("reference"), source, sentence);
            }
            return;
        }
        _ => return driver(case, spot, source, findings),
    };
    if !allows(case, source.get(name).and_then(Value::as_str)) {
        findings.at(&spot.member(name), source, NAME);
    }
}

/// Drivers take the Secret that they log in with by one of these.
fn driver(case: &Case<'_>, spot: &Spot<'_>, source: &Value, findings: &mut Findings) {
    for member in ["secretName", "secretRef", "nodePublishSecretRef"] {
        let Some(secret) = source.get(member).filter(|secret| !is_empty(secret)) else {
            continue;
        };
        let name = secret.as_str().unwrap_or_else(|| text(secret, "name"));
        if !allows(case, Some(name)) {
            findings.at(&spot.member(member), secret, NAME);
        }
    }
}

fn projected(case: &Case<'_>, spot: &Spot<'_>, source: &Value, findings: &mut Findings) {
    let sources = source.get("sources").and_then(Value::as_array);
    for (at, one) in sources.into_iter().flatten().enumerate() {
        let spot = spot.member("sources");
        let spot = spot.item(at, one);
        let members = one.as_object().into_iter().flatten();
        for (of, inner) in members.filter(|(_, inner)| !inner.is_null()) {
            let sentence = match of.as_str() {
                "downwardAPI" => continue,
                "secret" | "configMap" if allows(case, Some(text(inner, "name"))) => continue,
                "secret" | "configMap" => NAME,
                _ => "gives the pod a token or a certificate",
            };
            findings.at(&spot.member(of), inner, sentence);
        }
    }
}

/// `storage` is an emptyDir, an ephemeral volume or else a claim, in this order (`makeStatefulSetSpec` in
/// prometheus-operator `pkg/prometheus/server/statefulset.go`); absent it is an emptyDir that nobody chose.
fn storage(case: &Case<'_>, place: &Place<'_>, findings: &mut Findings) {
    let member = |name: &str| place.value.get(name).filter(|value| !value.is_null());
    let of = match (member("emptyDir"), member("ephemeral")) {
        (Some(_), _) => "emptyDir",
        (None, Some(_)) => "ephemeral",
        (None, None) => "persistentVolumeClaim",
    };
    if !allows_type(case, of) {
        findings.place(place, TYPE);
        return;
    }
    if let Some(template) = member("ephemeral").and_then(|one| one.get("volumeClaimTemplate")) {
        let spot = place.at.member("ephemeral").member("volumeClaimTemplate");
        claim(&spot, template, findings);
    }
    if let Some(template) = member("volumeClaimTemplate") {
        claim(&place.at.member("volumeClaimTemplate"), template, findings);
    }
}

/// A new claim must be of a new volume: the fields here bind it to one that is there, or fill it from another.
fn claim(spot: &Spot<'_>, template: &Value, findings: &mut Findings) {
    let spec = template.get("spec").unwrap_or(&Value::Null);
    for member in ["volumeName", "selector", "dataSource", "dataSourceRef"] {
        if let Some(value) = spec.get(member).filter(|value| !is_empty(value)) {
            findings.at(
                &spot.member("spec").member(member),
                value,
                "takes a volume that is there already",
            );
        }
    }
}

fn mount(case: &Case<'_>, place: &Place<'_>, findings: &mut Findings) {
    let name = text(place.value, "name");
    let volumes = case.subject.spec("volumes").and_then(Value::as_array);
    let own = volumes
        .into_iter()
        .flatten()
        .any(|volume| !name.is_empty() && text(volume, "name") == name);
    if !own {
        findings.place(place, "mounts a volume that the object does not bring");
    }
    if is_taken(text(place.value, "mountPath")) {
        findings.place(
            place,
            "is mounted where the operator or the image has its own files",
        );
    }
    let propagation = text(place.value, "mountPropagation");
    if !matches!(propagation, "" | "None") {
        findings.place(place, "shares mounts with the node");
    }
}

/// Whether a path is no plain absolute one, or lies at, in or above a taken one.
fn is_taken(path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else {
        return true;
    };
    let steps: Vec<&str> = path
        .split('/')
        .filter(|step| !step.is_empty() && *step != ".")
        .collect();
    steps.is_empty()
        || steps.contains(&"..")
        || TAKEN.iter().any(|taken| {
            let taken = taken.split('/').skip(1);
            steps.iter().zip(taken).all(|(step, taken)| *step == taken)
        })
}

#[cfg(test)]
mod tests {
    use super::is_taken;

    #[test]
    fn a_mount_keeps_off_what_is_there() {
        for path in [
            "/tmp",
            "/data/a",
            "/etc/ssl/certs",
            "/prometheus2",
            "/mnt/..",
        ] {
            assert_eq!(is_taken(path), path.contains(".."), "{path}");
        }
        for path in [
            "",
            "/",
            "//",
            "etc",
            "/etc",
            "/etc/",
            "/etc/./prometheus//config_out",
            "/var",
            "/var/run",
            "/prometheus",
            "/tmp/../etc/prometheus",
        ] {
            assert!(is_taken(path), "{path}");
        }
    }
}
