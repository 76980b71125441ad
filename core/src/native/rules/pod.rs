//! The rules about the pod: what it reaches on its node, and which images it runs.

use super::sight::empty;
use super::{each, has_prefix, is_filled, is_on, one, rows};
use crate::decide::rules::shared::{HARMLESS, INJECTED, NETWORKS};
use crate::fields::sensitive::Sort;
use crate::native::cel::{self, Here};
use crate::native::{Check, Cover};
use crate::policy::Policy;
use crate::relabel::quote_meta;

const NODE: &str = "chooses a node";
/// What any node of a kind has.
const COMMON: [&str; 2] = ["kubernetes.io/os", "kubernetes.io/arch"];

pub(super) fn host_access(policy: &Policy) -> Vec<Cover> {
    let mut checks = Vec::new();
    for path in ["hostNetwork", "hostUsers"] {
        checks.push(one(path, "shares what is its node's", &is_on));
    }
    checks.push(one("dnsPolicy", "must be ClusterFirst", &|here| {
        format!("{} != 'ClusterFirst'", here.value)
    }));
    checks.push(one(
        "schedulerName",
        "must be the default scheduler",
        &|here| format!("!({} in ['', 'default-scheduler'])", here.value),
    ));
    for path in ["tolerations", "priorityClassName"] {
        checks.push(empty(path, NODE));
    }
    checks.push(one("nodeSelector", NODE, &|here| {
        format!("!{}.all(key, {})", here.value, cel::is_in("key", COMMON))
    }));
    for path in ["hostAliases", "dnsConfig"] {
        checks.push(empty(path, "changes where names lead"));
    }
    for holder in ["", "containers[].", "initContainers[]."] {
        checks.extend(security(&format!("{holder}securityContext")));
    }
    for list in ["containers", "initContainers"] {
        let sentence = "opens a port of its node";
        checks.push(one(&format!("{list}[].ports[]"), sentence, &|here| {
            format!("has({0}.hostPort) && {0}.hostPort != 0", here.value)
        }));
    }
    if !policy
        .allow
        .volume_types
        .iter()
        .any(|one| one == "hostPath")
    {
        let sentence = "mounts a path of its node";
        checks.push(one("volumes[].hostPath", sentence, &|_| "true".to_owned()));
    }
    checks.extend(affinity());
    for path in rows("host-access", Sort::Host)
        .iter()
        .filter(|path| path.starts_with("podMetadata."))
    {
        let sentence = "attaches a network or loosens confinement";
        checks.push(one(path, sentence, &|here| has_prefix(here, NETWORKS)));
    }
    vec![Cover::Exact(checks)]
}

/// A pod's or a container's.
fn security(path: &str) -> Vec<Check> {
    let wrong = |member: &str, here: &Here<'_>| {
        let value = here.value;
        match member {
            "runAsUser" | "runAsGroup" | "fsGroup" => format!("{value} == 0"),
            "supplementalGroups" => format!("{value}.exists(id, id == 0)"),
            "runAsNonRoot" => format!("{value} != true"),
            "privileged" | "allowPrivilegeEscalation" => is_on(here),
            "capabilities" => format!("has({value}.add) && {value}.add.size() > 0"),
            "procMount" => format!("{value} != 'Default'"),
            "seccompProfile" | "appArmorProfile" => {
                format!("!(has({value}.type) && {value}.type in ['RuntimeDefault', 'Localhost'])")
            }
            "seLinuxOptions" => cel::any(
                ["user", "role", "type"]
                    .map(|member| format!("has({value}.{member}) && {value}.{member} != ''")),
            ),
            _ => is_filled(here),
        }
    };
    let members = [
        "runAsUser",
        "runAsGroup",
        "fsGroup",
        "supplementalGroups",
        "runAsNonRoot",
        "privileged",
        "allowPrivilegeEscalation",
        "capabilities",
        "procMount",
        "seccompProfile",
        "appArmorProfile",
        "seLinuxOptions",
        "sysctls",
        "windowsOptions",
    ];
    let of_pod = |member: &&str| matches!(*member, "fsGroup" | "supplementalGroups" | "sysctls");
    let of_container = |member: &&str| {
        matches!(
            *member,
            "privileged" | "allowPrivilegeEscalation" | "capabilities" | "procMount"
        )
    };
    let is_pod = path == "securityContext";
    members
        .iter()
        .filter(|member| {
            if is_pod {
                !of_container(member)
            } else {
                !of_pod(member)
            }
        })
        .map(|member| {
            one(
                &format!("{path}.{member}"),
                "is root, privileged or unconfined",
                &|here| wrong(member, here),
            )
        })
        .collect()
}

fn affinity() -> Vec<Check> {
    let mut checks = vec![
        empty("affinity.nodeAffinity", NODE),
        empty("affinity.podAffinity", NODE),
    ];
    for (list, term) in [
        ("requiredDuringSchedulingIgnoredDuringExecution", ""),
        (
            "preferredDuringSchedulingIgnoredDuringExecution",
            ".podAffinityTerm",
        ),
    ] {
        let path = format!("affinity.podAntiAffinity.{list}[]");
        checks.push(one(&path, "looks at pods of other namespaces", &|here| {
            let term = format!("{}{term}", here.value);
            format!(
                "(has({term}.namespaces) && {term}.namespaces.size() > 0) || has({term}.namespaceSelector)"
            )
        }));
    }
    checks
}

pub(super) fn pod_containers(policy: &Policy) -> Vec<Cover> {
    let id = "pod-containers";
    let (mut checks, mut images) = (Vec::new(), Vec::new());
    let patterns = policy
        .images
        .iter()
        .filter_map(|pattern| image(pattern.written()));
    let patterns: Vec<String> = patterns.collect();
    let is_allowed = |here: &Here<'_>| {
        let value = here.value;
        let matches = patterns
            .iter()
            .map(|expression| format!("{value}.matches({})", cel::text(expression)));
        format!(
            "{value}.trim() != '' && !(!{value}.startsWith('index.docker.io/') && ({}))",
            cel::any(matches)
        )
    };
    let sentence = "is an image that allow.images does not name";
    for path in rows(id, Sort::Container) {
        match path.as_str() {
            "containers" | "initContainers" => {
                let sentence =
                    "must not be given: a container may have an allowed image and resources";
                checks.push(one(&format!("{path}[]{{}}"), sentence, &|here| {
                    format!("!({})", cel::is_in(here.key, HARMLESS))
                }));
                images.push(one(&format!("{path}[].image"), sentence, &is_allowed));
            }
            path if path.starts_with("podMetadata.") => {
                let sentence = "lets others put containers into the pod";
                checks.push(one(path, sentence, &|here| has_prefix(here, INJECTED)));
            }
            path if path.ends_with("mage") => images.push(one(path, sentence, &is_allowed)),
            _ => {}
        }
    }
    let allowed = policy.allowed_secrets.iter().flatten();
    let allowed: Vec<&String> = allowed.collect();
    let sentence = "names a Secret that remoteWrite.allowedSecrets does not";
    checks.extend(each(id, Sort::Reference, sentence, &|_, here| {
        let name = format!("{}.name", here.value);
        format!("!(has({name}) && {})", cel::is_in(&name, &allowed))
    }));
    let mut parts = vec![
        Cover::Exact(checks),
        Cover::Stricter(
            images,
            "an image must be spelled with its registry, in lower case",
        ),
    ];
    if policy.minimum_version.is_some() {
        parts.push(Cover::Not(
            "allow.minimumVersion: CEL does not order versions as Prometheus names them",
        ));
    }
    parts
}

/// A pattern of images as an expression: of a whole reference, registry included.
fn image(pattern: &str) -> Option<String> {
    let (name, rest) = crate::decide::rules::shared::image(pattern)?;
    let glob = |text: &str, any: &str| {
        let parts: Vec<String> = text.split('*').map(quote_meta).collect();
        parts.join(any)
    };
    let (domain, path) = name.split_once('/')?;
    let rest = if rest.is_empty() {
        "(:[A-Za-z0-9._-]+)?(@[A-Za-z0-9.:+_=-]+)?".to_owned()
    } else {
        glob(&rest, "[A-Za-z0-9._:@+=-]*")
    };
    Some(format!(
        "^{}/{}{rest}$",
        glob(domain, "[a-z0-9.:-]*"),
        glob(path, "[a-z0-9._-]*")
    ))
}
