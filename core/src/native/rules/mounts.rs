//! `mounts`, exactly.

use super::{each, one, rows};
use crate::decide::rules::shared::TAKEN;
use crate::fields::sensitive::Sort;
use crate::native::cel::{self, Here};
use crate::native::{Check, Cover};
use crate::policy::Policy;

const TYPE: &str = "is of a type that allow.volumeTypes does not name";
const NAME: &str = "is mounted and allow.mounts does not name it";

pub(super) fn mounts(policy: &Policy) -> Vec<Cover> {
    let mut checks = volumes(policy);
    checks.extend(storage(policy));
    for path in rows("mounts", Sort::Host)
        .iter()
        .filter(|path| path.ends_with("olumeMounts[]"))
    {
        checks.push(one(
            path,
            "mounts what is not the object's own, or where others have files",
            &mount,
        ));
    }
    checks.extend(each("mounts", Sort::Reference, NAME, &|_, here| {
        format!("!({})", cel::is_in(here.value, &policy.allow.mounts))
    }));
    vec![Cover::Exact(checks)]
}

fn allows(policy: &Policy, of: &str) -> bool {
    policy.allow.volume_types.iter().any(|one| one == of)
}

/// Whether the name in a member is allowed.
fn named(policy: &Policy, value: &str, member: &str) -> String {
    let name = format!("{value}.{member}");
    format!("has({name}) && {}", cel::is_in(&name, &policy.allow.mounts))
}

fn volumes(policy: &Policy) -> Vec<Check> {
    let mut checks = vec![one("volumes[]{}", TYPE, &|here: &Here<'_>| {
        let types = policy.allow.volume_types.iter().map(String::as_str);
        format!("!({})", cel::is_in(here.key, types.chain(["name"])))
    })];
    if !allows(policy, "emptyDir") {
        // The API server makes an emptyDir of a volume without a source.
        checks.push(one("volumes[]", TYPE, &|here| {
            format!("{0}.all(member, member == 'name')", here.value)
        }));
    }
    for (of, member) in [
        ("secret", "secretName"),
        ("configMap", "name"),
        ("persistentVolumeClaim", "claimName"),
    ] {
        if allows(policy, of) {
            checks.push(one(&format!("volumes[].{of}"), NAME, &|here| {
                format!("!({})", named(policy, here.value, member))
            }));
        }
    }
    if allows(policy, "projected") {
        checks.push(one("volumes[].projected.sources[]{}", NAME, &|here| {
            let may = ["secret", "configMap"].map(|of| {
                format!(
                    "({} == '{of}' && {})",
                    here.key,
                    named(policy, here.value, "name")
                )
            });
            let may = may
                .into_iter()
                .chain([format!("{} == 'downwardAPI'", here.key)]);
            format!("!({})", cel::any(may))
        }));
    }
    if allows(policy, "ephemeral") {
        checks.extend(claim("volumes[].ephemeral.volumeClaimTemplate"));
    }
    if allows(policy, "csi") {
        checks.push(one("volumes[].csi.nodePublishSecretRef", NAME, &|here| {
            format!(
                "{0}.size() > 0 && !({1})",
                here.value,
                named(policy, here.value, "name")
            )
        }));
    }
    checks
}

/// `storage` is an emptyDir, an ephemeral volume or else a claim.
fn storage(policy: &Policy) -> Vec<Check> {
    let mut checks = vec![one("storage", TYPE, &|here| {
        let value = here.value;
        let allowed = |of| allows(policy, of);
        format!(
            "!(has({value}.emptyDir) ? {} : has({value}.ephemeral) ? {} : {})",
            allowed("emptyDir"),
            allowed("ephemeral"),
            allowed("persistentVolumeClaim")
        )
    })];
    checks.extend(claim("storage.ephemeral.volumeClaimTemplate"));
    checks.extend(claim("storage.volumeClaimTemplate"));
    checks
}

/// A new claim must be of a new volume.
fn claim(path: &str) -> Vec<Check> {
    ["volumeName", "selector", "dataSource", "dataSourceRef"]
        .map(|member| {
            super::sight::empty(
                &format!("{path}.spec.{member}"),
                "takes a volume that is there already",
            )
        })
        .into()
}

fn mount(here: &Here<'_>) -> String {
    let (value, spec) = (here.value, here.holder);
    let own = format!(
        "has({value}.name) && {value}.name != '' && has({spec}.volumes) && \
         {spec}.volumes.exists(volume, has(volume.name) && volume.name == {value}.name)"
    );
    let steps = format!("{value}.mountPath.split('/').filter(step, step != '' && step != '.')");
    let plain = format!("('/' + {steps}.join('/') + '/')");
    let taken = cel::any([
        format!("!has({value}.mountPath)"),
        format!("!{value}.mountPath.startsWith('/')"),
        format!("{steps}.size() == 0"),
        format!("{steps}.exists(step, step == '..')"),
        format!(
            "{}.exists(taken, {plain}.startsWith(taken + '/') || (taken + '/').startsWith({plain}))",
            cel::texts(TAKEN)
        ),
    ]);
    let shares =
        format!("has({value}.mountPropagation) && !({value}.mountPropagation in ['', 'None'])");
    cel::any([format!("!({own})"), taken, shares])
}
