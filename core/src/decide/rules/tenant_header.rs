//! `tenant-header`: a header speaks for a tenant.
//!
//! Receive files samples under the tenant header that it is told of, and under `THANOS-TENANT` whatever it is told. Go
//! sets headers in no certain order, so two that differ only in case are one of the two.

use std::collections::BTreeSet;

use super::case::{Case, Findings};
use super::headers;
use crate::fields::sensitive::Sort;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    let of_wirings: Vec<&str> = case
        .rules
        .wirings()
        .iter()
        .filter_map(|wiring| wiring.entry.tenant.as_ref())
        .map(|(header, _)| header.as_str())
        .collect();
    let mut seen: BTreeSet<(*const serde_json::Value, String)> = BTreeSet::new();
    for place in case.places("tenant-header", Sort::Header) {
        let name = place.at.last_member().unwrap_or_default();
        let twice = !seen.insert((std::ptr::from_ref(place.parent), name.to_lowercase()));
        if headers::names_tenant(name, of_wirings.iter().copied()) && !case.set_by_wiring(place) {
            findings.place(
                place,
                "speaks for a tenant: the gateway sets it from the credential",
            );
        } else if twice {
            findings.place(place, "differs from another header only in case");
        }
    }
}
