//! The rules about what is out of sight or open to others: all of them can be said exactly.

use super::{each, is_filled, is_kind, is_on, one};
use crate::decide::rules::shared::{CONFIGURATION, STREAMS, WAYS};
use crate::fields::sensitive::Sort;
use crate::names;
use crate::native::cel::{self, Here};
use crate::native::{Check, Cover};
use crate::policy::Policy;
use crate::relabel::quote_meta;
use crate::subject::Kind;

/// Whether an item of `additionalArgs` is one of these arguments, with or without a value behind `=`.
fn is_argument(here: &Here<'_>, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| quote_meta(name)).collect();
    let expression = format!("(?s)^-*({})(=.*)?$", names.join("|"));
    format!(
        "has({0}.name) && {0}.name.matches({1})",
        here.value,
        cel::text(&expression)
    )
}

/// Whether an item of `additionalArgs` or of `enableFeatures` switches a feature on.
fn enables(path: &str, here: &Here<'_>, feature: &str) -> String {
    let item = here.value;
    let holds = format!(
        ".split(',').exists(one, one.trim() == {})",
        cel::text(feature)
    );
    if path.starts_with("enableFeatures") {
        return format!("{item}{holds}");
    }
    format!(
        "{} && ({item}.name.matches('(?s)=.') ? {item}.name.substring({item}.name.indexOf('=') + 1) : \
         has({item}.value) ? {item}.value : ''){holds}",
        is_argument(here, &["enable-feature"])
    )
}

pub(super) fn evasion() -> Vec<Cover> {
    let id = "evasion";
    let mut checks = each(
        id,
        Sort::Switch,
        "must not be set: the operator would leave the configuration as it is",
        &|_, here| is_on(here),
    );
    let controller = cel::text(names::CONTROLLER_ID);
    let annotation =
        |object: &str| format!("dyn({object}).?metadata.?annotations[?{controller}].orValue('')");
    checks.push(Check::new(
        cel::whole(
            &|object| format!("{} != ''", annotation(object)),
            &annotation,
        ),
        format!(
            "metadata.annotations[{}] hands the object to another operator",
            names::CONTROLLER_ID
        ),
    ));
    checks.extend(
        each(
            id,
            Sort::Selector,
            "would bring remote-write entries that admission has not seen",
            &|path, _| path.starts_with("remoteWrite").to_string(),
        )
        .into_iter()
        .filter(|check| check.message.starts_with("spec.remoteWrite")),
    );
    let monitors = ["serviceMonitor", "podMonitor", "probe", "scrapeConfig"];
    checks.push(Check::new(
        cel::spec(
            &|spec| {
                let none = monitors.map(|monitor| format!("!has({spec}.{monitor}Selector)"));
                cel::all([is_kind(Kind::Prometheus)].into_iter().chain(none))
            },
            &|_| "true".to_owned(),
        ),
        "spec must have a serviceMonitorSelector, podMonitorSelector, probeSelector or scrapeConfigSelector",
    ));
    checks.extend(each(
        id,
        Sort::Container,
        "carries configuration past the object's own fields",
        &|_, here| is_argument(here, CONFIGURATION),
    ));
    vec![Cover::Exact(checks)]
}

pub(super) fn open_inbound(policy: &Policy) -> Vec<Cover> {
    let id = "open-inbound";
    let allowed = |way: &str| policy.allow.inbound.iter().any(|one| one == way);
    let sentence = "opens a way in that allow.inbound does not name";
    let opens = |path: &str, here: &Here<'_>| {
        let (way, opens) = match path {
            "enableRemoteWriteReceiver" => ("remoteWriteReceiver", is_on(here)),
            "remoteWriteReceiverMessageVersions" => ("remoteWriteReceiver", is_filled(here)),
            "enableOTLPReceiver" => ("otlpReceiver", is_on(here)),
            "otlp" => (
                "otlpReceiver",
                format!("!has({}.enableOTLPReceiver)", here.holder),
            ),
            _ => ("adminAPI", is_on(here)),
        };
        if allowed(way) {
            "false".to_owned()
        } else {
            opens
        }
    };
    let closed = WAYS.iter().filter(|(way, ..)| !allowed(way));
    let closed: Vec<_> = closed.collect();
    let argued = |path: &str, here: &Here<'_>| {
        cel::any(closed.iter().flat_map(|(_, name, feature)| {
            let argument =
                (!path.starts_with("enableFeatures")).then(|| is_argument(here, &[name]));
            let feature = (!feature.is_empty()).then(|| enables(path, here, feature));
            argument.into_iter().chain(feature)
        }))
    };
    let mut checks = each(id, Sort::Switch, sentence, &opens);
    checks.extend(each(id, Sort::Container, sentence, &argued));
    vec![Cover::Exact(checks)]
}

pub(super) fn raw_arguments() -> Vec<Cover> {
    let there = |_: &str, _: &Here<'_>| "true".to_owned();
    let id = "raw-arguments";
    let mut checks = each(id, Sort::Container, "must not be passed as it is", &there);
    let sentence = "must not be set: it switches a feature on";
    checks.extend(each(id, Sort::Switch, sentence, &there));
    vec![Cover::Exact(checks)]
}

pub(super) fn opaque_config() -> Vec<Cover> {
    let id = "opaque-config";
    let mut checks = each(
        id,
        Sort::Reference,
        "holds configuration that admission cannot see: use the operator's own fields",
        &|path, _| {
            if path == "tracingConfig" {
                is_kind(Kind::ThanosRuler)
            } else {
                "true".to_owned()
            }
        },
    );
    let sentence = "reads configuration from a file that admission cannot see";
    checks.extend(each(id, Sort::File, sentence, &|_, here| is_filled(here)));
    vec![Cover::Exact(checks)]
}

pub(super) fn objstore_reference() -> Vec<Cover> {
    let id = "objstore-reference";
    let sentence = format!(
        "must name one of the keys {}",
        names::OBJSTORE_KEYS.join(", ")
    );
    let mut checks = each(id, Sort::Reference, &sentence, &|_, here| {
        let key = format!("{}.key", here.value);
        format!(
            "!(has({key}) && {})",
            cel::is_in(&key, names::OBJSTORE_KEYS)
        )
    });
    let sentence = "must be in a Secret: a file of the pod is not judged";
    checks.extend(each(id, Sort::File, sentence, &|_, here| is_filled(here)));
    let sentence = "must be in a Secret: an argument is not judged";
    checks.extend(each(id, Sort::Container, sentence, &|_, here| {
        is_argument(here, &["objstore.config", "objstore.config-file"])
    }));
    vec![Cover::Exact(checks)]
}

pub(super) fn cross_namespace() -> Vec<Cover> {
    let sentence = "must be left out, or name the object's own namespace alone";
    let mut checks = each(
        "cross-namespace",
        Sort::Selector,
        sentence,
        &|path, here| {
            if path.ends_with(".namespace") {
                format!("{} != variables.whole.metadata.namespace", here.value)
            } else {
                "true".to_owned()
            }
        },
    );
    checks.push(not_true(
        &["ignoreNamespaceSelectors"],
        "must be true, or monitors choose namespaces themselves",
    ));
    vec![Cover::Exact(checks)]
}

pub(super) fn monitor_file_access() -> Vec<Cover> {
    let names = ["arbitraryFSAccessThroughSMs", "deny"];
    vec![Cover::Exact(vec![not_true(&names, "must be true")])]
}

/// A switch that must be on, of the kinds that have it.
fn not_true(names: &[&str], sentence: &str) -> Check {
    let value = |spec: &str| format!("dyn({spec}).?{}", names.join(".?"));
    let wrong = |spec: &str| {
        format!(
            "!({}) && {}.orValue(false) != true",
            is_kind(Kind::ThanosRuler),
            value(spec)
        )
    };
    Check::new(
        cel::spec(&wrong, &value),
        format!("spec.{} {sentence}", names.join(".")),
    )
}

pub(super) fn file_writes() -> Vec<Cover> {
    let sentence = "writes a file in the pod; /dev/stdout would go into its log";
    let checks = each("file-writes", Sort::File, sentence, &|_, here| {
        format!(
            "{} && !({})",
            is_filled(here),
            cel::is_in(here.value, STREAMS)
        )
    });
    vec![Cover::Exact(checks)]
}

/// For the pod's rules: a field that must hold nothing.
pub(super) fn empty(path: &str, sentence: &str) -> Check {
    one(path, sentence, &is_filled)
}
