//! Label selectors and what else selects an object, as CEL.

use kube_core::{Expression, Selector};

use super::cel;
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
