//! Label selectors and what else selects an object, as CEL.

use kube_core::{Expression, Selector};

use std::sync::Arc;

use super::cel::{self, Here};
use crate::names;
use crate::wiring::{OptOut, Wiring};

/// Whether labels, a map that may be missing, match.
fn matches(selector: &Selector, labels: &str) -> String {
    let one = |expression: Expression| {
        let has = |key: &str| format!("{} in {labels}", cel::text(key));
        let value = |key: &str| format!("{labels}[{}]", cel::text(key));
        match expression {
            Expression::In(key, values) => {
                format!("{} && {}", has(&key), cel::is_in(&value(&key), values))
            }
            Expression::NotIn(key, values) => {
                format!("!({} && {})", has(&key), cel::is_in(&value(&key), values))
            }
            Expression::Equal(key, wanted) => {
                format!("{} && {} == {}", has(&key), value(&key), cel::text(&wanted))
            }
            Expression::NotEqual(key, wanted) => {
                format!(
                    "!({} && {} == {})",
                    has(&key),
                    value(&key),
                    cel::text(&wanted)
                )
            }
            Expression::Exists(key) => has(&key),
            Expression::DoesNotExist(key) => format!("!({})", has(&key)),
        }
    };
    cel::all(selector.clone().into_iter().map(one))
}

/// Whether a wiring selects the object at hand, as `variables.labels` and `variables.namespaceLabels` have it.
pub(super) fn selects(wiring: &Wiring) -> String {
    let kinds = wiring.kinds.iter().map(|kind| kind.name());
    cel::all([
        cel::is_in("variables.whole.kind", kinds),
        matches(&wiring.namespaces, "variables.namespaceLabels"),
        matches(&wiring.objects, "variables.labels"),
        opted_in(wiring, "variables.labels").unwrap_or_default(),
    ])
}

/// Whether a value at `steps` below a field of an entry is the one that a wiring sets there. The wiring must select the
/// object, and the entry have its name and url.
pub(super) fn set_by_wiring(
    wirings: &[Arc<Wiring>],
    field: &str,
    steps: &[&str],
    here: &Here<'_>,
) -> String {
    let one = |wiring: &Arc<Wiring>| {
        let mut fields = wiring.entry.enforced.iter();
        let (_, value) = fields.find(|(name, _)| *name == field)?;
        let value = steps
            .iter()
            .try_fold(value, |value, step| value.get(step))?;
        let value = cel::value(value, "", &|_, text| cel::text(text));
        Some(cel::all([
            is_entry_of(wiring, here.holder),
            format!("{} == {value}", here.value),
            selects(wiring),
        ]))
    };
    cel::any(wirings.iter().filter_map(one))
}

/// Whether an entry is the one of a wiring that selects the object.
pub(super) fn is_entry_of_any(wirings: &[Arc<Wiring>], entry: &str) -> String {
    let one = |wiring: &Arc<Wiring>| cel::all([is_entry_of(wiring, entry), selects(wiring)]);
    cel::any(wirings.iter().map(one))
}

/// Whether a header of an entry is the tenant's that a wiring sets there, by its name.
pub(super) fn names_tenant_of(wirings: &[Arc<Wiring>], here: &Here<'_>) -> String {
    let one = |wiring: &Arc<Wiring>| {
        let (header, _) = wiring.entry.tenant.as_ref()?;
        Some(cel::all([
            format!("{} == {}", here.key, cel::text(header)),
            is_entry_of(wiring, here.holder),
            selects(wiring),
        ]))
    };
    cel::any(wirings.iter().filter_map(one))
}

/// The same, with the very value that the wiring sets.
pub(super) fn is_tenant_of(wirings: &[Arc<Wiring>], here: &Here<'_>) -> String {
    let one = |wiring: &Arc<Wiring>| {
        let (_, template) = wiring.entry.tenant.as_ref()?;
        let value = template.parts(
            &wiring.cluster,
            cel::text,
            "variables.whole.metadata.namespace",
            "variables.whole.metadata.name",
        );
        let named = names_tenant_of(std::slice::from_ref(wiring), here);
        Some(format!("{} == {value} && ({named})", here.value))
    };
    cel::any(wirings.iter().filter_map(one))
}

/// Whether an entry has a wiring's name and url.
pub(super) fn is_entry_of(wiring: &Wiring, entry: &str) -> String {
    format!(
        "has({entry}.name) && {entry}.name == {} && {entry}.url == {}",
        cel::text(&wiring.entry.name),
        cel::text(&wiring.entry.url)
    )
}

/// Whether the object does not opt out; `None` where it may not.
pub(super) fn opted_in(wiring: &Wiring, labels: &str) -> Option<String> {
    let key = cel::text(names::WIRE);
    (wiring.opt_out == OptOut::Allowed).then(|| {
        format!(
            "!({key} in {labels} && {labels}[{key}] == {})",
            cel::text(names::DISABLED)
        )
    })
}
